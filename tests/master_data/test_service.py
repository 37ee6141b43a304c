"""DimensionHent: the dimensions of the caller's own municipality, and nobody else's."""

from __future__ import annotations

import uuid
from datetime import UTC, date, datetime

import pytest
from lxml import etree

from opus_soap.interfaces.master_data.contract import ACCOUNT_KIND, KINDS, STAMDATA_NS
from opus_soap.interfaces.master_data.service import dimension_service
from opus_soap.ledger.models import Account, CompanyCode, DimensionValue, Municipality
from opus_soap.soap.models import KONTEKST_NS
from opus_soap.soap.service import CallContext
from opus_soap.store.models import System


def company(municipality: str, cvr: str) -> CompanyCode:
    owner = Municipality.create(code=municipality, cvr=cvr, name=f"Kommune {municipality}")
    return CompanyCode.create(
        municipality=owner,
        code="0020",
        name="Kommunen",
        vat_refund_account="95990000",
        retained_account="99990000",
        supplier_account="95510000",
    )


@pytest.fixture
def books(database: None) -> None:
    """Two municipalities with the same company code."""
    ours, theirs = company("751", "55133018"), company("101", "64942212")
    for owner, name in ((ours, "Vores"), (theirs, "Deres")):
        Account.create(
            company_code=owner,
            uuid=uuid.uuid4(),
            number="40000000",
            name=f"{name} køb",
            is_balance=False,
            assignable=True,
        )
        for kind in KINDS.values():
            DimensionValue.create(
                company_code=owner,
                uuid=uuid.uuid4(),
                kind=kind,
                code=f"{kind}-1",
                name=f"{name} {kind}",
                blocked=kind == "order",
                valid_from=date(2026, 1, 1) if kind == "wbs_element" else None,
            )


def ask(company_code: str = "0020", kind: str | None = None) -> etree._Element:
    body = etree.Element(f"{{{STAMDATA_NS}}}DimensionHent_I", nsmap={None: STAMDATA_NS})
    hoved = etree.SubElement(body, f"{{{KONTEKST_NS}}}HovedOplysninger")
    etree.SubElement(hoved, f"{{{KONTEKST_NS}}}TransaktionsId").text = "t-1"
    etree.SubElement(hoved, f"{{{KONTEKST_NS}}}TransaktionsTid").text = "2026-11-23T12:00:00Z"
    etree.SubElement(body, f"{{{STAMDATA_NS}}}Firmakode").text = company_code
    if kind:
        etree.SubElement(body, f"{{{STAMDATA_NS}}}DimensionArt").text = kind
    service = dimension_service()
    service.contract.validate(body)
    context = CallContext(
        system=System(name="sagssystem"),
        municipality="751",
        message_id="urn:uuid:1",
        correlation_id=uuid.uuid4(),
        now=datetime(2026, 11, 23, 12, tzinfo=UTC),
    )
    return service.dispatch(body, context)


def values(answer: etree._Element, name: str) -> list[str | None]:
    return [node.text for node in answer.iter(f"{{{STAMDATA_NS}}}{name}")]


def test_all_kinds_of_the_callers_municipality(books: None):
    answer = ask()
    assert set(values(answer, "DimensionArt")) == {ACCOUNT_KIND, *KINDS}
    assert values(answer, "DimensionArt")[0] == ACCOUNT_KIND
    assert all(name and name.startswith("Vores") for name in values(answer, "DimensionNavn"))
    account = Account.get(Account.name == "Vores køb")
    assert values(answer, "DimensionIdentifikation")[0] == str(account.uuid)


@pytest.mark.parametrize("kind", [ACCOUNT_KIND, *KINDS])
def test_one_kind(books: None, kind: str):
    answer = ask(kind=kind)
    assert values(answer, "DimensionArt") == [kind]
    assert values(answer, "DimensionSpærret") == ["true" if kind == "Ordre" else "false"]
    assert values(answer, "GyldigFra") == (["2026-01-01"] if kind == "PSPElement" else [])


def test_what_a_case_system_may_not_post_on_is_blocked_for_it(books: None):
    Account.update(assignable=False).execute()
    assert values(ask(kind=ACCOUNT_KIND), "DimensionSpærret") == ["true"]


def test_an_unknown_company_code_is_an_error_in_the_header(books: None):
    answer = ask(company_code="9999")
    assert values(answer, "Dimension") == []
    assert answer.findtext(f".//{{{KONTEKST_NS}}}FejlId") == "MAS-001"
    assert "9999" in answer.findtext(f".//{{{KONTEKST_NS}}}FejlTekst", "")
