"""Vouchers of a file into the books, a batch in one transaction, and what is said of each.

A batch is dealt with company code by company code, in the order of their codes, and all of one that can be
written together is: locks are taken in the same order by everybody, and a file whose vouchers alternate, or
come twice, costs no more than another.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

from opus_soap.clock import Clock
from opus_soap.database import encode_json, insert_stored
from opus_soap.errors import PostingRepeated, VoucherRefused
from opus_soap.failpoints import failpoint
from opus_soap.interfaces.postings_in import receipts
from opus_soap.interfaces.postings_in.currency import RateOn
from opus_soap.interfaces.postings_in.drafts import Drafter, Keep, periods_of
from opus_soap.interfaces.postings_in.elements import ledger_finding
from opus_soap.interfaces.postings_in.examining import Examined
from opus_soap.interfaces.postings_in.judging import (
    Accepted,
    Judged,
    Key,
    accepted_before,
    code_of,
    find_company,
    judge,
    key,
    needs_release,
    rates_of,
    reversed_number,
    without_repetition,
    year_of,
)
from opus_soap.interfaces.postings_in.proofs import root_after
from opus_soap.interfaces.postings_in.reading import Finding
from opus_soap.interfaces.postings_in.receipts import Return
from opus_soap.ledger.drafts import VoucherDraft
from opus_soap.ledger.models import CompanyCode, ParkedVoucher, Voucher
from opus_soap.ledger.parking import park
from opus_soap.ledger.posting import checked, write
from opus_soap.ledger.references import References
from opus_soap.store import content
from opus_soap.store.models import PostingDocument, PostingFile

_COLUMNS = (
    "file",
    "position",
    "sender",
    "number",
    "company_code",
    "year",
    "digest",
    "voucher_uuid",
    "returns",
)
_POSITION = _COLUMNS.index("position")

# what became of a voucher; None: its mistakes were found before
Result = Voucher | ParkedVoucher | VoucherRefused | None
Row = tuple[object, ...]


def enter(
    file: PostingFile, documents: Sequence[Examined], delivered_by: tuple[str, ...], clock: Clock
) -> bytes:
    """Into the books what is good of a batch, in the caller's transaction, and note what is said of each.

    `delivered_by` are the users who brought the file in themselves. Returns the file's root behind them.
    """
    rate_on = rates_of(file.municipality)
    put_aside = _PutAside()
    rows: list[Row] = []
    for code, some in by_company(documents):
        company = find_company(file.municipality, code)
        if company is None:
            judged = judge(some, file.sender, rate_on, None, None, {})
            rows += [_row(file, one, None) for one in judged]
        else:
            entering = _Entering(file, company, rate_on, put_aside.keep, delivered_by, clock)
            rows += [_row(file, one, result) for one, result in entering.enter(some)]
    content.put_hashed(put_aside.items, at=clock.now())
    failpoint("postings_in.vouchers_posted")
    rows.sort(key=lambda row: row[_POSITION])  # type: ignore[arg-type, return-value]  # a number
    insert_stored(PostingDocument, _COLUMNS, rows)
    return root_after(bytes(file.said_root), (row[_POSITION:] for row in rows))


def by_company(documents: Sequence[Examined]) -> list[tuple[str, list[Examined]]]:
    """Vouchers by their company code, in the order of the codes; those of one in theirs."""
    found: dict[str, list[Examined]] = defaultdict(list)
    for document in documents:
        found[code_of(document)].append(document)
    return sorted(found.items())


class _PutAside:
    """Content of a batch that is stored when its vouchers have been."""

    def __init__(self) -> None:
        self.items: list[tuple[str, tuple[bytes, str]]] = []

    def keep(self, sha256: str, data: bytes, media_type: str) -> None:
        """Bytes that will be known by their hash."""
        self.items.append((sha256, (data, media_type)))


class _Entering:
    """The vouchers of one company code in one transaction.

    They are written together, when all are known, or when one comes that reverses one of them.
    """

    def __init__(
        self,
        file: PostingFile,
        company: CompanyCode,
        rate_on: RateOn,
        keep: Keep,
        delivered_by: tuple[str, ...],
        clock: Clock,
    ) -> None:
        self._file, self._rate_on, self._clock = file, rate_on, clock
        self._drafter = Drafter(company, file, rate_on, periods_of(company, clock), keep, delivered_by)
        self._known = References(company)
        self._earlier: dict[Key, Accepted] = {}
        self._judged: list[tuple[Judged, Result]] = []
        # place in `_judged`, number, the draft, and whether it waits
        self._good: list[tuple[int, Key, VoucherDraft, bool]] = []
        self._not_written: set[str] = set()  # numbers

    def enter(self, documents: Sequence[Examined]) -> list[tuple[Judged, Result]]:
        """What became of each, in their order."""
        self._earlier = accepted_before(self._file.sender, documents)
        for some in without_repetition(documents):
            if any(reversed_number(document) in self._not_written for document in some):
                self._write()
            judged = judge(some, self._file.sender, self._rate_on, self._drafter, self._known, self._earlier)
            self._check(judged)
        self._write()
        return self._judged

    def _check(self, judged: Sequence[Judged]) -> None:
        drafts = [one.draft for one in judged if one.draft is not None]
        waits = [needs_release(draft, self._file.sender) for draft in drafts]
        asked = iter(zip(checked(drafts, self._known, waits), waits, strict=True))
        for one in judged:
            refused = None
            if one.draft is not None:
                (draft, refused), waiting = next(asked)
                if refused is None:
                    known_by = key(one.document)
                    self._good.append((len(self._judged), known_by, draft, waiting))
                    self._not_written.add(known_by[0])
                    self._earlier[known_by] = Accepted(one.document.digest, self._file.name, None, draft)
            self._judged.append((one, refused))

    def _write(self) -> None:
        """Each that is good into the books, or parked until a second person has looked at it."""
        posted = iter(write([draft for *_, draft, waits in self._good if not waits], self._clock))
        for place, known_by, draft, waits in self._good:
            result = park(draft, self._clock) if waits else next(posted)
            one, _ = self._judged[place]
            self._judged[place] = one, result
            self._earlier[known_by] = Accepted(one.document.digest, self._file.name, result.uuid)
        self._good, self._not_written = [], set()


def _row(file: PostingFile, judged: Judged, result: Result) -> Row:
    """A PostingDocument's columns as they are stored: what became of a voucher, and what is said of it."""
    document, findings = judged.document, judged.findings
    if isinstance(result, VoucherRefused):
        findings = [ledger_finding(error, document.position) for error in result.errors]
    taken = result if isinstance(result, (Voucher, ParkedVoucher)) else None
    returns = list(_returns_of(document, findings)) if findings else [_accepted(document)]
    if isinstance(taken, ParkedVoucher):
        returns.append(receipts.parked(document.number, taken.amount_ore))
    return (
        file.id,
        document.position,
        file.sender_id,
        document.number,
        code_of(document),
        year_of(document),
        document.digest,
        taken.uuid.hex if taken is not None else None,
        encode_json([[row.number, row.line, row.kind, row.text] for row in returns]),
    )


def _accepted(document: Examined) -> Return:
    return receipts.accepted(document.number, code_of(document), document.header["PSTNG_DATE"])


def _returns_of(document: Examined, findings: Sequence[Finding]) -> Iterator[Return]:
    """What production would say, and after it what it does not."""
    number = document.number
    for finding in findings:
        told = receipts.of_error(finding.error, number, finding.place.line)
        if isinstance(finding.error, PostingRepeated):
            yield receipts.received_before(number, year_of(document))
            told = replace(told, kind=receipts.DETAIL)
        yield told
