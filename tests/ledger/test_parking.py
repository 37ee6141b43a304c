"""Two people: what is parked is not in the books, and comes into them by another than entered it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from uuid import uuid4

import pytest

from opus_soap.database import proxy
from opus_soap.errors import OpusSoapError, ParkedVoucherDecided, ParkedVoucherUnknown, VoucherRefused
from opus_soap.ledger import parking
from opus_soap.ledger.models import ParkedVoucher, Period, UserRight, Voucher
from opus_soap.ledger.posting import lines_of, post, reverse
from opus_soap.ledger.verification import verify
from opus_soap.store import audit


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


RIGHTS = {
    "none": ([], ["LED-039"]),
    "on its profit centre": ([(12500, "P210")], []),
    "on all": ([(12500, "")], []),
    "too little": ([(12499, "P210"), (12499, "")], ["LED-039"]),
    "on another profit centre": ([(10**9, "P220")], ["LED-039"]),
    "taken away": ([(12500, ""), (0, "")], ["LED-039"]),
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
    lines = (whole.lines[0], whole.lines[1]._replace(profit_center="P220"), whole.lines[2])
    (parked,) = parking.park_many([replace(whole, lines=lines)], clock)
    right("anna", 10**9, "P210")
    assert refusals(parked, clock) == ["LED-039"]
    right("anna", 10**9, "P220")
    release(parked, clock)


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


def test_reversed_meanwhile_it_stays_parked(draft, right, clock):
    original = post(draft, clock)
    opposite = tuple(line._replace(amount_ore=-line.amount_ore) for line in draft.lines)
    (parked,) = parking.park_many([replace(draft, lines=opposite, reverses=original)], clock)
    right("anna", 10**9)
    reverse(original, posting_date=date(2026, 11, 24), entered_by="t", source="t", clock=clock)
    with pytest.raises(VoucherRefused, match="reversed"):
        release(parked, clock)


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
    assert UserRight.select().count() == 2
