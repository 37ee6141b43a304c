"""What made-up books begin with: something on each balance account, and the rest on the balancing one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from math import log
from random import Random
from uuid import UUID

from opus_soap.ledger.balance import ENTERED_SOURCE
from opus_soap.ledger.drafts import PostingLine, VoucherDraft
from opus_soap.ledger.openings import opening_draft
from opus_soap.simulate.books_choices import Choices

_MEDIAN_ORE, _SPREAD = 400_000_000, 1.3  # of the logarithm
_ENTERED_BY = "batch"


def opening(chosen: Choices, year: int, *, seed: str, source: str, uuid: UUID) -> VoucherDraft:
    """The voucher that opens a year, the same again for the same seed."""
    balances = dict(_balances(chosen, Random(seed)))  # noqa: S311  reproducible, not secret
    rest = chosen.company.retained_account
    balances[rest] = -sum(balances.values())
    lines = tuple(PostingLine(number, ore, text="Primosaldo") for number, ore in sorted(balances.items()))
    draft = opening_draft(
        chosen.company,
        year,
        lines,
        reference=str(year),
        source=f"{ENTERED_SOURCE} {source}",
        entered_by=_ENTERED_BY,
    )
    return replace(draft, uuid=uuid)


def _balances(chosen: Choices, random: Random) -> Iterator[tuple[str, int]]:
    """The bank has money, debtors and the state owe some, suppliers are owed some; of others it is drawn."""
    owned = {account.number for account in (chosen.bank, chosen.debtors, chosen.vat)}
    others = {account.number for account in chosen.clearing.items}
    for number in sorted({*owned, *others, chosen.creditors.number} - {chosen.company.retained_account}):
        ore = round(random.lognormvariate(log(_MEDIAN_ORE), _SPREAD))
        owed = number not in owned and (number == chosen.creditors.number or random.random() < 0.5)
        yield number, -ore if owed else ore
