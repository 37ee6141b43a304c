"""Who is above whom in a dimension: a parent is there, and nothing is above itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from opus_soap.database import is_any_of
from opus_soap.errors import ImportHierarchyLoops, ImportReferenceUnknown, OpusSoapError
from opus_soap.interfaces.master_data.form import DIMENSIONS
from opus_soap.ledger.models import CompanyCode, DimensionValue

_AT_ONCE = 500
T = TypeVar("T")


def mistakes(
    company: CompanyCode, table: str, parents: Iterable[tuple[str, str, T]]
) -> Iterator[tuple[OpusSoapError, T]]:
    """What is wrong with (code, parent, whose) of a table, as the books now stand."""
    own: Any = DimensionValue.select(DimensionValue.code, DimensionValue.parent_code).where(
        DimensionValue.company_code == company, DimensionValue.kind == DIMENSIONS[table]
    )
    rest = iter(parents)
    while some := list(islice(rest, _AT_ONCE)):
        named = sorted({parent for _, parent, _ in some})
        known = {code for code, _ in own.where(is_any_of(DimensionValue.code, named)).tuples()}
        above: dict[str, str] = {}
        for code, parent, whose in some:
            if parent not in known:
                yield ImportReferenceUnknown(element="PARENT", value=parent), whose
            elif _loops(own, above, code, parent):
                yield ImportHierarchyLoops(element=table, value=code), whose


def _loops(own: Any, above: dict[str, str], code: str, parent: str) -> bool:
    """Whether the way up from a code's parent comes back to it, or never ends."""
    seen = {code}
    while parent:
        if parent in seen:
            return True
        seen.add(parent)
        if parent not in above:
            row = own.where(DimensionValue.code == parent).tuples().first()
            above[parent] = (row[1] or "") if row else ""
        parent = above[parent]
    return False
