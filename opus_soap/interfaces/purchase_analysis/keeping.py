"""What an extract shows that is not sealed, and may change behind it: kept, so that it can be written again.

A hidden file in the extract's folder, never handed over: its first line has the profit centres as they were;
each of the others the id of a voucher whose original was gone already. Whoever writes the extract again
reads both from it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import BinaryIO

import orjson

from opus_soap.errors import (
    ContentDamaged,
    ContentMissing,
    KeptUnreadable,
    OriginalDamaged,
    OriginalPurgedSince,
)
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.output import Output
from opus_soap.interfaces.purchase_analysis.invoices import Invoiced
from opus_soap.interfaces.purchase_analysis.profit_centers import Texts, profit_centers
from opus_soap.ledger.models import CompanyCode
from opus_soap.store import content

ENDING = ".kept"


class Kept:
    """The file as it is written, and as it was written the first time."""

    def __init__(self, out: BinaryIO, before: BinaryIO | None) -> None:
        self._out, self._before = out, before
        self._gone: int | None = None  # the next voucher whose original was gone the first time

    def profit_centers(self, company: CompanyCode) -> list[Texts]:
        """Of the first time, or of now; raises `ProfitCenterLoop`, `KeptUnreadable`."""
        found: list[Texts] = list(profit_centers(company)) if self._before is None else self._told()
        self._out.write(orjson.dumps(found) + b"\n")
        self._advance()
        return found

    def original(self, voucher: int, invoice: Invoiced) -> bytes | None:
        """The original's bytes, or None where they were purged before the first time.

        Raises `OriginalPurgedSince`, `OriginalDamaged`, `KeptUnreadable`.
        """
        was_gone = self._gone == voucher
        data = None if was_gone else _bytes_of(invoice)
        if data is None:
            if self._before is not None and not was_gone:
                raise OriginalPurgedSince(element=invoice.number, value=invoice.sha256)
            self._out.write(b"%d\n" % voucher)
        if was_gone:
            self._advance()
        return data

    def _told(self) -> list[Texts]:
        found = self._line()
        if not isinstance(found, list):
            raise KeptUnreadable(element=ENDING, value=type(found).__name__)
        return found

    def _advance(self) -> None:
        if self._before is not None:
            found = self._line()
            self._gone = found if isinstance(found, int) else None

    def _line(self) -> object:
        assert self._before is not None
        line = self._before.readline()
        try:
            return orjson.loads(line) if line else None
        except ValueError as error:
            raise KeptUnreadable(element=ENDING, value=str(error)) from None


@contextmanager
def keeping(job: Job, output: Output) -> Iterator[Kept]:
    """Keep what is not sealed, or go by what was kept; raises `KeptUnreadable`."""
    with output.aside(ENDING) as out, _kept_before(job) as before:
        yield Kept(out, before)


def _kept_before(job: Job) -> BinaryIO | nullcontext[None]:
    if job.made is None:
        return nullcontext()
    path = job.made / f".{job.name}{ENDING}"
    try:
        return path.open("rb")
    except OSError as error:
        raise KeptUnreadable(element=path.name, value=error.strerror or "?") from None


def _bytes_of(invoice: Invoiced) -> bytes | None:
    try:
        return content.get(invoice.sha256)
    except ContentMissing:
        return None
    except ContentDamaged as damaged:
        raise OriginalDamaged(
            element=invoice.number, value=damaged.value, expected=damaged.expected
        ) from None
