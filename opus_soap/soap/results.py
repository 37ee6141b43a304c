"""How a service says in its answer whether it took what it was sent, and why not (KOMBIT's classes)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID as PythonUUID
from uuid import uuid5

from opus_soap.errors import MoreReasons, OpusSoapError
from opus_soap.soap.models import MARK, UUID, Structure, many, optional, required, text

MOST_REASONS = 50  # more nobody reads, and the first ones mostly explain the others
# a code always has the same ÅrsagIdentifikation, so that a receiver can tell reasons apart by it
_REASONS = PythonUUID("9d5b2f0e-7a53-5c55-8c57-15900d000001")


class ResultatÅrsag(Structure):
    """One reason: which element, which value, a text for a person, a code for a program."""

    __type_name__ = "ResultatÅrsagStruktur"
    _type_info = [
        ("ÅrsagIdentifikation", required(UUID)),
        ("ElementNavn", optional(text(255))),
        ("ElementVærdi", optional(text(255))),
        ("LokalÅrsagTekst", optional(text(1000))),
        ("LokalÅrsagKode", optional(text(40))),
    ]


class AcceptStruktur(Structure):
    """Accepted; without remarks, or with reasons that explain how."""

    _type_info = [
        ("AccepteretUdenBemærkninger", optional(MARK)),
        ("ResultatÅrsagStruktur", many(ResultatÅrsag)),
    ]


class AfvisningStruktur(Structure):
    """Refused, and why."""

    _type_info = [("ResultatÅrsagStruktur", many(ResultatÅrsag, least=1))]


def reason(error: OpusSoapError) -> ResultatÅrsag:
    """An error as the contract tells it: element, value, Danish text with the remedy, code."""
    return ResultatÅrsag(
        ÅrsagIdentifikation=uuid5(_REASONS, error.code),
        ElementNavn=fit(error.element, 255),
        ElementVærdi=fit(error.value, 255),
        LokalÅrsagTekst=fit(f"{error.text_danish}. {error.remedy_danish}", 1000),
        LokalÅrsagKode=error.code,
    )


def reasons(errors: Sequence[OpusSoapError]) -> Iterator[ResultatÅrsag]:
    """The first reasons, each once; the last one says how many more there are."""
    for error in errors[:MOST_REASONS]:
        yield reason(error)
    if len(errors) > MOST_REASONS:
        yield reason(MoreReasons(value=len(errors) - MOST_REASONS))


def fit(text: str, longest: int) -> str:
    """A text for people to read, no longer than the contract lets it be, and marked when it was."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
