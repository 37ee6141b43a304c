"""Fill the books with made-up postings: seeded, by the thousand, each through every check.

Memory does not grow with their number. Whatever was written before an interruption stays, and holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from random import Random
from uuid import uuid5

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from opus_soap.clock import Clock, ManualClock
from opus_soap.database import analyze, transaction
from opus_soap.errors import BooksNotMadeUp, GeneratedTooFew, VoucherRefused
from opus_soap.ledger.balance import CARRY_FORWARD_SOURCE, ENTERED_SOURCE
from opus_soap.ledger.models import CompanyCode, Posting, Voucher
from opus_soap.ledger.openings import DOCUMENT_TYPE
from opus_soap.ledger.posting import VoucherDraft, label, post_closing, post_many
from opus_soap.ledger.seals import seal
from opus_soap.simulate.books_alone import alone
from opus_soap.simulate.books_calendar import Slot, check_dates, slots
from opus_soap.simulate.books_choices import choices
from opus_soap.simulate.books_invoices import InvoiceMaker
from opus_soap.simulate.books_openings import opening
from opus_soap.simulate.books_organisation import add_organisation
from opus_soap.simulate.books_suppliers import add_suppliers
from opus_soap.simulate.books_trail import MODELS, Booked, Trail, made_up_system
from opus_soap.simulate.books_vouchers import NAMESPACE, Invoicing, VoucherMaker
from opus_soap.store import audit
from opus_soap.store.models import Content

BATCH = 1000  # vouchers in a transaction
SOURCE = "generate:"  # how the source of a made-up voucher begins
_FEWEST = 2  # postings of a voucher


@dataclass(frozen=True)
class Order:
    """What is to be made up. The vouchers follow from it, the master data, and how many there were before."""

    postings: int
    first: date
    last: date
    seed: int = 1
    seal_every: int = 10_000  # vouchers
    among_others: bool = False  # also where vouchers stand that are not made up
    invoices: int = 0  # percent of suppliers' vouchers (KR, KG) that come of an invoice, kept with its trail
    suppliers: int = 0  # made-up ones that there must be
    employees: int = 0  # the same, with an organisation around them


@dataclass
class Generated:
    """What has been made up so far."""

    vouchers: int = 0
    postings: int = 0
    debit_ore: int = 0
    seals: int = 0
    invoices: int = 0
    suppliers: int = 0  # added
    employees: int = 0  # added


def generate(
    company: CompanyCode,
    order: Order,
    *,
    clock: Clock,
    actor: str,
    seal_key: Ed25519PrivateKey | None = None,
    told: Callable[[Generated], object] = lambda _: None,
) -> Generated:
    """Post so many made-up postings, `told` after each transaction; exactly as many as ordered.

    Entered in the days of the order, but never after now. With a key they are sealed on their way, too.
    Raises `GeneratedTooFew`, `GeneratedDatesReversed`, `FiscalYearUnknown`, `FiscalYearClosed`,
    `PeriodClosed`, `BooksBeingFilled`, `BooksNotMadeUp`, `MunicipalityTooBare` before anything is written;
    `VoucherRefused` when somebody changes the master data meanwhile.
    """
    if order.postings < _FEWEST:
        raise GeneratedTooFew(value=order.postings, expected=_FEWEST)
    check_dates(company, order.first, order.last)
    with alone():
        if not order.among_others:
            _check_made_up(company)
        with transaction():
            writing = _begun(company, order, clock, actor, seal_key)
        while writing.done.postings < order.postings:
            writing.write_batch()
            told(writing.done)
        writing.seal()
        analyze(Voucher, Posting, Content, *MODELS)
        return writing.done


def _begun(
    company: CompanyCode, order: Order, clock: Clock, actor: str, seal_key: Ed25519PrivateKey | None
) -> _Writing:
    """The master data that is asked for, and all that vouchers are made of; noted in the trail."""
    suppliers = add_suppliers(company.municipality, order.suppliers)
    employees = add_organisation(company, order.employees, actor=actor, clock=clock)
    writing = _Writing(company, order, clock, actor, seal_key)
    writing.open()
    writing.done.suppliers, writing.done.employees = suppliers, employees
    audit.record(
        "books.generated",
        company.code,
        actor=actor,
        at=clock.now(),
        municipality=company.municipality_id,
        postings=order.postings,
        seed=order.seed,
    )
    return writing


def _check_made_up(company: CompanyCode) -> None:
    """Nothing leaves the books again: what is made up comes to nobody's real ones by mistake."""
    own = (SOURCE, f"{ENTERED_SOURCE} {SOURCE}", CARRY_FORWARD_SOURCE)  # the last: of what the others are
    strange = (~Voucher.source.startswith(begin) for begin in own)
    others = Voucher.select().where(Voucher.company_code == company, *strange)
    latest = others.order_by(Voucher.id.desc()).first()
    if latest is not None:
        raise BooksNotMadeUp(element=label(latest), value=company.code)


class _Writing:
    """The vouchers of an order on their way into the books."""

    def __init__(
        self,
        company: CompanyCode,
        order: Order,
        clock: Clock,
        actor: str,
        seal_key: Ed25519PrivateKey | None,
    ) -> None:
        self.done = Generated()
        self._company, self._order, self._clock, self._key = company, order, clock, seal_key
        # again with the same seed: other vouchers, whose UUIDs are others, too
        self._before = before = Voucher.select().where(Voucher.company_code == company).count()
        self._salt = salt = f"{order.seed}/{company.municipality_id}/{company.code}/{before}"
        random = Random(salt)  # noqa: S311  reproducible, not secret
        self._chosen = chosen = choices(company, order.first, order.last, random)
        self._trail = self._invoicing = None
        if order.invoices:
            system = made_up_system(company)
            self._trail = Trail(system, actor)
            self._invoicing = Invoicing(
                InvoiceMaker(company, random), order.invoices / 100, system.name, before
            )
        self._maker = VoucherMaker(
            chosen,
            random,
            first=order.first,
            source=f"{SOURCE}{order.seed}",
            salt=salt,
            invoicing=self._invoicing,
        )
        self._slots = slots(order.first, order.last, order.postings)
        self._slot = next(self._slots)
        self._unsealed = 0
        self._booked: list[Booked] = []  # not yet written

    def open(self) -> None:
        """Open empty books, where they begin with a year and there is room, in the caller's transaction."""
        first, types = self._order.first, self._chosen.document_types
        if self._before or (first.month, first.day) != (1, 1) or DOCUMENT_TYPE not in types:
            return
        seed, source = f"{self._salt}/opening", f"{SOURCE}{self._order.seed}"
        draft = opening(self._chosen, first.year, seed=seed, source=source, uuid=uuid5(NAMESPACE, seed))
        if self._order.postings - len(draft.lines) < _FEWEST:
            return
        post_closing(draft, self._now())
        self._count(draft)
        self._unsealed = 1

    def write_batch(self) -> None:
        """One transaction, of a thousand vouchers, or of as many as are left until the next seal."""
        room = BATCH
        if self._key is not None:
            room = min(room, self._order.seal_every - self._unsealed)
        with transaction():
            while room and self.done.postings < self._order.postings:
                written = self._write_slot(room)
                room, self._unsealed = room - written, self._unsealed + written
            self._write_invoices()
        if self._unsealed == self._order.seal_every:
            self.seal()

    def seal(self) -> None:
        """Seal what has no seal yet, if there is a key."""
        if self._key is not None and seal(self._company, self._key, clock=self._now()) is not None:
            self.done.seals += 1
        self._unsealed = 0

    def _write_slot(self, room: int) -> int:
        """What is entered at one moment, as far as there is room; returns the number of vouchers."""
        while self._slot.until <= self.done.postings:
            self._slot = next(self._slots)
        drafts, now = self._drafts(self._slot, room), self._now()
        written = []
        for draft, result in zip(drafts, post_many(drafts, now), strict=True):
            if isinstance(result, VoucherRefused):
                raise result
            self._maker.was_written(draft, result)
            written.append(result)
        self._note_invoices(written, now.now())
        return len(drafts)

    def _note_invoices(self, vouchers: Sequence[Voucher], entered: datetime) -> None:
        """Which of the vouchers come of an invoice."""
        if self._invoicing is not None:
            made = self._invoicing.billed
            self._booked += [Booked(made.pop(row.uuid), row, entered) for row in vouchers if row.uuid in made]

    def _write_invoices(self) -> None:
        """What is kept of the invoices of this transaction."""
        if self._trail is not None:
            self._trail.write(self._booked)
            self.done.invoices += len(self._booked)
            self._booked = []

    def _drafts(self, slot: Slot, room: int) -> list[VoucherDraft]:
        done = self.done
        drafts: list[VoucherDraft] = []
        while len(drafts) < room and done.postings < slot.until:
            draft = self._maker.make(slot.day, self._order.postings - done.postings)
            self._count(draft)
            drafts.append(draft)
        return drafts

    def _count(self, draft: VoucherDraft) -> None:
        self.done.vouchers += 1
        self.done.postings += len(draft.lines)
        self.done.debit_ore += sum(line.amount_ore for line in draft.lines if line.amount_ore > 0)

    def _now(self) -> ManualClock:
        """A clock that shows the moment of entry: nobody enters anything after now."""
        return ManualClock(min(self._slot.instant, self._clock.now()))
