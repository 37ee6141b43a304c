"""Two people: what is parked is not in the books, and comes into them by another than entered it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest
from peewee import PeeweeException

from opus_soap.database import is_postgresql, proxy, transaction
from opus_soap.errors import (
    DecisionRefused,
    OpusSoapError,
    ParkedVoucherChanged,
    ParkedVoucherDecided,
    ParkedVoucherUnknown,
    VoucherRefused,
)
from opus_soap.ledger import parking
from opus_soap.ledger.models import ParkedVoucher, Period, UserRight, Voucher
from opus_soap.ledger.posting import lines_of, post, post_many, reverse
from opus_soap.ledger.verification import verify
from opus_soap.store import audit
from opus_soap.store.schema import migrate


@pytest.fixture
def whole(draft):
    """A voucher with something in every field."""
    line = draft.lines[0]._replace(
        value_date=date(2026, 11, 30),
        profit_center="P210",
        details={"KIDNO": "æ1"},
        origin="1",
    )
    return replace(draft, lines=(line, *draft.lines[1:]), details={"USERNAME": "OLE"}, period=11, year=2026)


@pytest.fixture
def parked(whole, clock):
    (one,) = parking.park_many([whole], clock)
    return one


@pytest.fixture
def right(company, clock):
    """Give a right to release."""

    def give(user: str, limit_ore: int, profit_center: str = "") -> None:
        parking.set_right("999", user, profit_center, limit_ore=limit_ore, actor="test", clock=clock)

    return give


def release(parked, clock, user="anna"):
    return parking.release(parked.uuid, user=user, actor="cli:anna", clock=clock)


def refusals(parked, clock, user="anna"):
    with pytest.raises(VoucherRefused) as refused:
        release(parked, clock, user)
    assert Voucher.select().count() == 0
    return [error.code for error in refused.value.errors]


def test_a_parked_voucher_is_not_in_the_books_and_is_whole(parked, whole):
    assert Voucher.select().count() == 0
    assert parking.draft_of(ParkedVoucher.get()) == replace(whole, uuid=parked.uuid)
    assert parked.amount_ore == 12500


def test_released_it_is_the_voucher_that_was_parked(parked, whole, right, clock):
    right("Anna", 12500)
    voucher = Voucher.get_by_id(release(parked, clock, "ANNA").id)
    assert voucher.uuid == parked.uuid
    assert lines_of(voucher) == tuple(line._replace(origin="") for line in whole.lines)
    assert voucher.details == {"USERNAME": "OLE", "RELEASED_BY": "ANNA"}
    assert verify().ok
    events = [(entry.event, entry.actor, entry.detail.get("user")) for entry in audit.trail(parked.uuid)]
    assert events == [("voucher.parked", "test", None), ("voucher.released", "cli:anna", "ANNA")]


def test_what_is_wrong_is_not_parked(whole, clock):
    (refused,) = parking.park_many([replace(whole, document_type="QQ")], clock)
    assert isinstance(refused, VoucherRefused)
    assert ParkedVoucher.select().count() == 0
    assert parking.park_many([], clock) == []


@pytest.mark.parametrize("user", ["TEST", "ole"])  # the sender; the user that the sender named
def test_whoever_entered_it_cannot_release_it(parked, right, clock, user):
    right(user, 10**9)
    assert refusals(parked, clock, user) == ["LED-038"]


BOTH = ["LED-039"] * 2  # a line of its is on P210, the others are on none
RIGHTS = {
    "none": ([], BOTH),
    "on its profit centre": ([(12500, "P210")], ["LED-039"]),
    "on all": ([(12500, "")], []),
    "too little": ([(12499, "P210"), (12499, "")], BOTH),
    "too little on all": ([(12500, "P210"), (12499, "")], ["LED-039"]),
    "on another profit centre": ([(10**9, "P220")], BOTH),
    "taken away": ([(12500, ""), (0, "")], BOTH),
}


@pytest.mark.parametrize("name", RIGHTS)
def test_rights(parked, right, clock, name):
    given, expected = RIGHTS[name]
    for limit, center in given:
        right("anna", limit, center)
    if expected:
        assert refusals(parked, clock) == expected
    else:
        release(parked, clock)


def test_without_a_profit_centre_it_needs_the_right_to_all(draft, right, clock):
    (parked,) = parking.park_many([draft], clock)
    right("anna", 10**9, "P210")
    assert refusals(parked, clock) == ["LED-039"]


def test_every_profit_centre_counts(whole, right, clock):
    centers = ("P210", "P220", "P210")
    lines = tuple(
        line._replace(profit_center=center) for line, center in zip(whole.lines, centers, strict=True)
    )
    (parked,) = parking.park_many([replace(whole, lines=lines)], clock)
    right("anna", 10**9, "P210")
    assert refusals(parked, clock) == ["LED-039"]
    right("anna", 10**9, "P220")
    release(parked, clock)


def test_a_right_on_one_profit_centre_is_none_to_lines_without(whole, right, clock):
    """999,999 of a million on no profit centre at all are not for whoever may release on P210."""
    right("anna", 10**9, "P210")
    (parked,) = parking.park_many([whole], clock)
    with pytest.raises(DecisionRefused, match=r"may not release 125,00 kr. on \* \(limit 0,00; \* = no"):
        release(parked, clock)


def test_whoever_brought_it_in_cannot_release_it(whole, right, clock):
    (parked,) = parking.park_many([replace(whole, delivered_by=("root", "bent"))], clock)
    for user in ("Root", "bent"):
        right(user, 10**9)
        assert refusals(parked, clock, user) == ["LED-038"]
    right("anna", 10**9)
    details = Voucher.get_by_id(release(parked, clock).id).details
    assert (details["DELIVERED_BY"], details["RELEASED_BY"]) == ("root, bent", "anna")


def test_it_is_checked_again_and_stays_parked(parked, right, clock):
    right("anna", 12500)
    Period.update(open=False).where(Period.number == 11).execute()
    assert refusals(parked, clock) == ["LED-022"]
    Period.update(open=True).where(Period.number == 11).execute()
    release(parked, clock)


def test_it_is_decided_once(parked, right, clock):
    right("anna", 12500)
    release(parked, clock)
    with pytest.raises(ParkedVoucherDecided, match="anna"):
        release(parked, clock, "bent")
    with pytest.raises(ParkedVoucherDecided):
        parking.dismiss(parked.uuid, user="bent", actor="t", reason="", clock=clock)
    with pytest.raises(ParkedVoucherUnknown):
        parking.release(uuid4(), user="anna", actor="t", clock=clock)


def test_dismissed_it_never_comes_into_the_books(parked, right, clock):
    right("anna", 12500)
    parking.dismiss(parked.uuid, user="anna", actor="cli:anna", reason="dobbelt", clock=clock)
    with pytest.raises(ParkedVoucherDecided):
        release(parked, clock)
    assert [entry.detail.get("reason") for entry in audit.trail(parked.uuid)] == [None, "dobbelt"]


@pytest.mark.parametrize(
    ("user", "limit_ore", "center", "expected"),
    [
        ("anna", 0, "", ["LED-044"]),
        ("anna", 12499, "", ["LED-044"]),
        ("anna", 12500, "P220", []),  # any right will do: nothing is posted
        ("ole", 10**9, "", ["LED-038"]),  # whom the sender named
        ("test", 10**9, "", ["LED-038"]),  # who entered it
        ("root", 10**9, "", ["LED-038"]),  # who brought it in
    ],
)
def test_who_dismisses_it_is_another_and_has_a_right(whole, right, clock, user, limit_ore, center, expected):
    (parked,) = parking.park_many([replace(whole, delivered_by=("root",))], clock)
    right(user, limit_ore, center)
    found: list[str] = []
    try:
        parking.dismiss(parked.uuid, user=user, actor="t", reason="x", clock=clock)
    except DecisionRefused as refused:
        found = [error.code for error in refused.errors]
    assert found == expected
    state = ParkedVoucher.get().state
    assert state == (ParkedVoucher.PARKED if expected else ParkedVoucher.DISMISSED)


# --- what was parked, and nothing else


def tamper(change: str) -> None:
    """Change the parked voucher behind the triggers' back."""
    on = " ON parked_voucher" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER parked_voucher_no_change{on}")
    proxy.obj.execute_sql(f"UPDATE parked_voucher SET {change}")
    migrate()


CHANGES = {
    "an amount": "draft = replace(replace(draft, '10000', '90000'), '-12500', '-92500')",
    "white space": "draft = replace(draft, ':', ': ')",
    "no JSON": "draft = replace(draft, '{', '[')",
    "what it is about": "amount_ore = 1",
    "who entered it": "entered_by = 'other'",
    "its number": "reference = 'F-1002'",
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_changed_one_is_not_released_and_is_told(parked, right, clock, name):
    right("anna", 10**9)
    assert verify().ok
    tamper(CHANGES[name])
    with pytest.raises(ParkedVoucherChanged):
        release(parked, clock)
    assert Voucher.select().count() == 0
    assert [problem for problem in verify().problems if str(parked.uuid) in problem]
    parking.dismiss(parked.uuid, user="anna", actor="t", reason="changed", clock=clock)


@pytest.mark.parametrize(
    "change",
    ["amount_ore = 1", "draft = '{}'", "state = 'parked'", "decided_by = 'bent'", "hash = draft"],
)
def test_the_database_refuses_to_change_it(parked, right, clock, change):
    right("anna", 10**9)
    if "parked" in change or "decided_by" in change:
        release(parked, clock)
    change = change.replace("hash = draft", "hash = (SELECT root FROM seal)")
    with pytest.raises(PeeweeException, match="append-only"), transaction():
        proxy.obj.execute_sql(f"UPDATE parked_voucher SET {change}")
    with pytest.raises(PeeweeException, match="append-only"), transaction():
        ParkedVoucher.delete().execute()


DECISIONS = {
    "released, then parked": ("released", "state = 'parked', decided_by = NULL, decided_at = NULL"),
    "released, then dismissed": ("released", "state = 'dismissed'"),
    "by another": ("released", "decided_by = 'bent'"),
    "dismissed, then released": ("dismissed", "state = 'released'"),
    "for another reason": ("dismissed", "reason = 'y'"),
}


@pytest.mark.parametrize("name", DECISIONS)
def test_a_changed_decision_is_told(parked, right, clock, name):
    right("anna", 10**9)
    state, change = DECISIONS[name]
    if state == "released":
        release(parked, clock)
    else:
        parking.dismiss(parked.uuid, user="anna", actor="t", reason="x", clock=clock)
    assert verify().ok
    tamper(change)
    assert [problem for problem in verify().problems if str(parked.uuid) in problem]


def test_a_parked_reversal_is_one_when_it_is_released(draft, right, clock):
    original = post(draft, clock)
    opposite = tuple(line._replace(amount_ore=-line.amount_ore) for line in draft.lines)
    (parked,) = parking.park_many([replace(draft, lines=opposite, reverses=original)], clock)
    right("anna", 10**9)
    assert release(parked, clock).reverses == original
    (late,) = [
        row
        for row in parking.park_many([replace(draft, lines=opposite, reverses=original)], clock)
        if isinstance(row, VoucherRefused)
    ]
    assert [error.code for error in late.errors] == ["LED-024"]


def test_while_a_reversal_is_parked_there_is_no_other(draft, right, clock):
    original = post(draft, clock)
    opposite = tuple(line._replace(amount_ore=-line.amount_ore) for line in draft.lines)
    (parked,) = parking.park_many([replace(draft, lines=opposite, reverses=original)], clock)
    right("anna", 10**9)
    with pytest.raises(VoucherRefused, match="parked"):  # one at a time
        reverse(original, posting_date=date(2026, 11, 24), entered_by="t", source="t", clock=clock)
    (second,) = parking.park_many([replace(draft, lines=opposite, reverses=original)], clock)
    assert [error.code for error in second.errors] == ["LED-043"]
    parking.dismiss(parked.uuid, user="anna", actor="t", reason="x", clock=clock)
    reverse(original, posting_date=date(2026, 11, 24), entered_by="t", source="t", clock=clock)


def test_of_two_reversals_in_one_go_one_is_posted_or_parked(draft, clock):
    original = post(draft, clock)
    opposite = tuple(line._replace(amount_ore=-line.amount_ore) for line in draft.lines)
    both = [replace(draft, lines=opposite, reverses=original, reference=number) for number in ("1", "2")]
    first, second = parking.park_many(both, clock)
    assert isinstance(first, ParkedVoucher)
    assert [(error.code, error.value) for error in second.errors] == [("LED-043", "1")]


def test_of_two_reversals_posted_in_one_go_the_second_is_refused(draft, clock):
    original = post(draft, clock)
    opposite = tuple(line._replace(amount_ore=-line.amount_ore) for line in draft.lines)
    both = [replace(draft, lines=opposite, reverses=original, reference=number) for number in ("1", "2")]
    first, second, third = post_many([*both, draft], clock)
    assert first.reverses == original
    assert [(error.code, error.value) for error in second.errors] == [("LED-024", "1")]
    assert isinstance(third, Voucher)


def test_of_two_who_release_at_once_one_does(parked, right, clock):
    right("anna", 12500)
    right("bent", 12500)
    start = threading.Barrier(2)

    def attempt(user: str) -> str:
        start.wait()
        try:
            release(parked, clock, user)
        except OpusSoapError as error:
            return error.code
        finally:
            proxy.obj.close()
        return "released"

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(attempt, ["anna", "bent"])) == ["LED-037", "released"]
    assert Voucher.select().count() == 1
    assert UserRight.select().where(UserRight.user.in_(("anna", "bent"))).count() == 2


def test_a_right_to_the_invoices_of_an_ean_releases_and_dismisses_nothing(parked, right, clock):
    ean = "5798009900012"
    parking.set_right("999", "anna", "", limit_ore=10**9, actor="test", clock=clock, ean=ean)
    for refused in (
        lambda: release(parked, clock),
        lambda: parking.dismiss(parked.uuid, user="anna", actor="t", reason="x", clock=clock),
    ):
        with pytest.raises(DecisionRefused):
            refused()
    right("anna", 12500)  # beside it, not instead of it
    assert UserRight.select().where(UserRight.user == "anna").count() == 2
    release(parked, clock)
