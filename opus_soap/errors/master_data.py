"""MAS: master data for other systems."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class MasterDataError(OpusSoapError):
    """Master data that another system asks for cannot be given."""


class CompanyCodeNotFound(MasterDataError):
    """The municipality has no such company code."""

    code = "MAS-001"
    danish = "Kommunen har ingen firmakode {value}"
    english = "The municipality has no company code {value}"
    remedy_danish = "Brug en firmakode, som aftalen gælder for."
    remedy_english = "Use a company code that the agreement covers."
