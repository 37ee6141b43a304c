"""DimensionHent: read-only, for the municipality that the caller's agreement names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from opus_soap.errors import CompanyCodeNotFound, MasterDataError
from opus_soap.interfaces.master_data.contract import (
    ACCOUNT_KIND,
    KINDS,
    Dimension,
    DimensionHent_I,
    DimensionHent_O,
)
from opus_soap.ledger.models import Account, CompanyCode, DimensionValue
from opus_soap.soap.contracts import entity_id
from opus_soap.soap.models import Fejl, SvarReaktion, answer_header
from opus_soap.soap.service import CallContext, SoapService, operation

from spyne import Service  # isort: skip


def dimensions(municipality: str, company_code: str, kind: str | None) -> Iterator[Dimension]:
    """Accounts, then dimensions, in the order of kind and code; raises `CompanyCodeNotFound`.

    `kind` is the contract's name (a key of `KINDS`, or `ACCOUNT_KIND`); None means all.
    """
    company = CompanyCode.get_or_none(
        CompanyCode.municipality == municipality, CompanyCode.code == company_code
    )
    if company is None:
        raise CompanyCodeNotFound(element="Firmakode", value=company_code)
    if kind in (None, ACCOUNT_KIND):
        for account in Account.select().where(Account.company_code == company).order_by(Account.number):
            yield _dimension(ACCOUNT_KIND, account.number, account)
    names = {ledger: name for name, ledger in KINDS.items() if kind in (None, name)}
    rows = DimensionValue.select().where(
        DimensionValue.company_code == company, DimensionValue.kind.in_(list(names))
    )
    for value in rows.order_by(DimensionValue.kind, DimensionValue.code):
        yield _dimension(names[value.kind], value.code, value)


def _dimension(kind: str, code: str, row: Any) -> Dimension:
    return Dimension(
        DimensionArt=kind,
        DimensionKode=code,
        DimensionNavn=row.name,
        DimensionIdentifikation=row.uuid,
        # for the caller's purpose, an account that it may not post on is blocked
        DimensionSpærret=row.blocked or not getattr(row, "assignable", True),
        GyldigFra=getattr(row, "valid_from", None),
        GyldigTil=getattr(row, "valid_to", None),
    )


class DimensionHentService(Service):  # type: ignore[misc]
    """The Spyne service."""

    @operation(DimensionHent_I, DimensionHent_O)
    def DimensionHent(ctx: Any, besked: Any) -> Any:
        """The dimensions asked for, or the reason why there are none."""
        context: CallContext = ctx.udc
        try:
            found = list(dimensions(context.municipality, besked.Firmakode, besked.DimensionArt))
        except MasterDataError as error:
            fejl = Fejl(FejlId=error.code, FejlTekst=error.text_danish, KildeId="opus-soap")
            return DimensionHent_O(HovedOplysningerSvar=answer_header(besked, SvarReaktion(Fejl=fejl)))
        return DimensionHent_O(HovedOplysningerSvar=answer_header(besked), Dimension=found)


def dimension_service() -> SoapService:
    """The service at its path, ready for the front."""
    return SoapService(
        name="DimensionHent",
        path="/service/Stamdata/DimensionHent/1",
        entity_id=entity_id("DimensionHent"),
        services=[DimensionHentService],
    )
