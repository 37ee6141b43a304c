"""Books with all that an auditor looks at, and the extract of them."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from opus_soap.extracts import manifest, ordering
from opus_soap.extracts.output import Output
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.ledger import parking
from opus_soap.ledger.posting import PostingLine, post_many
from opus_soap.store.extract_models import Extract
from tests.extracts.conftest import Desk, desk, make_desk  # noqa: F401  fixtures

KIND = "revisorudtraek"


@dataclass
class Auditor:
    """Orders, approves and reads the extract of a year."""

    desk: Desk

    def order(self, year: int = 2026, **options: Any) -> Extract:
        """Requested."""
        terms = {"kind": KIND, "delta": False, "options": {"year": year, **options}}
        return self.desk.order(self.desk.subscribe("REVISOR", **terms))

    def extract(self, year: int = 2026, **options: Any) -> Delivered:
        """Requested, approved by another, produced."""
        return self.produce(self.order(year, **options))

    def produce(self, extract: Extract) -> Delivered:
        """Approved by another, produced."""
        ordering.approve(extract, actor="somebody else", clock=self.desk.clock)
        extract = self.desk.producer.produce(extract, actor="test")
        return Delivered(extract, self.desk.producer.place(extract), self.desk.producer.manifest_of(extract))

    def write(self, folder: Path, **options: Any) -> Output:
        """Written into a folder, past the engine; for measuring."""
        extract = self.order(**options)
        output = Output(folder, extract.name)
        KINDS[KIND].write(self.desk.producer._job(extract, lambda done, of: None), output)
        return output


@dataclass
class Delivered:
    """What the auditor gets."""

    extract: Extract
    folder: Path
    stored: bytes

    @property
    def told(self) -> dict[str, Any]:
        """The manifest."""
        return manifest.read(self.stored, "m")

    def path(self, ending: str) -> Path:
        """A file."""
        return self.folder / f"{self.extract.name}{ending}"

    def text(self, ending: str) -> str:
        """A file's text."""
        return self.path(ending).read_text("utf-8")

    def rows(self, table: str) -> list[dict[str, str]]:
        """A table."""
        with self.path(f"_{table}.csv").open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, delimiter=";"))

    def schema(self, table: str) -> dict[str, Any]:
        """Its schema."""
        found: dict[str, Any] = json.loads(self.text(f"_{table}.schema.json"))
        return found

    @property
    def failed(self) -> dict[str, str]:
        """Controls that do not hold, with their notes."""
        return {
            row["Control"]: row["Note"] for row in self.rows("OPUS_Control_Totals") if row["Holds"] == "false"
        }


@pytest.fixture
def auditor(desk: Desk) -> Auditor:  # noqa: F811
    """Eksempelby's."""
    return Auditor(desk)


@pytest.fixture
def books(auditor: Auditor) -> Auditor:
    """A reversal, a late voucher, a Sunday night, a supplier, a released voucher, a CPR number in a text."""
    own, clock = auditor.desk, auditor.desk.clock
    first, _ = own.post(2)
    own.reverse(first)
    paper = (
        PostingLine("22000300", 1_000_000, cost_center="1101", tax_code="K25", text="papir til 010190-1234"),
        PostingLine("90590100", -1_000_000, supplier="200002"),
    )
    draft = own.draft(document_type="KR", lines=paper, header_text="Kontorartikler & mere")
    post_many([draft, replace(draft, posting_date=date(2026, 9, 1), document_date=date(2025, 12, 30))], clock)
    parking.set_right("999", "anna", "", limit_ore=10**9, actor="test", clock=clock)
    (parked,) = parking.park_many([replace(draft, reference="P-1")], clock)
    parking.release(parked.uuid, user="ANNA", actor="cli:anna", clock=clock)
    now = clock.now()
    clock.advance(datetime(2026, 11, 29, 2, 30, tzinfo=UTC) - now)  # a Sunday, 3:30 in Copenhagen
    own.post(entered_by="batch")
    clock.advance(datetime(2026, 11, 30, 9, 0, tzinfo=UTC) - clock.now())
    return auditor
