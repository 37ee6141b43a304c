"""The transaction trail leads from a posting to the bytes that it came from."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from opus_soap.ledger.posting import PostingLine, post_many
from opus_soap.store.models import (
    Answer,
    ArchivedMessage,
    Content,
    Invoice,
    Lending,
    PostingDocument,
    PostingFile,
    PostingSender,
    System,
)

SHA = "ab" * 32


@pytest.fixture
def vouchers(auditor):
    """One of a file, one of an answer, one of the command line; all were entered in other currencies."""
    desk, call = auditor.desk, uuid4()
    euro = (
        PostingLine("52000200", 74_600, cost_center="1101", details={"AMT_DOCCUR": "100.00"}),
        PostingLine("90540100", -74_600, details={"AMT_DOCCUR": "-100.00"}),
    )
    draft = desk.draft(lines=euro, details={"CURRENCY": "EUR"})
    sources = ("file.xml#1", str(call), "command line")
    made = post_many([replace(draft, source=source, reference=source) for source in sources], desk.clock)
    _store(made, call, desk.clock.now())
    return made


def _store(made, call: UUID, now) -> None:
    sender = PostingSender.create(municipality="999", sender_id="KY01", short="KY01", name="Ydelse")
    file = PostingFile.create(
        uuid=uuid4(), municipality="999", sender=sender, name="file.xml", name_key="file.xml", sha256=SHA,
        size=1, state="booked", documents=1, received_at=now,
    )  # fmt: skip
    PostingDocument.create(
        file=file, position=1, sender=sender, number="1", company_code="0020", year=2026, digest=bytes(32),
        voucher_uuid=made[0].uuid, returns=[],
    )  # fmt: skip
    content = Content.create(sha256="cd" * 32, size=1, media_type="text/xml", data=b"x", stored_at=now)
    system = System.create(uuid=uuid4(), municipality="999", name="Sag", cvr="12345678")
    ArchivedMessage.create(
        correlation_id=call, direction="in", at=now, municipality="999", system=system, endpoint="e",
        content=content, http_status=200, outcome="ok",
    )  # fmt: skip
    invoice = Invoice.create(
        uuid=uuid4(), municipality="999", company_code="0020", supplier_key="k", supplier_name="s",
        document_type="invoice", number="1", number_key="1", issue_date="2026-11-01", currency="DKK",
        payable_cents=1, tax_cents=0, facts={}, original=content, rendering=content, file_name="f",
        state="booked", received_at=now,
    )  # fmt: skip
    lending = Lending.create(
        uuid=uuid4(), invoice=invoice, system=system, answer_required=True, state="answered", created_at=now
    )
    Answer.create(
        uuid=UUID(int=7), lending=lending, approved=True, voucher_uuid=made[1].uuid, received_at=now
    )


@pytest.mark.usefixtures("vouchers")
def test_each_posting_names_its_message_and_the_hash_of_its_bytes(auditor):
    delivered = auditor.extract()
    said = {
        row["Reference_Number"]: (row["Message_Type"], row["Message_ID"], row["Message_SHA256"])
        for row in delivered.rows("GL_Details")
    }
    assert said.pop("file.xml#1") == ("posteringer-ind", "file.xml#1", SHA)
    assert said.pop("command line") == ("", "", "")
    (answer,) = said.values()
    assert answer == ("faktura-svar", str(UUID(int=7)), "cd" * 32)
    assert delivered.failed == {}


@pytest.mark.usefixtures("vouchers")
def test_what_was_delivered_in_another_currency_stands_beside(auditor):
    delivered = auditor.extract()
    row = delivered.rows("GL_Details")[0]
    assert (row["Amount"], row["Document_Amount"], row["Document_Currency"]) == ("746.00", "100.00", "EUR")
    assert (
        "<CreditAmount><Amount>746.00</Amount><CurrencyCode>EUR</CurrencyCode>"
        "<CurrencyAmount>100.00</CurrencyAmount><ExchangeRate>7.46000000</ExchangeRate></CreditAmount>"
    ) in delivered.text("_SAF-T.xml")
