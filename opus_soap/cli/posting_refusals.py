"""What `opus-soap postings list --refused` and `show` tell of files that were refused as a whole."""

from __future__ import annotations

from collections.abc import Iterator

from rich.table import Table

from opus_soap.cli.shown import listing, local
from opus_soap.interfaces.postings_in.refusals import of_name
from opus_soap.store.models import PostingRefusal

_MOST = 1000


def refused_files() -> Table:
    """A table of them, newest first."""
    table = listing("File", "Door", "Last came", "Times", "Codes", "SHA-256", numbers=("Times",))
    newest = PostingRefusal.select().order_by(PostingRefusal.last_at.desc(), PostingRefusal.id.desc())
    for row in newest.limit(_MOST):
        codes = " ".join(sorted({code for code, _ in row.errors}))
        came = local(row.last_at)
        table.add_row(row.name, row.door, came, str(row.times), codes, row.sha256[:12])
    return table


def told_of_refusals(name: str) -> Iterator[str]:
    """A line for each reason why files of this name were refused, newest first."""
    for row in of_name(name):
        for code, text in row.errors:
            yield f"afvist {local(row.last_at)} ({row.door})  {code}  {text}"
