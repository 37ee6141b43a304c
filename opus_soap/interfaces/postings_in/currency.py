"""Vouchers in another currency: by which rate they are converted, and what each line is then, in øre.

A rate is kroner for 100 units, as Nationalbanken quotes it. The sender may give it (EXCH_RATE); the
municipality's own rate on the day of translation (TRANS_DATE, or else PSTNG_DATE) is taken otherwise, and is
what a given one is held against. Where the municipality has none, a given rate counts only by agreement with
the sender: nobody could see that it is for 1 unit and not for 100.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal

from opus_soap.errors import PostingRateMissing, PostingRateUnchecked, PostingRateWrong, PostingsInError
from opus_soap.money import round_to_ore

ISO_4217 = re.compile("[A-Z]{3}")  # the shape of a currency's code
# a currency and an ISO date → kroner for 100 units, if that is known
RateOn = Callable[[str, str], Decimal | None]

_FARTHEST = Decimal("0.1")  # of the known rate; a rate for 1 unit instead of 100 is far beyond
_OF_ITSELF = (Decimal(0), Decimal(1), Decimal(100))  # what senders write for the currency's own rate


def check_rate(
    header: Mapping[str, str], own: str, rate_on: RateOn, *, own_rates: bool
) -> Iterator[tuple[PostingsInError, str]]:
    """What is wrong with CURRENCY and EXCH_RATE; `own` is the company code's currency.

    `own_rates`: a given rate counts where the municipality has none.
    """
    currency, given = header.get("CURRENCY") or own, _given(header)
    if not _day(header) or not ISO_4217.fullmatch(currency):  # told already
        return
    if currency == own:
        if given is not None and given not in _OF_ITSELF:
            yield PostingRateWrong(value=given, expected=f"1 {own} = 1 {own}"), "EXCH_RATE"
        return
    known = rate_on(currency, _day(header))
    if given is None:
        if known is None:
            yield PostingRateMissing(value=currency, expected=_day(header)), "CURRENCY"
    elif given == 0:
        yield PostingRateWrong(value=given, expected="> 0"), "EXCH_RATE"
    elif known is None:
        if not own_rates:
            yield PostingRateUnchecked(element=currency, value=given, expected=_day(header)), "EXCH_RATE"
    elif abs(given - known) > known * _FARTHEST:
        yield PostingRateWrong(value=given, expected=f"{known} ± 10 %"), "EXCH_RATE"


def rate_of(header: Mapping[str, str], own: str, rate_on: RateOn) -> Decimal | None:
    """The rate of a voucher that has been checked; None when it is in the company code's currency."""
    currency = header.get("CURRENCY") or own
    if currency == own:
        return None
    return _given(header) or rate_on(currency, _day(header))


def converted(cents: Sequence[int], rate: Decimal | None) -> list[int]:
    """Øre of each line, which sum to zero as the cents do.

    Each is rounded by itself; the øre that are left over go to the lines that lost most by that, one to each.
    """
    if rate is None:
        return list(cents)
    exact = [Decimal(amount) * rate / 100 / 100 for amount in cents]
    amounts = [round_to_ore(amount) for amount in exact]
    left = -sum(amounts)
    step = 1 if left > 0 else -1
    by_loss = sorted(range(len(amounts)), key=lambda place: step * (amounts[place] - 100 * exact[place]))
    for place in by_loss[: abs(left)]:
        amounts[place] += step
    return amounts


def _given(header: Mapping[str, str]) -> Decimal | None:
    text = header.get("EXCH_RATE")
    return Decimal(text) if text else None


def _day(header: Mapping[str, str]) -> str:
    """ISO; empty when neither date can be read."""
    text = header.get("TRANS_DATE") or header.get("PSTNG_DATE")
    return f"{text[:4]}-{text[4:6]}-{text[6:8]}" if text else ""
