"""What receivers of stamdata do: take each delivery once, in order, and have what the municipality has."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any
from uuid import uuid4

from lxml import etree

from opus_soap.extracts import manifest
from opus_soap.interfaces.master_data.books import Source
from opus_soap.interfaces.master_data.form import BY_NAME, CHANGED, DELETED, NEW, RECORD
from opus_soap.ledger.models import Account, CompanyCode, DimensionValue, Supplier, UserRight

State = dict[tuple[str, tuple[str, ...]], dict[str, str]]  # by table and key


def held(company: CompanyCode, tables: Sequence[str]) -> State:
    """What the municipality has."""
    source = Source(company)
    return {
        (name, tuple(texts[: BY_NAME[name].keys])): _told(BY_NAME[name].values(texts))
        for name in tables
        for record in source.records(name)
        for texts in [_as_written(name, record.texts)]
    }


def _as_written(table: str, texts: Sequence[str]) -> Sequence[str]:
    """Users are told of in capitals."""
    return [texts[0].upper(), *texts[1:]] if table == "USER_RIGHT" else texts


def _told(values: Any) -> dict[str, str]:
    return {name: text for name, text in values.items() if text}


def taken(folder: Path) -> tuple[State, dict[str, int]]:
    """What a receiver has who took the deliveries of a folder in order, and how often each action came.

    Each follows on the one before; what is new was not there, what is changed or deleted was.
    """
    state: State = {}
    actions = dict.fromkeys((NEW, CHANGED, DELETED), 0)
    before: bytes | None = None
    for path in sorted(folder.glob(f"*{manifest.ENDING}"), key=lambda path: path.name):
        stored = path.read_bytes()
        followed = json.loads(stored)["follows"]
        assert (followed or {}).get("manifest_sha256") == (sha256(before).hexdigest() if before else None)
        before = stored
        for table, record in _records(folder / path.name.replace(manifest.ENDING, ".xml")):
            action = record.pop("ACTION", None)
            names = [column.name for column in BY_NAME[table].columns[: BY_NAME[table].keys]]
            key = table, tuple(record.get(name, "") for name in names)
            assert (key in state) == (action in (CHANGED, DELETED)), (path.name, action, key)
            if action is not None:
                actions[action] += 1
            if action == DELETED:
                del state[key]
            else:
                state[key] = record
    return state, actions


def _records(path: Path) -> list[tuple[str, dict[str, str]]]:
    found = []
    for node in etree.parse(path).getroot():
        name = etree.QName(node).localname
        if name.endswith(RECORD):
            texts = {etree.QName(child).localname: str(child.text) for child in node}
            found.append((name.removesuffix(RECORD), texts))
    return found


class MasterData:
    """Somebody who adds, renames, ends and deletes master data."""

    def __init__(self, company: CompanyCode) -> None:
        self._company, self._random, self._count = company, Random(7), 0

    def change(self, on: date) -> None:
        """One thing."""
        self._count += 1
        self._random.choice(_CHANGES)(self, on)

    def add(self, on: date) -> None:
        """A dimension's value, valid from today; a supplier; a right."""
        name = f"Nyt {self._count} & <æ>"
        kind = self._random.choice(DimensionValue.KINDS)
        DimensionValue.create(
            company_code=self._company, uuid=uuid4(), kind=kind, code=self._code(), name=name, valid_from=on
        )
        Supplier.create(
            municipality=self._company.municipality,
            uuid=uuid4(),
            number=self._code(),
            name=name,
            purchasing=True,
        )
        UserRight.create(municipality=self._company.municipality, user=self._code(), limit_ore=100)

    def rename(self, on: date) -> None:
        """One of each, whether it is old or new."""
        for model in (DimensionValue, Supplier, Account):
            row = self._random.choice(list(model.select().order_by(model.id)))
            row.name = f"Andet {self._count}"
            row.save()

    def end(self, on: date) -> None:
        """A dimension's value that was added: the others are booked on."""
        if row := self._mine(DimensionValue, DimensionValue.code):
            row.valid_to = on
            row.save()

    def block(self, on: date) -> None:
        """A supplier that was added, or let it be used again."""
        if row := self._mine(Supplier, Supplier.number):
            row.active = not row.active
            row.save()

    def delete(self, on: date) -> None:
        """Of each that was added."""
        for model, column in (
            (DimensionValue, DimensionValue.code),
            (Supplier, Supplier.number),
            (UserRight, UserRight.user),
        ):
            if row := self._mine(model, column):
                row.delete_instance()

    def _mine(self, model: Any, column: Any) -> Any:
        mine = list(model.select().where(column.startswith("Z")).order_by(model.id))
        return self._random.choice(mine) if mine else None

    def _code(self) -> str:
        return f"Z{self._count:05}"


_CHANGES: tuple[Callable[[MasterData, date], None], ...] = (
    MasterData.add,
    MasterData.rename,
    MasterData.end,
    MasterData.block,
    MasterData.delete,
)
