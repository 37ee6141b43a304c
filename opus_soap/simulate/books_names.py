"""Names to make people, units and companies up of: together they are meant to be nobody's."""

from __future__ import annotations

from random import Random

PLACES = (
    *("Æbleby", "Klitvig", "Søvang", "Egelund", "Nørrekær", "Hvidemose", "Birkelev", "Lyngholt", "Åstrup"),
    *(
        "Fjordby",
        "Skovhuse",
        "Tranemose",
        "Vestermark",
        "Østerbæk",
        "Mølleby",
        "Rugager",
        "Stenhøj",
        "Havreholm",
    ),
    *(
        "Kornvang",
        "Lindebjerg",
        "Bøgesø",
        "Tornved",
        "Grønhave",
        "Enghuse",
        "Strandmølle",
        "Hyldegård",
        "Pilebæk",
    ),
)
_FIRST = (
    *(
        "Ane",
        "Bo",
        "Cecilie",
        "Dorte",
        "Emil",
        "Freja",
        "Gorm",
        "Hanne",
        "Ib",
        "Jytte",
        "Kaj",
        "Lone",
        "Mads",
    ),
    *(
        "Nanna",
        "Ove",
        "Pia",
        "Rikke",
        "Søren",
        "Tove",
        "Ulla",
        "Villads",
        "Yrsa",
        "Ægir",
        "Øjvind",
        "Åse",
        "Amir",
    ),
    *("Bilal", "Fatima", "Hodan", "Ivana", "Minh", "Olena", "Pawel", "Selma", "Tarek", "Zeynep"),
)
_LAST = (
    *(
        "Agerskov",
        "Bakkegaard",
        "Dalbæk",
        "Engholm",
        "Fjelsø",
        "Grønning",
        "Hedelund",
        "Iversgaard",
        "Jernved",
    ),
    *("Klitmøller", "Lundager", "Mosegaard", "Nørrelykke", "Overby", "Pilegaard", "Ravnholt", "Skovbjerg"),
    *(
        "Thorsager",
        "Ulvedal",
        "Vestermose",
        "Øllgaard",
        "Aaskov",
        "Baklund",
        "Elmkvist",
        "Haidari",
        "Kowalik",
    ),
)


def person_name(random: Random) -> str:
    """First and last name."""
    return " ".join(first_and_last(random))


def first_and_last(random: Random) -> tuple[str, str]:
    """The same, apart."""
    return random.choice(_FIRST), random.choice(_LAST)
