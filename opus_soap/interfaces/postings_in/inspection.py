"""A file checked without effect: every mistake that its delivery would tell, and where in the file it is."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import etree

from opus_soap.clock import Clock
from opus_soap.errors import PostingFileRefused, PostingsInError
from opus_soap.interfaces.postings_in.drafts import Drafter, periods_of
from opus_soap.interfaces.postings_in.elements import ledger_finding
from opus_soap.interfaces.postings_in.entering import by_company
from opus_soap.interfaces.postings_in.examining import Examined, batches, examine
from opus_soap.interfaces.postings_in.files import check_name_is_free, find_sender, sender_of
from opus_soap.interfaces.postings_in.judging import (
    Accepted,
    Judged,
    Key,
    accepted_before,
    find_company,
    judge,
    key,
    needs_release,
    rates_of,
    reversed_by,
    without_repetition,
)
from opus_soap.interfaces.postings_in.places import Locator
from opus_soap.interfaces.postings_in.reading import (
    Finding,
    Place,
    ReadingLimits,
    read,
    survey,
)
from opus_soap.ledger.checks import check, check_reversal_of, normalised, reversed_before
from opus_soap.ledger.drafts import VoucherDraft
from opus_soap.ledger.references import References
from opus_soap.store.models import PostingFile, PostingSender


@dataclass(frozen=True)
class Told:
    """A mistake for people: the voucher's number, line and column of the file (None: the file itself)."""

    finding: Finding
    number: str = ""
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True)
class Inspector:
    """Checks files for a municipality, as `Receiver` would; writes nothing."""

    municipality: str
    limits: ReadingLimits
    clock: Clock
    made: bool = False  # as of `Receiver`

    def inspect(self, path: Path, file_name: str) -> Iterator[Told]:
        """Every mistake, in the order of the file; `file_name` as it will be delivered (empty: not known).

        Raises OSError.
        """
        reversed_here: set[str] = set()

        def note(node: etree._Element) -> None:
            number = reversed_by(node.findtext("HEADER/XREF2_HD", ""))
            if number:
                reversed_here.add(number)

        try:
            with path.open("rb") as file:
                summary = survey(file, self.limits, note)
        except PostingsInError as error:
            yield Told(Finding(error, Place(0)))
            return
        sender = find_sender(self.municipality, summary.control.fields.get("SENDERID", ""))
        try:
            check_name_is_free(
                sender_of(summary, self.municipality, file_name, None), summary, path, made=self.made
            )
        except PostingFileRefused as refused:
            placed = {id(item.error): item for item in summary.control.findings}
            told = [placed.get(id(error), Finding(error, Place(0))) for error in refused.errors]
            with path.open("rb") as file:
                yield from _located(Locator(file), [("", finding) for finding in told])
        if sender is None:  # anybody's, so that the rest is told as well
            sender = PostingSender(
                municipality=self.municipality, sender_id="", company_codes=[], document_types=[]
            )
        taken = Taken(summary.control.fields.get("FILE_NAME", path.name), reversed_here)
        with path.open("rb") as file, path.open("rb") as again:
            vouchers = examine(read(file, self.limits), self.municipality, self.limits)
            locator = Locator(again)
            for batch in batches(vouchers, most=self.limits.max_batch):
                yield from _located(locator, list(self._judge(batch, sender, taken)))

    def _judge(
        self, batch: Sequence[Examined], sender: PostingSender, taken: Taken
    ) -> Iterator[tuple[str, Finding]]:
        file, rate_on = PostingFile(sender=sender, name=""), rates_of(self.municipality)
        found: list[tuple[Examined, list[Finding]]] = []
        for code, group in by_company(batch):
            company = find_company(self.municipality, code)
            drafter = known = None
            if company is not None:
                drafter = Drafter(company, file, rate_on, periods_of(company, self.clock), _forget)
                known = References(company)
            earlier = accepted_before(sender, group)
            for some in without_repetition(group):
                judged = judge(some, sender, rate_on, drafter, known, {**earlier, **taken.among(some)})
                found += [(one.document, _all_of(one, sender, known, taken)) for one in judged]
        found.sort(key=lambda pair: pair[0].position)
        for document, findings in found:
            yield from ((document.number, finding) for finding in findings)


class Taken:
    """The vouchers of a file that would have been accepted so far: few bytes of each, for there may be many.

    Kept whole are those alone that others in the file reverse.
    """

    def __init__(self, file_name: str, reversed_here: Collection[str]) -> None:
        self._file_name = file_name
        self._reversed_here = reversed_here
        self._digests: dict[Key, bytes] = {}
        self._drafts: dict[Key, VoucherDraft] = {}
        self._waiting: set[Key] = set()
        self._reversing: dict[object, tuple[str, bool]] = {}

    def add(self, document: Examined, draft: VoucherDraft, reversed_: object, *, waits: bool) -> None:
        """A voucher that nothing is wrong with, what it reverses, and whether it would be parked."""
        known_by = key(document)
        self._digests[known_by] = document.digest
        if document.number in self._reversed_here and waits:
            self._waiting.add(known_by)
        elif document.number in self._reversed_here:
            self._drafts[known_by] = draft
        if reversed_ is not None:
            self._reversing[reversed_] = draft.reference, waits

    def reversal_of(self, reversed_: object) -> tuple[str, bool] | None:
        """The number of the voucher of the file that reverses the same, and whether it would be parked."""
        return self._reversing.get(reversed_)

    def among(self, documents: Sequence[Examined]) -> dict[Key, Accepted]:
        """Those that these vouchers repeat, and those that any reverses."""
        wanted = {key(document) for document in documents} & self._digests.keys()
        return {
            known_by: Accepted(self._digests[known_by], self._file_name, None, self._drafts.get(known_by))
            for known_by in wanted | self._drafts.keys() | self._waiting
        }


def _located(locator: Locator, found: Sequence[tuple[str, Finding]]) -> Iterator[Told]:
    places = locator.find({finding.place for _, finding in found})
    for number, finding in found:
        line, column = places.get(finding.place, (None, None))
        yield Told(finding, number, line, column)


def _all_of(judged: Judged, sender: PostingSender, known: References | None, taken: Taken) -> list[Finding]:
    """Every mistake of a voucher; one without any counts for those after it."""
    found = list(judged.findings)
    if judged.draft is None or known is None:
        return found
    draft = normalised(judged.draft)
    known.learn([draft])
    reversed_ = _reversed_by(judged)
    found += _asked_of_the_books(draft, judged, known, taken.reversal_of(reversed_))
    if not found:
        taken.add(judged.document, draft, reversed_, waits=needs_release(draft, sender))
    return found


def _reversed_by(judged: Judged) -> object:
    """What a voucher reverses: the key of one in the books, or of another in the file; None: nothing."""
    if (original := judged.opposite_of) is not None:
        return original.reference, original.company_code.code, original.posting_date.year
    return judged.draft.reverses.id if judged.draft is not None and judged.draft.reverses else None


def _asked_of_the_books(
    draft: VoucherDraft, judged: Judged, known: References, before: tuple[str, bool] | None
) -> list[Finding]:
    """`before`: the voucher of the file that reverses the same."""
    original = judged.opposite_of
    if original is not None:
        errors = [reversed_before(original.reference, *before)] if before else []
        errors += check_reversal_of(draft, original, known)
    else:
        if draft.reverses is not None and before is not None:
            known.reversing[draft.reverses.id] = before
        errors = check(draft, known)
    return [ledger_finding(error, judged.document.position) for error in errors]


def _forget(_sha256: str, _data: bytes, _media_type: str) -> None:
    """Keep nothing: the draft is only looked at."""
