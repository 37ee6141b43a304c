"""A voucher's lines as a table: of the books, or of one that waits. Empty columns are left out."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from opus_soap.cli.shown import listing
from opus_soap.ledger.drafts import PostingLine
from opus_soap.ledger.models import Posting
from opus_soap.money import danish

_COLUMNS = {
    "posting_key": "Key",
    "account": "Account",
    "cost_center": "Cost centre",
    "wbs_element": "WBS",
    "profit_center": "Profit centre",
    "order": "Order",
    "network": "Network",
    "activity": "Activity",
    "partner_profit_center": "Partner",
    "supplier": "Supplier",
    "tax_code": "Tax",
    "value_date": "Value date",
}
_AMOUNT = "Amount"


def print_lines(console: Console, title: str, lines: Sequence[Posting | PostingLine]) -> None:
    """Print lines in their order below a title."""
    used = [name for name in _COLUMNS if any(getattr(line, name, None) for line in lines)]
    heads = (_COLUMNS[name] for name in used)
    table = listing("Line", *heads, _AMOUNT, "Text", numbers=(_AMOUNT,))
    for number, line in enumerate(lines, start=1):
        values = (str(getattr(line, name, None) or "") for name in used)
        table.add_row(str(number), *values, danish(line.amount_ore), line.text)
    console.print(title, style="bold")
    console.print(table)
