"""Master data go out and come in again as they were: over random charts, dimensions, suppliers and rights.

The same property must catch a file that has lost something on the way (the canaries), or it proves nothing.
"""

from __future__ import annotations

import re
import shutil
import tempfile
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect, proxy, transaction
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.output import Output
from opus_soap.interfaces.master_data.books import Record, Source
from opus_soap.interfaces.master_data.form import TABLES
from opus_soap.interfaces.master_data.importing import Wanted, import_files
from opus_soap.interfaces.master_data.kind import STAMDATA_KIND
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import DimensionValue
from opus_soap.store.schema import migrate
from opus_soap.texts import is_hidden
from tests.conftest import NOON

OPTIONS = {"tables": list(STAMDATA_KIND.tables), "bank_details": True, "persons": True}
MARK = st.booleans()
NAME = (
    st.text(
        st.characters(exclude_categories=["Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"]), min_size=1, max_size=20
    )
    .map(lambda text: unicodedata.normalize("NFC", text))
    .filter(lambda text: not any(map(is_hidden, text)) and not text.isspace())
)
AWKWARD = st.sampled_from([" x ", "a;b", 'say "x"', "<&>", "']]>", "=1+1", "\N{THUMBS UP SIGN}", "0"])
TEXT = NAME | AWKWARD
CODE = st.text('0123456789ABCabcÆæ_-.;"&', min_size=1, max_size=10)
DAY = st.none() | st.integers(0, 3000).map(lambda days: date(2020, 1, 1) + timedelta(days))
ACCOUNTS = st.lists(
    st.fixed_dictionaries(
        {
            "number": CODE,
            "name": TEXT,
            "is_balance": MARK,
            "tax_code": st.sampled_from(["", "K25"]),
            "blocked": MARK,
            "assignable": MARK,
            "chart_string": st.none() | st.just("1234567890123456"),
        }
    ),
    max_size=4,
    unique_by=lambda row: row["number"],
)
DIMENSIONS = st.dictionaries(
    st.sampled_from(DimensionValue.KINDS),
    st.lists(
        st.fixed_dictionaries(
            {"code": CODE, "name": TEXT, "blocked": MARK, "valid_from": DAY, "valid_to": DAY}
        ),
        max_size=4,
        unique_by=lambda row: row["code"],
    ),
)
SUPPLIERS = st.lists(
    st.fixed_dictionaries(
        {
            "number": CODE,
            "name": TEXT,
            "active": MARK,
            "purchasing": MARK,
            "person": MARK,
            "identifiers": st.lists(CODE.map("X:{}".format), max_size=2, unique=True),
            "street": st.just("") | TEXT,
            "fik_creditor": st.sampled_from(["", "80000001"]),
            "country": st.sampled_from(["", "DK"]),
        }
    ),
    max_size=4,
    unique_by=lambda row: row["number"],
)
RIGHTS = st.lists(
    st.fixed_dictionaries(
        {
            "user": st.text("abæø1", min_size=1, max_size=5),
            "profit_center": st.sampled_from(["", "P210"]),
            "ean": st.sampled_from(["", "5798009900012"]),
            "limit_ore": st.integers(1, 10**13),
        }
    ),
    max_size=4,
    unique_by=lambda row: (row["user"], row["profit_center"], row["ean"]),
)
DATA = st.fixed_dictionaries(
    {"accounts": ACCOUNTS, "dimensions": DIMENSIONS, "suppliers": SUPPLIERS, "user_rights": RIGHTS}
)
Damage = Callable[[Sequence[Path]], None]


@contextmanager
def books(template: Path, folder: Path, name: str) -> Iterator[None]:
    path = folder / f"{name}.sqlite3"
    if not path.exists():
        shutil.copy(template, path)
    connect(f"sqlite:///{path}").connect()
    try:
        yield
    finally:
        disconnect()
        proxy.initialize(None)


@pytest.fixture(scope="session")
def empty_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Books of another municipality, with nothing in them."""
    path = tmp_path_factory.mktemp("empty") / "empty.sqlite3"
    database = connect(f"sqlite:///{path}")
    migrate()
    load_municipality({"municipality": {"code": "101", "cvr": "12345674", "name": "Andetby Kommune"}})
    database.connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return path


def held(municipality: str) -> list[Record]:
    source = Source(company_code(municipality, "0020"))
    return [record for table in TABLES for record in source.records(table.name)]


def write(folder: Path) -> None:
    folder.mkdir()
    job = Job(
        company=company_code("999", "0020"),
        name="S",
        receiver="x",
        sequence=1,
        options=OPTIONS,
        full=True,
        after=0,
        until=0,
        business_date=NOON.date(),
        ordered_at=NOON,
        uuid=UUID(int=1),
    )
    STAMDATA_KIND.write(job, Output(folder, "S"))


def check(full: Path, empty: Path, data: dict[str, Any], ending: str, damage: Damage) -> None:
    """Fill the books, write them out, damage the files, read them into other books, compare."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with books(full, folder, "first"):
            own = {key: data[key] for key in ("accounts", "dimensions")}
            tables = {key: data[key] for key in ("suppliers", "user_rights")}
            with transaction():
                load_municipality(
                    {"municipality": {"code": "999"}, "company_codes": [{"code": "0020", **own}], **tables}
                )
            write(folder / "out")
            before = held("999")
        files = sorted((folder / "out").glob(f"*.{ending}"))
        damage(files)
        with books(empty, folder, "second"):
            wanted = Wanted("101", "0020")
            import_files(files, wanted, actor="test", clock=ManualClock(NOON))
            assert held("101") == before
            again = import_files(files, wanted, actor="test", clock=ManualClock(NOON))
            assert all(set(count) == {"unchanged"} for count in again.values())


LIMITED = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # an example takes too long to be made smaller
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@LIMITED
@given(data=DATA, ending=st.sampled_from(["xml", "csv"]))
def test_what_goes_out_comes_in_as_it_was(sqlite_template, empty_template, data, ending):
    check(sqlite_template, empty_template, data, ending, lambda files: None)


def loses_the_last_day(files: Sequence[Path]) -> None:
    """A canary: files without VALID_TO."""
    for path in files:
        path.write_text(re.sub("<VALID_TO>.*?</VALID_TO>", "", path.read_text("utf-8")), "utf-8")


def loses_blanks(files: Sequence[Path]) -> None:
    """Another: names are trimmed."""
    for path in files:
        path.write_text(
            re.sub("<NAME>\\s*(.*?)\\s*</NAME>", r"<NAME>\1</NAME>", path.read_text("utf-8")), "utf-8"
        )


@pytest.mark.parametrize("canary", [loses_the_last_day, loses_blanks])
def test_the_property_catches_files_that_have_lost_something(sqlite_template, empty_template, canary):
    @settings(LIMITED, max_examples=100)
    @given(data=DATA)
    def property_of_the_canary(data):
        check(sqlite_template, empty_template, data, "xml", canary)

    with pytest.raises(AssertionError):
        property_of_the_canary()
