"""SF1590_D as Spyne models, with the names of the contract in `wsdl/`.

wsdl/FakturaInformationAfsend/README.md and its neighbour say of each name whether it is confirmed,
inferred or reconstructed. Elements stand in the schema's order; of a choice, set exactly one.
"""

from __future__ import annotations

from opus_soap.soap.models import (
    AMOUNT,
    DATE,
    HOVED,
    HOVED_SVAR,
    INSTANT,
    MARK,
    NUMBER,
    OIR_NS,
    REVISION,
    UUID,
    OirBase64Container,
    Structure,
    choice_of,
    many,
    optional,
    required,
    text,
)
from opus_soap.soap.results import AcceptStruktur, AfvisningStruktur

_CVR = text(pattern="[0-9]{8}")
_CURRENCY = text(pattern="[A-Z]{3}")


class FakturaInformation(Structure):
    """The invoice in outline. Beløb is what is to be paid, in kroner: positive for a credit note too."""

    _type_info = [
        ("FakturaInformationDokumenttype", required(choice_of("Faktura", "Kreditnota"))),
        ("FakturaInformationNummer", required(text(70))),
        ("FakturaInformationLeverandørCVRNummer", optional(_CVR)),
        ("FakturaInformationLeverandørNavn", required(text(255))),
        ("FakturaInformationFakturaDato", required(DATE)),
        ("FakturaInformationForfaldDato", optional(DATE)),
        ("FakturaInformationBeløb", required(AMOUNT)),
        ("FakturaInformationValutaKode", required(_CURRENCY)),
        ("FakturaInformationEANNummer", optional(text(pattern="[0-9]{13}"))),
        ("FakturaInformationPersonreference", optional(text(255))),
        ("FakturaInformationOrdrenummer", optional(text(255))),
        ("FakturaInformationFilNavn", required(text(255))),
        ("FakturaInformationFilMedietype", required(text(255))),
    ]


class AfsendFakturaInformation_I(Structure):
    """An invoice is lent to a case system, for approval (SvarPåkrævet) or for its information."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("FakturaInformationIdentifikation", required(UUID)),
        ("FakturaInformation", required(FakturaInformation)),
        ("FakturaSvarKanIkkeModtagesMarkering", optional(MARK)),
        ("FakturaSvarPåkrævetMarkering", optional(MARK)),
        ("OirBase64Container", many(OirBase64Container.customize(sub_ns=OIR_NS), least=1)),
        ("revision", REVISION),
    ]


class AfsendFakturaInformation_O(Structure):
    """The case system's receipt."""

    _type_info = [
        ("HovedOplysningerSvar", HOVED_SVAR),
        ("FakturaInformationIdentifikation", required(UUID)),
        ("BehandlingDatoTid", required(INSTANT)),
        ("AcceptStruktur", optional(AcceptStruktur)),
        ("AfvisningStruktur", optional(AfvisningStruktur)),
        ("revision", REVISION),
    ]


class FakturaInformationBehandling(Structure):
    """When the case worker decided, and what."""

    _type_info = [
        ("FakturaInformationBehandlingDatoTid", required(INSTANT)),
        ("FakturaInformationBehandlingResultat", required(choice_of("Godkendt", "Afvist"))),
    ]


class Kontakt(Structure):
    """Whom to ask about the decision."""

    _type_info = [
        ("Emailadresse", optional(text(254, pattern=r"[^@\s]+@[^@\s]+"))),
        ("Telefonnummer", optional(text(pattern=r"\+?[0-9 ]{3,20}"))),
        ("MedarbejderNavn", optional(text(255))),
    ]


class Korrespondance(Structure):
    """A remark exchanged about the invoice."""

    _type_info = [
        ("KorrespondanceIdentifikation", required(UUID)),
        ("KorrespondanceDato", required(DATE)),
        ("KorrespondanceTekst", required(text(1000))),
    ]


class MyndighedAktør(Structure):
    """The authority."""

    _type_info = [
        ("MyndighedAktørCVRNummer", required(_CVR)),
        ("MyndighedAktørNavn", optional(text(255))),
    ]


class LeverandørAktør(Structure):
    """The supplier."""

    _type_info = [
        ("LeverandørAktørCVRNummer", required(_CVR)),
        ("LeverandørAktørNavn", optional(text(255))),
    ]


class Medarbejder(Structure):
    """The employee who decided."""

    _type_info = [
        ("MedarbejderIdentifikation", optional(UUID)),
        ("MedarbejderNavn", required(text(255))),
    ]


class Finansbilag(Structure):
    """The head of the approved accounting; FinansbilagDato is the posting date."""

    _type_info = [
        ("FinansbilagIdentifikation", required(UUID)),
        ("FinansbilagTekst", required(text(70))),
        ("FinansbilagDato", required(DATE)),
        ("FinansbilagBilagsart", optional(text(6))),
        ("FinansbilagFirmaIdentifikation", optional(UUID)),
        ("FinansbilagReference", optional(text(40))),
        ("FinansbilagSupplerendeTekst", optional(text(70))),
        ("FinansbilagBilagDato", optional(DATE)),
        ("FinansbilagTilbageførselMarkering", optional(MARK)),
        ("FinansbilagOprindeligIdentifikation", optional(UUID)),
    ]


class Posteringsdata(Structure):
    """Amount, side, dates and texts of one line."""

    _type_info = [
        ("PosteringsdataIdentifikation", required(UUID)),
        ("PosteringsdataBeløb", required(AMOUNT)),
        ("DebetKreditIndikator", required(choice_of("Debet", "Kredit"))),
        ("PosteringsdataDato", required(DATE)),
        ("PosteringsdataTekst", required(text(255))),
        ("PosteringsdataSupplerendeTekst", optional(text(255))),
        ("PosteringsdataValørDato", optional(DATE)),
        ("PosteringsdataForfaldDato", optional(DATE)),
    ]


class Valuta(Structure):
    """Foreign currency: kroner for 100 units."""

    _type_info = [
        ("ValutaKode", required(_CURRENCY)),
        ("ValutaKurs", optional(NUMBER)),
        ("ValutaKursDatoTid", optional(INSTANT)),
    ]


class Referencenøgle(Structure):
    """The case system's own reference for the line."""

    _type_info = [
        ("ReferencenøgleIdentifikation", required(UUID)),
        ("ReferencenøgleTekst", optional(text(255))),
    ]


class PrimæreDimensioner(Structure):
    """G/L account, cost centre, WBS element, profit centre, order, network: each by its UUID."""

    _type_info = [
        ("ArtskontoIdentifikation", required(UUID)),
        ("OmkostningsstedIdentifikation", optional(UUID)),
        ("PSPElementIdentifikation", optional(UUID)),
        ("ProfitcenterIdentifikation", optional(UUID)),
        ("OrdreIdentifikation", optional(UUID)),
        ("NetværkIdentifikation", optional(UUID)),
    ]


class Postering(Structure):
    """A posting line and what it is posted on."""

    _type_info = [
        ("Posteringsdata", required(Posteringsdata)),
        ("Valuta", optional(Valuta)),
        ("Referencenøgle", optional(Referencenøgle)),
        ("PrimæreDimensioner", required(PrimæreDimensioner)),
        ("SekundærDimensionVærdiIdentifikation", many(UUID)),
    ]


class Kontering(Structure):
    """The approved accounting."""

    _type_info = [
        ("Finansbilag", required(Finansbilag)),
        ("Postering", many(Postering, least=1)),
    ]


class AfsendFakturaInformationSvar_I(Structure):
    """The case system's answer: AcceptStruktur with Kontering approves, AfvisningStruktur rejects."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("FakturaInformationSvarIdentifikation", required(UUID)),
        ("FakturaInformationIdentifikation", required(UUID)),
        ("FakturaInformationBehandling", required(FakturaInformationBehandling)),
        ("Kontakt", optional(Kontakt)),
        ("Korrespondance", many(Korrespondance)),
        ("MyndighedAktør", optional(MyndighedAktør)),
        ("LeverandørAktør", optional(LeverandørAktør)),
        ("Medarbejder", optional(Medarbejder)),
        ("Kontering", optional(Kontering)),
        ("AcceptStruktur", optional(AcceptStruktur)),
        ("AfvisningStruktur", optional(AfvisningStruktur)),
        ("revision", REVISION),
    ]


class AfsendFakturaInformationSvar_O(Structure):
    """Our answer to the answer: booked, or refused with every reason."""

    _type_info = [
        ("HovedOplysningerSvar", HOVED_SVAR),
        ("FakturaInformationSvarIdentifikation", required(UUID)),
        ("BehandlingDatoTid", required(INSTANT)),
        ("AcceptStruktur", optional(AcceptStruktur)),
        ("AfvisningStruktur", optional(AfvisningStruktur)),
        ("revision", REVISION),
    ]
