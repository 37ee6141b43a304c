"""Small organisations as files, loaded into the books' municipality and given out again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from lxml import etree

from opus_soap.clock import ManualClock, business_date
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.output import Output
from opus_soap.interfaces.master_data.organisation.checks import Survey, survey
from opus_soap.interfaces.master_data.organisation.form import EMPLOYEE, UNIT
from opus_soap.interfaces.master_data.organisation.kind import OrganisationOut
from opus_soap.interfaces.master_data.organisation.loading import Loaded, load
from opus_soap.interfaces.master_data.organisation.reading import Limits
from opus_soap.ledger.models import CompanyCode

A_UNIT = {"startDate": "2020-01-01", "endDate": "9999-12-31", "longName": "Enhed"}
AN_EMPLOYEE = {"firstName": "Anja", "lastName": "Krogh", "isManager": "false", "orgUnit": "10"}
CPR = "6101900000"  # nobody's
DOUBTFUL_EAN, GOOD_EAN = "5798009900011", "5798009900012"


def unit(number: str = "10", **change: str | None) -> str:
    """An orgUnit on one line; None leaves an element out."""
    order = ("startDate", "endDate", "parentOrgUnit", "shortName", "longName", "street", "zipCode", "city")
    order += ("phoneNumber", "cvrNr", "eanNr", "seNr", "pNr", "costCenter", "orgType", "orgTypeTxt")
    return _record(UNIT, f'id="{number}" client="999" lastChanged="2026-01-01"', order, {**A_UNIT, **change})


def employee(number: str = "7", **change: str | None) -> str:
    """An employee of unit 10, on one line."""
    order = ("cpr", "firstName", "lastName", "address", "zipCode", "city", "entryDate", "leaveDate")
    order += ("workContract", "workContractText", "position", "isManager", "superiorLevel")
    order += ("subordinateLevel", "orgUnit", "userId", "email", "phoneNumber", "invoiceRecipient")
    return _record(EMPLOYEE, f'id="{number}"', (*order, "invoiceLimit"), {**AN_EMPLOYEE, **change})


def leaver(number: str = "7") -> str:
    """An employee who has left."""
    return f'<employee id="{number}" action="leave"/>'


def _record(name: str, attributes: str, order: tuple[str, ...], values: dict[str, str | None]) -> str:
    assert not set(values) - set(order), set(values) - set(order)
    inner = "".join(
        f"<{key}>{values[key]}</{key}>" for key in order if key in values and values[key] is not None
    )
    return f"<{name} {attributes}>{inner}</{name}>"


def kmd(*records: str) -> bytes:
    """A file: the first record stands in line 2."""
    return ("<kmd>\n" + "\n".join(records) + "\n</kmd>\n").encode()


def surveyed(*records: str, limits: Limits | None = None) -> Survey:
    """A file that was read and not yet held against what is there."""
    return survey(BytesIO(kmd(*records)), limits or Limits())


def codes(found: Any) -> list[tuple[int, str]]:
    """Lines and codes of mistakes or warnings."""
    return [(mistake.line, mistake.error.code) for mistake in found]


@dataclass
class Organisation:
    """The organisation of a municipality: loaded from files, given out into folders."""

    company: CompanyCode
    clock: ManualClock
    folder: Path
    kind: OrganisationOut = field(default_factory=OrganisationOut)
    made: int = 0

    def load(self, *records: str, data: bytes | None = None, **options: Any) -> Loaded:
        """Load records, or a whole file."""
        path = self.folder / "in.xml"
        path.write_bytes(kmd(*records) if data is None else data)
        owner = self.company.municipality
        return load(owner, path, actor="test", clock=self.clock, **options)

    def give(self, after: Path | None = None, *, persons: bool = False) -> Path:
        """A full extract, or the delta after another; the folder that it is in."""
        self.made += 1
        name = f"E{self.made}"
        place = self.folder / name
        place.mkdir()
        self.output = Output(place, name)
        self.kind.write(self._job(name, after, persons), self.output)
        return place

    def _job(self, name: str, after: Path | None, persons: bool) -> Job:
        return Job(
            company=self.company,
            name=name,
            receiver="HR",
            sequence=self.made,
            options={"persons": persons},
            full=after is None,
            after=0,
            until=0,
            business_date=business_date(self.clock.now()),
            ordered_at=self.clock.now(),
            uuid=uuid4(),
            previous=after,
        )


def xml_of(place: Path) -> bytes:
    """The XML file of an extract."""
    (path,) = place.glob("*.xml")
    return path.read_bytes()


def told(place: Path) -> list[tuple[str, str, dict[str, str]]]:
    """Its records: name, id, elements (and the action)."""
    return [
        (str(node.tag), node.get("id"), {**_action(node), **{str(one.tag): one.text or "" for one in node}})
        for node in etree.fromstring(xml_of(place))
    ]


def _action(node: etree._Element) -> dict[str, str]:
    action = node.get("action")
    return {} if action is None else {"action": action}


@pytest.fixture
def organisation(company: CompanyCode, clock: ManualClock, tmp_path: Path) -> Organisation:
    """Eksempelby's, empty."""
    return Organisation(company, clock, tmp_path)


@pytest.fixture
def wrong(organisation: Organisation) -> Callable[..., list[tuple[int, str]]]:
    """Lines and codes of what is wrong with records, all of it; nothing of them was loaded."""
    from opus_soap.errors import OrganisationRefused
    from opus_soap.store.organisation_models import Employee, OrgUnit

    def judged(*records: str, data: bytes | None = None, **options: Any) -> list[tuple[int, str]]:
        before = OrgUnit.select().count(), Employee.select().count()
        with pytest.raises(OrganisationRefused) as refused:
            organisation.load(*records, data=data, **options)
        assert (OrgUnit.select().count(), Employee.select().count()) == before
        return codes(refused.value.mistakes)

    return judged
