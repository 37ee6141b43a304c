"""SAF-T as it is written keeps to our rules, and each rule goes red on a file that breaks it."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date

import pytest
from lxml import etree

from opus_soap import errors
from opus_soap.interfaces.audit_extract import saft_checks
from opus_soap.interfaces.audit_extract.kind import AuditExtract
from opus_soap.interfaces.audit_extract.saft import NAMESPACE, account_type

NS = {"s": NAMESPACE}


@pytest.fixture
def saft(books, tmp_path):
    """The text of one, and what checks it."""
    delivered = books.extract(
        street="Torvet 1", postal_code="9999", city="Eksempelby", iban="DK5000400440116243"
    )

    def check(text: str) -> list[str]:
        path = tmp_path / "changed.xml"
        path.write_text(text, "utf-8")
        return saft_checks.check(path)

    return delivered.text("_SAF-T.xml"), check


def test_it_is_what_was_posted(saft):
    root = etree.fromstring(saft[0].encode())

    def texts(path: str) -> list[str]:
        return [str(node.text) for node in root.iterfind(path, NS)]

    assert saft[1](saft[0]) == []
    assert texts("s:GeneralLedgerEntries/s:NumberOfEntries") == ["7"]
    assert texts("s:GeneralLedgerEntries/s:TotalDebit") == ["30400.00"]
    assert texts(".//s:JournalID") == ["KR", "SA"]
    assert texts(".//s:Company/s:Address/*") == ["Torvet 1", "Eksempelby", "9999", "DK"]
    assert texts(".//s:Company/s:BankAccount/s:IBANNumber") == ["DK5000400440116243"]
    (first, *_) = root.iterfind(".//s:Journal/s:Transaction", NS)
    assert first.findtext("s:Description", namespaces=NS) == "Kontorartikler & mere"
    line = first.find("s:Line", NS)
    assert [etree.QName(child).localname for child in line] == [
        "RecordID", "AccountID", "Analysis", "SourceDocumentID", "Description", "DebitAmount", "TaxInformation"
    ]  # fmt: skip
    assert line.findtext("s:Analysis/s:AnalysisType", namespaces=NS) == "OMK"
    (supplier,) = root.iterfind(".//s:Supplier", NS)
    assert supplier.findtext("s:ClosingCreditBalance", namespaces=NS) == "30000.00"


def test_what_the_books_do_not_know_is_left_out(books):
    text = books.extract().text("_SAF-T.xml")
    assert "<Address>" not in text
    assert "<BankAccount>" not in text
    assert "StandardTaxCode" not in text


# ruff: noqa: E501  a table: what is changed, into what, how often, and what is said of it
BREAKS = {
    "another root": (r"AuditFile", "Revision", 0, "the root is not AuditFile"),
    "another namespace": (r"Financial:DK", "Financial:NO", 0, "the root is not AuditFile"),
    "no version": (r"<AuditFileVersion>.*?</AuditFileVersion>", "", 1, "Header: has"),
    "order of the header": (r"(<SoftwareID>.*?</SoftwareID>)(<SoftwareVersion>.*?</SoftwareVersion>)", r"\2\1", 1,
                            "Header: has"),
    "no currency": (r"<DefaultCurrencyCode>.*?</DefaultCurrencyCode>", "", 1, "Header: has"),
    "no tax table": (r"(?s)<TaxTable>.*?</TaxTable>", "", 1, "MasterFiles: has"),
    "no chart": (r"(?s)<GeneralLedgerAccounts>.*?</GeneralLedgerAccounts>", "", 1, "MasterFiles: has"),
    "both balances": (r"(<ClosingDebitBalance>.*?</ClosingDebitBalance>)", r"\1\1", 1, "Account: has"),
    "account twice": (r"(<Account>.*?</Account>)", r"\1\1", 1, "comes twice"),
    "kind of account": (r"<AccountType>Other", "<AccountType>Andet", 1, "AccountType of"),
    "no such account": (r"(<Line><RecordID>1</RecordID><AccountID>)\d+", r"\g<1>12345678", 1,
                        "AccountID 12345678 is not in the master files"),
    "account gone from the chart": (r"<Account><AccountID>22000300.*?</Account>", "", 1,
                                    "AccountID 22000300 is not"),
    "supplier's account": (r"(</SupplierID><AccountID>)\d+", r"\g<1>1", 1, "of supplier 200002 is not"),
    "no such supplier": (r"(<RecordID>2</RecordID>.*?<SupplierID>)\d+", r"\g<1>999", 1, "SupplierID 999 is not"),
    "no such tax code": (r"(<TaxInformation><TaxType>VAT</TaxType><TaxCode>)K25", r"\g<1>X", 1, "TaxCode X is not"),
    "no such dimension": (r"(<Analysis><AnalysisType>OMK</AnalysisType><AnalysisID>)\d+", r"\g<1>0", 1,
                          "Analysis OMK 0 is not"),
    "day outside": (r"<GLPostingDate>2026", "<GLPostingDate>2025", 1, "is not in 2026-01-01–2026-12-31"),
    "no day": (r"<GLPostingDate>2026-09-01", "<GLPostingDate>1/9 26", 1, "is not in"),
    "an amount": (r"<Amount>10000.00", "<Amount>10000.01", 1, "is not credit"),
    "no amount": (r"<Amount>10000.00", "<Amount>ti", 1, "has no amount"),
    "debit and credit": (r"(<DebitAmount>.*?</DebitAmount>)", r"\1<CreditAmount>x</CreditAmount>", 1, "Line: has"),
    "order of a line": (r"(<RecordID>1</RecordID>)(<AccountID>\d+</AccountID>)", r"\2\1", 1, "Line: has"),
    "no description": (r"<Description>Kontorartikler &amp; mere</Description><System", "<System", 1,
                       "Transaction: has"),
    "no lines": (r"(?s)(</SystemID>).*?</Transaction>", r"\1</Transaction>", 1, "Transaction: has"),
    "something strange": (r"<Line>", "<Strange>x</Strange><Line>", 1, "Transaction: has"),
    "of another namespace": (r"<Line>", '<Line xmlns="urn:x">', 0, "has"),
    "a text that is none": (r"<RecordID>1</RecordID>", "<RecordID><b>1</b></RecordID>", 1, "must be text"),
    "an empty text": (r"<RecordID>1</RecordID>", "<RecordID> </RecordID>", 1, "must be text"),
    "journal twice": (r"<JournalID>SA", "<JournalID>KR", 1, "JournalID KR comes twice"),
    "transaction twice": (r"(?s)(<Transaction>.*?</Transaction>)", r"\1\1", 1, "comes twice"),
    "count": (r"<NumberOfEntries>7", "<NumberOfEntries>8", 1, "NumberOfEntries is 8"),
    "sum of debits": (r"<TotalDebit>30400", "<TotalDebit>30401", 1, "TotalDebit is 30401.00"),
    "sum of credits": (r"<TotalCredit>30400", "<TotalCredit>x", 1, "TotalCredit is x"),
    "totals behind": (r"(<NumberOfEntries>7</NumberOfEntries>)(<TotalDebit>.*?</TotalDebit>)", r"\2\1", 1,
                      "AuditFile: has|GeneralLedgerEntries: has"),
    "journals first": (r"(?s)(<MasterFiles>.*</MasterFiles>\n)(<GeneralLedgerEntries>.*</GeneralLedgerEntries>)",
                       r"\2\1", 1, "AuditFile: has"),
}  # fmt: skip


@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_file_is_told(saft, name):
    pattern, instead, count, said = BREAKS[name]
    text, check = saft
    changed, times = re.subn(pattern, instead, text, count=count)
    assert times, "the file has nothing of the kind"
    if name == "of another namespace":
        changed = text.replace("<Line>", '<Line xmlns="urn:x">', 1)
    problems = check(changed)
    assert any(re.search(said, problem) for problem in problems), problems


def test_what_is_no_xml_or_has_entities_is_not_read(saft):
    text, check = saft
    for changed in (text[:-20], "", text.replace("<Name>", "<Name>&x;", 1)):
        with pytest.raises(errors.SaftFileUnreadable):
            check(changed)
    bomb = '<!DOCTYPE a [<!ENTITY x "y">]>'
    declared = text.replace("\n", f"\n{bomb}", 1).replace("<Name>", "<Name>&x;", 1)
    assert any("Name" in problem for problem in check(declared))


def test_problems_have_an_end(saft):
    text, check = saft
    accounts = re.sub(r"(?s)(<Account>.*?</Account>)", r"\1" * 60, text, count=1)
    assert len(check(accounts)) == saft_checks.MOST_PROBLEMS


SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified"
  targetNamespace="{ns}"><xs:element name="AuditFile"><xs:complexType><xs:sequence>
  <xs:any processContents="skip" minOccurs="{count}" maxOccurs="{count}"/>
  </xs:sequence></xs:complexType></xs:element></xs:schema>"""


@pytest.mark.parametrize(("count", "holds"), [(3, True), (2, False)])
def test_the_operators_schema_is_asked_as_well(books, tmp_path, count, holds):
    schema = tmp_path / "saft.xsd"
    schema.write_text(SCHEMA.format(ns=NAMESPACE, count=count))
    kind = AuditExtract(schema_file=schema)
    books.desk.producer = replace(books.desk.producer, kinds={kind.name: kind})
    delivered = books.extract()
    assert ("SAF-T: skemaet saft.xsd" not in delivered.failed) == holds
    controls = {row["Control"] for row in delivered.rows("OPUS_Control_Totals")}
    assert "SAF-T: skemaet saft.xsd" in controls
    assert "saft.xsd" in delivered.text("_rapport.html")


@pytest.mark.parametrize("text", ["", "<x/>", None])
def test_a_schema_that_is_none_stops_the_extract(books, tmp_path, text):
    schema = tmp_path / "saft.xsd"
    if text is not None:
        schema.write_text(text)
    with pytest.raises(errors.SaftSchemaUnusable):
        saft_checks.check_schema(tmp_path / "x.xml", schema)


def test_the_kind_of_an_account_is_that_of_its_chart_string():
    assert account_type(None) == "Other"
    assert account_type("9322181000000000") == "Asset"
    assert account_type("9322191000000000") == "Liability"
    assert account_type("0322111000000022") == "Expense"
    assert account_type("0322111000000070") == "Sale"


def test_the_selection_ends_with_the_supplement(books):
    old, day = date(2025, 12, 31), date(2026, 1, 20)
    for on in (old, day):
        books.desk.post(document_date=old, posting_date=on, period=13, year=2025)
    delivered = books.extract(2025)
    assert delivered.failed == {}
    assert "<SelectionEndDate>2026-01-20</SelectionEndDate>" in delivered.text("_SAF-T.xml")
