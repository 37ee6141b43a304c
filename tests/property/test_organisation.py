"""What is given out and read back is the same; and a full extract with its deltas is the organisation.

The same properties must catch a form that loses something (the canaries), or they prove nothing.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any
from unicodedata import normalize
from xml.sax.saxutils import escape

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from opus_soap.clock import ManualClock
from opus_soap.database import connect, disconnect, proxy
from opus_soap.interfaces.master_data.organisation import kind as kind_module
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import CompanyCode, Municipality
from opus_soap.store.organisation_models import Employee, OrgUnit
from opus_soap.texts import names_person
from tests.conftest import NOON, POSTGRES_URL
from tests.interfaces.master_data.organisation.conftest import Organisation, employee, kmd, unit, xml_of

NUMBERS = ("1", "02", "10", "9", "77", "100")


def text(longest: int) -> st.SearchStrategy[str | None]:
    """A text that the schema takes, or none."""
    letters = st.characters(
        codec="utf-8",
        exclude_categories=["Cc", "Cf", "Cs", "Cn", "Co", "Mn", "Mc", "Me", "Zl", "Zp"],
        exclude_characters="\u115f\u1160\u2800\u3164\uffa0",  # hidden, whatever Unicode calls them
    )
    plain = st.text(letters, min_size=1, max_size=longest).map(
        lambda one: normalize("NFC", one).strip()[:longest].strip()
    )
    return st.none() | plain.filter(lambda one: bool(one) and not names_person(one)).map(escape)


DAYS = st.dates(date(1900, 1, 1)).map(str)
PERIODS = st.tuples(DAYS, DAYS).map(sorted)
YES_NO = st.sampled_from(["true", "false"])


def digits(count: int) -> st.SearchStrategy[str | None]:
    return st.none() | st.text("0123456789", min_size=count, max_size=count)


AMOUNTS = st.none() | st.integers(0, 10**12).map(lambda ore: f"{ore // 100}.{ore % 100:02}")


@st.composite
def units(draw: Any, kept: tuple[str, ...] = ()) -> dict[str, str]:
    """Units by number, `kept` among them; each below one that was drawn before it."""
    chosen = draw(st.lists(st.sampled_from(NUMBERS), unique=True, min_size=1, max_size=4))
    drawn: dict[str, str] = {}
    for number in dict.fromkeys((*kept, *chosen)):
        first, last = draw(PERIODS)
        drawn[number] = unit(
            number,
            startDate=first,
            endDate=last,
            parentOrgUnit=draw(st.sampled_from([None, *drawn])),
            longName=draw(text(40)) or "x",
            city=draw(text(40)),
            eanNr=draw(digits(13)),
            pNr=draw(digits(10)),
        )
    return drawn


@st.composite
def employees(draw: Any, of: tuple[str, ...]) -> dict[str, str]:
    """Employees by number, of these units."""
    chosen = draw(st.lists(st.sampled_from(NUMBERS), unique=True, max_size=4))
    return {number: _employee(draw, number, of) for number in chosen}


def _employee(draw: Any, number: str, of: tuple[str, ...]) -> str:
    first, last = draw(PERIODS)
    made = employee(
        number,
        cpr=draw(digits(10)),
        firstName=draw(text(40)) or "x",
        address=draw(text(60)),
        entryDate=draw(st.sampled_from([None, first])),
        leaveDate=draw(st.sampled_from([None, last])),
        isManager=draw(YES_NO),
        orgUnit=draw(st.sampled_from(of)),
        email=draw(text(241)),
        invoiceRecipient=draw(st.none() | YES_NO),
        invoiceLimit=draw(AMOUNTS),
    )
    supp = draw(digits(1))
    return made.replace("<cpr>", f'<cpr suppId="{supp}">') if supp is not None else made


@st.composite
def organisations(draw: Any, kept: tuple[str, ...] = ()) -> tuple[dict[str, str], dict[str, str]]:
    """Units and employees by number."""
    drawn = draw(units(kept))
    return drawn, draw(employees(tuple(drawn)))


@st.composite
def two_of_them(draw: Any) -> list[tuple[dict[str, str], dict[str, str]]]:
    """An organisation, and what became of it: no unit of it is gone, and some of it is the same."""
    one = draw(organisations())
    other = draw(organisations(kept=tuple(one[0])))
    same = set(draw(st.lists(st.sampled_from(NUMBERS), unique=True)))
    stays = {number: text for number, text in one[1].items() if number in same}
    return [one, (other[0], {**other[1], **stays})]


def file_of(organisation: tuple[dict[str, str], dict[str, str]]) -> bytes:
    """As it is given out: in the order of numbers."""
    return kmd(*(records[number] for records in organisation for number in sorted(records)))


@contextmanager
def books(url_of: Callable[[Path], str]) -> Iterator[tuple[Organisation, Organisation]]:
    """The organisations of two municipalities, in fresh books."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        connect(url_of(folder)).connect(reuse_if_open=True)
        try:
            for model in (OrgUnit, Employee):  # on PostgreSQL the books are the same for all examples
                model.delete().execute()
            (folder / "a").mkdir()
            (folder / "b").mkdir()
            clock = ManualClock(NOON)
            yield (
                Organisation(company_code("999", "0020"), clock, folder / "a"),
                Organisation(_another_company(), clock, folder / "b"),
            )
        finally:
            disconnect()
            proxy.initialize(None)


def _another_company() -> CompanyCode:
    """A company code of another municipality."""
    code = {"code": "998", "cvr": "90810112", "name": "Andenby"}
    if not Municipality.select().where(Municipality.code == "998").exists():
        accounts = dict.fromkeys(("vat_refund_account", "retained_account", "supplier_account"), "1")
        CompanyCode.create(municipality=Municipality.create(**code), code="0020", name="A", **accounts)
    return company_code("998", "0020")


Urls = Callable[[Path], str]


@pytest.fixture(scope="session")
def sqlite_urls(sqlite_template: Path) -> Urls:
    """Fresh books in a folder."""

    def url_of(folder: Path) -> str:
        shutil.copy(sqlite_template, folder / "books.sqlite3")
        return f"sqlite:///{folder / 'books.sqlite3'}"

    return url_of


def check_read_back(urls: Urls, organisation: tuple[dict[str, str], dict[str, str]]) -> None:
    """Given out it is what came in; what is given out, read back and given out again is the same bytes."""
    with books(urls) as (own, other):
        own.load(data=file_of(organisation), full=True)
        first = xml_of(own.give(persons=True))
        assert first.partition(b"\n")[2] == file_of(organisation).replace(b"\n\n", b"\n")
        other.load(data=first, full=True)
        assert xml_of(other.give(persons=True)) == first


def check_deltas(urls: Urls, before: Any, after: Any) -> None:
    """Who has the full extract and the delta after it has what is there."""
    with books(urls) as (own, other):
        own.load(data=file_of(before), full=True)
        first = own.give(persons=True)
        other.load(data=xml_of(first))
        own.load(data=file_of(after), full=True)
        other.load(data=xml_of(own.give(first, persons=True)))
        assert xml_of(other.give(persons=True)) == xml_of(own.give(persons=True))


@settings(max_examples=40, deadline=None)
@given(organisation=organisations())
def test_what_is_given_out_and_read_back_is_the_same(sqlite_urls, organisation):
    check_read_back(sqlite_urls, organisation)


@settings(max_examples=40, deadline=None)
@given(both=two_of_them())
def test_a_full_extract_and_its_delta_are_the_organisation(sqlite_urls, both):
    check_deltas(sqlite_urls, *both)


@pytest.mark.postgres
@pytest.mark.skipif(not POSTGRES_URL, reason="set OPUS_SOAP_TEST_POSTGRES to a URL")
def test_the_same_on_postgresql(request):
    url = request.getfixturevalue("postgres_url")

    @settings(max_examples=15, deadline=None)
    @given(both=two_of_them())
    def same(both: Any) -> None:
        check_read_back(lambda folder: url, both[0])
        check_deltas(lambda folder: url, *both)

    same()


def loses_limits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary: amounts of nothing are told as no amount."""
    texts = kind_module.texts
    monkeypatch.setattr(
        kind_module,
        "texts",
        lambda row, fields: {key: "" if text == "0.00" else text for key, text in texts(row, fields).items()},
    )


def forgets_leavers(monkeypatch: pytest.MonkeyPatch) -> None:
    """A canary: of who left nothing is told."""
    changes = kind_module.changes
    monkeypatch.setattr(
        kind_module,
        "changes",
        lambda noted, now: (one for one in changes(noted, now) if one.record is not None),
    )


@pytest.mark.parametrize("broken", [loses_limits, forgets_leavers])
def test_a_form_that_loses_something_is_seen(sqlite_urls, monkeypatch, broken):
    broken(monkeypatch)

    @settings(max_examples=500, deadline=None, phases=[Phase.generate], database=None)
    @given(both=two_of_them())
    def same(both: Any) -> None:
        check_read_back(sqlite_urls, both[0])
        check_deltas(sqlite_urls, *both)

    with pytest.raises(AssertionError):
        same()
