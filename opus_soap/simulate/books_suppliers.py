"""Made-up suppliers, by the hundred: the n-th is always the same, whoever asks for how many.

Nobody real is meant: no company has been given a CVR number that begins with 99, no bank the registration
number 9999. Who is there under such a number already is left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from random import Random

from stdnum import ean, iban

from opus_soap.database import stored_rows, transaction
from opus_soap.ledger.definition import SupplierRow
from opus_soap.ledger.loading import load_supplier
from opus_soap.ledger.models import Municipality, Supplier
from opus_soap.simulate.books_names import PLACES, person_name

_TRADES = (
    *(
        "Tømrer",
        "VVS",
        "El-teknik",
        "Malerfirma",
        "Murermester",
        "Glarmester",
        "Kloakservice",
        "Anlægsgartner",
    ),
    *("Grønt", "Bageri", "Mejeri", "Kantine", "Rengøring", "Vinduespolering", "Vagtservice", "Flytteservice"),
    *("Kontor", "Bogtryk", "Skolemøbler", "Legepladser", "Hjælpemidler", "Medico", "Vikarer", "Tolke"),
    *("Taxi", "Buslinjer", "Autoværksted", "Brændstof", "Energi", "Affald", "Asfalt", "Maskinudlejning"),
    *("Data", "Telefoni", "Arkitekter", "Ingeniører", "Revision", "Jura", "Kurser", "Forsikring"),
)
_FORMS = ("ApS", "A/S", "I/S", "", "ApS", "P/S")
_FIRST = 88_000_001  # the supplier number of the first
_FIRST_CVR = 9_900_000  # seven digits, before the check digit
_CVR_WEIGHTS = (2, 7, 6, 5, 4, 3, 2)
_PERSON_EACH, _ENDED_EACH = 53, 37  # every so many is a natural person, has ended
_PURCHASING, _BANK, _FIK = 0.4, 0.92, 0.3  # shares


def add_suppliers(municipality: Municipality, wanted: int) -> int:
    """See to it that the first so many made-up suppliers are there; returns how many were added."""
    own = Supplier.select(Supplier.number).where(Supplier.municipality == municipality)
    known = {number for (number,) in stored_rows(own)}
    missing = [row for row in islice(_suppliers(), wanted) if row.number not in known]
    with transaction():
        for row in missing:
            load_supplier(municipality, row)
    return len(missing)


def _suppliers() -> Iterator[SupplierRow]:
    for place, cvr in enumerate(_cvr_numbers()):
        yield _supplier(place, cvr)


def _supplier(place: int, cvr: str) -> SupplierRow:
    random = Random(place)  # noqa: S311  reproducible, not secret
    person = place % _PERSON_EACH == _PERSON_EACH - 1
    town = PLACES[place % len(PLACES)]
    gln = f"5798002{10_000 + place:05d}"
    account, has_bank = f"{_FIRST + place:010d}", random.random() < _BANK
    return SupplierRow(
        number=str(_FIRST + place),
        name=person_name(random) if person else _name(place, town),
        cvr=None if person else cvr,
        identifiers=[f"GLN:{gln}{ean.calc_check_digit(gln)}"],
        active=place % _ENDED_EACH != _ENDED_EACH - 1,
        purchasing=not person and random.random() < _PURCHASING,
        person=person,
        bank_registration="9999" if has_bank else "",
        bank_account=account if has_bank else "",
        iban=f"DK{iban.calc_check_digits(f'DK009999{account}')}9999{account}" if has_bank else "",
        fik_creditor=f"{80_100_000 + place:08d}" if random.random() < _FIK else "",
        street=f"Eksempelvej {place % 200 + 1}",
        postal_code="9999",
        city=town,
        country="DK",
    )


def _name(place: int, town: str) -> str:
    """Each once, as far as trades and towns go; then they have numbers."""
    trade = _TRADES[place // len(PLACES) % len(_TRADES)]
    again = place // (len(PLACES) * len(_TRADES))
    form = _FORMS[(place + place // len(PLACES)) % len(_FORMS)]
    return " ".join(filter(None, (town, trade, str(again + 1) if again else "", form)))


def _cvr_numbers() -> Iterator[str]:
    for stem in count(_FIRST_CVR):
        digits = zip(map(int, str(stem)), _CVR_WEIGHTS, strict=True)
        check = -sum(digit * weight for digit, weight in digits) % 11
        if check < 10:
            yield f"{stem}{check}"
