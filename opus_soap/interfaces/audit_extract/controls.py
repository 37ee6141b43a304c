"""Kontroltotaler: what must hold of a year, each computed in two ways; what does not, is told."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from opus_soap.interfaces.audit_extract.saft import Totals
from opus_soap.interfaces.audit_extract.year import Series, Year
from opus_soap.ledger.balance import TrialBalanceRow
from opus_soap.ledger.models import Seal, Voucher
from opus_soap.ledger.seals import NO_ROOT, digest_after, signature_holds
from opus_soap.ledger.year_end import left_to_next
from opus_soap.money import danish

MOST_GAPS = 1000  # that are named
_MOST_NAMED = 10  # of other mistakes


class Control(NamedTuple):
    """A control, for people: its name, whether it holds, what was expected and found, what does not hold."""

    name: str
    holds: bool
    expected: str
    found: str
    note: str = ""


@dataclass
class Wrong:
    """Mistakes: how many, and the first of them by name; memory does not grow with them."""

    count: int = 0
    named: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        """Another."""
        self.count += 1
        if len(self.named) < _MOST_NAMED:
            self.named.append(name)

    @property
    def note(self) -> str:
        """For people."""
        more = f" … og {self.count - len(self.named)} til" if self.count > len(self.named) else ""
        return "; ".join(self.named) + more


@dataclass
class Fold:
    """What the streamed postings add up to: the other way to the ledger's own sums. Øre."""

    vouchers: int = 0
    postings: int = 0
    debit_ore: int = 0
    credit_ore: int = 0  # negative
    opening: dict[str, int] = field(default_factory=dict)
    debit: dict[str, int] = field(default_factory=dict)
    credit: dict[str, int] = field(default_factory=dict)  # negative
    unbalanced: Wrong = field(default_factory=Wrong)
    untrue: Wrong = field(default_factory=Wrong)  # vouchers whose hash is not that of their content

    def add(self, account: str, ore: int, opens: bool) -> None:
        """A posting."""
        self.postings += 1
        if ore > 0:
            self.debit_ore += ore
        else:
            self.credit_ore += ore
        place = self.opening if opens else self.debit if ore > 0 else self.credit
        place[account] = place.get(account, 0) + ore


@dataclass
class Gaps:
    """The numbers of a series that are missing, told as it goes by; at most `MOST_GAPS` are named."""

    expected: int
    missing: int = 0
    named: list[str] = field(default_factory=list)

    def see(self, number: int) -> None:
        """The next number that there is."""
        if number > self.expected:
            self._note(self.expected, number - 1)
        self.expected = number + 1

    def end(self, series: Series) -> None:
        """What the series gave behind the last, but for vouchers that came later."""
        given = series.next_number - self.expected
        if given > series.later:
            self.missing += given - series.later
            if len(self.named) < MOST_GAPS:
                self.named.append(
                    f">{self.expected - 1}" if series.later else _span(self.expected, series.next_number - 1)
                )

    def _note(self, first: int, last: int) -> None:
        self.missing += last - first + 1
        if len(self.named) < MOST_GAPS:
            self.named.append(_span(first, last))


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}–{last}"


@dataclass(frozen=True)
class SealSeen:
    """A seal, and whether it holds when it is computed again."""

    row: Seal
    holds: bool
    why: str = ""


def seals(of: Year) -> list[SealSeen]:
    """The chain from its beginning to the extract's end."""
    found, previous, last = [], NO_ROOT, 0
    chain = Seal.select().where(Seal.company_code == of.company, Seal.last_voucher <= of.until)
    for place, row in enumerate(chain.order_by(Seal.sequence), start=1):
        batch = digest_after(of.company, last, bytes(row.previous), until=row.last_voucher_id)
        why = []
        if row.sequence != place or bytes(row.previous) != previous:
            why.append("følger ikke på det forrige")
        if batch.count != row.voucher_count or batch.root != bytes(row.root):
            why.append("bilagene er ikke dem, der blev forseglet")
        if not signature_holds(row):
            why.append("underskriften holder ikke")
        found.append(SealSeen(row, not why, ", ".join(why)))
        previous, last = bytes(row.root), row.last_voucher_id
    return found


def sums(fold: Fold, ledger: Iterable[TrialBalanceRow], totals: Totals, postings: int) -> Iterator[Control]:
    """Debit and credit, and the accounts, against the ledger's trial balance."""
    yield _same("Debet er lig kredit", danish(fold.debit_ore), danish(-fold.credit_ore))
    yield Control(
        "Hvert bilag stemmer i nul",
        not fold.unbalanced.count,
        "0",
        str(fold.unbalanced.count),
        fold.unbalanced.note,
    )
    rows = {row.account: row for row in ledger}
    accounts = sorted({*rows, *fold.opening, *fold.debit, *fold.credit})
    closing, ledgers = [], []
    for account in accounts:
        row = rows.get(account)
        parts = [part.get(account, 0) for part in (fold.opening, fold.debit, fold.credit)]
        if row is None or row.closing_ore != sum(parts):
            closing.append(account)
        if row is None or [row.opening_ore, row.debit_ore, -row.credit_ore] != parts:
            ledgers.append(account)
    name = "Primo + bevægelser = ultimo, konto for konto"
    yield Control(name, not closing, str(len(accounts)), f"{len(accounts) - len(closing)}", _named(closing))
    name = "Primo, debet og kredit som i finansens saldobalance"
    yield Control(name, not ledgers, str(len(accounts)), f"{len(accounts) - len(ledgers)}", _named(ledgers))
    read, there = (fold.vouchers, fold.postings), (totals.vouchers, postings)
    yield _same(
        "Bilag og posteringer som talt i databasen", " / ".join(map(str, there)), " / ".join(map(str, read))
    )
    yield _same(
        "Debet og kredit som talt i databasen",
        f"{danish(totals.debit_ore)} / {danish(totals.credit_ore)}",
        f"{danish(fold.debit_ore)} / {danish(-fold.credit_ore)}",
    )


def opening(of: Year, fold: Fold) -> Iterator[Control]:
    """What the year opens with is what the year before left, where these books have one."""
    earlier = Voucher.select().where(Voucher.company_code == of.company, Voucher.year < of.year)
    if not earlier.exists():
        return
    left = {account: ore for account, ore in left_to_next(of.company, of.year - 1, of.until).items() if ore}
    opened = {account: ore for account, ore in fold.opening.items() if ore}
    wrong = sorted(account for account in {*left, *opened} if left.get(account, 0) != opened.get(account, 0))
    yield Control(
        f"Primo er lig ultimo {of.year - 1}",
        not wrong,
        danish(sum(ore for ore in left.values() if ore > 0)),
        danish(sum(ore for ore in opened.values() if ore > 0)),
        f"{_named(wrong)}: er årets saldi overført?" if wrong else "",
    )


def numbers(series: Series, gaps: Gaps) -> Control:
    """A series without gaps."""
    expected = series.last_number - series.first_number + 1
    return Control(
        f"Nummerserie {series.document_type} uden huller",
        not gaps.missing and expected == series.vouchers,
        str(expected + max(gaps.missing - (expected - series.vouchers), 0)),
        str(series.vouchers),
        f"mangler {' '.join(gaps.named[:_MOST_NAMED])}" if gaps.named else "",
    )


def proof(of: Year, fold: Fold, chain: list[SealSeen]) -> Iterator[Control]:
    """Hashes, seals, and that nothing of the year lies outside them."""
    yield Control(
        "Hvert bilags hash stemmer med dets indhold",
        not fold.untrue.count,
        str(fold.vouchers),
        str(fold.vouchers - fold.untrue.count),
        fold.untrue.note,
    )
    last = chain[-1].row.last_voucher_id if chain else 0
    outside = Voucher.select().where(of.own, Voucher.id > last).count()
    yield Control(
        "Hvert bilag ligger under et segl", not outside, f"{fold.vouchers}", f"{fold.vouchers - outside}"
    )
    broken = [f"{seen.row.sequence}: {seen.why}" for seen in chain if not seen.holds]
    yield Control(
        "Seglenes kæde holder",
        not broken,
        str(len(chain)),
        f"{len(chain) - len(broken)}",
        _named(broken),
    )


def reconciled(name: str, problems: Sequence[str]) -> Control:
    """A check that tells its problems itself."""
    return Control(name, not problems, "0", str(len(problems)), _named(problems))


def _same(name: str, expected: str, found: str) -> Control:
    return Control(name, expected == found, expected, found)


def _named(wrong: Sequence[str]) -> str:
    more = f" … og {len(wrong) - _MOST_NAMED} til" if len(wrong) > _MOST_NAMED else ""
    return "; ".join(wrong[:_MOST_NAMED]) + more
