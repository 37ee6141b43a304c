"""Extracts of master data, as a receiver would get them."""

from __future__ import annotations

import csv
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.extracts import ordering, subscribing
from opus_soap.extracts.producing import Producer
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.interfaces.master_data.form import NAMESPACE
from opus_soap.ledger.models import CompanyCode
from opus_soap.ledger.seals import create_seal_key

Record = dict[str, str]


def records(folder: Path) -> dict[str, list[Record]]:
    """The records of an extract's XML, by table, each by its elements."""
    (path,) = folder.glob("*.xml")
    found: dict[str, list[Record]] = {}
    for part in etree.parse(path).getroot():
        texts = {etree.QName(child).localname: child.text or "" for child in part}
        found.setdefault(etree.QName(part).localname.removesuffix("_RECORD"), []).append(texts)
    return found


def rows(folder: Path) -> dict[str, list[Record]]:
    """The records of its CSV files, in the same form."""
    found: dict[str, list[Record]] = {}
    for path in folder.glob("*.csv"):
        with path.open(encoding="utf-8", newline="") as file:
            listed = [
                {name: text for name, text in row.items() if text}
                for row in csv.DictReader(file, delimiter=";")
            ]
        if listed:
            found[path.stem.removeprefix(f"{folder.name}_")] = listed
    return found


def qualified(name: str) -> str:
    return f"{{{NAMESPACE}}}{name}"


@pytest.fixture
def producer(tmp_path: Path, clock: ManualClock) -> Producer:
    key = tmp_path / "seal.key.pem"
    create_seal_key(key)
    return Producer(KINDS, tmp_path / "extracts", key, clock)


Run = Callable[..., Path]


@pytest.fixture
def run(company: CompanyCode, producer: Producer, clock: ManualClock) -> Run:
    """Produce the next extract of a kind's only subscription; its folder."""

    def once(kind: str = "stamdata", *, full: bool = False, **options: Any) -> Path:
        subscription = subscribing.add(
            KINDS,
            municipality="999",
            company="0020",
            name=kind,
            kind=kind,
            receiver="Fagsystem",
            options=options,
            calendar="manual",
            at="06:00",
            target={},
            delta=True,
            starts_on=date(2026, 11, 23),
            actor="test",
            clock=clock,
        )
        extract = ordering.order(subscription, KINDS, producer.key_file, actor="test", clock=clock, full=full)
        producer.produce(extract, actor="test")
        return producer.place(extract)

    return once
