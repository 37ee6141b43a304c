"""Lending out: routing, states, recall, resend, park, release, remind."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from lxml import etree
from peewee import IntegrityError

from opus_soap import errors
from opus_soap.database import proxy, transaction
from opus_soap.interfaces.invoice_approval import lending, sending
from opus_soap.interfaces.invoice_approval.importing import import_invoice
from opus_soap.interfaces.invoice_approval.routing import route
from opus_soap.ledger.models import Supplier, Voucher
from opus_soap.settings import load
from opus_soap.soap.contracts import ROOT, load_contract
from opus_soap.store import agreements, audit, outbox
from opus_soap.store.models import Content, Invoice, Lending, OutboxEntry, RoutingRule
from opus_soap.transport.handlers import Delivery, Handler
from opus_soap.transport.worker import Worker

ATTACHMENT_AT = 4


@pytest.fixture
def other(system):
    return agreements.register_system(
        uuid=UUID(int=8), municipality="999", name="Et andet", cvr="33333335", services=[]
    )


def fresh(lent: Lending) -> Invoice:
    return Invoice.get_by_id(lent.invoice.id)


def test_the_first_rule_that_matches_wins(lend, other):
    invoice = fresh(lend())
    RoutingRule.create(
        municipality="999",
        priority=0,
        system=other,
        ean=invoice.ean,
        person_reference=invoice.person_reference.lower(),
        order_number=invoice.order_number,
        supplier_number=invoice.supplier_number,
        min_amount_ore=invoice.payable_ore,
        max_amount_ore=invoice.payable_ore,
    )
    assert route(invoice).system == other
    for change in (
        {"ean": "x"},
        {"person_reference": "x"},
        {"order_number": "x"},
        {"supplier_number": "x"},
        {"min_amount_ore": invoice.payable_ore + 1},
        {"max_amount_ore": invoice.payable_ore - 1},
    ):
        name = next(iter(change))
        before = getattr(RoutingRule.get(RoutingRule.priority == 0), name)
        RoutingRule.update(**change).where(RoutingRule.priority == 0).execute()
        assert route(invoice).system != other, change
        RoutingRule.update({name: before}).where(RoutingRule.priority == 0).execute()
    agreements.set_active(other, False)
    assert route(invoice).system != other  # past a stopped system's rule
    RoutingRule.delete().where(RoutingRule.system != other).execute()
    with pytest.raises(errors.ReceiverInactive):
        route(invoice)
    RoutingRule.delete().execute()
    with pytest.raises(errors.NoRoute):
        route(invoice)


def test_an_invoice_is_found_by_its_number(lend):
    invoice = lend().invoice
    assert lending.find_invoice(invoice.number) == invoice
    same = {**Invoice.select().dicts().get(), "uuid": uuid4(), "supplier_key": "another"}
    del same["id"]
    Invoice.insert(**same).execute()
    with pytest.raises(errors.InvoiceAmbiguous) as refused:
        lending.find_invoice(invoice.number)
    assert str(invoice.uuid) in refused.value.expected
    assert lending.find_invoice(str(invoice.uuid)) == invoice


def test_sending_mints_ids_once_and_queues(lend, clock):
    lent = lend()
    assert fresh(lent).state == Invoice.QUEUED
    entry = OutboxEntry.get()
    before = entry.payload
    outbox.park(entry.uuid, "x", at=clock.now())
    outbox.release(entry.uuid, at=clock.now())
    assert OutboxEntry.get().payload == before
    assert [row.event for row in audit.trail(lent.invoice.uuid)] == ["invoice.imported", "invoice.queued"]


def test_impossible_actions_are_refused_by_name(lend, clock, other):
    invoice = fresh(lend())
    for action in (lending.send, lending.release):
        with pytest.raises(errors.TransitionRefused, match="queued"):
            action(invoice, actor="t", clock=clock)
    with pytest.raises(errors.TransitionRefused):
        lending.resend(invoice, other, actor="t", clock=clock)


def test_recall_cancels_what_waits(lend, clock):
    lent = lend()
    lending.recall(fresh(lent), actor="t", clock=clock)
    assert fresh(lent).state == Invoice.RECALLED
    assert Lending.get_by_id(lent.id).state == Lending.RECALLED
    assert OutboxEntry.get().state == OutboxEntry.CANCELLED


def test_resending_replaces_the_earlier_lending(lend, clock, other):
    lent = lend()
    lending.recall(fresh(lent), actor="t", clock=clock)
    again = lending.resend(fresh(lent), other, actor="t", clock=clock)
    assert again.uuid != lent.uuid
    assert again.system == other
    assert fresh(lent).state == Invoice.QUEUED


def test_park_and_release_go_on_with_the_same_sending(lend, clock):
    lent = lend()
    lending.park(fresh(lent), "ferie", actor="t", clock=clock)
    assert (fresh(lent).state, fresh(lent).state_reason) == (Invoice.PARKED, "ferie")
    assert lending.release(fresh(lent), actor="t", clock=clock) == lent
    assert fresh(lent).state == Invoice.QUEUED


def test_overdue_answers_are_reminded_of_once_a_day(lend, clock):
    lent = lend()
    Lending.update(due_at=clock.now() + timedelta(days=1)).execute()
    Invoice.update(state=Invoice.AWAITING).execute()
    assert lending.remind(actor="t", clock=clock) == []
    clock.advance(timedelta(days=2))
    assert lending.remind(actor="t", clock=clock) == [lent]
    lending.remind(actor="t", clock=clock)
    clock.advance(timedelta(days=1))
    lending.remind(actor="t", clock=clock)
    assert len([row for row in audit.trail(lent.invoice.uuid) if row.event == "invoice.overdue"]) == 2


def test_invoices_are_found_by_uuid_or_its_start(lend):
    invoice = fresh(lend())
    assert lending.find_invoice(str(invoice.uuid)) == invoice
    assert lending.find_invoice(invoice.uuid.hex[:8]) == invoice
    for wrong in ("nope", "0" * 32, ""):
        with pytest.raises(errors.InvoiceUnknown):
            lending.find_invoice(wrong)


def test_the_message_keeps_to_the_contract(lend, clock, settings):
    import zeep

    lent = lend(ATTACHMENT_AT)
    message = sending.build(lent, OutboxEntry.get(), Delivery(None, clock, settings))
    assert [file["Rolle"] for file in message["OirBase64Container"]] == ["ORIGINAL", "HTML", "BILAG"]
    wsdl = ROOT / "FakturaInformationAfsend" / "wsdl" / "FakturaInformationAfsendService.wsdl"
    client = zeep.Client(str(wsdl))
    envelope = client.create_message(client.service, "AfsendFakturaInformation", **message)
    body = etree.fromstring(etree.tostring(envelope[-1][0], encoding="UTF-8"))
    load_contract("FakturaInformationAfsend").validate(body)


def test_giving_up_parks_unless_it_was_answered(lend, clock, settings):
    lent = lend()
    delivery, error = Delivery(None, clock, settings), errors.ReceiverUnreachable(element="S", value="down")
    sending.given_up(OutboxEntry.get(), error, delivery)
    assert (fresh(lent).state, fresh(lent).state_code) == (Invoice.PARKED, "TRA-001")
    Invoice.update(state=Invoice.BOOKED).execute()
    sending.given_up(OutboxEntry.get(), error, delivery)
    assert fresh(lent).state == Invoice.BOOKED


def given_up(lent: Lending, clock) -> None:
    """The worker tried until it gave up."""
    entry = OutboxEntry.get(OutboxEntry.subject == str(lent.uuid))
    (entry,) = outbox.lease("w", 1, now=clock.now(), lease_seconds=60)
    error = errors.EndpointMissing(element="x")
    with transaction():
        outbox.failed(entry, "x", retryable=False, clock=clock, settings=load())
        sending.given_up(entry, error, Delivery(None, clock, None))


def test_sending_again_after_giving_up_is_the_same_sending(lend, clock):
    """The receiver may have it all the same: it must know it again."""
    lent = lend()
    given_up(lent, clock)
    invoice = fresh(lent)
    assert invoice.state == Invoice.PARKED
    assert lending.send(invoice, actor="test", clock=clock) == lent
    assert Lending.select().count() == 1
    assert OutboxEntry.get().state == OutboxEntry.PENDING


def test_sending_again_by_other_rules_closes_the_earlier_sending(lend, other, clock, approval, receive):
    lent = lend()
    given_up(lent, clock)
    RoutingRule.create(municipality="999", priority=0, system=other)
    anew = lending.send(fresh(lent), actor="test", clock=clock)
    assert anew.system == other
    assert Lending.get_by_id(lent.id).state == Lending.REPLACED
    assert [error.code for error in receive(approval(lent)).errors] == ["FAK-003"]
    assert receive(approval(anew), sender=other).accepted
    assert Voucher.select().count() == 1


def test_two_who_send_the_same_invoice_send_it_once(lend, clock, company, documents, settings, system):
    invoice = import_invoice(
        documents[0].data, "a.xml", company, clock=clock, settings=settings, actor="test"
    )
    stale = Invoice.get_by_id(invoice.id)
    lending.send(invoice, actor="a", clock=clock)
    with pytest.raises(errors.TransitionRefused):
        lending.send(stale, actor="b", clock=clock)
    assert stale.state == Invoice.QUEUED
    assert Lending.select().count() == 1


@pytest.mark.parametrize("action", [lending.recall, lending.release])
def test_what_has_been_booked_meanwhile_is_not_undone(lend, clock, approval, receive, action):
    lent = lend()
    stale = fresh(lent)
    assert receive(approval(lent)).accepted
    with pytest.raises(errors.TransitionRefused):
        action(stale, actor="test", clock=clock)
    assert fresh(lent).state == Invoice.BOOKED


def test_what_has_been_booked_meanwhile_is_not_parked_or_resent(lend, clock, approval, receive, other):
    lent = lend()
    first, second = fresh(lent), fresh(lent)
    assert receive(approval(lent)).accepted
    with pytest.raises(errors.TransitionRefused):
        lending.park(first, "x", actor="test", clock=clock)
    with pytest.raises(errors.TransitionRefused):
        lending.resend(second, other, actor="test", clock=clock)


@pytest.mark.parametrize(
    ("lacking", "code"), [({"supplier_cvr": True}, "FAK-023"), ({"currency": "SEK"}, "FAK-024")]
)
def test_resending_asks_the_same_as_sending(lend, clock, other, lacking, code):
    invoice = fresh(lend())
    lending.park(invoice, "x", actor="test", clock=clock)
    if "currency" in lacking:
        Invoice.update(currency="SEK", payable_ore=None, tax_ore=None).execute()
    else:
        Supplier.update(cvr=None, identifiers=[]).execute()
    with pytest.raises(errors.InvoiceApprovalError) as caught:
        lending.resend(invoice, other, actor="test", clock=clock)
    assert caught.value.code == code


def test_an_invoice_never_goes_to_another_municipality(lend, clock):
    foreign = agreements.register_system(
        uuid=UUID(int=12), municipality="101", name="Fremmed", cvr="33333335", services=[]
    )
    invoice = fresh(lend())
    lending.park(invoice, "x", actor="test", clock=clock)
    with pytest.raises(errors.SystemForeign):
        lending.resend(invoice, foreign, actor="test", clock=clock)
    assert OutboxEntry.select().count() == 1


def test_the_database_itself_keeps_one_live_sending(lend, system, clock):
    lent = lend()
    with pytest.raises(IntegrityError), transaction():
        Lending.create(
            uuid=uuid4(),
            invoice=lent.invoice,
            system=system,
            answer_required=True,
            state=Lending.OPEN,
            created_at=clock.now(),
        )


def test_answer_and_worker_lock_in_the_same_order(lend, approval, receive, system, clock, database_url):
    """The worker records a receipt while the answer to the same invoice is booked; neither is lost."""
    for number in range(6):
        lent = lend(number)
        (entry,) = outbox.lease("w", 1, now=clock.now(), lease_seconds=60)
        message = approval(lent)
        delivery = Delivery(None, clock, load())
        together = threading.Barrier(2)

        def record(entry=entry, lent=lent, delivery=delivery, together=together) -> None:
            with proxy.obj.connection_context():
                together.wait(5)
                sending._record(entry, lent, receipt_of(entry, lent), delivery)

        with ThreadPoolExecutor(1) as pool:
            worker = pool.submit(record)
            together.wait(5)
            assert receive(message).accepted
            worker.result(timeout=20)
        assert fresh(lent).state == Invoice.BOOKED


def receipt_of(entry: OutboxEntry, lent: Lending, **change: object) -> dict[str, object]:
    return {
        "HovedOplysningerSvar": {"TransaktionsId": entry.payload["transaction_id"], "SvarReaktion": []},
        "FakturaInformationIdentifikation": str(lent.uuid),
        "AcceptStruktur": {"AccepteretUdenBemærkninger": True},
        "AfvisningStruktur": None,
        **change,
    }


def test_a_receipt_for_another_invoice_is_none(lend, clock):
    lent = lend()
    (entry,) = outbox.lease("w", 1, now=clock.now(), lease_seconds=60)
    wrong = receipt_of(entry, lent, FakturaInformationIdentifikation=str(uuid4()))
    with pytest.raises(errors.ReplyUnusable):
        sending._record(entry, lent, wrong, Delivery(None, clock, load()))
    assert fresh(lent).state == Invoice.QUEUED


def test_an_error_in_the_header_is_a_refusal(lend, clock):
    lent = lend()
    (entry,) = outbox.lease("w", 1, now=clock.now(), lease_seconds=60)
    header = {
        "TransaktionsId": entry.payload["transaction_id"],
        "SvarReaktion": [
            {"Advis": {"AdvisId": "1", "AdvisTekst": "velkommen"}, "Fejl": None},
            {"Advis": None, "Fejl": {"FejlId": "K7", "FejlTekst": "kan ikke gemmes"}},
        ],
    }
    wrong = receipt_of(entry, lent, HovedOplysningerSvar=header)
    sending._record(entry, lent, wrong, Delivery(None, clock, load()))
    invoice = fresh(lent)
    assert (invoice.state, invoice.state_code) == (Invoice.PARKED, "FAK-027")
    assert "K7 kan ikke gemmes" in invoice.state_reason
    assert "velkommen" not in invoice.state_reason


def test_what_is_not_there_any_more_is_told_so_and_not_tried_again(lend, settings, clock):
    lent = lend()
    Content.update(data=None, purged_at=clock.now()).where(
        Content.sha256 == lent.invoice.original.sha256
    ).execute()
    worker = Worker({lending.KIND: Handler(sending.send, sending.given_up, sending.hold)},
                    Delivery(None, clock, settings))  # fmt: skip
    worker.run_once()
    invoice = fresh(lent)
    assert (invoice.state, invoice.state_code) == (Invoice.PARKED, "TRA-012")


def test_what_cannot_be_read_now_is_tried_again(lend, settings, clock):
    """As when the folder of large contents is not mounted."""
    lent = lend()
    Content.update(data=None, in_file=True).where(Content.sha256 == lent.invoice.original.sha256).execute()
    worker = Worker({lending.KIND: Handler(sending.send, sending.given_up, sending.hold)},
                    Delivery(None, clock, settings))  # fmt: skip
    worker.run_once()
    assert fresh(lent).state != Invoice.PARKED
    [entry] = OutboxEntry.select()
    assert "TRA-016" in entry.last_error
