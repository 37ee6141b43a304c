"""What is to become of vouchers, before anything is written: every mistake of each, or its draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from peewee import chunked

from opus_soap.errors import (
    LedgerError,
    PostingCompanyCodeForeign,
    PostingDocumentTypeForeign,
    PostingRepeated,
)
from opus_soap.interfaces.postings_in.checks import Expectations, check, day
from opus_soap.interfaces.postings_in.reading import Document, Finding, Place
from opus_soap.ledger.models import CompanyCode
from opus_soap.ledger.posting import VoucherDraft
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender

AT_ONCE = 500
MakeDraft = Callable[[Document, CompanyCode], VoucherDraft]
# the ledger's name of a field → the format's
ELEMENTS = {
    "account": "GL_ACCOUNT",
    "cost_center": "COSTCENTER",
    "wbs_element": "WBS_ELEMENT",
    "profit_center": "PROFIT_CTR",
    "order": "ORDERID",
    "network": "NETWORK",
    "partner_profit_center": "PART_PRCTR",
    "supplier": "GL_ACCOUNT",
    "amount": "AMT_DOCCUR",
    "value_date": "VALUE_DATE",
    "text": "ITEM_TEXT",
    "allocation": "ALLOC_NMBR",
}


@dataclass
class Judged:
    """A voucher with what is wrong with it, or the draft that is to be posted."""

    document: Document
    findings: list[Finding] = field(default_factory=list)
    draft: VoucherDraft | None = None


def judge(
    documents: Sequence[Document], sender: PostingSender, company: CompanyCode | None, make_draft: MakeDraft
) -> list[Judged]:
    """Judge vouchers of one company code, in which no number comes twice; the ledger's rules come after."""
    expected = Expectations(sender.municipality, company.currency if company else "DKK")
    earlier = _accepted(sender, documents)
    judged = []
    for document in documents:
        one = Judged(document, list(document.findings) or [*check(document, expected)])
        one.findings += _check_rights(document, sender, company)
        if not one.findings and company is not None:
            if key(document) in earlier:
                one.findings.append(_repeated(document, *earlier[key(document)]))
            else:
                one.draft = make_draft(document, company)
        judged.append(one)
    return judged


def ledger_finding(error: LedgerError, document: Document) -> Finding:
    """The ledger's error, at the line whose number it carries (`PostingLine.origin`)."""
    where, _, name = error.element.partition(" ")
    if not where.isdecimal():
        return Finding(error, Place(document.position))
    error.element = ELEMENTS.get(name, name)
    return Finding(error, Place(document.position, int(where), error.element))


def find_company(municipality: str, code: str) -> CompanyCode | None:
    """The company code, if there is one."""
    found: CompanyCode | None = CompanyCode.get_or_none(
        CompanyCode.municipality == municipality, CompanyCode.code == code.zfill(4)
    )
    return found


def key(document: Document) -> tuple[str, str, int]:
    """What a sender's voucher is known by: RECEIV_DOC, company code, year."""
    header = document.header
    return header["RECEIV_DOC"], code_of(document), year_of(document)


def code_of(document: Document) -> str:
    """The company code with its leading zeros; they get lost on the way."""
    return document.header.get("COMP_CODE", "").strip().zfill(4)[:4]


def year_of(document: Document) -> int:
    """The year of PSTNG_DATE; 0 when it is no date."""
    posted = day(document.header.get("PSTNG_DATE", ""))
    return posted.year if posted else 0


def _accepted(
    sender: PostingSender, documents: Sequence[Document]
) -> dict[tuple[str, str, int], tuple[bytes, str]]:
    """What the sender delivered before under the numbers of these vouchers: digest and file."""
    found = {}
    numbers = {document.header.get("RECEIV_DOC", "") for document in documents}
    for some in chunked(sorted(numbers), AT_ONCE):
        rows: Any = (
            PostingDocument.select(PostingDocument, PostingFile.name.alias("file_name"))
            .join(PostingFile)
            .where(
                PostingDocument.sender == sender,
                PostingDocument.number.in_(some),
                PostingDocument.voucher_uuid.is_null(False),
            )
        )
        for row in rows.objects():
            found[row.number, row.company_code, row.year] = (bytes(row.digest), row.file_name)
    return found


def _repeated(document: Document, digest: bytes, file: str) -> Finding:
    same = "med samme indhold" if digest == document.digest else "med andet indhold"
    number = document.header["RECEIV_DOC"]
    return Finding(
        PostingRepeated(element=number, value=same, expected=file), Place(document.position, 0, "RECEIV_DOC")
    )


def _check_rights(
    document: Document, sender: PostingSender, company: CompanyCode | None
) -> Iterator[Finding]:
    place = Place(document.position, 0, "COMP_CODE")
    codes, types = sender.company_codes, sender.document_types
    if company is None or (codes and company.code not in codes):
        allowed = ", ".join(codes) or "kommunens firmakoder"
        yield Finding(PostingCompanyCodeForeign(value=code_of(document), expected=allowed), place)
    given = document.header.get("DOC_TYPE", "")
    if types and given not in types:
        wrong = PostingDocumentTypeForeign(value=given or "-", expected=", ".join(types))
        yield Finding(wrong, Place(document.position, 0, "DOC_TYPE"))


def without_repetition(documents: Sequence[Document]) -> Iterator[list[Document]]:
    """The vouchers in their order, cut where a number comes again: what became of the first counts."""
    some: list[Document] = []
    numbers: set[str] = set()
    for document in documents:
        number = document.header.get("RECEIV_DOC", "")
        if number in numbers:
            yield some
            some, numbers = [], set()
        some.append(document)
        numbers.add(number)
    yield some
