"""Each extract from the demo municipality, by an operator's commands, verified as a receiver does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from lxml import etree

from opus_soap.extracts.output import SCHEMAS
from opus_soap.interfaces.extract_kinds import KINDS
from tests.conftest import ROOT

# kind → what else its subscription takes, and the schema of its XML; None: no XML of ours
TERMS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "posteringer-ud": ((), "PosteringerUd.xsd"),
    "stamdata": ((), "Stamdata.xsd"),
    "kreditorer": ((), "Stamdata.xsd"),
    "organisation": ((), "Organisation.xsd"),
    "indkoebsanalyse": (("--option", "from=2026-01-01"), "Indkoebsanalyse.xsd"),
    "revisorudtraek": (("--full", "--option", "year=2026"), None),
}


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `opus-soap demo` leaves: the whole loop of invoices; and an organisation."""
    home = tmp_path_factory.mktemp("demo")
    _run(home, "demo", "--once", "--keep", "demo")
    _run(home, "organisation", "load", str(ROOT / "opus_soap/simulate/organisation.xml"))
    return home


def _run(home: Path, *arguments: str, user: str = "anna") -> str:
    environ = {
        **{name: value for name, value in os.environ.items() if not name.startswith("OPUS_SOAP_")},
        "OPUS_SOAP_DATABASE_URL": f"sqlite:///{home}/demo/opus.sqlite3",
        "OPUS_SOAP_SEAL_KEY_FILE": f"{home}/demo/keys/seal.key.pem",
        "LOGNAME": user,
        "PYTHONPATH": str(ROOT),
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "opus_soap", *arguments]
    done = subprocess.run(command, cwd=home, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_every_kind_is_looked_at():
    assert set(TERMS) == set(KINDS)


@pytest.mark.slow
@pytest.mark.parametrize("kind", TERMS)
def test_it_is_produced_keeps_to_its_schema_and_holds(books: Path, kind: str):
    terms, schema = TERMS[kind]
    name = f"S-{kind}"[:20].upper()
    inbox = books / name
    inbox.mkdir()
    _run(
        books,
        "extracts",
        "subscribe",
        name,
        "--kind",
        kind,
        "--receiver",
        kind,
        "--folder",
        str(inbox),
        *terms,
    )
    said = _run(books, "extracts", "run", name)
    if KINDS[kind].approval:
        extract = said.split(":")[0]
        _run(books, "extracts", "approve", extract, user="bent")
        said = _run(books, "extracts", "run", extract)
    assert "handed over" in said
    assert "holds" in _run(books, "extracts", "verify", str(inbox))
    (xml,) = inbox.glob("*.xml")
    if schema is not None:
        etree.XMLSchema(etree.parse(SCHEMAS / schema)).assertValid(etree.parse(xml))
    second = _run(books, "extracts", "run", name)
    assert ("requested" in second) or ("handed over" in second)
