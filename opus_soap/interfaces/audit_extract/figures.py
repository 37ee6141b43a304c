"""What an auditor looks at: counted while the postings stream by, in memory that does not grow with them.

What opens the year is left out: it says nothing of who posted what, and when.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from math import log10
from typing import Any, NamedTuple

from opus_soap.errors import mask_cpr
from opus_soap.extracts.books import PLACE, Booked
from opus_soap.extracts.calendar import is_business_day
from opus_soap.interfaces.audit_extract.details import local
from opus_soap.ledger.periods import LAST_MONTH

LISTED = 20  # of the largest, the latest …
LATE_DAYS = 30
NIGHT = (22, 6)  # from, until; hours in Copenhagen
ROUND_KRONER = (1_000_000, 100_000, 10_000, 1_000)
_ORE, _TEXT, _ALLOCATION = (PLACE[name] for name in ("amount_ore", "text", "allocation"))
_LEAST_ORE = 1000  # of Benford's digits: 10 kroner
ENOUGH = 300  # amounts for a word about Benford
BENFORD = {digit: log10(1 + 1 / digit) for digit in range(1, 10)}


class Shown(NamedTuple):
    """A voucher in a list; what it is sorted by comes first."""

    weight: int
    voucher: str
    document_type: str
    text: str
    ore: int  # the sum of its debits
    period: int
    posted: str  # ISO date
    entered: str  # date and time in Copenhagen
    user: str
    note: str = ""


@dataclass
class Tally:
    """Vouchers, postings and debits (øre) of one kind."""

    vouchers: int = 0
    postings: int = 0
    ore: int = 0

    def add(self, postings: int, ore: int) -> None:
        """A voucher."""
        self.vouchers += 1
        self.postings += postings
        self.ore += ore


@dataclass
class User(Tally):
    """What a user entered and released."""

    released: int = 0
    first: str = ""  # instants as they are stored
    last: str = ""


@dataclass
class Top:
    """The heaviest of many."""

    count: int = 0
    heap: list[Shown] = field(default_factory=list)

    def add(self, shown: Shown) -> None:
        """Another."""
        self.count += 1
        if len(self.heap) < LISTED:
            heapq.heappush(self.heap, shown)
        elif shown > self.heap[0]:
            heapq.heapreplace(self.heap, shown)

    @property
    def listed(self) -> list[Shown]:
        """Heaviest first; of the same weight by name."""
        return sorted(self.heap, key=lambda shown: (-shown.weight, shown.voucher))


@dataclass
class Figures:
    """All of them."""

    periods: dict[int, Tally] = field(default_factory=dict)
    types: dict[str, Tally] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    hours: Counter[tuple[int, int]] = field(default_factory=Counter)  # weekday, hour → vouchers
    openings: Tally = field(default_factory=Tally)
    largest: Top = field(default_factory=Top)
    reversals: Top = field(default_factory=Top)
    late: Top = field(default_factory=Top)
    backdated: int = 0  # entered in a later month than that of its period
    supplement: int = 0
    weekend: int = 0  # entered on a Saturday, a Sunday or a public holiday
    night: int = 0
    odd: Top = field(default_factory=Top)  # of these two the largest
    round: Counter[int] = field(default_factory=Counter)  # kroner → postings
    digits: Counter[int] = field(default_factory=Counter)
    released: int = 0
    masked: int = 0  # texts in which something looks like a CPR number
    last_day: str = ""  # the latest posting date

    def add(self, booked: Booked, told: Mapping[str, Any], ore: int, opens: bool) -> None:
        """A voucher; `ore` is the sum of its debits."""
        head = booked.head
        entered = local(head.entered_at)
        self.last_day = max(self.last_day, str(head.posting_date))
        self._user(booked, told, ore)
        self._texts(booked)
        if opens:
            self.openings.add(len(booked.lines), ore)
            return
        self.periods.setdefault(head.period, Tally()).add(len(booked.lines), ore)
        self.types.setdefault(head.document_type, Tally()).add(len(booked.lines), ore)
        self.hours[entered.weekday(), entered.hour] += 1
        self._lines(booked)
        shown = Shown(
            ore,
            head.label,
            head.document_type,
            mask_cpr(head.header_text),
            ore,
            head.period,
            str(head.posting_date),
            f"{entered:%Y-%m-%d %H:%M}",
            head.entered_by,
        )
        self.largest.add(shown)
        if booked.head.reverses is not None:
            self.reversals.add(shown._replace(note=booked.reverses or ""))
        self._time(shown, entered.date(), entered.hour, head.year)

    def _time(self, shown: Shown, entered: date, hour: int, year: int) -> None:
        days = (entered - date.fromisoformat(shown.posted)).days
        if shown.period > LAST_MONTH:
            self.supplement += 1
        back = shown.period <= LAST_MONTH and (entered.year, entered.month) > (year, shown.period)
        self.backdated += back
        if days > LATE_DAYS or back:
            self.late.add(shown._replace(weight=days, note=f"{days} dage"))
        weekend = not is_business_day(entered)
        night = hour >= NIGHT[0] or hour < NIGHT[1]
        self.weekend += weekend
        self.night += night
        if weekend or night:
            notes = [word for word, so in (("fridag", weekend), ("nat", night)) if so]
            self.odd.add(shown._replace(note=", ".join(notes)))

    def _lines(self, booked: Booked) -> None:
        for line in booked.lines:
            ore = abs(line[_ORE])
            for kroner in ROUND_KRONER:
                if ore and ore % (kroner * 100) == 0:
                    self.round[kroner] += 1
                    break
            if ore >= _LEAST_ORE and booked.head.reverses is None:
                self.digits[int(str(ore)[0])] += 1

    def _user(self, booked: Booked, told: Mapping[str, Any], ore: int) -> None:
        head = booked.head
        user = self.users.setdefault(head.entered_by, User())
        user.add(len(booked.lines), ore)
        user.first = min(user.first or head.entered_at, head.entered_at)
        user.last = max(user.last, head.entered_at)
        if released_by := told.get("RELEASED_BY"):
            self.released += 1
            self.users.setdefault(released_by, User()).released += 1

    def _texts(self, booked: Booked) -> None:
        head = booked.head
        for text in (head.header_text, head.reference, head.source):
            self.masked += mask_cpr(text) != text
        for line in booked.lines:
            self.masked += sum(mask_cpr(text) != text for text in (line[_TEXT], line[_ALLOCATION]))

    @property
    def deviation(self) -> float:
        """Mean absolute deviation of the first digits from Benford's."""
        whole = sum(self.digits.values()) or 1
        return sum(abs(self.digits[digit] / whole - share) for digit, share in BENFORD.items()) / 9

    @property
    def judgement(self) -> str:
        """Nigrini's word for it, in Danish."""
        if sum(self.digits.values()) < ENOUGH:
            return "for få beløb til en vurdering"
        limits = ((0.006, "tæt på Benford"), (0.012, "acceptabel"), (0.015, "på grænsen"))
        return next((word for limit, word in limits if self.deviation < limit), "afviger fra Benford")
