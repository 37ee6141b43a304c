"""UdtraekHent as Spyne models; the contract is our own, in `wsdl/UdtraekHent/`."""

from __future__ import annotations

from opus_soap.soap.models import (
    DATE,
    HOVED,
    HOVED_SVAR,
    INSTANT,
    MARK,
    NUMBER,
    choice_of,
    many,
    optional,
    required,
    text,
)
from opus_soap.store.extract_models import Extract

from spyne import ByteArray, ComplexModel  # isort: skip

UDTRAEK_NS = "http://opus-soap.dk/udtraek/1"
# what the store calls a state → what the contract calls it
STATES = {
    Extract.REQUESTED: "Anmodet",
    Extract.ORDERED: "Bestilt",
    Extract.PRODUCED: "Dannet",
    Extract.DELIVERED: "Afleveret",
    Extract.CANCELLED: "Opgivet",
}
_NAME, _TEXT, _SHA256 = text(120, shortest=1), text(255, shortest=1), text(64, shortest=64)


class _Structure(ComplexModel):  # type: ignore[misc]
    __namespace__ = UDTRAEK_NS


class Abonnement(_Structure):
    """A subscription of the caller."""

    _type_info = [
        ("AbonnementNavn", required(_NAME)),
        ("UdtrækArt", required(_TEXT)),
        ("AbonnementModtager", required(_TEXT)),
        ("AbonnementKalender", required(_TEXT)),
        ("AbonnementNæsteDato", optional(DATE)),
        ("AbonnementAktiv", required(MARK)),
    ]


class Fil(_Structure):
    """A file of a produced extract."""

    _type_info = [
        ("FilNavn", required(_TEXT)),
        ("FilStørrelse", required(NUMBER)),
        ("FilSha256", required(_SHA256)),
    ]


class Udtræk(_Structure):
    """An extract; its files when it is asked for by name, and produced."""

    _type_info = [
        ("UdtrækNavn", required(_NAME)),
        ("UdtrækNummer", required(NUMBER)),
        ("UdtrækFuldt", required(MARK)),
        ("UdtrækTilstand", required(choice_of(*STATES.values()))),
        ("BestiltTid", required(INSTANT)),
        ("DannetTid", optional(INSTANT)),
        ("AfleveretTid", optional(INSTANT)),
        ("FølgeseddelSha256", optional(_SHA256)),
        ("Fil", many(Fil)),
    ]


class HentAbonnementer_I(_Structure):
    """Ask which subscriptions the caller has."""

    _type_info = [("HovedOplysninger", HOVED)]


class HentAbonnementer_O(_Structure):
    """The subscriptions, by name."""

    _type_info = [("HovedOplysningerSvar", HOVED_SVAR), ("Abonnement", many(Abonnement))]


class BestilUdtraek_I(_Structure):
    """Order the next extract now; everything, or as the subscription says."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("AbonnementNavn", required(_NAME)),
        ("UdtrækFuldt", optional(MARK)),
    ]


class BestilUdtraek_O(_Structure):
    """What was ordered."""

    _type_info = [("HovedOplysningerSvar", HOVED_SVAR), ("Udtræk", required(Udtræk))]


class HentUdtraek_I(_Structure):
    """Ask how all extracts of a subscription are, or one."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("AbonnementNavn", required(_NAME)),
        ("UdtrækNavn", optional(_NAME)),
    ]


class HentUdtraek_O(_Structure):
    """The extracts, the first first."""

    _type_info = [("HovedOplysningerSvar", HOVED_SVAR), ("Udtræk", many(Udtræk))]


class HentUdtraekFil_I(_Structure):
    """Ask for a part of a file; a length in bytes."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("AbonnementNavn", required(_NAME)),
        ("UdtrækNavn", required(_NAME)),
        ("FilNavn", required(_TEXT)),
        ("FilFra", required(NUMBER)),
        ("FilLængde", optional(NUMBER)),
    ]


class HentUdtraekFil_O(_Structure):
    """The part, and what the whole file must be."""

    _type_info = [
        ("HovedOplysningerSvar", HOVED_SVAR),
        ("FilStørrelse", required(NUMBER)),
        ("FilSha256", required(_SHA256)),
        ("FilFra", required(NUMBER)),
        ("FilIndhold", required(ByteArray)),
    ]


class KvitterUdtraek_I(_Structure):
    """Confirm that all of an extract has come."""

    _type_info = [
        ("HovedOplysninger", HOVED),
        ("AbonnementNavn", required(_NAME)),
        ("UdtrækNavn", required(_NAME)),
        ("FølgeseddelSha256", required(_SHA256)),
    ]


class KvitterUdtraek_O(_Structure):
    """The extract as it is now."""

    _type_info = [("HovedOplysningerSvar", HOVED_SVAR), ("Udtræk", required(Udtræk))]
