"""What is to become of vouchers, before anything is written: every mistake of each, or its draft."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from uuid import UUID

from opus_soap.database import Prepared, is_any_of
from opus_soap.errors import (
    PostingCompanyCodeForeign,
    PostingDocumentTypeForeign,
    PostingRepeated,
    PostingReversalUnknown,
)
from opus_soap.interfaces.postings_in.checks import day
from opus_soap.interfaces.postings_in.currency import RateOn, check_rate
from opus_soap.interfaces.postings_in.drafts import NO_DAY, Drafter
from opus_soap.interfaces.postings_in.elements import ledger_finding
from opus_soap.interfaces.postings_in.examining import Examined
from opus_soap.interfaces.postings_in.reading import Finding, Place
from opus_soap.interfaces.postings_in.repeating import what_differs
from opus_soap.ledger.checks import check_entries, normalised
from opus_soap.ledger.drafts import VoucherDraft
from opus_soap.ledger.master_data import some_of
from opus_soap.ledger.models import CompanyCode, Voucher
from opus_soap.ledger.parking import amount_of
from opus_soap.ledger.references import References
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender
from opus_soap.store.rates import rate_per_hundred

_ANY_CURRENCY = "DKK"  # where the company code is not known
ANY_TYPE = "*"  # in an agreement: every document type that is not named
REVERSES = "TBF:"  # in XREF2_HD, before the RECEIV_DOC of the voucher that is reversed


Key = tuple[str, str, int]  # RECEIV_DOC, company code, year


@dataclass(frozen=True)
class Accepted:
    """A voucher that was taken before: SHA-256 of the delivered, its file, the UUID of what came of it."""

    digest: bytes
    file: str
    voucher: UUID | None  # None: not yet, or nothing ever will, for the file is only looked at
    draft: VoucherDraft | None = None  # then what is to come of it, as far as it is kept


@dataclass
class Judged:
    """A voucher with what is wrong with it, or the draft that is to be posted."""

    document: Examined
    findings: list[Finding] = field(default_factory=list)
    draft: VoucherDraft | None = None
    opposite_of: VoucherDraft | None = None  # what it reverses, when that is only looked at, too


def judge(
    documents: Sequence[Examined],
    sender: PostingSender,
    rate_on: RateOn,
    drafter: Drafter | None,
    known: References | None,
    earlier: Mapping[Key, Accepted],
) -> list[Judged]:
    """Judge vouchers of one company code that were examined; no number comes twice in them.

    The ledger's rules come after, but for those with mistakes: of them it tells its own here. There is
    neither a drafter nor what is `known` when there is no such company code. `earlier` is what was accepted
    before of what these vouchers name.
    """
    company = drafter.company if drafter else None
    judged, wrong = [], []
    for document in documents:
        one = Judged(document, _with_rate(document, company, rate_on, sender))
        one.findings += _check_rights(document, sender, company)
        judged.append(one)
        if drafter is None:
            continue
        before = earlier.get(key(document))
        if before is not None:
            one.findings.append(_repeated(document, before, drafter, whole=not one.findings))
        elif one.findings:
            wrong.append(one)
        else:
            _draft(one, drafter, earlier)
    if drafter is not None and known is not None and wrong:
        _ask_the_books(wrong, drafter, known)
    return judged


def _ask_the_books(wrong: Sequence[Judged], drafter: Drafter, known: References) -> None:
    """What the ledger has against vouchers with mistakes; where one was found already, it is told once."""
    drafts = [normalised(drafter.question(one.document)) for one in wrong]
    known.learn(drafts)
    for one, draft in zip(wrong, drafts, strict=True):
        told = {(finding.place.line, finding.place.element) for finding in one.findings}
        for error in check_entries(draft, known, dated=draft.posting_date != NO_DAY):
            finding = ledger_finding(error, one.document.position)
            if (finding.place.line, finding.place.element) not in told:
                one.findings.append(finding)


def rates_of(municipality: str) -> RateOn:
    """`rate_per_hundred`, looked up once for each currency and day; for one transaction."""
    return cache(lambda currency, on: rate_per_hundred(municipality, currency, on))


def needs_release(draft: VoucherDraft, sender: PostingSender) -> bool:
    """Whether a voucher waits for a second person, by its document type's amount in the agreement."""
    limits: dict[str, int] = sender.release_above
    limit = limits.get(draft.document_type, limits.get(ANY_TYPE))
    return limit is not None and amount_of(draft) > limit


def find_company(municipality: str, code: str) -> CompanyCode | None:
    """The company code, if there is one."""
    found: CompanyCode | None = _company.first(municipality, code.zfill(4))
    return found


@Prepared
def _company(municipality: Any, code: Any) -> Any:
    return CompanyCode.select().where(CompanyCode.municipality == municipality, CompanyCode.code == code)


def key(document: Examined) -> Key:
    """What a sender's voucher is known by: RECEIV_DOC, company code, year."""
    return document.header.get("RECEIV_DOC", ""), code_of(document), year_of(document)


def code_of(document: Examined) -> str:
    """The company code with its leading zeros; they get lost on the way."""
    return document.header.get("COMP_CODE", "").strip().zfill(4)[:4]


def year_of(document: Examined) -> int:
    """The year of PSTNG_DATE; 0 when it is no date."""
    posted = day(document.header.get("PSTNG_DATE", ""))
    return posted.year if posted else 0


def reversed_number(document: Examined) -> str:
    """The RECEIV_DOC of the voucher that a voucher says it reverses; empty when it reverses none."""
    return reversed_by(document.header.get("XREF2_HD", ""))


def reversed_by(reference: str) -> str:
    """The same of an XREF2_HD."""
    return reference.removeprefix(REVERSES).strip() if reference.startswith(REVERSES) else ""


def _draft(one: Judged, drafter: Drafter, earlier: Mapping[Key, Accepted]) -> None:
    document, number = one.document, reversed_number(one.document)
    if not number:
        one.draft = drafter.draft(document)
        return
    original = _original(number, document, earlier)
    if isinstance(original, Voucher):
        one.draft = drafter.draft(document, reverses=original)
    elif isinstance(original, VoucherDraft):
        one.draft, one.opposite_of = drafter.draft(document), original
    else:
        unknown = PostingReversalUnknown(element="XREF2_HD", value=number, expected=original)
        one.findings.append(Finding(unknown, Place(document.position, 0, "XREF2_HD")))


def _original(
    number: str, document: Examined, earlier: Mapping[Key, Accepted]
) -> Voucher | VoucherDraft | str:
    """The voucher that is reversed, or why it is not clear: of the same year, or the only one."""
    code, year = code_of(document), year_of(document)
    known = {
        when: accepted for (name, where, when), accepted in earlier.items() if (name, where) == (number, code)
    }
    if not known:
        return "ikke er modtaget"
    if year not in known and len(known) > 1:
        return f"er modtaget i flere år ({', '.join(map(str, sorted(known)))})"
    accepted = known.get(year) or next(iter(known.values()))
    if accepted.draft is not None:
        return accepted.draft
    found: Voucher | None = Voucher.get_or_none(Voucher.uuid == accepted.voucher)
    return found if found is not None else "ikke er bogført (parkeret eller afvist)"


def accepted_before(sender: PostingSender, documents: Sequence[Examined]) -> dict[Key, Accepted]:
    """What the sender delivered before under the numbers that these vouchers name."""
    found = {}
    numbers = {document.header.get("RECEIV_DOC", "") for document in documents}
    numbers |= {reversed_number(document) for document in documents} - {""}
    for some in some_of(numbers):
        for row in _accepted_under.rows(sender, some):
            accepted = Accepted(bytes(row.digest), row.file_name, row.voucher_uuid)
            found[row.number, row.company_code, row.year] = accepted
    return found


@Prepared
def _accepted_under(sender: Any, numbers: Any) -> Any:
    rows = (
        PostingDocument.select(PostingDocument, PostingFile.name.alias("file_name"))
        .join(PostingFile)
        .where(
            PostingDocument.sender == sender,
            is_any_of(PostingDocument.number, numbers),
            PostingDocument.voucher_uuid.is_null(False),
        )
    )
    return rows.objects()


def _repeated(document: Examined, accepted: Accepted, drafter: Drafter, *, whole: bool) -> Finding:
    """`whole`: nothing else is wrong with it, so that it can be compared."""
    before = document.digest_before
    if accepted.digest == document.digest or (before is not None and accepted.digest == before()):
        same = "med samme indhold"
    elif whole and (first := accepted.draft or accepted.voucher):
        same = f"med andet indhold: {what_differs(document, drafter, first)}"
    else:
        same = "med andet indhold"
    repeated = PostingRepeated(element=document.number, value=same, expected=accepted.file)
    return Finding(repeated, Place(document.position, 0, "RECEIV_DOC"))


def _with_rate(
    document: Examined, company: CompanyCode | None, rate_on: RateOn, sender: PostingSender
) -> list[Finding]:
    """What was found, and what is wrong with currency and rate: with the header, before the lines."""
    own = company.currency if company else _ANY_CURRENCY
    header = document.header
    of_rate = [
        Finding(error, Place(document.position, 0, element))
        for error, element in check_rate(header, own, rate_on, own_rates=sender.own_rates)
    ]
    if not of_rate:
        return list(document.findings)
    before = [finding for finding in document.findings if not finding.place.line]
    return [*before, *of_rate, *(finding for finding in document.findings if finding.place.line)]


def _check_rights(
    document: Examined, sender: PostingSender, company: CompanyCode | None
) -> Iterator[Finding]:
    place = Place(document.position, 0, "COMP_CODE")
    codes, types = sender.company_codes, sender.document_types
    if "COMP_CODE" in document.header and (company is None or (codes and company.code not in codes)):
        allowed = ", ".join(codes) or "kommunens firmakoder"
        yield Finding(PostingCompanyCodeForeign(value=code_of(document), expected=allowed), place)
    given = document.header.get("DOC_TYPE", "")
    if types and given not in types:
        wrong = PostingDocumentTypeForeign(value=given or "-", expected=", ".join(types))
        yield Finding(wrong, Place(document.position, 0, "DOC_TYPE"))


def without_repetition(documents: Sequence[Examined]) -> Iterator[list[Examined]]:
    """The vouchers in their order, cut where one names another's number: what became of that counts."""
    some: list[Examined] = []
    numbers: set[str] = set()
    for document in documents:
        number = document.header.get("RECEIV_DOC", "")
        if number in numbers or reversed_number(document) in numbers:
            yield some
            some, numbers = [], set()
        some.append(document)
        numbers.add(number)
    yield some
