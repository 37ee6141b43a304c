"""DimensionHent as Spyne models; the contract is our own, in `wsdl/DimensionHent/`."""

from __future__ import annotations

from opus_soap.soap.models import (
    DATE,
    HOVED,
    HOVED_SVAR,
    MARK,
    UUID,
    choice_of,
    many,
    optional,
    required,
    text,
)

from spyne import ComplexModel  # isort: skip

STAMDATA_NS = "http://opus-soap.dk/stamdata/1"

# what the contract calls a kind → what the ledger calls it; G/L accounts have a table of their own
ACCOUNT_KIND = "Artskonto"
KINDS = {
    "Omkostningssted": "cost_center",
    "PSPElement": "wbs_element",
    "Profitcenter": "profit_center",
    "Ordre": "order",
    "Netværk": "network",
    "Funktionsområde": "functional_area",
}
_KIND = choice_of(ACCOUNT_KIND, *KINDS)


class _Structure(ComplexModel):  # type: ignore[misc]
    __namespace__ = STAMDATA_NS


class Dimension(_Structure):
    """A value to post on, and the UUID that an answer carries for it."""

    _type_info = [
        ("DimensionArt", required(_KIND)),
        ("DimensionKode", required(text(255, shortest=1))),
        ("DimensionNavn", required(text(255, shortest=1))),
        ("DimensionIdentifikation", required(UUID)),
        ("DimensionSpærret", required(MARK)),
        ("GyldigFra", optional(DATE)),
        ("GyldigTil", optional(DATE)),
    ]


class DimensionHent_I(_Structure):
    """Ask for the dimensions of a company code, of one kind or of all."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("Firmakode", required(text(4, shortest=1))),
        ("DimensionArt", optional(_KIND)),
    ]


class DimensionHent_O(_Structure):
    """The dimensions, accounts first; none, with a Fejl in the header, when the company code is unknown."""

    _type_info = [("HovedOplysningerSvar", HOVED_SVAR), ("Dimension", many(Dimension))]
