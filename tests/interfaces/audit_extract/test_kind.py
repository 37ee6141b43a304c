"""The auditor's extract goes through two people, and what was produced first counts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opus_soap import errors
from opus_soap.extracts import ordering
from opus_soap.extracts.output import Output
from opus_soap.extracts.verifying import verify
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.ledger.models import Account
from opus_soap.store import audit
from opus_soap.store.audit import trail
from opus_soap.store.extract_models import Extract


def test_requested_approved_by_another_produced_handed_over_and_each_is_noted(books):
    desk, extract = books.desk, books.order()
    assert extract.state == Extract.REQUESTED
    with pytest.raises(errors.ExtractNotReady):
        desk.producer.produce(extract, actor="test")
    with pytest.raises(errors.ApprovalNeeded):
        ordering.approve(extract, actor="test", clock=desk.clock)
    ordering.approve(extract, actor="chief", clock=desk.clock)
    extract = desk.producer.produce(extract, actor="worker")
    assert desk.deliverer.deliver(extract)
    said = [(entry.event.partition(".")[2], entry.actor) for entry in trail(extract.uuid)]
    assert said == [
        ("ordered", "test"),
        ("approved", "chief"),
        ("produced", "worker"),
        ("delivered", f"folder:{desk.inbox}"),
    ]
    (path,) = desk.inbox.glob("*.manifest.json")
    assert verify(path).problems == []
    assert len(list(desk.inbox.glob("*.csv"))) == 13


def test_produced_again_it_is_what_was_produced_first_though_master_data_changed(books):
    delivered = books.extract()
    Account.update(name="Et andet navn").where(Account.number == "22000300").execute()
    again = books.desk.producer.produce(delivered.extract, actor="test")
    assert books.desk.producer.manifest_of(again) == delivered.stored


@pytest.mark.parametrize("year", [2026, 2027])
def test_who_asked_for_it_and_who_approved_it_stand_in_it(books, year):
    """Also where its year has not begun; what else happens after the order does not stand there."""
    extract, clock = books.order(year), books.desk.clock
    clock.advance(timedelta(hours=1))
    audit.record("period.closed", "0020", actor="a", at=clock.now(), municipality="999")
    told = books.produce(extract).rows("OPUS_Audit_Trail")
    assert [(row["Event"], row["User_ID"]) for row in told if row["Subject"] == str(extract.uuid)] == [
        ("extract.ordered", "test"),
        ("extract.approved", "somebody else"),
    ]
    assert "period.closed" not in {row["Event"] for row in told}


def test_whoever_writes_it_later_writes_the_same(books, tmp_path):
    extract = books.order()
    ordering.approve(extract, actor="chief", clock=books.desk.clock)
    written = []
    for name in ("first", "later"):
        (tmp_path / name).mkdir()
        output = Output(tmp_path / name, extract.name)
        KINDS["revisorudtraek"].write(books.desk.producer._job(extract, lambda done, of: None), output)
        written.append(output.files)
        books.desk.clock.advance(timedelta(days=1))
        books.desk.order(books.desk.subscribe("ANDEN"))
    assert written[0] == written[1]


def test_who_dies_between_folder_and_note_leaves_what_counts(books, monkeypatch):
    extract = books.order()
    ordering.approve(extract, actor="chief", clock=books.desk.clock)

    def dies(name: str) -> None:
        if name == "extracts.renamed":
            raise KeyboardInterrupt

    monkeypatch.setattr("opus_soap.extracts.producing.failpoint", dies)
    with pytest.raises(KeyboardInterrupt):
        books.desk.producer.produce(extract, actor="test")
    monkeypatch.undo()
    assert Extract.get_by_id(extract.id).state == Extract.ORDERED
    (path,) = books.desk.producer.place(extract).glob("*.manifest.json")
    before = path.read_bytes()
    Account.update(name="Et andet navn").where(Account.number == "22000300").execute()
    made = books.desk.producer.produce(extract, actor="test")
    assert (made.state, books.desk.producer.manifest_of(made)) == (Extract.PRODUCED, before)


def test_a_delta_proves_nothing(books):
    desk = books.desk
    subscription = desk.subscribe("REVISOR", kind="revisorudtraek", delta=True, options={"year": 2026})
    for _ in range(2):
        extract = desk.order(subscription)
        ordering.approve(extract, actor="chief", clock=desk.clock)
        desk.producer.produce(extract, actor="test")
        assert extract.full


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({}, errors.SubscriptionInvalid),
        ({"year": 2019}, errors.ExtractYearUnknown),
        ({"year": True}, errors.ExtractYearUnknown),
        ({"year": "2026; DROP"}, errors.ExtractYearUnknown),
        ({"year": 2026, "conditions": []}, errors.SubscriptionInvalid),
        ({"year": 2026, "street": "Torvet 1"}, errors.SubscriptionInvalid),
        ({"year": 2026, "iban": "DK0012345678901234"}, errors.SubscriptionInvalid),
        (
            {"year": 2026, "street": "a\nb", "postal_code": "9999", "city": "Eksempelby"},
            errors.SubscriptionInvalid,
        ),
    ],
)
def test_what_cannot_be_is_refused(desk, options, error):
    with pytest.raises(error):
        desk.subscribe("REVISOR", kind="revisorudtraek", delta=False, options=options)


def test_a_year_without_a_voucher_is_an_extract_that_says_so(auditor):
    delivered = auditor.extract(2027)
    assert delivered.told["totals"]["vouchers"] == 0
    assert delivered.told["findings"] == []
    assert delivered.rows("GL_Details") == []
    assert "Ingen." in delivered.text("_rapport.html")


def test_vouchers_that_come_after_the_order_are_not_in_it(books):
    extract = books.order()
    books.desk.post(3)
    delivered = books.produce(extract)
    assert delivered.failed == {}
    (series,) = [row for row in delivered.rows("OPUS_Number_Ranges") if row["Bill_Type_Code"] == "SA"]
    assert (series["Vouchers"], series["Later_Vouchers"], series["Missing"]) == ("4", "3", "")
