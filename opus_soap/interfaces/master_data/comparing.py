"""What files deliver, held against the books: what comes to nothing, and what must be looked at again.

Nothing is written and nobody waits meanwhile: it is read at one moment, beside whoever writes. What is left
over is entered under the lock, record by record, against the books as they are then.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from opus_soap.database import snapshot
from opus_soap.interfaces.master_data.books import Record, Source, covering
from opus_soap.interfaces.master_data.form import DELETED, Table
from opus_soap.interfaces.master_data.staging import Staged, Staging

UNCHANGED, LEFT = "unchanged", "not in the files"
TOLD_RULE = ("RULE", "REQUIRES_ONE_OF", "FORBIDS")


@dataclass(frozen=True)
class Comparison:
    """One walk through the tables of the files and those of the books."""

    staging: Staging
    source: Source | None  # None: there is no such company code yet
    complete: bool
    new_ids: bool

    def settle(self) -> dict[str, Counter[str]]:
        """Plan what must be looked at again; how many records of each table are settled, by outcome."""
        tables = self.staging.tables()
        with snapshot():
            return {table.name: self._table(table) for table in tables}

    def _table(self, table: Table) -> Counter[str]:
        counts: Counter[str] = Counter()
        held = self.source.records(table.name) if self.source is not None else iter(())
        for staged, record in _side_by_side(self.staging.delivered(table.name), held):
            if staged is None and record is not None:
                # who is a person may just not be told
                if not self.complete or table.values(record.texts).get("PERSON"):
                    counts[LEFT] += 1
                else:
                    self.staging.plan(table.name, Staged(record.key, {}, DELETED, "books", 0))
            elif staged is not None and record is not None and self._is_same(table, staged, record):
                counts[UNCHANGED] += 1
            elif staged is not None:
                self.staging.plan(table.name, staged)
        return counts

    def _is_same(self, table: Table, staged: Staged, record: Record) -> bool:
        if staged.action == DELETED:
            return False
        before = table.values(record.texts)
        if any(before[name] != text for name, text in given(table, staged, self.new_ids).items()):
            return False
        told = told_rule(staged) if table.name == "GL_ACCOUNT" else ()
        if not any(told):
            return True
        assert self.source is not None
        if not self.staging.is_settled("ACCOUNT_RULE"):  # which covers it is known when they are entered
            return False
        return told == covering(self.source.rules, str(record.key[0]))


def given(table: Table, staged: Staged, new_ids: bool) -> dict[str, str]:
    """What a record says that the books are to say."""
    derived = {column.name for column in table.columns if column.derived}
    if new_ids or not staged.texts.get("OBJECT_ID"):
        derived.add("OBJECT_ID")
    return {name: text for name, text in staged.texts.items() if name not in derived}


def told_rule(staged: Staged) -> tuple[str, ...]:
    """RULE, REQUIRES_ONE_OF, FORBIDS, as a file tells them of an account."""
    return tuple(staged.texts.get(name, "") for name in TOLD_RULE)


def _side_by_side(
    staged: Iterator[Staged], held: Iterator[Record]
) -> Iterator[tuple[Staged | None, Record | None]]:
    """Two lists in the order of the same keys, in one walk: those of one key together."""
    one, other = next(staged, None), next(held, None)
    while one is not None or other is not None:
        if other is None or (one is not None and one.key < other.key):
            yield one, None
            one = next(staged, None)
        elif one is None or other.key < one.key:
            yield None, other
            other = next(held, None)
        else:
            yield one, other
            one, other = next(staged, None), next(held, None)
