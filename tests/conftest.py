"""Fixtures for the whole house: a clock that stands still, a migrated database on each engine."""

from __future__ import annotations

import os
import shutil
import tomllib
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, BinaryIO
from urllib.parse import urlsplit, urlunsplit

import pytest
from lxml import etree

from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect, proxy
from opus_soap.documents.synthetic import SyntheticReceiver, SyntheticSupplier, synthetic_invoices
from opus_soap.interfaces.postings_in import receipts
from opus_soap.interfaces.postings_in.schema import FOLDER
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import CompanyCode
from opus_soap.store.schema import migrate

ROOT = Path(__file__).parent.parent
DEFINITION = tomllib.loads((ROOT / "opus_soap/simulate/municipality.toml").read_text("utf-8"))
POSTGRES_URL = os.environ.get("OPUS_SOAP_TEST_POSTGRES", "")
SAMPLES = Path(os.environ.get("OPUS_SOAP_TEST_SAMPLES", ROOT.parent / "shared" / "samples"))
NO_SAMPLES = "set OPUS_SOAP_TEST_SAMPLES to a folder of published messages (oioubl/, wss/)"
NOON = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)  # a Monday, 12:00 in Copenhagen


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What was skipped, a line for each reason, and so how to enable it."""
    reasons = Counter(report.longrepr[2] for report in terminalreporter.stats.get("skipped", ()))
    for reason, count in reasons.most_common():
        terminalreporter.write_line(f"{count} skipped: {reason.removeprefix('Skipped: ')}")


@pytest.fixture(scope="session")
def response_schema() -> etree.XMLSchema:
    """The contract of receipts."""
    return etree.XMLSchema(file=str(FOLDER / "FinancePostingResponse.xsd"))


@pytest.fixture(autouse=True)
def receipts_keep_to_the_contract(
    response_schema: etree.XMLSchema, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Every receipt that any test lets be written, by whichever door, is held against the schema."""
    write, wrong = receipts.write, []

    def written(out: BinaryIO, control: Mapping[str, str], returns: Iterable[receipts.Return]) -> None:
        kept = BytesIO()
        write(kept, control, returns)
        out.write(kept.getvalue())
        if not response_schema.validate(etree.fromstring(kept.getvalue())):
            wrong.append(str(response_schema.error_log))

    monkeypatch.setattr(receipts, "write", written)
    yield
    assert not wrong


@pytest.fixture
def clock() -> ManualClock:
    """Monday 23 November 2026, 12:00 in Copenhagen."""
    return ManualClock(NOON)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite database with Eksempelby Kommune's master data, to copy."""
    path = tmp_path_factory.mktemp("template") / "empty.sqlite3"
    database = connect(f"sqlite:///{path}")
    migrate()
    load_municipality(DEFINITION)
    database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


def _admin(statement: str) -> None:
    import psycopg

    with psycopg.connect(POSTGRES_URL, autocommit=True) as connection:
        connection.execute(statement)  # type: ignore[call-overload]


def _database_url(name: str) -> str:
    return urlunsplit(urlsplit(POSTGRES_URL)._replace(path=f"/{name}"))


@pytest.fixture(scope="session")
def postgres_template() -> Iterator[str]:
    """The name of such a PostgreSQL database, to use as a template."""
    name = f"opus_soap_template_{uuid.uuid4().hex[:12]}"
    _admin(f"CREATE DATABASE {name}")
    connect(_database_url(name))
    migrate()
    load_municipality(DEFINITION)
    disconnect()
    yield name
    _admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


def _sqlite_copy(template: Path, folder: Path) -> str:
    path = folder / "opus.sqlite3"
    shutil.copy(template, path)
    return f"sqlite:///{path}"


@contextmanager
def _postgres_copy(template: str) -> Iterator[str]:
    name = f"opus_soap_test_{uuid.uuid4().hex[:12]}"
    _admin(f"CREATE DATABASE {name} TEMPLATE {template}")
    try:
        yield _database_url(name)
    finally:
        _admin(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a fresh, migrated SQLite database."""
    return _sqlite_copy(sqlite_template, tmp_path)


@pytest.fixture
def postgres_url(postgres_template: str) -> Iterator[str]:
    """The URL of a fresh, migrated PostgreSQL database."""
    with _postgres_copy(postgres_template) as url:
        yield url


ENGINES = [
    "sqlite",
    pytest.param(
        "postgres",
        marks=[
            pytest.mark.postgres,
            pytest.mark.skipif(
                not POSTGRES_URL,
                reason="set OPUS_SOAP_TEST_POSTGRES to a URL (postgresql://USER@HOST:5432/postgres)",
            ),
        ],
    ),
]


@pytest.fixture(params=ENGINES)
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of a fresh, migrated database: every test that asks runs on both engines."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=ENGINES)
def fresh_database(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[Path]]:
    """Such a database for each example of a property: connected while the context lasts, a folder beside."""
    template = request.getfixturevalue(f"{request.param}_template")

    @contextmanager
    def fresh() -> Iterator[Path]:
        with TemporaryDirectory() as name, ExitStack() as stack:
            folder = Path(name)
            is_sqlite = request.param == "sqlite"
            url = (
                _sqlite_copy(template, folder) if is_sqlite else stack.enter_context(_postgres_copy(template))
            )
            connect(url).connect(reuse_if_open=True)
            try:
                yield folder
            finally:
                disconnect()
                proxy.initialize(None)

    return fresh


@pytest.fixture
def database(database_url: str) -> Iterator[None]:
    """The models bound to `database_url`, connected in this thread."""
    bound = connect(database_url)
    bound.connect(reuse_if_open=True)
    yield
    disconnect()
    proxy.initialize(None)


@pytest.fixture
def company(database: None) -> CompanyCode:
    """Eksempelby Kommune's company code 0020."""
    return company_code("999", "0020")


@pytest.fixture
def documents():
    """Fourteen synthetic files."""
    head = DEFINITION["municipality"]
    receiver = SyntheticReceiver(head["name"], head["cvr"], **DEFINITION["receiver"])
    suppliers = [SyntheticSupplier(row["name"], row["cvr"]) for row in DEFINITION["suppliers"][:5]]
    return list(synthetic_invoices(1, 14, receiver, suppliers, date(2026, 11, 20)))
