"""SF1590_A Modtag Finansbilag as Spyne models: the fields of FinancePostingRequest under Danish names.

`wsdl/FinansbilagModtag/README.md` says of each name whether it is confirmed, inferred or reconstructed.
What a value must be is told voucher by voucher, as of a file; the contract only says what is text, date or
amount.
"""

from __future__ import annotations

from typing import Any

from opus_soap.soap.models import (
    AMOUNT,
    DATE,
    HOVED,
    HOVED_SVAR,
    INSTANT,
    NUMBER,
    OIR_NS,
    REVISION,
    OirBase64Container,
    Structure,
    choice_of,
    many,
    optional,
    required,
    text,
)
from opus_soap.soap.results import AcceptStruktur, AfvisningStruktur

SIDES = {"Debet": "D", "Kredit": "K"}
_TEXT = text(255)

# element of the contract → element of the file, its model, whether it must be there
HEADER: dict[str, tuple[str, Any, bool]] = {
    "PosteringsbilagFirmakode": ("COMP_CODE", _TEXT, True),
    "PosteringsbilagBilagsart": ("DOC_TYPE", _TEXT, True),
    "PosteringsbilagBilagsdato": ("DOC_DATE", DATE, True),
    "PosteringsbilagBogføringsdato": ("PSTNG_DATE", DATE, True),
    "PosteringsbilagPeriode": ("FIS_PERIOD", _TEXT, False),
    "PosteringsbilagBrugernavn": ("USERNAME", _TEXT, False),
    "PosteringsbilagNummer": ("RECEIV_DOC", _TEXT, True),
    "PosteringsbilagHovedtekst": ("HEADER_TXT", _TEXT, True),
    "PosteringsbilagValuta": ("CURRENCY", _TEXT, False),
    "PosteringsbilagKurs": ("EXCH_RATE", NUMBER, False),
    "PosteringsbilagKursdato": ("TRANS_DATE", DATE, False),
    "PosteringsbilagReference": ("XREF1_HD", _TEXT, True),
    "PosteringsbilagSekundærReference": ("XREF2_HD", _TEXT, False),
    "PosteringsbilagAlternativReference": ("XBLNR_ALT", _TEXT, False),
}
LINE: dict[str, tuple[str, Any, bool]] = {
    "DebetKreditIndikator": ("DEB_CRED_IND", choice_of(*SIDES), True),
    "PosteringslinjeBeløb": ("AMT_DOCCUR", AMOUNT, True),
    "PosteringslinjeValørdato": ("VALUE_DATE", DATE, False),
    "PosteringslinjeTekst": ("ITEM_TEXT", _TEXT, False),
    "PosteringslinjeTildeling": ("ALLOC_NMBR", _TEXT, False),
    "PosteringslinjeOmkostningssted": ("COSTCENTER", _TEXT, False),
    "PosteringslinjeOrdre": ("ORDERID", _TEXT, False),
    "PosteringslinjeArtskonto": ("GL_ACCOUNT", _TEXT, True),
    "PosteringslinjeProfitcenter": ("PROFIT_CTR", _TEXT, False),
    "PosteringslinjeNetværk": ("NETWORK", _TEXT, False),
    "PosteringslinjeOperation": ("ACTIVITY", _TEXT, False),
    "PosteringslinjePSPElement": ("WBS_ELEMENT", _TEXT, False),
    "PosteringslinjePartnerProfitcenter": ("PART_PRCTR", _TEXT, False),
    "PosteringslinjeReferencenøgle": ("REF_KEY_1", _TEXT, False),
    "PosteringslinjeSekundærReferencenøgle": ("REF_KEY_2", _TEXT, False),
    "PosteringslinjeNummer": ("REF_KEY_3", _TEXT, True),
    "PosteringslinjeReservation": ("RES_DOC", _TEXT, False),
    "PosteringslinjeReservationLinje": ("RES_ITEM", _TEXT, False),
    "PosteringslinjeBetalingsIdentifikation": ("KIDNO", _TEXT, False),
    "PosteringslinjeBetalingsart": ("ACTTYPE", _TEXT, False),
    "PosteringslinjeBetalingsmodtagerKode": ("PAYEE_NO_CODE", _TEXT, False),
    "PosteringslinjeBetalingsmodtager": ("PAYEE_NO", _TEXT, False),
    "PosteringslinjeYdelsesmodtagerKode": ("SERV_REC_NO_CODE", _TEXT, False),
    "PosteringslinjeYdelsesmodtager": ("SERV_REC_NO", _TEXT, False),
    "PosteringslinjeOplysningspligtmodtagerKode": ("INFORM_DUTY_NO_C", _TEXT, False),
    "PosteringslinjeOplysningspligtmodtager": ("INFORM_DUTY_NO", _TEXT, False),
    "PosteringslinjeOplysningspligtkode": ("INFORM_DUTY_CODE", _TEXT, False),
    "PosteringslinjeHovedtransaktion": ("MAIN_TRANSACTION", _TEXT, False),
    "PosteringslinjeDeltransaktion": ("SUB_TRANSACTION", _TEXT, False),
    "PosteringslinjeAfsendersystem": ("ZZCSYSIDN", _TEXT, True),
    "PosteringslinjeBevilling": ("APPROP_ID", _TEXT, False),
    "PosteringslinjeYdelse": ("BENEFIT_ID", _TEXT, False),
    "PosteringslinjeYdelseFra": ("BENEFIT_VALFROM", DATE, False),
    "PosteringslinjeYdelseTil": ("BENEFIT_VALTO", DATE, False),
    "PosteringslinjeMængde": ("BENEFIT_QUANT", _TEXT, False),
    "PosteringslinjeMængdeenhed": ("BENEFIT_UNIT", _TEXT, False),
    "PosteringslinjeDisponibel1": ("DISP1", _TEXT, False),
    "PosteringslinjeDisponibel2": ("DISP2", _TEXT, False),
    "PosteringslinjeDisponibel3": ("DISP3", _TEXT, False),
}


def _fields(table: dict[str, tuple[str, Any, bool]]) -> list[tuple[str, Any]]:
    return [
        (name, required(model) if needed else optional(model)) for name, (_, model, needed) in table.items()
    ]


class Posteringslinje(Structure):
    """A line. The amount is positive, on the side that DebetKreditIndikator says."""

    _type_info = _fields(LINE)


class Posteringsbilag(Structure):
    """A voucher to be posted, with its lines and what is attached; counts and totals are ours to make."""

    _type_info = [
        *_fields(HEADER),
        ("OirBase64Container", many(OirBase64Container.customize(sub_ns=OIR_NS))),
        ("Posteringslinje", many(Posteringslinje, least=1)),
    ]


class ModtagFinansbilag_I(Structure):
    """Vouchers to be posted."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("Posteringsbilag", many(Posteringsbilag, least=1)),
        ("revision", REVISION),
    ]


class Posteringsmeddelelse(Structure):
    """What is said of a voucher: as a RETURN of FinancePostingResponse."""

    _type_info = [
        ("PosteringsmeddelelseNummer", required(_TEXT)),
        ("PosteringsmeddelelseType", required(choice_of("I", "E"))),
        ("PosteringsmeddelelseLinje", required(_TEXT)),
        ("PosteringsmeddelelseTekst", required(text(1000))),
    ]


class Posteringskvittering(Structure):
    """The receipt of a voucher, in the order of the request."""

    _type_info = [
        ("PosteringsbilagNummer", required(_TEXT)),
        ("PosteringskvitteringResultat", required(choice_of("Modtaget", "Afvist"))),
        ("Posteringsmeddelelse", many(Posteringsmeddelelse, least=1)),
    ]


class ModtagFinansbilag_O(Structure):
    """The receipt: of each voucher, and as which file they were received."""

    _type_info = [
        ("HovedOplysningerSvar", HOVED_SVAR),
        ("BehandlingDatoTid", required(INSTANT)),
        ("PosteringsfilNavn", required(_TEXT)),
        ("Posteringskvittering", many(Posteringskvittering)),
        ("AcceptStruktur", optional(AcceptStruktur)),
        ("AfvisningStruktur", optional(AfvisningStruktur)),
        ("revision", REVISION),
    ]
