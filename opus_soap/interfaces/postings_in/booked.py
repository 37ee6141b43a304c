"""FinancePostingBooked, our third receipt: what production never tells a sender of its vouchers.

It is written when every voucher of a file has been decided, and sealed where the books are: its number in the
books, its fingerprint, and the seal that covers it. Written piece by piece, as the receipt is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO
from uuid import UUID

from peewee import Case, fn

from opus_soap.interfaces.postings_in.receipts import control_fields, element
from opus_soap.ledger.models import ParkedVoucher, Posting, Seal, Voucher
from opus_soap.money import kroner_from_ore
from opus_soap.store.models import PostingDocument, PostingFile

NAMESPACE = "urn:opus-soap:posteringer-ind:bogfoert:1"
BOOKED, REJECTED, DISMISSED = "BOGFOERT", "AFVIST", "FORKASTET"
_MARK = "_BOGFOERT"
_AT_ONCE = 1000  # vouchers


def name_of(file_name: str) -> str:
    """`….xml` → `…_BOGFOERT.xml`, in the letter case of the file's own ending."""
    return f"{file_name[:-4]}{_MARK}{file_name[-4:]}"


def file_name_of(name: str) -> str:
    """The other way; empty when the name is no third receipt's."""
    stem, ending = name[:-4], name[-4:]
    return f"{stem[: -len(_MARK)]}{ending}" if stem.upper().endswith(_MARK) else ""


def is_decided(file: PostingFile) -> bool:
    """Whether no voucher of a file waits for a second person any more."""
    waiting = (
        PostingDocument.select()
        .join(ParkedVoucher, on=(ParkedVoucher.uuid == PostingDocument.voucher_uuid))
        .where(PostingDocument.file == file, ParkedVoucher.state == ParkedVoucher.PARKED)
    )
    return not waiting.exists()


def is_sealed(file: PostingFile, *, expected: bool) -> bool:
    """Whether every voucher of a file that is in the books is under a seal.

    Where a company code has no seal yet, and none is `expected`, there is nothing to wait for.
    """
    newest = (
        Voucher.select(Voucher.company_code, fn.MAX(Voucher.id))
        .join(PostingDocument, on=(PostingDocument.voucher_uuid == Voucher.uuid))
        .where(PostingDocument.file == file)
        .group_by(Voucher.company_code)
    )
    rows: list[tuple[int, int]] = list(newest.tuples())  # type: ignore[arg-type]
    for company, last in rows:
        sealed = Seal.select(fn.MAX(Seal.last_voucher)).where(Seal.company_code == company).scalar()
        if sealed is None and not expected:
            continue
        if sealed is None or sealed < last:
            return False
    return True


def write(out: BinaryIO, file: PostingFile) -> None:
    """The third receipt of a file that is decided, UTF-8; raises OSError."""
    out.write(b'<?xml version="1.0" encoding="UTF-8"?>\n')
    out.write(f'<n0:FinancePostingBooked xmlns:n0="{NAMESPACE}">'.encode())
    out.write(element("CONTROL_FIELDS", control_fields(file.control)))
    out.write(element("TOTALS", _totals(file)))
    for page in _pages(file):
        vouchers = _Vouchers(page)
        for row in page:
            out.write(element("VOUCHER", vouchers.told(row)))
    out.write(b"</n0:FinancePostingBooked>\n")


def _totals(file: PostingFile) -> dict[str, str]:
    rows = PostingDocument.select().where(PostingDocument.file == file)
    taken = rows.where(PostingDocument.voucher_uuid.is_null(False)).count()
    in_books = (
        PostingDocument.select()
        .join(Voucher, on=(Voucher.uuid == PostingDocument.voucher_uuid))
        .where(PostingDocument.file == file)
    )
    booked = in_books.count()
    debit = fn.SUM(Case(None, [(Posting.amount_ore > 0, Posting.amount_ore)], 0))
    sums: Any = in_books.join(Posting, on=(Posting.voucher == Voucher.id)).select(debit)
    kroner = kroner_from_ore(sums.scalar() or 0)
    return {
        "RECEIVED": str(file.documents),
        "BOOKED": str(booked),
        "DISMISSED": str(taken - booked),
        "REJECTED": str(file.documents - taken),
        "DEBIT": str(kroner),
        "CREDIT": str(-kroner),
    }


def _pages(file: PostingFile) -> Iterator[list[PostingDocument]]:
    after = 0
    while page := list(
        PostingDocument.select()
        .where(PostingDocument.file == file, PostingDocument.position > after)
        .order_by(PostingDocument.position)
        .limit(_AT_ONCE)
    ):
        yield page
        after = page[-1].position


class _Vouchers:
    """What became of some of a file's vouchers in the books."""

    def __init__(self, page: Sequence[PostingDocument]) -> None:
        taken = [row.voucher_uuid for row in page if row.voucher_uuid is not None]
        self._by_uuid: dict[UUID, Voucher] = {
            voucher.uuid: voucher for voucher in Voucher.select().where(Voucher.uuid.in_(taken))
        }
        self._seals: list[Seal] = []
        if self._by_uuid:
            ids = [voucher.id for voucher in self._by_uuid.values()]
            covering = (Seal.last_voucher >= min(ids)) & (Seal.first_voucher <= max(ids))
            self._seals = list(Seal.select().where(covering))

    def told(self, row: PostingDocument) -> dict[str, str]:
        """The elements of a VOUCHER."""
        told = {"RECEIV_DOC": row.number, "COMP_CODE": row.company_code}
        if row.voucher_uuid is None:
            return {**told, "STATUS": REJECTED}
        voucher = self._by_uuid.get(row.voucher_uuid)
        if voucher is None:
            return {**told, "STATUS": DISMISSED}
        told |= {
            "STATUS": BOOKED,
            "DOC_TYPE": voucher.document_type,
            "FISC_YEAR": str(voucher.year),
            "DOC_NO": str(voucher.number),
            "PSTNG_DATE": f"{voucher.posting_date:%Y%m%d}",
            "FIS_PERIOD": str(voucher.period),
            "UUID": str(voucher.uuid),
            "HASH": bytes(voucher.hash).hex(),
        }
        seal = self._seal_of(voucher)
        return told | ({"SEAL_NO": str(seal.sequence), "SEAL_ROOT": bytes(seal.root).hex()} if seal else {})

    def _seal_of(self, voucher: Voucher) -> Seal | None:
        of_company = (seal for seal in self._seals if seal.company_code_id == voucher.company_code_id)
        return next(
            (seal for seal in of_company if seal.first_voucher_id <= voucher.id <= seal.last_voucher_id), None
        )
