"""Made-up vouchers, one by one: what kind, how many lines, of how much, by whom, with which texts."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import log
from random import Random
from uuid import UUID, uuid5

from opus_soap.errors import Both, MunicipalityTooBare
from opus_soap.ledger.drafts import PostingLine, VoucherDraft
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.simulate.books_calendar import posting_day
from opus_soap.simulate.books_choices import Choices, Postable, Weighted, long_tail
from opus_soap.simulate.books_invoices import LEAST_ORE, LEAST_RATE, Billed, InvoiceMaker, Item, Wanted

NAMESPACE = UUID("9d3e6f5a-3f0b-5d0e-8a55-2b1f0a999020")
LONGEST = 60  # lines
_SMALLEST_ORE, _LARGEST_ORE = 100, 10**11
_SMALLEST_RATE = 100  # basis points: of the smallest amount there is an øre of VAT
_LONGEST_HEADER = 25  # what SAP has room for
_LONGEST_TEXT: int = Posting.text.max_length
_REVERSALS, _MISTAKES = 0.01, 0.05  # shares: of vouchers that reverse, of those kept to be reversed
_KEPT = 200  # mistakes that are remembered: memory does not grow with the books
_BY_MACHINES = 0.7  # share of payments that a job enters

_SIZES = (2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
_TAIL = tuple(range(13, LONGEST + 1))
_USERS = (
    *("moha", "ljen", "akri", "bso", "kpet", "annh", "jlar", "mthy", "sdam", "cbak", "hnie", "ogra"),
    *("trav", "ibor", "ewin", "pskov", "vfri"),
)
_MACHINES = ("batch", "wf-batch")
_MONTHS = (
    *("januar", "februar", "marts", "april", "maj", "juni"),
    *("juli", "august", "september", "oktober", "november", "december"),
)


@dataclass(frozen=True)
class Invoicing:
    """Of which share of suppliers' vouchers there is an invoice, too, and which have been made so far."""

    maker: InvoiceMaker
    share: float
    system_name: str  # of who approves them
    before: int  # vouchers that were there: numbers of invoices go on behind them
    billed: dict[UUID, Billed] = field(default_factory=dict)  # by the voucher's UUID, until they are written


@dataclass(frozen=True)
class _Kind:
    """How vouchers of a document type look."""

    share: int
    lines: Callable[[VoucherMaker, int], list[PostingLine]]
    median_ore: int
    spread: float  # of the logarithm: from 1.5 on the first digits are as Benford says
    sizes: Weighted[int]
    header: str


class VoucherMaker:
    """Makes drafts; the same ones from the same choices, random numbers and days."""

    def __init__(
        self,
        choices: Choices,
        random: Random,
        *,
        first: date,
        source: str,
        salt: str,
        invoicing: Invoicing | None = None,
    ) -> None:
        self._choices, self._random = choices, random
        self._first, self._source, self._salt = first, source, salt
        self._invoicing = invoicing
        present = {code: kind for code, kind in _KINDS.items() if code in choices.document_types}
        if not present:
            raise MunicipalityTooBare(
                element=Both("en bilagsart", "a document type"),
                value=choices.company.code,
                expected=", ".join(_KINDS),
            )
        self._kinds = Weighted(list(present.items()), (kind.share for kind in present.values()))
        self._users = long_tail(_USERS, random)
        self._mistakes: deque[tuple[Voucher, tuple[PostingLine, ...]]] = deque(maxlen=_KEPT)
        self._made = 0
        # of the voucher that is being made
        self._kind = next(iter(present.values()))
        self._on, self._note, self._allocation = first, "", ""

    def make(self, entered: date, left: int) -> VoucherDraft:
        """The next voucher, entered on a day; its lines leave none or at least two of those that are left."""
        self._made += 1
        random = self._random
        if self._mistakes and random.random() < _REVERSALS:
            size = len(self._mistakes[0][1])
            if _leaves_room(size, left):
                return self._reversal(entered)
        code, kind = self._kinds.pick(random)
        size = min(kind.sizes.pick(random), left)
        if left - size == 1:
            size += 1
        self._kind, self._on = kind, posting_day(entered, self._first, random)
        if self._invoicing is not None and code in _SIGNS:
            billed = self._billed(code, size, left)
            if billed is not None:
                return billed
        self._note, self._allocation = _MONTHS[self._on.month - 1], f"{random.randrange(10**6):06d}"
        lines = tuple(kind.lines(self, size))
        return VoucherDraft(
            company_code=self._choices.company,
            document_type=code,
            document_date=self._document_date(code),
            posting_date=self._on,
            header_text=f"{kind.header} {self._note}"[:_LONGEST_HEADER],
            reference=f"{code[0]}{random.randrange(10**4, 10**8)}",
            lines=lines,
            entered_by=self._user(code),
            source=self._source,
            currency=self._choices.company.currency,
            uuid=self._uuid(),
        )

    def _billed(self, code: str, size: int, left: int) -> VoucherDraft | None:
        """A voucher whose invoice went all the way; None where it did not."""
        assert self._invoicing is not None
        random, seller = self._random, self._choices.sellers.pick(self._random)
        if random.random() >= self._invoicing.share or seller.cvr is None:
            return None
        account = seller.accounts.pick(random)
        odd = next((near for near in (size, size + 1, size - 1) if near % 2 and _leaves_room(near, left)), 0)
        with_vat = account.rate >= LEAST_RATE and odd > 2  # each line has one of VAT beside it
        size = odd if with_vat else size
        items = []
        for _ in range((size - 1) // 2 if with_vat else size - 1):
            account = seller.accounts.pick(random)
            items.append(Item(account, account.places.pick(random), max(self._ore(), LEAST_ORE)))
        number = f"{self._choices.company.code}{self._invoicing.before + self._made:08d}"
        uuid, issued = self._uuid(), self._document_date(code)
        wanted = Wanted(number, seller, items, with_vat, _SIGNS[code] < 0, issued, self._on, uuid)
        billed = self._invoicing.billed[uuid] = self._invoicing.maker.make(wanted)
        return VoucherDraft(
            company_code=self._choices.company,
            document_type=code,
            document_date=issued,
            posting_date=self._on,
            header_text=billed.text,
            reference=number,
            lines=billed.lines,
            entered_by=self._invoicing.system_name,
            source=self._source,
            currency=self._choices.company.currency,
            uuid=uuid,
        )

    def was_written(self, draft: VoucherDraft, voucher: Voucher) -> None:
        """A voucher is in the books: some of them turn out to be mistakes."""
        if draft.reverses is None and self._random.random() < _MISTAKES:
            self._mistakes.append((voucher, draft.lines))

    def _reversal(self, entered: date) -> VoucherDraft:
        voucher, lines = self._mistakes.popleft()
        return VoucherDraft(
            company_code=self._choices.company,
            document_type=voucher.document_type,
            document_date=voucher.document_date,
            posting_date=entered,
            header_text=f"Tilbf. {voucher.number}"[:_LONGEST_HEADER],
            reference=voucher.reference,
            lines=tuple(line._replace(amount_ore=-line.amount_ore) for line in lines),
            entered_by=self._users.pick(self._random),
            source=self._source,
            currency=voucher.currency,
            reverses=voucher,
            uuid=self._uuid(),
        )

    def _uuid(self) -> UUID:
        return uuid5(NAMESPACE, f"{self._salt}/{self._made}")

    def _user(self, code: str) -> str:
        if code in _PAYMENTS and self._random.random() < _BY_MACHINES:
            return self._random.choice(_MACHINES)
        return self._users.pick(self._random)

    def _document_date(self, code: str) -> date:
        """An invoice has been on its way."""
        if code not in _INVOICES:
            return self._on
        return self._on - timedelta(days=int(self._random.triangular(0, 30, 4)))

    def _ore(self) -> int:
        drawn = round(self._random.lognormvariate(log(self._kind.median_ore), self._kind.spread))
        return min(max(drawn, _SMALLEST_ORE), _LARGEST_ORE)

    def _line(
        self, account: Postable, ore: int, *, supplier: str | None = None, text: str = ""
    ) -> PostingLine:
        place = account.places.pick(self._random)
        value_date = self._on if account is self._choices.bank else None
        said = (text or f"{account.name}, {self._note}")[:_LONGEST_TEXT]
        return PostingLine(
            account.number, ore, supplier, *place, account.tax_code, value_date, said, self._allocation
        )

    def _invoice(self, size: int, sign: int) -> list[PostingLine]:
        """Goods or services, VAT apart, and what the supplier has to get; sign -1: a credit note."""
        seller = self._choices.sellers.pick(self._random)
        self._note = seller.name
        account = seller.accounts.pick(self._random)
        taxed = account.rate >= _SMALLEST_RATE and size > 2
        lines, vat, total = [], 0, 0
        for _ in range(size - 2 if taxed else size - 1):
            gross = self._ore()
            share = _vat_inside(gross, account.rate) if taxed else 0
            lines.append(self._line(seller.accounts.pick(self._random), sign * (gross - share)))
            vat, total = vat + share, total + gross
        if taxed:
            line = self._line(self._choices.vat, sign * vat, text="Købsmoms")
            lines.append(line._replace(tax_code=account.tax_code))
        lines.append(self._line(self._choices.creditors, -sign * total, supplier=seller.number))
        return lines

    def _payment(self, size: int) -> list[PostingLine]:
        """One or several suppliers are paid by the bank."""
        lines, total = [], 0
        for _ in range(size - 1):
            seller, ore = self._choices.sellers.pick(self._random), self._ore()
            text = f"Betaling, {seller.name}"
            lines.append(self._line(self._choices.creditors, ore, supplier=seller.number, text=text))
            total += ore
        lines.append(self._line(self._choices.bank, -total))
        return lines

    def _against(
        self, size: int, accounts: Weighted[Postable], counter: Postable, sign: int
    ) -> list[PostingLine]:
        """Several accounts against one; with sign 1 they are debited."""
        lines, total = [], 0
        for _ in range(size - 1):
            ore = self._ore()
            lines.append(self._line(accounts.pick(self._random), sign * ore))
            total += ore
        lines.append(self._line(counter, -sign * total))
        return lines

    def _moved(self, size: int) -> list[PostingLine]:
        """What was posted in a wrong place, to one or several right ones."""
        account = self._choices.expenses.pick(self._random)
        return self._against(size, Weighted([account], [1]), account, 1)

    def _general(self, size: int) -> list[PostingLine]:
        """Wages, what the bank shows, and corrections."""
        known, drawn = self._choices, self._random.random()
        if drawn < 0.4:
            return self._against(size, known.wages, known.clearing.pick(self._random), 1)
        if drawn < 0.7:
            return self._against(size, known.expenses, known.bank, 1)
        return self._moved(size)


def _leaves_room(size: int, left: int) -> bool:
    """Whether a voucher of so many lines leaves none or at least two of those that are left."""
    return left == size or left - size >= 2


def _vat_inside(gross_ore: int, rate: int) -> int:
    return (2 * gross_ore * rate + 10_000 + rate) // (2 * (10_000 + rate))


def _sizes(common: Sequence[int], tail: int) -> Weighted[int]:
    """Weights of 2 to 12 lines, and how much those weigh that are longer."""
    return Weighted((*_SIZES, *_TAIL), (*common, *(tail / size**2.2 for size in _TAIL)))


_FEW = _sizes((70, 16, 6, 3, 2, 1, 1, 1, 0, 0, 0), 0)
_SOME = _sizes((8, 40, 18, 11, 7, 5, 4, 3, 2, 1, 1), 50)
_MANY = _sizes((26, 16, 13, 10, 8, 7, 6, 5, 4, 3, 2), 270)

_INVOICES = ("KR", "KG", "DR", "DG")
_SIGNS = {"KR": 1, "KG": -1}  # of what suppliers' vouchers cost
_PAYMENTS = ("ZP", "KZ", "DZ")
_KINDS = {
    "KR": _Kind(46, lambda maker, size: maker._invoice(size, _SIGNS["KR"]), 180_000, 1.7, _SOME, "Faktura"),
    "KG": _Kind(3, lambda maker, size: maker._invoice(size, _SIGNS["KG"]), 90_000, 1.6, _SOME, "Kreditnota"),
    "ZP": _Kind(13, VoucherMaker._payment, 650_000, 1.7, _FEW, "Betaling"),
    "KZ": _Kind(5, VoucherMaker._payment, 450_000, 1.7, _FEW, "Kreditorbetaling"),
    "SA": _Kind(16, VoucherMaker._general, 320_000, 1.8, _MANY, "Finansbilag"),
    "AB": _Kind(4, VoucherMaker._moved, 240_000, 1.7, _MANY, "Ompostering"),
    "DR": _Kind(
        7,
        lambda maker, size: maker._against(size, maker._choices.incomes, maker._choices.debtors, -1),
        *(150_000, 1.6, _SOME, "Regning"),
    ),
    "DG": _Kind(
        1,
        lambda maker, size: maker._against(size, maker._choices.incomes, maker._choices.debtors, 1),
        *(80_000, 1.6, _FEW, "Kreditnota"),
    ),
    "DZ": _Kind(
        5,
        lambda maker, size: maker._against(
            size, Weighted([maker._choices.debtors], [1]), maker._choices.bank, -1
        ),
        *(150_000, 1.6, _FEW, "Indbetaling"),
    ),
}
