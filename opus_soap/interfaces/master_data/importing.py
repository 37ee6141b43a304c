"""Master data back into the books: what files deliver, compared with what is there; all of it or nothing.

First every record is held against its form and set aside, sorted. Then both lists are walked through side
by side, as the books are at one moment (`comparing`): what comes to nothing is counted, the rest is planned.
That is entered in one transaction, each record against what the books then hold: what is new is made, what
is another is changed, and what is no more is blocked.

So nobody waits for the reading and the comparing, however long they take. SQLite lets nobody else write
during the transaction, which takes as long as what changes, whatever the files and the books hold. It is not
divided: others would see half a chart, and a mistake in the last record could not undo the first. A dry run
is the same transaction, taken back; when nothing is planned there is none. Two imports at once enter one
after the other, the second into what the first has made. What has changed is told when it is over: who
listens may be slow.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from opus_soap.clock import Clock
from opus_soap.database import proxy, transaction
from opus_soap.errors import (
    Both,
    CompanyCodeUnknown,
    ImportCannotRemove,
    ImportColumnsMissing,
    ImportCompanyDiffers,
    ImportRemovalUnknown,
    ImportRuleDiffers,
)
from opus_soap.interfaces.master_data import hierarchy
from opus_soap.interfaces.master_data.books import Record, Source, covering
from opus_soap.interfaces.master_data.comparing import LEFT, UNCHANGED, Comparison, given, told_rule
from opus_soap.interfaces.master_data.entering import Books
from opus_soap.interfaces.master_data.examining import examined
from opus_soap.interfaces.master_data.form import DELETED, DIMENSIONS, MARK, Key, Table
from opus_soap.interfaces.master_data.mistakes import Mistakes
from opus_soap.interfaces.master_data.reading import Asked, Limits, read
from opus_soap.interfaces.master_data.staging import Change, Staged, Staging
from opus_soap.ledger.loading import check_own_accounts
from opus_soap.ledger.master_data import find_municipality, hold_municipality
from opus_soap.ledger.models import CompanyCode, Municipality
from opus_soap.store import audit

IMPORTED = "master_data.imported"
NEW, CHANGED, REMOVED = "new", "changed", "removed"
_AT_ONCE = 500  # records
OUTCOMES = (NEW, CHANGED, UNCHANGED, REMOVED, LEFT)


@dataclass(frozen=True)
class Wanted:
    """How files are to be taken."""

    municipality: str
    company: str
    complete: bool = False  # what is not in the files is no more, in those tables that are
    new_ids: bool = False  # the UUIDs of the files are somebody else's
    dry_run: bool = False
    limits: Limits = field(default_factory=Limits)


class _DryRun(Exception):
    """The end of a dry run."""


Counts = Mapping[str, Counter[str]]  # by table, by outcome


def import_files(
    paths: Sequence[Path],
    wanted: Wanted,
    *,
    actor: str,
    clock: Clock,
    tell: Callable[[Change], None] | None = None,
) -> Counts:
    """Bring the books up to date with files; `tell` hears of each change at the end, also of a dry run.

    Raises `ImportRefused` with every mistake, `MunicipalityUnknown`, `CompanyCodeUnknown`,
    `ImportDiskFailed`.
    """
    municipality = find_municipality(wanted.municipality)
    mistakes = Mistakes()
    with Staging(wanted.limits.max_records) as staging:
        asked = Asked(wanted.company, wanted.complete, wanted.limits)
        for path in paths:
            for delivered in read(path, asked, mistakes):
                texts = examined(delivered, mistakes)
                if texts is not None:
                    with mistakes.of(delivered.file, delivered.line, delivered.table.name):
                        staging.add(delivered, texts)
        mistakes.require_none()
        company = _company(municipality, wanted)
        source = Source(company) if company is not None else None
        counts = Comparison(staging, source, wanted.complete, wanted.new_ids).settle()
        if wanted.dry_run and staging.is_settled():
            return counts
        try:
            with transaction():
                hold_municipality(municipality)
                note = staging.note if tell is not None else None
                entered = _Entering(municipality, wanted, staging, mistakes, note, actor, clock)
                for table in staging.tables():
                    counts[table.name] += entered.table(table)
                entered.end()
                told = {name: dict(count) for name, count in counts.items()}
                audit.record(
                    IMPORTED,
                    f"{wanted.municipality}/{wanted.company}",
                    actor=actor,
                    at=clock.now(),
                    municipality=wanted.municipality,
                    files=[path.name for path in paths],
                    counts=told,
                )
                if wanted.dry_run:
                    raise _DryRun
        except _DryRun:
            pass
        if tell is not None:
            for change in staging.noted():
                tell(change)
    return counts


def _company(municipality: Municipality, wanted: Wanted) -> CompanyCode | None:
    found: CompanyCode | None = CompanyCode.get_or_none(
        CompanyCode.municipality == municipality, CompanyCode.code == wanted.company
    )
    return found


class _Entering:
    """What is planned, table by table, inside a transaction."""

    def __init__(
        self,
        municipality: Municipality,
        wanted: Wanted,
        staging: Staging,
        mistakes: Mistakes,
        note: Callable[[Change], None] | None,
        actor: str,
        clock: Clock,
    ) -> None:
        self._wanted, self._staging, self._mistakes, self._note = wanted, staging, mistakes, note
        self._books = Books(municipality, _company(municipality, wanted), actor, clock)

    def table(self, table: Table) -> Counter[str]:
        """Enter what is planned of a table; how many records came to what."""
        counts: Counter[str] = Counter()
        if self._books.company is None and table.name != "COMP_CODE":
            self._mistakes.require_none()  # what hindered it to be made
            raise CompanyCodeUnknown(value=f"{self._wanted.municipality}/{self._wanted.company}")
        source = Source(self._books.company) if self._books.company is not None else None
        planned = self._staging.planned(table.name)
        while some := list(islice(planned, _AT_ONCE)):
            held = source.find(table.name, [staged.key for staged in some]) if source is not None else {}
            for staged in some:
                counts[self._one(table, staged, held.get(staged.key), source)] += 1
        if table.name in DIMENSIONS:
            self._check_hierarchy(table.name)
        return counts

    def end(self) -> None:
        """What can only be told when all is there; raises `ImportRefused` when anything is wrong."""
        if self._books.company is not None:
            company = CompanyCode.get_by_id(self._books.company.id)
            with self._mistakes.of("books", table="COMP_CODE", key=company.code):
                check_own_accounts(company)
        self._mistakes.require_none()

    def _one(self, table: Table, staged: Staged, record: Record | None, source: Source | None) -> str:
        before = table.values(record.texts) if record is not None else {}
        if staged.action == DELETED:
            return self._removed(table, before, staged) if record is not None else self._gone(table, staged)
        facts = given(table, staged, self._wanted.new_ids)
        self._check_own(table, staged, source)
        changed = {
            name: (before.get(name, ""), text) for name, text in facts.items() if before.get(name) != text
        }
        if record is not None and not changed:
            return UNCHANGED
        if record is None and table.name == "VENDOR_BANK" and not any(list(facts.values())[table.keys :]):
            return UNCHANGED  # none before, none now
        outcome = CHANGED if record is not None else NEW
        if outcome == CHANGED or self._tells_all(table, staged):
            self._enter(outcome, table, staged, facts, changed)
        return outcome

    def _tells_all(self, table: Table, staged: Staged) -> bool:
        """Whether a new record has what it needs; what it lacks is told by the file's own names."""
        missing = [one.name for one in table.columns if one.is_needed and one.name not in staged.texts]
        with self._mistakes.of(staged.file, staged.line, table.name, said(staged.key)):
            if missing:
                raise ImportColumnsMissing(
                    element=Both(f"en ny {table.name}", f"a new {table.name}"),
                    value=", ".join(missing),
                    expected=";".join(table.names),
                )
        return not missing

    def _gone(self, table: Table, staged: Staged) -> str:
        """Nothing is left to take away: it has been taken already, or its key is a mistake."""
        key = said(staged.key)
        with self._mistakes.of(staged.file, staged.line, table.name, key):
            if not self._books.has_had(table.name, staged.key):
                raise ImportRemovalUnknown(element=table.name, value=key)
        return UNCHANGED

    def _removed(self, table: Table, before: Mapping[str, str], staged: Staged) -> str:
        """Blocked, or, of what cannot be, taken from whom it is of: nothing is deleted that has a history."""
        names = [column.name for column in table.columns]
        keys = {name: before[name] for name in names[: table.keys]}
        if "BLOCKED" in names:
            facts = {**keys, "BLOCKED": MARK}
        else:
            facts = {**keys, **dict.fromkeys(names[table.keys :], "")}
        changed = {name: (before[name], facts[name]) for name in facts if facts[name] != before[name]}
        if not changed:
            return UNCHANGED
        self._enter(REMOVED, table, staged, facts, changed)
        return REMOVED

    def _enter(
        self,
        outcome: str,
        table: Table,
        staged: Staged,
        facts: Mapping[str, str],
        changed: Mapping[str, tuple[str, str]],
    ) -> None:
        key = said(staged.key)
        with self._mistakes.of(staged.file, staged.line, table.name, key), proxy.obj.atomic():
            if outcome == REMOVED and table.name == "USER_RIGHT":
                self._books.take_right(facts)
            elif outcome == REMOVED and table.name not in ("VENDOR_BANK",) and "BLOCKED" not in facts:
                raise ImportCannotRemove(element=table.name, value=key)
            else:
                self._books.enter(table.name, facts)
            if self._note is not None:
                self._note(Change(outcome, table.name, key, changed))

    def _check_own(self, table: Table, staged: Staged, source: Source | None) -> None:
        """That a file's company code is the one it is loaded into, and an account's rule the one it tells."""
        key = "/".join(map(str, staged.key))
        with self._mistakes.of(staged.file, staged.line, table.name, key):
            if table.name == "COMP_CODE" and key != self._wanted.company:
                raise ImportCompanyDiffers(value=key, expected=self._wanted.company)
            if table.name == "GL_ACCOUNT" and source is not None:
                told = told_rule(staged)
                rule = covering(source.rules, key)
                if any(told) and told != rule:
                    raise ImportRuleDiffers(element=key, value=_shown(told), expected=_shown(rule))

    def _check_hierarchy(self, name: str) -> None:
        parents = (
            (str(staged.key[0]), staged.texts["PARENT"], staged)
            for staged in self._staging.planned(name)
            if staged.texts.get("PARENT")
        )
        for error, staged in hierarchy.mistakes(self._books.own, name, parents):
            with self._mistakes.of(staged.file, staged.line, name, str(staged.key[0])):
                raise error


def said(key: Key) -> str:
    """A key for people."""
    return "/".join(map(str, key)).strip("/")


def _shown(rule: Sequence[str]) -> str:
    number, requires, forbids = rule
    return f"{number or '-'}: {requires or '-'} / {forbids or '-'}"
