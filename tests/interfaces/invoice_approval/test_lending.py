"""Lending out: routing, states, recall, resend, park, release, remind."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from lxml import etree

from opus_soap import errors
from opus_soap.interfaces.invoice_approval import lending, sending
from opus_soap.interfaces.invoice_approval.routing import route
from opus_soap.soap.contracts import ROOT, load_contract
from opus_soap.store import agreements, audit, outbox
from opus_soap.store.models import Invoice, Lending, OutboxEntry, RoutingRule
from opus_soap.transport.handlers import Delivery

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
    RoutingRule.delete().execute()
    with pytest.raises(errors.NoRoute):
        route(invoice)


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
