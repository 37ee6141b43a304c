"""Files in: kept byte for byte, duplicates named, what is odd parked, what is broken refused."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from peewee import OperationalError

from opus_soap import database, errors
from opus_soap.interfaces.invoice_approval import importing, lending
from opus_soap.interfaces.invoice_approval.importing import files, import_files, import_invoice
from opus_soap.ledger.models import Supplier
from opus_soap.store import content, purging
from opus_soap.store.models import Content, ExchangeRate, Invoice, InvoiceAttachment, RoutingRule

ATTACHMENT_AT = 4


@pytest.fixture
def take(company, system, clock, settings):
    """Import bytes."""

    def make(data: bytes, name: str = "f.xml") -> Invoice:
        return import_invoice(data, name, company, clock=clock, settings=settings, actor="test")

    return make


def test_the_original_is_kept_byte_for_byte(take, documents):
    invoice = take(documents[0].data)
    assert content.get(invoice.original.sha256) == documents[0].data
    assert b"<html" in content.get(invoice.rendering.sha256)
    assert invoice.state == Invoice.PARKED
    assert invoice.state_code == ""


def test_attachments_are_taken_out(take, documents):
    invoice = take(documents[ATTACHMENT_AT].data)
    (attachment,) = InvoiceAttachment.select().where(InvoiceAttachment.invoice == invoice)
    assert attachment.file_name == "timeseddel.pdf"
    assert content.get(attachment.content.sha256).startswith(b"%PDF")


def test_a_duplicate_is_named(take, documents):
    first = take(documents[0].data)
    with pytest.raises(errors.DuplicateInvoice, match="samme fil") as same:
        take(documents[0].data)
    assert str(first.uuid) in same.value.text_danish
    with pytest.raises(errors.DuplicateInvoice, match="en anden fil"):
        take(documents[0].data.replace(b"Tak for handlen", b"Tak for alt"))
    assert Invoice.select().count() == 1


def in_euro(data: bytes) -> bytes:
    return data.replace(b">DKK<", b">EUR<").replace(b'"DKK"', b'"EUR"')


def test_foreign_currency_waits_for_a_rate(take, documents, clock):
    invoice = take(in_euro(documents[0].data))
    assert (invoice.state, invoice.state_code, invoice.payable_ore) == (Invoice.PARKED, "FAK-024", None)
    with pytest.raises(errors.RateMissing):
        lending.release(invoice, actor="test", clock=clock)
    ExchangeRate.create(
        municipality="999", currency="EUR", valid_from="2026-01-01", rate_per_hundred="746.00"
    )
    lending.release(invoice, actor="test", clock=clock)
    invoice = Invoice.get_by_id(invoice.id)
    assert invoice.state == Invoice.QUEUED
    assert invoice.payable_ore == (invoice.payable_cents * 746 + 50) // 100


def test_an_unknown_supplier_waits(take, documents, clock):
    Supplier.update(cvr=None, identifiers=[]).execute()
    invoice = take(documents[0].data)
    assert invoice.state_code == "FAK-023"
    Supplier.update(cvr=invoice.supplier_key.removeprefix("DK:CVR:")).where(
        Supplier.number == "200001"
    ).execute()
    assert lending.release(invoice, actor="test", clock=clock).system.name == "Sagssystem"


def test_an_invoice_for_somebody_else_waits(take, documents):
    RoutingRule.update(ean="5790000000000").execute()
    assert take(documents[0].data).state_code == "FAK-025"


def test_a_broken_file_does_not_stop_the_others(company, documents, tmp_path, clock, settings):
    for document in documents[:2]:
        (tmp_path / document.file_name).write_bytes(document.data)
    (tmp_path / "a-broken.xml").write_bytes(b"<Invoice")
    (tmp_path / "b-doctype.xml").write_bytes(b"<!DOCTYPE x><x/>")
    paths = [*files([tmp_path]), tmp_path / "missing.xml"]
    results = list(import_files(paths, company, clock=clock, settings=settings, actor="test"))
    assert [result.error.code if result.error else "" for result in results] == [
        "DOC-001",
        "DOC-002",
        "",
        "",
        "FAK-028",
    ]
    assert Invoice.select().count() == 2


def test_a_total_that_does_not_follow_is_refused(take, documents):
    wrong = documents[1].data.replace(b'<cbc:PayableAmount currencyID="DKK">', b"<cbc:PayableAmount>9")
    with pytest.raises(errors.DocumentRefused, match="PayableAmount"):
        take(wrong)


def test_one_supplier_under_two_names_sends_one_invoice_once(take, documents):
    first = take(documents[0].data)
    supplier = Supplier.get(Supplier.number == first.supplier_number)
    gln = supplier.identifiers[0].removeprefix("GLN:")
    by_gln = documents[0].data.replace(
        f'schemeID="DK:CVR">DK{supplier.cvr}'.encode(), f'schemeID="GLN">{gln}'.encode()
    )
    assert by_gln != documents[0].data
    with pytest.raises(errors.DuplicateInvoice, match=str(first.uuid)):
        take(by_gln)


def test_a_supplier_that_becomes_known_shows_the_duplicate(take, documents, clock):
    first = take(documents[0].data)
    supplier = Supplier.get(Supplier.number == first.supplier_number)
    gln = supplier.identifiers[0].removeprefix("GLN:")
    Supplier.update(identifiers=[]).execute()
    again = take(
        documents[0].data.replace(
            f'schemeID="DK:CVR">DK{supplier.cvr}'.encode(), f'schemeID="GLN">{gln}'.encode()
        )
    )
    assert again.state_code == "FAK-023"
    Supplier.update(identifiers=[f"GLN:{gln}"]).where(Supplier.number == supplier.number).execute()
    with pytest.raises(errors.DuplicateInvoice, match=str(first.uuid)):
        lending.send(again, actor="test", clock=clock)


def test_an_invoice_for_another_authority_waits_whatever_the_rules(take, documents, company):
    """A rule for every EAN does not make another authority's invoice ours."""
    theirs = documents[13].data.replace(b"DK90810111", b"DK29189846")
    assert theirs != documents[13].data
    assert take(theirs).state_code == "FAK-025"


def test_a_persons_number_is_not_kept_in_the_facts(take, documents):
    person = documents[0].data.replace(b'schemeID="DK:CVR">DK95270514', b'schemeID="DK:CPR">0101901234')
    invoice = take(person)
    assert "0101901234" not in str(invoice.facts)
    assert "0101901234" not in invoice.supplier_key


def test_only_plain_files_of_a_size_are_read(company, documents, tmp_path, clock, settings):
    (tmp_path / "A.XML").write_bytes(documents[0].data)
    (tmp_path / "notes.txt").write_text("x")
    os.mkfifo(tmp_path / "b.xml")
    (tmp_path / "c.xml").mkdir()
    with (tmp_path / "d.xml").open("wb") as file:
        file.truncate(settings.max_invoice_bytes + 1)
    (tmp_path / "e.xml").symlink_to("/dev/zero")
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/f\xff.xml")
    Path(odd).write_bytes(documents[1].data)
    paths = files([tmp_path])
    results = list(import_files(paths, company, clock=clock, settings=settings, actor="test"))
    told = {Path(result.path).name: result.error.code if result.error else "" for result in results}
    assert told == {
        "A.XML": "",
        "b.xml": "FAK-028",
        "d.xml": "DOC-003",
        "e.xml": "FAK-028",
        os.path.basename(odd): "",
    }
    assert {row.file_name for row in Invoice.select()} == {"A.XML", "f\ufffd.xml"}


def numbered(data: bytes, number: str) -> bytes:
    start = data.index(b"<cbc:ID>") + len(b"<cbc:ID>")
    return data[:start] + number.encode() + data[data.index(b"</cbc:ID>", start) :]


@pytest.mark.parametrize("number", ["fa-77", "ＦＡ-77", "FA - 77"])
def test_a_number_that_people_read_the_same_is_the_same(take, documents, number):
    first = take(numbered(documents[0].data, "FA-77"))
    with pytest.raises(errors.DuplicateInvoice, match=str(first.uuid)):
        take(numbered(documents[0].data, number))
    assert lending.find_invoice(number) == first


@pytest.mark.parametrize(
    "hidden", ["\ufe0f", "\u034f", "\u3164", "\u2800", "\u200b", "\u00ad", "\u202e", "&#10;", "&#133;"]
)
def test_a_number_that_hides_something_is_refused(take, documents, hidden):
    with pytest.raises(errors.DocumentRefused, match="hidden"):
        take(numbered(documents[0].data, f"FA{hidden}77"))


def test_a_purge_leaves_what_an_unfinished_invoice_needs(take, documents, clock):
    invoice = take(documents[ATTACHMENT_AT].data)
    content.put(b"a message", "text/xml", at=clock.now())
    clock.advance(timedelta(days=4000))
    assert purging.purge(now=clock.now(), retention=timedelta(days=1)) == 1
    Invoice.update(state=Invoice.BOOKED).execute()
    assert purging.purge(now=clock.now(), retention=timedelta(days=1)) == 3
    with pytest.raises(errors.ContentMissing):
        content.get(invoice.original.sha256)


def test_the_same_file_again_puts_back_what_was_purged(take, documents, clock):
    invoice = take(documents[ATTACHMENT_AT].data)
    Invoice.update(state=Invoice.RECALLED).execute()
    clock.advance(timedelta(days=4000))
    purging.purge(now=clock.now(), retention=timedelta(days=1))
    with pytest.raises(errors.DuplicateInvoice):
        take(documents[ATTACHMENT_AT].data)
    assert content.get(invoice.original.sha256) == documents[ATTACHMENT_AT].data
    assert Content.select().where(Content.data.is_null()).count() == 0


def test_a_rendering_that_would_be_written_otherwise_today_is_put_back_too(take, documents, clock):
    invoice = take(documents[0].data)
    old = content.put(b"<html>as it was rendered then</html>", "text/html", at=clock.now())
    Invoice.update(state=Invoice.RECALLED, rendering=old).execute()
    clock.advance(timedelta(days=4000))
    purging.purge(now=clock.now(), retention=timedelta(days=1))
    with pytest.raises(errors.DuplicateInvoice):
        take(documents[0].data)
    again = Invoice.get_by_id(invoice.id)
    assert b"<html" in content.get(again.rendering.sha256)
    assert content.get(again.original.sha256) == documents[0].data


def test_a_large_rendering_stays_the_one_that_it_is(take, documents, tmp_path, monkeypatch):
    """It is a file, and its row has no bytes: nobody has purged it."""
    monkeypatch.setattr(content, "LARGE", 10)
    monkeypatch.setattr(database._beside, "folder", tmp_path)
    invoice = take(documents[0].data)
    assert invoice.rendering.in_file
    monkeypatch.setattr(importing, "render_html", lambda _: b"<html>as a later version renders it</html>")
    with pytest.raises(errors.DuplicateInvoice):
        take(documents[0].data)
    assert Invoice.get_by_id(invoice.id).rendering == invoice.rendering


def test_two_that_came_before_under_numbers_read_the_same_are_both_found(take, documents):
    first = take(numbered(documents[0].data, "FA-77"))
    second = take(numbered(documents[1].data, "FA-78"))
    Invoice.update(number="fa-77", number_key="fa-77 #2").where(Invoice.id == second.id).execute()
    assert lending.find_invoice("fa-77") == second
    assert lending.find_invoice("FA-77") == lending.find_invoice("Fa-77") == first


def test_a_name_on_two_lines_is_one_name(take, documents):
    name = take(documents[0].data).supplier_name
    start, _, rest = name.partition(" ")
    data = numbered(documents[0].data, "NY-1").replace(name.encode(), f"{start}\n  {rest}\u00ad".encode())
    assert take(data).supplier_name == f"{start} {rest}\ufffd"


def test_names_of_files_hide_nothing(take, company, documents, tmp_path, clock, settings):
    odd = tmp_path / "a\u202elmx.exe\x07.xml"
    odd.write_bytes(documents[ATTACHMENT_AT].data.replace(b"timeseddel.pdf", "fdp.\u202eexe".encode()))
    (result,) = import_files([odd], company, clock=clock, settings=settings, actor="test")
    assert result.invoice is not None
    assert result.invoice.file_name == "a_lmx.exe_.xml"
    assert InvoiceAttachment.get().file_name == "fdp._exe"


def test_a_database_that_fails_is_told_for_its_file_alone(
    company, documents, tmp_path, clock, settings, monkeypatch
):
    failing = [True]
    put_all = content.put_all

    def locked(*arguments, **more):
        if failing.pop() if failing else False:
            raise OperationalError("deadlock detected\nCONTEXT: secret")
        return put_all(*arguments, **more)

    monkeypatch.setattr(content, "put_all", locked)
    for document in documents[:2]:
        (tmp_path / document.file_name).write_bytes(document.data)
    results = list(import_files(files([tmp_path]), company, clock=clock, settings=settings, actor="test"))
    assert [result.error.code if result.error else "" for result in results] == ["DBA-005", ""]
    assert "secret" not in str(results[0].error)
