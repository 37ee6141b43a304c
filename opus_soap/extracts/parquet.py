"""CSV files of an extract as Parquet, for those who analyse: beside the CSV, every column a text.

Made by whoever needs it, from what was proved: the bytes of Parquet depend on the library's version, so it
is neither in a manifest nor handed over.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pyarrow import ArrowInvalid, string
from pyarrow.csv import ConvertOptions, ParseOptions, ReadOptions, open_csv
from pyarrow.parquet import ParquetWriter

from opus_soap.errors import ParquetUnreadable

_BLOCK = 4 * 1024 * 1024  # bytes of CSV at once


def write(source: Path, told: Callable[[int], object] = lambda rows: None) -> Path:
    """`NAME.csv` → `NAME.parquet`, in constant memory; raises `ParquetUnreadable`, OSError.

    An empty field is null. `told` hears the number of rows so far.
    """
    place = source.with_suffix(".parquet")
    part = place.with_name(f".{place.name}.part")
    rows = 0
    try:
        columns = _columns(source)
        reader = open_csv(
            source,
            read_options=ReadOptions(block_size=_BLOCK),
            parse_options=ParseOptions(delimiter=";", newlines_in_values=True),
            convert_options=ConvertOptions(
                column_types={name: string() for name in columns},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        )
        with reader, ParquetWriter(part, reader.schema, compression="zstd") as out:
            for batch in reader:
                out.write_batch(batch)
                rows += batch.num_rows
                told(rows)
        part.replace(place)
    except (ArrowInvalid, UnicodeDecodeError) as error:
        raise ParquetUnreadable(element=source.name, value=str(error).splitlines()[0][:200]) from None
    finally:
        with suppress(OSError):
            part.unlink()
    return place


def _columns(source: Path) -> list[str]:
    with source.open(encoding="utf-8", newline="") as file:
        return file.readline().rstrip("\r\n").split(";")
