"""What of a municipality's master data made-up vouchers are posted on, and how often each.

Only what may be posted on during the whole of the time: a value that opens in its middle is left out.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate
from operator import attrgetter
from random import Random
from typing import Generic, NamedTuple, TypeVar
from zlib import crc32

from opus_soap.documents.synthetic import SyntheticAddress
from opus_soap.errors import Both, MunicipalityTooBare
from opus_soap.ledger.master_data import open_days
from opus_soap.ledger.models import Account, AccountRule, CompanyCode, DimensionValue, DocumentType, Supplier
from opus_soap.ledger.references import References

T = TypeVar("T")

_MOSTLY = ("cost_center", "wbs_element")
_SHARES = {"cost_center": 85, "wbs_element": 15}  # of what may stand there; 5 for any other
_BESIDE = ("profit_center", "functional_area")  # where a cost centre belongs, once and for all
_WITH_ORDER = 0.04
_LARGEST_TAIL = 1.1  # the exponent: who comes second has not quite half of the first
_OF_A_SELLER = 3  # accounts that one supplier is booked on
# how accounts begin in the authorised chart that are not for suppliers: grants and transfers are for nobody
_WAGES, _INCOMES, _OTHERS = "1", "7", "89"
_A_BALANCE, _A_RESULT = (
    Both("en statuskonto", "a balance account"),
    Both("en resultatkonto", "a result account"),
)
_AS_ASKED = Both("med de værdier, dens regel kræver", "with values that its rule asks for")


class Weighted(Generic[T]):
    """Things that are drawn, some more often than others."""

    def __init__(self, items: Sequence[T], weights: Iterable[float]) -> None:
        self.items = items
        self._upto = list(accumulate(weights))
        self._last = len(items) - 1

    def pick(self, random: Random) -> T:
        """One of them."""
        return self.items[min(bisect(self._upto, random.random() * self._upto[-1]), self._last)]


def long_tail(items: Sequence[T], random: Random) -> Weighted[T]:
    """Few of them very often, most of them seldom; which ones is drawn."""
    shuffled = random.sample(items, len(items))
    return Weighted(shuffled, [rank**-_LARGEST_TAIL for rank in range(1, len(shuffled) + 1)])


class Place(NamedTuple):
    """What a line is assigned to; the fields of `PostingLine` from `cost_center` on, in their order."""

    cost_center: str | None = None
    wbs_element: str | None = None
    profit_center: str | None = None
    order: str | None = None
    network: str | None = None
    activity: str | None = None
    functional_area: str | None = None
    partner_profit_center: str | None = None


@dataclass(frozen=True)
class Postable:
    """An account that lines may be posted on, with the places that its rule allows."""

    number: str
    name: str
    tax_code: str | None
    rate: int  # of its tax code, in basis points
    places: Weighted[Place]


@dataclass(frozen=True)
class Seller:
    """A supplier and the accounts that its invoices are booked on, all of one tax code."""

    number: str
    name: str
    cvr: str | None
    address: SyntheticAddress
    accounts: Weighted[Postable]


@dataclass(frozen=True)
class Choices:
    """All that vouchers of a company code are made of."""

    company: CompanyCode
    document_types: frozenset[str]
    sellers: Weighted[Seller]
    expenses: Weighted[Postable]
    wages: Weighted[Postable]
    incomes: Weighted[Postable]
    clearing: Weighted[Postable]
    debtors: Postable
    bank: Postable
    vat: Postable
    creditors: Postable


def choices(company: CompanyCode, first: date, last: date, random: Random) -> Choices:
    """Read the master data; raises `MunicipalityTooBare`."""
    accounts = _accounts(company, first, last, random)
    own = {company.supplier_account, company.vat_refund_account, company.retained_account}
    balance = [found for row, found in accounts if row.is_balance and found.number not in own]
    results = [found for row, found in accounts if not row.is_balance]
    incomes = [found for found in results if found.number[0] in _INCOMES]
    wages = [found for found in results if found.number[0] == _WAGES]
    others = [found for found in results if found.number[0] not in _WAGES + _INCOMES + _OTHERS]
    if not (results and balance):
        what = _A_BALANCE if results else _A_RESULT
        raise MunicipalityTooBare(element=what, value=company.code, expected=_AS_ASKED)
    expenses = others or results
    types = DocumentType.select().where(DocumentType.company_code == company)
    known = {found.number: found for _, found in accounts}
    debtors = next((found for found in balance if found.name.startswith("Debitor")), balance[0])
    return Choices(
        company=company,
        document_types=frozenset(row.code for row in types),
        sellers=_sellers(company, expenses, random),
        expenses=long_tail(expenses, random),
        wages=long_tail(wages or expenses, random),
        incomes=long_tail(incomes or results, random),
        clearing=long_tail(balance, random),
        debtors=debtors,
        bank=known.get(company.default_bank_account or "", balance[0]),
        vat=_own(company, "vat_refund_account", known),
        creditors=_own(company, "supplier_account", known),
    )


def _own(company: CompanyCode, role: str, known: dict[str, Postable]) -> Postable:
    number = getattr(company, role)
    if number not in known:
        raise MunicipalityTooBare(element=role, value=company.code, expected=number)
    return known[number]


def _sellers(company: CompanyCode, expenses: Sequence[Postable], random: Random) -> Weighted[Seller]:
    groups: dict[str | None, list[Postable]] = defaultdict(list)
    for account in expenses:
        groups[account.tax_code].append(account)
    by_size = Weighted(list(groups.values()), map(len, groups.values()))
    sellers = []
    own = Supplier.select().where(Supplier.municipality == company.municipality_id, Supplier.active)
    for row in sorted(own, key=attrgetter("number")):
        group = by_size.pick(random)
        accounts = random.sample(group, min(_OF_A_SELLER, len(group)))
        address = SyntheticAddress(row.street, row.postal_code, row.city, row.country or "DK")
        sellers.append(Seller(row.number, row.name, row.cvr, address, long_tail(accounts, random)))
    if not sellers:
        raise MunicipalityTooBare(
            element=Both("en aktiv kreditor", "an active supplier"), value=company.code, expected="≥ 1"
        )
    return long_tail(sellers, random)


def _accounts(
    company: CompanyCode, first: date, last: date, random: Random
) -> list[tuple[Account, Postable]]:
    """The accounts that are open, and whose rules can be kept to."""
    values = _values(company, first, last)
    known = References(company)
    made: dict[tuple[int, bool], Weighted[Place] | None] = {}
    found = []
    rows = Account.select().where(Account.company_code == company)
    for row in sorted(rows, key=attrgetter("number")):  # engines differ in what comes after what
        rule = known.rule(row.number)
        if row.blocked or rule is None:
            continue
        key = (rule.priority, row.is_balance)
        if key not in made:
            made[key] = _places(rule, row.is_balance, values, random)
        places = made[key]
        if places is not None:
            code, rate = (row.tax_code.code, row.tax_code.rate_basis_points) if row.tax_code else (None, 0)
            found.append((row, Postable(row.number, row.name, code, rate, places)))
    return found


def _values(company: CompanyCode, first: date, last: date) -> dict[str, list[str]]:
    """The codes of each kind that are open from the first day to the last."""
    found: dict[str, list[str]] = defaultdict(list)
    rows = DimensionValue.select().where(DimensionValue.company_code == company)
    for row in sorted(rows, key=attrgetter("kind", "code")):
        opens, closes = open_days(row)
        if opens <= first and last <= closes:
            found[row.kind].append(row.code)
    return found


def _home(code: str, others: Sequence[str]) -> str:
    """Where a code belongs: always the same, whichever rule it is asked for."""
    return others[crc32(code.encode()) % len(others)]


def _places(
    rule: AccountRule, is_balance: bool, values: dict[str, list[str]], random: Random
) -> Weighted[Place] | None:
    """What lines on an account of this rule may be assigned to; None when its rule cannot be kept to."""
    required = set(rule.requires_exactly_one_of)
    may = required or (set() if is_balance else set(_MOSTLY))
    kinds = [kind for kind in sorted(may - set(rule.forbids_any_of)) if values[kind]]
    if required and not kinds:
        return None
    free = [
        kind for kind in (*_BESIDE, "order") if values[kind] and kind not in {*required, *rule.forbids_any_of}
    ]
    if not kinds or is_balance:
        free = []
    places, weights = [], []
    for kind in kinds:
        for rank, code in enumerate(random.sample(values[kind], len(values[kind])), start=1):
            beside = {other: _home(code, values[other]) for other in free if other in _BESIDE}
            weight = _SHARES.get(kind, 5) / rank
            places.append(Place(**{kind: code, **beside}))
            weights.append(weight)
            if "order" in free:
                places.append(places[-1]._replace(order=random.choice(values["order"])))
                weights.append(weight * _WITH_ORDER)
    return Weighted(places, weights) if places else Weighted([Place()], [1])
