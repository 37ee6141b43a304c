"""docs/interfaces/postings-in.md, command by command as it stands there, on the files of docs/examples."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import disconnect
from opus_soap.interfaces.postings_in.csv_form import COLUMNS
from opus_soap.ledger.models import Voucher
from tests.conftest import ROOT

PAGE = ROOT / "docs/interfaces/postings-in.md"


def commands() -> list[str]:
    blocks = re.findall(r"^```sh\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture
def clone(tmp_path, monkeypatch) -> Path:
    """A folder as somebody who cloned the project has it."""
    for name in [name for name in os.environ if name.startswith("OPUS_SOAP_")]:
        monkeypatch.delenv(name)
    (tmp_path / "opus_soap").symlink_to(ROOT / "opus_soap")
    (tmp_path / "docs").symlink_to(ROOT / "docs")
    monkeypatch.chdir(tmp_path)
    yield tmp_path
    disconnect()


def test_the_page_can_be_pasted(clone):
    followed = commands()
    assert len(followed) == 11
    for command in followed:
        program, *arguments = shlex.split(command, comments=True)
        if program == "mkdir":
            Path(arguments[-1]).mkdir(parents=True)
            continue
        done = CliRunner().invoke(main, arguments)
        assert done.exit_code == 0, f"{command}: {done.output}"
    assert [row.reference for row in Voucher.select().order_by(Voucher.id)] == ["C1", "C2", "OMP-1"]
    assert b"<MESSAGE_NUM>204</MESSAGE_NUM>" in (clone / "var/receipt.xml").read_bytes()


def test_the_columns_stand_on_the_page_in_their_order():
    listed = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    assert [(int(number), column) for number, column, _ in listed] == list(enumerate(COLUMNS, start=1))
    assert all(
        element == told or told.startswith("–")
        for (*_, told), element in zip(listed, COLUMNS.values(), strict=True)
    )
