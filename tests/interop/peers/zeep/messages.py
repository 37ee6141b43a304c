"""What is sent."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4


def context() -> dict[str, Any]:
    """For each request, HovedOplysninger."""
    return {"TransaktionsId": str(uuid4()), "TransaktionsTid": datetime.now(UTC)}


def voucher(amount: str) -> dict[str, Any]:
    """A voucher of two lines."""
    today = datetime.now().astimezone().date()
    return {
        "PosteringsbilagFirmakode": "0020",
        "PosteringsbilagBilagsart": "SA",
        "PosteringsbilagBilagsdato": today,
        "PosteringsbilagBogføringsdato": today,
        "PosteringsbilagNummer": str(uuid4())[:10],
        "PosteringsbilagHovedtekst": "Blåbærgrød på Ærø",
        "PosteringsbilagReference": "zeep",
        "Posteringslinje": [
            line("Debet", amount, "52000200", 1, PosteringslinjeOmkostningssted="1101"),
            line("Kredit", amount, "90540100", 2),
        ],
    }


def line(side: str, amount: str, account: str, number: int, **more: str) -> dict[str, Any]:
    """A line of the voucher."""
    return {
        "DebetKreditIndikator": side,
        "PosteringslinjeBeløb": amount,
        "PosteringslinjeTekst": "Smørrebrød",
        "PosteringslinjeArtskonto": account,
        "PosteringslinjeNummer": str(number),
        "PosteringslinjeAfsendersystem": "KY01",
        **more,
    }
