"""An invoice lent out, and answers to it."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import date
from uuid import UUID, uuid4

import pytest

from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.answers import receive_answer
from opus_soap.interfaces.invoice_approval.booking import due_ore
from opus_soap.interfaces.invoice_approval.importing import import_invoice
from opus_soap.interfaces.invoice_approval.messages import AnswerLine, AnswerMessage, AnswerVoucher
from opus_soap.ledger.models import Account, DimensionValue
from opus_soap.money import kroner_from_ore
from opus_soap.settings import load
from opus_soap.soap.service import CallContext
from opus_soap.store import agreements
from opus_soap.store.models import Invoice, Lending, RoutingRule

OURS = UUID(int=1590)  # our own it-systeminstans
CREDIT_NOTE_AT = 3  # the synthetic kinds in order: FIK 71, domestic, IBAN, credit note, …


@pytest.fixture
def settings():
    """Defaults."""
    return load()


@pytest.fixture
def system(company):
    """The case system that every invoice goes to."""
    made = agreements.register_system(
        uuid=UUID(int=7),
        municipality="999",
        name="Sagssystem",
        cvr="44444449",
        services=["x"],
        endpoint_url="http://127.0.0.1:9/",
    )
    RoutingRule.create(municipality="999", priority=1, system=made)
    return made


@pytest.fixture
def lend(company, system, documents, clock, settings):
    """Import a document and lend it out; `at` names which."""

    def make(at: int = 0) -> Lending:
        document = documents[at]
        invoice = import_invoice(
            document.data, document.file_name, company, clock=clock, settings=settings, actor="test"
        )
        return lending.send(invoice, actor="test", clock=clock)

    return make


@pytest.fixture
def approval():
    """An answer that approves a lending on one line."""

    def make(lent: Lending, **change: object) -> AnswerMessage:
        invoice = Invoice.get_by_id(lent.invoice.id)
        due = kroner_from_ore(due_ore(invoice))
        line = AnswerLine(
            amount=abs(due),
            debit=due >= 0,
            text="varer",
            supplementary_text=None,
            posting_date=date(2026, 11, 23),
            value_date=None,
            due_date=None,
            currency=None,
            reference=None,
            account=Account.get(Account.number == "22000300").uuid,
            dimensions={"OmkostningsstedIdentifikation": center("1101")},
            secondary=(),
        )
        voucher = AnswerVoucher(
            text="Faktura",
            posting_date=date(2026, 11, 23),
            document_type=None,
            company_code=None,
            reference=None,
            supplementary_text=None,
            document_date=None,
            reversal=None,
            original=None,
            lines=(line,),
        )
        answer = AnswerMessage(
            uuid=uuid4(),
            lending=lent.uuid,
            result="Godkendt",
            authority_cvr=None,
            supplier_cvr=None,
            voucher=voucher,
            accepted=True,
            rejected=False,
        )
        return replace(answer, **change)

    return make


@pytest.fixture
def receive(system, clock):
    """Give an answer to the house as the system's."""

    def give(message: AnswerMessage, sender=None, **limits):
        caller = sender or system
        context = CallContext(caller, caller.municipality, "urn:uuid:x", uuid4(), clock.now())
        if not message.content:  # as read from the message itself
            told = json.loads(json.dumps(asdict(message), default=str))
            message = replace(message, content={**told, "header": None})
        return receive_answer(message, context, clock, OURS, **limits)

    return give


def center(code: str) -> UUID:
    """The UUID of a cost centre."""
    found: UUID = DimensionValue.get(DimensionValue.code == code).uuid
    return found


def with_line(message: AnswerMessage, **change: object) -> AnswerMessage:
    """The answer with its one line changed."""
    assert message.voucher is not None
    line = replace(message.voucher.lines[0], **change)
    return replace(message, voucher=replace(message.voucher, lines=(line,)))


def with_voucher(message: AnswerMessage, **change: object) -> AnswerMessage:
    """The answer with the head of its voucher changed, and the posting date of its lines with it."""
    assert message.voucher is not None
    voucher = replace(message.voucher, **change)
    lines = tuple(replace(line, posting_date=voucher.posting_date) for line in voucher.lines)
    return replace(message, voucher=replace(voucher, lines=lines))
