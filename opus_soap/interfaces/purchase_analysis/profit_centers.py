"""Profit centres and their hierarchy, as the master data has them now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opus_soap.errors import ProfitCenterLoop
from opus_soap.ledger.models import CompanyCode, DimensionValue

COLUMNS = ("PROFIT_CTR", "NAME", "PARENT", "LEVEL", "PATH", "VALID_FROM", "VALID_TO", "BLOCKED")
Texts = Sequence[str | None]


def profit_centers(company: CompanyCode) -> list[list[str | None]]:
    """Each by `COLUMNS`, in the order of their codes.

    PATH leads down to it from the top, `/` between the codes; LEVEL counts them. A parent that has no
    record of its own (a group of the hierarchy) is the top. Raises `ProfitCenterLoop`.
    """
    query = DimensionValue.select().where(
        DimensionValue.company_code == company, DimensionValue.kind == "profit_center"
    )
    rows = sorted(query, key=lambda row: row.code)  # engines have orders of their own
    parents = {row.code: row.parent_code for row in rows}
    found: list[list[str | None]] = []
    for row in rows:
        path = _path(row.code, parents)
        found.append(
            [
                row.code,
                row.name,
                row.parent_code,
                str(len(path)),
                "/".join(path),
                f"{row.valid_from:%Y%m%d}" if row.valid_from else None,
                f"{row.valid_to:%Y%m%d}" if row.valid_to else None,
                "X" if row.blocked else None,
            ]
        )
    return found


def _path(code: str, parents: Mapping[str, str | None]) -> list[str]:
    path = [code]
    while parent := parents.get(path[0]):
        if parent in path:
            raise ProfitCenterLoop(element=code, value="/".join([parent, *path]))
        path.insert(0, parent)
    return path
