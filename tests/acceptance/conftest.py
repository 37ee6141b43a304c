"""The loop in one process, for tests that need a fresh ledger each."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from opus_soap.database import connect, disconnect, proxy
from opus_soap.simulate.behaviours import Choice
from opus_soap.store.schema import migrate
from tests.acceptance.in_process import Loop


@pytest.fixture(scope="session")
def both_sides(tmp_path_factory: pytest.TempPathFactory) -> Loop:
    """Keys, servers and workers: they are made once, for every database."""
    return Loop(tmp_path_factory.mktemp("keys") / "keys")


@pytest.fixture(scope="session")
def case_system_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database without any books."""
    path = tmp_path_factory.mktemp("template") / "case-system.sqlite3"
    database = connect(f"sqlite:///{path}")
    migrate()
    database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


@pytest.fixture
def loop(
    both_sides: Loop, case_system_template: Path, sqlite_url: str, tmp_path: Path
) -> Iterator[Callable[[Choice], Loop]]:
    """Start the loop over a fresh ledger, with the behaviours that a test chooses."""

    def start(choice: Choice) -> Loop:
        path = tmp_path / "case-system.sqlite3"
        shutil.copy(case_system_template, path)
        both_sides.start(sqlite_url, f"sqlite:///{path}", choice)
        return both_sides

    yield start
    disconnect()
    proxy.initialize(None)
