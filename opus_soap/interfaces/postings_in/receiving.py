"""A file of postings from its bytes to its receipt: the one way, by whichever door it came.

The file is stored, looked at as a whole, and dealt with in batches of vouchers. Each batch is one
transaction: its vouchers, what was said of each, and how far the file has come. A process that dies
between two batches leaves a file that goes on behind the last one; two that work on the same file follow
each other. When all is dealt with, the receipt is written from what was said, and never again otherwise.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any, BinaryIO
from uuid import UUID

from peewee import IntegrityError, chunked

from opus_soap.clock import Clock
from opus_soap.database import insert_rows, is_postgresql, new_uuid, transaction
from opus_soap.errors import (
    LedgerError,
    PostingCompanyCodeForeign,
    PostingDocumentTypeForeign,
    PostingFileEmpty,
    PostingFileNameUsed,
    PostingFileNameWrong,
    PostingFileRefused,
    PostingReceiverWrong,
    PostingRepeated,
    PostingSenderUnknown,
    PostingsInError,
    VoucherRefused,
)
from opus_soap.interfaces.postings_in import receipts
from opus_soap.interfaces.postings_in.checks import Expectations, check, day
from opus_soap.interfaces.postings_in.drafts import draft, personal_numbers
from opus_soap.interfaces.postings_in.reading import (
    Document,
    Finding,
    Place,
    ReadingLimits,
    Summary,
    read,
    survey,
)
from opus_soap.interfaces.postings_in.receipts import Return
from opus_soap.ledger.models import CompanyCode, Voucher
from opus_soap.ledger.posting import VoucherDraft, post_many
from opus_soap.store import audit, content
from opus_soap.store.files import FileStore, StoredFile
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender

BATCH = 1000  # vouchers in a transaction
AT_ONCE = 500
_NAME = re.compile(
    r"ZFIR_KMD_Opus_Posteringer_IND_(\d{3})_([A-Za-z0-9]{4})_(\d{8})_(\d{6})\.xml", re.IGNORECASE | re.ASCII
)
_RECEIVER = re.compile(r"[PQTDU]\d{2}CLNT(\d{3})", re.ASCII)
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


@dataclass(frozen=True)
class Receiver:
    """Who takes files in: whose municipality, where files are kept, within which limits."""

    municipality: str
    store: FileStore
    limits: ReadingLimits
    clock: Clock

    def deliver(
        self, source: BinaryIO, file_name: str, *, actor: str, as_sender: str | None = None
    ) -> PostingFile:
        """Take a file in and deal with all of it; the same file again is the file it was.

        `as_sender` is the SENDERID that the door has made sure of; None where anybody may deliver.
        Raises a `PostingsInError` when the file as a whole has no effect, `FileStoreFailed`.
        """
        stored = self.store.take(source, most_bytes=self.limits.max_bytes)
        file = self._file(stored, file_name, actor, as_sender)
        if file.state == PostingFile.UNDER_WAY:
            self._deal_with(file)
        return file

    def _file(self, stored: StoredFile, file_name: str, actor: str, as_sender: str | None) -> PostingFile:
        """The file's row: made now, or the one that it has."""
        with stored.path.open("rb") as data:
            try:
                summary = survey(data, self.limits)
            except PostingsInError as error:
                raise PostingFileRefused([error]) from None
        fields = summary.control.fields
        sender, errors = self._check_file(summary, file_name, as_sender)
        if sender is None or errors:
            raise PostingFileRefused(errors, fields)
        known = _known(sender, fields["FILE_NAME"])
        if known is None:
            try:
                with transaction():
                    return self._new_file(stored, summary, sender, actor)
            except IntegrityError:  # another process was quicker
                known = _known(sender, fields["FILE_NAME"])
                if known is None:
                    raise
        if known.sha256 != stored.sha256:
            used = PostingFileNameUsed(value=known.name, expected=f"{known.received_at:%Y-%m-%d}")
            raise PostingFileRefused([used], fields)
        return known

    def _new_file(
        self, stored: StoredFile, summary: Summary, sender: PostingSender, actor: str
    ) -> PostingFile:
        file = PostingFile.create(
            uuid=new_uuid(),
            municipality=self.municipality,
            sender=sender,
            name=summary.control.fields["FILE_NAME"],
            name_key=summary.control.fields["FILE_NAME"].casefold(),
            sha256=stored.sha256,
            size=stored.size,
            state=PostingFile.UNDER_WAY,
            documents=summary.documents,
            control=summary.control.fields,
            received_at=self.clock.now(),
        )
        audit.record(
            "postings_in.received",
            file.uuid,
            actor=actor,
            at=file.received_at,
            municipality=self.municipality,
            file=file.name,
            sha256=file.sha256,
        )
        return file

    def _check_file(
        self, summary: Summary, file_name: str, as_sender: str | None
    ) -> tuple[PostingSender | None, list[PostingsInError]]:
        """Everything that is wrong with the file as a whole, and whose it is."""
        control = summary.control
        errors = [finding.error for finding in control.findings]
        fields = control.fields
        errors += _check_name(fields, file_name)
        receiver = _RECEIVER.fullmatch(fields.get("RECEIVER", ""))
        if receiver and receiver[1] != self.municipality:
            errors.append(PostingReceiverWrong(value=fields["RECEIVER"], expected=self.municipality))
        if not summary.documents:
            errors.append(PostingFileEmpty())
        claimed = fields.get("SENDERID", "")
        sender = self.sender(claimed)
        named = _NAME.fullmatch(fields.get("FILE_NAME", ""))
        if sender is None or (as_sender is not None and as_sender != claimed):
            return None, [PostingSenderUnknown(value=claimed or "-", expected=self.municipality), *errors]
        if named and named[2].casefold() != sender.short.casefold():
            errors.append(PostingFileNameWrong(element="FILE_NAME", value=named[2], expected=sender.short))
        return sender, errors

    def sender(self, sender_id: str) -> PostingSender | None:
        """The agreement with a SENDERID, if it is not stopped."""
        found: PostingSender | None = PostingSender.get_or_none(
            PostingSender.municipality == self.municipality,
            PostingSender.sender_id == sender_id,
            PostingSender.active,
        )
        return found

    # --- vouchers

    def _deal_with(self, file: PostingFile) -> None:
        """Every voucher that has not been dealt with, batch by batch; then the receipt."""
        with self.store.open(file.sha256) as data:
            parts = (part for part in read(data, self.limits) if isinstance(part, Document))
            for batch in chunked(parts, BATCH):
                self._deal_with_batch(file, batch)
        self._finish(file)

    def _deal_with_batch(self, file: PostingFile, batch: Sequence[Document]) -> None:
        with transaction():
            _hold_sender(file)
            position = _held(file).position
            fresh = [document for document in batch if document.position > position]
            if not fresh:
                return  # another process has been here
            for code, group in groupby(fresh, key=_code):
                self._book(file, code, list(group))
            file.position = fresh[-1].position
            file.save(only=[PostingFile.position])

    def _book(self, file: PostingFile, code: str, documents: list[Document]) -> None:
        """Vouchers of one company code, in their order: into the books, and what is said of each."""
        company = _company(self.municipality, code)
        expected = Expectations(self.municipality, company.currency if company else "DKK")
        for some in _without_repetition(documents):
            earlier = _accepted(file.sender, some)
            outcomes: list[list[Return]] = []
            drafts: list[VoucherDraft] = []
            for document in some:
                findings = list(document.findings) or [*check(document, expected)]
                findings += _check_rights(document, file.sender, company, code)
                returns = [_told(finding, document) for finding in findings]
                if not returns and company is not None:
                    if _key(document) in earlier:
                        returns = list(_repeated(document, *earlier[_key(document)]))
                    else:
                        drafts.append(self._draft(document, company, file))
                outcomes.append(returns)
            posted, rows = iter(post_many(drafts, self.clock)), []
            for document, returns in zip(some, outcomes, strict=True):
                voucher, told = (None, returns) if returns else _outcome(document, next(posted))
                rows.append(_row(file, document, voucher, told))
            insert_rows(PostingDocument, _COLUMNS, rows)

    def _draft(self, document: Document, company: CompanyCode, file: PostingFile) -> VoucherDraft:
        numbers = personal_numbers(document)
        personal = None
        if numbers:
            salted = json.dumps({"salt": os.urandom(16).hex(), "lines": numbers}, sort_keys=True)
            personal = content.put(salted.encode("utf-8"), "application/json", at=self.clock.now()).sha256
        return draft(
            document,
            company,
            sender=file.sender.sender_id,
            source=f"{file.name}#{document.position}",
            clock=self.clock,
            personal=personal,
        )

    # --- the receipt

    def _finish(self, file: PostingFile) -> None:
        """The receipt, once; whoever comes second finds it."""
        stored = self.store.write(lambda out: self._write_receipt(file, out))
        with transaction():
            held = _held(file)
            if held.state == PostingFile.UNDER_WAY:
                held.state = PostingFile.BOOKED
                held.receipt_sha256 = stored.sha256
                held.finished_at = self.clock.now()
                held.save(only=[PostingFile.state, PostingFile.receipt_sha256, PostingFile.finished_at])
        file.state, file.receipt_sha256 = held.state, held.receipt_sha256
        file.finished_at = held.finished_at

    def _write_receipt(self, file: PostingFile, out: BinaryIO) -> None:
        accepted = (
            PostingDocument.select()
            .where(PostingDocument.file == file, PostingDocument.voucher_uuid.is_null(False))
            .count()
        )
        counts = receipts.Counts(file.documents, accepted)
        at = self.clock.now()
        receipts.write(out, file.control, _returns(file, receipts.of_file(counts, file.control, at)))


def _returns(file: PostingFile, of_file: Iterator[Return]) -> Iterator[Return]:
    yield from of_file
    after = 0
    while True:
        rows = list(
            PostingDocument.select()
            .where(PostingDocument.file == file, PostingDocument.position > after)
            .order_by(PostingDocument.position)
            .limit(BATCH)
        )
        if not rows:
            return
        for row in rows:
            for number, line, kind, text in row.returns:
                yield Return(number, text, row.number, line, kind)
        after = rows[-1].position


def _known(sender: PostingSender, name: str) -> PostingFile | None:
    found: PostingFile | None = PostingFile.get_or_none(
        PostingFile.sender == sender, PostingFile.name_key == name.casefold()
    )
    return found


def _without_repetition(documents: Sequence[Document]) -> Iterator[list[Document]]:
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


def _outcome(document: Document, result: Voucher | VoucherRefused) -> tuple[UUID | None, list[Return]]:
    """What the ledger made of a voucher, and what is said of it."""
    if isinstance(result, VoucherRefused):
        return None, [_ledger_return(error, document) for error in result.errors]
    header = document.header
    taken = receipts.accepted(header["RECEIV_DOC"], _code(document), header["PSTNG_DATE"])
    return result.uuid, [taken]


def _row(
    file: PostingFile, document: Document, voucher: UUID | None, returns: Sequence[Return]
) -> tuple[object, ...]:
    return (
        file.id,
        document.position,
        file.sender_id,
        document.header.get("RECEIV_DOC", "")[:16],
        _code(document),
        _year(document),
        document.digest,
        voucher,
        [[row.number, row.line, row.kind, row.text] for row in returns],
    )


def _hold_sender(file: PostingFile) -> None:
    """Two files of one sender follow each other: a number in both is taken once."""
    if is_postgresql():
        PostingSender.select().where(PostingSender.id == file.sender_id).for_update().execute()


def _held(file: PostingFile) -> PostingFile:
    query = PostingFile.select().where(PostingFile.id == file.id)
    found: PostingFile = (query.for_update() if is_postgresql() else query).get()
    return found


def _company(municipality: str, code: str) -> CompanyCode | None:
    found: CompanyCode | None = CompanyCode.get_or_none(
        CompanyCode.municipality == municipality, CompanyCode.code == code.zfill(4)
    )
    return found


def _key(document: Document) -> tuple[str, str, int]:
    header = document.header
    return header["RECEIV_DOC"], _code(document), _year(document)


def _code(document: Document) -> str:
    """The company code with its leading zeros; they get lost on the way."""
    return document.header.get("COMP_CODE", "").strip().zfill(4)[:4]


def _year(document: Document) -> int:
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


def _repeated(document: Document, digest: bytes, file: str) -> Iterator[Return]:
    """301 as production says it, and ours: whether it is the same."""
    number, year = document.header["RECEIV_DOC"], _year(document)
    yield receipts.received_before(number, year)
    same = "med samme indhold" if digest == document.digest else "med andet indhold"
    detail = receipts.of_error(PostingRepeated(element=number, value=same, expected=file), number)
    yield replace(detail, kind=receipts.DETAIL)


def _check_rights(
    document: Document, sender: PostingSender, company: CompanyCode | None, code: str
) -> Iterator[Finding]:
    place = Place(document.position, 0, "COMP_CODE")
    codes, types = sender.company_codes, sender.document_types
    if company is None or (codes and company.code not in codes):
        allowed = ", ".join(codes) or "kommunens firmakoder"
        yield Finding(PostingCompanyCodeForeign(value=code or "-", expected=allowed), place)
    given = document.header.get("DOC_TYPE", "")
    if types and given not in types:
        wrong = PostingDocumentTypeForeign(value=given or "-", expected=", ".join(types))
        yield Finding(wrong, Place(document.position, 0, "DOC_TYPE"))


def _check_name(fields: Mapping[str, str], file_name: str) -> Iterator[PostingsInError]:
    """The file is called as it says, and says the same as its name."""
    named = _NAME.fullmatch(fields.get("FILE_NAME", ""))
    if file_name and fields.get("FILE_NAME", "").casefold() != file_name.casefold():
        yield PostingFileNameWrong(
            element="FILE_NAME", value=fields.get("FILE_NAME", "-"), expected=file_name
        )
    if named is None:
        return
    municipality, _, date, time = named.groups()
    client = _RECEIVER.fullmatch(fields.get("RECEIVER", ""))
    for element, value, expected in (
        ("RECEIVER", client[1] if client else municipality, municipality),
        ("SEND_DATE", fields.get("SEND_DATE"), date),
        ("SEND_TIME", fields.get("SEND_TIME"), time),
    ):
        if value != expected:
            yield PostingFileNameWrong(element=element, value=value or "-", expected=expected)


def _told(finding: Finding, document: Document) -> Return:
    return receipts.of_error(finding.error, document.header.get("RECEIV_DOC", "")[:16], finding.place.line)


def _ledger_return(error: LedgerError, document: Document) -> Return:
    """The ledger's error, at the line whose number it carries."""
    where, _, field = error.element.partition(" ")
    line = int(where) if where.isdecimal() else 0
    if line:
        error.element = ELEMENTS.get(field, field)
    return receipts.of_error(error, document.header["RECEIV_DOC"], line)


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
