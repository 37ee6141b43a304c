"""Reading: hostile files are refused, every mistake has its line, and no value of a person is told."""

from __future__ import annotations

import resource
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, cast

import pytest

from opus_soap import errors
from opus_soap.interfaces.master_data.organisation.reading import Limits, records
from tests.interfaces.master_data.organisation.conftest import (
    CPR,
    codes,
    employee,
    kmd,
    leaver,
    surveyed,
    unit,
)


def read(data: bytes, limits: Limits | None = None) -> list:
    return list(records(BytesIO(data), limits or Limits()))


def test_a_file_is_read_as_it_stands():
    one, two, three = read(kmd(unit("10", city="Å & Ø".replace("&", "&amp;")), employee("7"), leaver("8")))
    assert (one.name, one.number, one.line, one.values["city"]) == ("orgUnit", "10", 2, "Å & Ø")
    assert (two.name, two.line, two.values["firstName"]) == ("employee", 3, "Anja")
    assert (three.line, three.values) == (4, {"id": "8", "action": "leave"})


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no xml",
        b"<kmd>",
        kmd(unit())[:-3],
        kmd(unit()) + b"<more/>",
        b'<!DOCTYPE kmd [<!ENTITY a "b">]>' + kmd(unit(longName="&a;")),
        b'<!DOCTYPE kmd SYSTEM "http://127.0.0.1:9/a.dtd">' + kmd(unit()),
        b'<!DOCTYPE kmd [<!ENTITY f SYSTEM "file:///etc/hostname">]>' + kmd(unit(longName="&f;")),
        kmd(unit(longName="&unknown;")),
        kmd(unit()).replace(b"Enhed", b"\xff\xfe"),
    ],
)
def test_what_is_no_plain_xml_is_unreadable(data: bytes):
    with pytest.raises(errors.OrganisationFileUnreadable):
        read(data)


FAR = " " * 300  # between the beginning of a declaration and what it declares


@pytest.mark.parametrize(
    ("written", "declared"),
    [
        ("utf-7", 'encoding="UTF-7"'),
        ("utf-7", f'{FAR}encoding="UTF-7"'),
        ("iso-8859-1", "encoding='iso-8859-1'"),
        ("cp1252", 'encoding="windows-1252"'),
        ("utf-16", 'encoding="UTF-16"'),
        ("utf-16-le", ""),
        ("utf-16-be", ""),
        ("utf-32", 'encoding="UTF-32"'),
    ],
)
def test_a_file_is_utf_8_and_says_nothing_else(written: str, declared: str):
    whole = f'<?xml version="1.0" {declared}?>' + kmd(unit(city="Ærø")).decode()
    with pytest.raises(errors.OrganisationFileUnreadable) as refused:
        read(whole.encode(written))
    assert "UTF-8" in refused.value.remedy_danish


@pytest.mark.parametrize(
    "before", ["", "\ufeff", '<?xml version="1.0"?>', '\ufeff<?xml version="1.0" encoding="utf-8"?>']
)
def test_utf_8_may_be_marked_declared_or_neither(before: str):
    [one] = read((before + kmd(unit(city="Ærø")).decode()).encode())
    assert one.values["city"] == "Ærø"


def test_entities_that_grow_are_not_even_looked_at():
    grown = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    data = f'<!DOCTYPE kmd [<!ENTITY e0 "x">{grown}]>'.encode() + kmd(unit(longName="&e11;"))
    with pytest.raises(errors.OrganisationFileUnreadable):
        read(data)


@pytest.mark.parametrize(
    "data", [b"<orgUnit/>", b'<kmd xmlns="urn:x"/>', b'<k:kmd xmlns:k="urn:x"/>', b"<KMD/>"]
)
def test_another_root_is_another_file(data: bytes):
    with pytest.raises(errors.OrganisationRootWrong):
        read(data)


@pytest.mark.parametrize(
    ("limits", "most"),
    [
        (Limits(max_units=1), "orgUnit"),
        (Limits(max_employees=1), "employee"),
        (Limits(max_elements=3), "line 4, elements"),
    ],
)
def test_more_than_the_limits_is_refused(limits: Limits, most: str):
    with pytest.raises(errors.OrganisationFileTooLarge, match=most):
        surveyed(unit("1"), unit("2"), employee("1"), leaver("2"), limits=limits)


def test_as_much_as_the_limits_is_taken():
    limits = Limits(max_units=2, max_employees=2, max_elements=4)
    assert surveyed(unit("1"), unit("2"), employee("1"), leaver("2"), limits=limits).mistakes == []


@pytest.mark.parametrize("place", [0, 1, 2])
def test_text_between_records_is_a_mistake(place: int):
    texts = ["", "", ""]
    texts[place] = "and"
    data = f"<kmd>{texts[0]}\n{unit()}{texts[1]}\n{employee()}{texts[2]}\n</kmd>".encode()
    found = [mistake for record in read(data) for mistake in record.mistakes]
    assert [mistake.error.code for mistake in found] == ["EXT-133"]


def test_a_stranger_beside_the_records_is_a_mistake():
    found = surveyed("<unit/>", unit(), '<orgUnit xmlns="urn:x"/>', "<kmd/>")
    assert codes(found.mistakes) == [(2, "EXT-133"), (4, "EXT-133"), (5, "EXT-133")]


@pytest.mark.parametrize(
    ("record", "element", "expected"),
    [
        (unit(longName=None), "orgUnit 10", "longName"),
        (unit(longName="x" * 41), "longName", "≤ 40"),
        (unit(longName=" x"), "longName", "tekst på én linje"),
        (unit(longName=""), "longName", "tekst på én linje"),
        (unit(eanNr="123"), "eanNr", "[0-9]{13}"),
        (unit(startDate="1.1.2026"), "startDate", "[0-9]{4}-"),
        (unit("123456789"), "orgUnit @id", "[0-9]{1,8}"),
        (unit().replace("client", 'more="1" client'), "@more", "findes ikke"),
        (unit().replace('client="999"', ""), "orgUnit 10", "attributten client mangler"),
        (unit().replace("<endDate>", "<x/><endDate>"), "x", "endDate"),
        (employee(isManager="ja"), "isManager", "'true', 'false'"),
        (employee(invoiceLimit="1000"), "invoiceLimit", r"\.[0-9]{2}"),
        (employee(invoiceLimit="-1.00"), "invoiceLimit", r"\.[0-9]{2}"),
        (employee().replace("leave", "").replace('id="7"', 'id="7" action="gone"'), "@action", "leave"),
        (employee().replace("<firstName>", "text<firstName>"), "employee 7", "ingen tekst"),
    ],
)
def test_what_the_schema_refuses_is_told(record: str, element: str, expected: str):
    found = surveyed(record)
    assert [mistake.line for mistake in found.mistakes] == [2]
    (mistake,) = found.mistakes
    assert mistake.error.code == "EXT-133"
    assert mistake.error.element.endswith(element)
    assert expected in mistake.error.text_danish


@pytest.mark.parametrize("number", ["0101901234", "010190-1234", "01019012345", "0101901234x", f"9{CPR}"])
@pytest.mark.parametrize("where", ["cpr", "userId", "isManager", "orgUnit", "zipCode", "id"])
def test_no_value_of_an_employee_is_told(organisation, number: str, where: str):
    record = employee(number) if where == "id" else employee(**{where: number})
    if (where, number) == ("cpr", "0101901234") or (where == "userId" and len(number) == 11):
        return  # as it should be; no person's
    with pytest.raises(errors.OrganisationRefused) as refused:
        organisation.load(unit(), record)
    assert refused.value.mistakes
    for _, error in refused.value.mistakes:
        said = f"{error} {error.text_danish} {error.remedy_danish} {error!r}"
        assert number not in said
        assert "1234" not in said.replace("[0-9]{13}", "")


def test_every_mistake_of_a_file_is_told_with_its_line():
    found = surveyed(unit(eanNr="1", zipCode="x" * 11), unit("11", endDate="x"), employee(isManager="?"))
    assert codes(found.mistakes) == [(2, "EXT-133"), (2, "EXT-133"), (3, "EXT-133"), (4, "EXT-133")]


def test_lines_are_told_beyond_sixteen_bits():
    found = surveyed("\n" * 70_000, unit(eanNr="1"))
    assert codes(found.mistakes) == [(70_003, "EXT-133")]


def test_reading_ends_when_too_much_is_wrong():
    found = surveyed(*(unit(str(n), eanNr="1") for n in range(50)), limits=Limits(max_mistakes=10))
    assert (len(found.mistakes), found.complete) == (10, False)


def test_a_line_is_that_of_the_element_that_is_wrong():
    found = surveyed(unit(eanNr="1", endDate="x").replace("><", ">\n<"))
    assert codes(found.mistakes) == [(4, "EXT-133"), (6, "EXT-133")]


class Long:
    """A file of many employees, made while it is read."""

    def __init__(self, count: int) -> None:
        self._pieces = iter([b"<kmd>", *[employee().encode()] * count, b"</kmd>"])

    def read(self, size: int = -1) -> bytes:
        return next(self._pieces, b"")


def test_memory_does_not_grow_with_the_file():
    """Of the process, for the parser's is not Python's; kept, they are some 300 MB (emptied, 12)."""

    def used() -> int:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
        return pages * resource.getpagesize()

    def read_through(count: int) -> None:
        for _ in records(cast(BinaryIO, Long(count)), Limits()):
            pass

    read_through(1_000)
    before = used()
    read_through(100_000)
    assert used() - before < 8 * 1024 * 1024


def test_many_attributes_are_refused_before_the_schema_looks():
    many = " ".join(f'a{number}="x"' for number in range(60))
    with pytest.raises(errors.OrganisationFileTooLarge, match="attributes"):
        list(records(BytesIO(f"<kmd><orgUnit {many}/></kmd>".encode()), Limits()))
