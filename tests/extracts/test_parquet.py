"""The same texts in Parquet as in the CSV."""

from __future__ import annotations

import csv
import sys

import pytest
from click.testing import CliRunner

from opus_soap import errors
from opus_soap.cli.main import main

parquet = pytest.importorskip("opus_soap.extracts.parquet", reason="pip install 'opus-soap[parquet]'")


def test_every_text_comes_through(desk):
    from pyarrow.parquet import read_table

    desk.post(3, header_text='a;"b"\n0100', reference="007")
    extract = desk.run(desk.subscribe())
    source = desk.inbox / f"{extract.name}.csv"
    told = []
    place = parquet.write(source, told.append)
    with source.open(encoding="utf-8", newline="") as file:
        expected = [
            {name: text or None for name, text in row.items()} for row in csv.DictReader(file, delimiter=";")
        ]
    assert read_table(place).to_pylist() == expected
    assert told == [6]
    assert expected[0]["RECEIV_DOC"] == "007"


def test_what_is_no_csv_is_told(tmp_path):
    path = tmp_path / "x.csv"
    path.write_text("A;B\n1\n")
    with pytest.raises(errors.ParquetUnreadable):
        parquet.write(path)
    assert list(tmp_path.iterdir()) == [path]


def test_without_the_library_it_says_so(tmp_path, monkeypatch):
    path = tmp_path / "x.csv"
    path.write_text("A;B\n1;2\n")
    assert CliRunner().invoke(main, ["extracts", "parquet", str(path)]).exit_code == 0
    monkeypatch.setitem(sys.modules, "opus_soap.extracts.parquet", None)
    result = CliRunner().invoke(main, ["extracts", "parquet", str(path)])
    assert (result.exit_code, "EXT-033" in result.output) == (1, True)
