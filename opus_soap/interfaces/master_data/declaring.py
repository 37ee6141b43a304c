"""A declaration (TOML) brought into the books, and what it changed there.

It holds what people wrote down when the books were set up. Since then files may have been imported and rights
been set; a declaration that is loaded once more would undo that, so it does so only when it is told to.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import ImportWouldBeUndone
from opus_soap.interfaces.master_data.books import Record, Source
from opus_soap.interfaces.master_data.comparing import UNCHANGED
from opus_soap.interfaces.master_data.entering import rights_ever
from opus_soap.interfaces.master_data.form import BY_NAME, PLACES, SAP_NAMES, Key, Table
from opus_soap.interfaces.master_data.importing import CHANGED, IMPORTED, NEW, Counts, said
from opus_soap.interfaces.master_data.staging import Change
from opus_soap.ledger.checks import normalised_wbs
from opus_soap.ledger.definition import CompanyRow, Definition, read_definition
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.models import CompanyCode, Municipality
from opus_soap.store import audit
from opus_soap.store.models import AuditEntry

LOADED = "master_data.loaded"
Place = tuple[str, str, Key]  # company code (none of what is the municipality's), table, key
Held = Mapping[Place, Record]


@dataclass(frozen=True)
class Declared:
    """What a declaration did, or would do."""

    municipality: Municipality
    counts: Counts


class _DryRun(Exception):
    """The end of a dry run."""


def declare(
    tables: Mapping[str, Any],
    *,
    actor: str,
    clock: Clock,
    overwrite: bool = False,
    dry_run: bool = False,
    tell: Callable[[Change], None] = lambda change: None,
) -> Declared:
    """Load a declaration, all of it or nothing; `tell` hears of each record that is new or changed.

    Raises `MasterDataInvalid`, and `ImportWouldBeUndone` unless it may `overwrite`.
    """
    definition = read_definition(tables)
    code = definition.municipality.code
    try:
        with transaction():
            before = _held(definition)
            municipality = load_municipality(tables)
            ever = rights_ever(code)
            found = list(_found(before, _held(definition), ever))
            _require_none_undone(code, found, ever, overwrite)
            counts = _counted(found)
            told = {name: dict(count) for name, count in counts.items()}
            audit.record(LOADED, code, actor=actor, at=clock.now(), municipality=code, counts=told)
            if dry_run:
                raise _DryRun
    except _DryRun:
        pass
    for one in found:  # nobody waits for who listens
        if one.change.outcome != UNCHANGED:
            tell(one.change)
    return Declared(municipality, counts)


def _held(definition: Definition) -> Held:
    """What the books hold of what a declaration names."""
    code, found = definition.municipality.code, {}
    whole = Source(CompanyCode(municipality=code)), _keys_of_municipality(definition)
    companies = CompanyCode.select().where(CompanyCode.municipality == code)
    known = {company.code: company for company in companies}
    own = [
        (Source(known[row.code]), _keys_of_company(row))
        for row in definition.company_codes
        if row.code in known
    ]
    for source, keys in (whole, *own):
        for table, wanted in keys.items():
            some = source.find(table, wanted) if wanted else {}
            found.update(
                {(source.company.code or "", table, key): some[key] for key in wanted if key in some}
            )
    return found


def _keys_of_municipality(definition: Definition) -> Mapping[str, Sequence[Key]]:
    suppliers = [(row.number,) for row in definition.suppliers]
    rights = [(row.user.casefold(), row.profit_center, row.ean) for row in definition.user_rights]
    return {"VENDOR": suppliers, "VENDOR_BANK": suppliers, "USER_RIGHT": rights}


def _keys_of_company(row: CompanyRow) -> Mapping[str, Sequence[Key]]:
    return {
        "COMP_CODE": [(row.code,)],
        "TAX_CODE": [(one.code,) for one in row.tax_codes],
        "DOC_TYPE": [(one.code,) for one in row.document_types],
        "ACCOUNT_RULE": [(one.priority,) for one in row.account_rules],
        "GL_ACCOUNT": [(one.number,) for one in row.accounts],
        **{
            SAP_NAMES[kind]: [(_code(kind, one.code),) for one in rows]
            for kind, rows in row.dimensions.items()
        },
    }


def _code(kind: str, code: str) -> str:
    return normalised_wbs(code) if kind == "wbs_element" else code


class _Found(NamedTuple):
    """A record that a declaration names, and what becomes of it."""

    change: Change
    key: Key


def _found(before: Held, after: Held, ever: Collection[Key]) -> Iterator[_Found]:
    """Every record of before or after, in the order of tables and keys."""
    for place in sorted({*before, *after}, key=lambda place: (PLACES[place[1]], place[0], place[2])):
        company, name, key = place
        table = BY_NAME[name]
        was, now = _texts(table, before.get(place)), _texts(table, after.get(place))
        columns = {one: (was.get(one, ""), text) for one, text in now.items() if was.get(one, "") != text}
        columns |= {one: (text, "") for one, text in was.items() if one not in now and text}
        outcome = UNCHANGED if not columns else CHANGED
        if place not in before and not _was_taken_away(name, company, key, before, ever):
            outcome = NEW
        yield _Found(Change(outcome, name, said(key), columns), key)


def _was_taken_away(table: str, company: str, key: Key, before: Held, ever: Collection[Key]) -> bool:
    """What has gone for good comes back: bank details of a supplier that is there, a right that was taken."""
    if table == "VENDOR_BANK":
        return (company, "VENDOR", key) in before
    return table == "USER_RIGHT" and key in ever


def _texts(table: Table, record: Record | None) -> Mapping[str, str]:
    if record is None:
        return {}
    values = table.values(record.texts)
    return {column.name: values[column.name] for column in table.columns if not column.derived}


def _require_none_undone(code: str, found: Sequence[_Found], ever: Collection[Key], overwrite: bool) -> None:
    """Raises `ImportWouldBeUndone`: once files were imported any change counts, else those of rights."""
    imported = AuditEntry.event == IMPORTED, AuditEntry.municipality == code
    any_change = AuditEntry.select().where(*imported).exists()
    undone = [
        one.change
        for one in found
        if one.change.outcome == CHANGED
        and (any_change or (one.change.table == "USER_RIGHT" and one.key in ever))
    ]
    if undone and not overwrite:
        raise ImportWouldBeUndone(undone)


def _counted(found: Sequence[_Found]) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for one in found:
        counts.setdefault(one.change.table, Counter())[one.change.outcome] += 1
    return counts
