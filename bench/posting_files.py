"""Files of postings to measure with: seeded, as long as asked for, written in constant memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from opus_soap.demo.scene import definition
from opus_soap.interfaces.postings_in.writing import WrittenDocument, file_name, write
from opus_soap.money import kroner_from_ore

MUNICIPALITY, COMPANY, SENDER = "999", "0020", "KY01"
LINES = 10  # of a voucher
SEED = 20261123
_DATE, _TIME = "20261123", "120000"
_TEXTS = (
    "Kontanthjælp",
    "Løn, månedslønnede",
    "Boligstøtte, efterregulering",
    "Fødevarer til køkkenet",
    "Vikar, uge 47",
    "Rengøring & vinduespolering",
    "Befordring, specialskole",
    "El og varme, aconto",
)
_TYPES = ("SA", "SA", "SA", "AB")


@dataclass(frozen=True)
class Choices:
    """What of the master data a line may be posted on."""

    accounts: Sequence[str]  # these need a cost centre or a WBS element
    balance_accounts: Sequence[str]
    cost_centers: Sequence[str]
    wbs_elements: Sequence[str]
    profit_centers: Sequence[str]


def name() -> str:
    """What a file is called outside and inside."""
    return file_name(MUNICIPALITY, SENDER, _DATE, _TIME)


def write_file(path: Path, lines: int, *, persons: bool = False) -> None:
    """A file of about that many lines; with `persons` each line also names whom it is paid to."""
    control = {
        "SENDERID": SENDER,
        "RECEIVER": f"T02CLNT{MUNICIPALITY}",
        "FILE_NAME": name(),
        "SEND_DATE": _DATE,
        "SEND_TIME": _TIME,
    }
    with path.open("wb") as out:
        write(out, control, documents(lines // LINES, persons=persons))


def documents(count: int, *, lines: int = LINES, persons: bool = False) -> Iterator[WrittenDocument]:
    """So many vouchers of so many lines each; always the same ones."""
    random, choices = Random(SEED), _choices(definition())
    for number in range(count):
        amounts = [random.randint(100, 5_000_000) * random.choice((1, 1, 1, -1)) for _ in range(lines - 1)]
        balance = -sum(amounts)
        posted = [_line(place, ore, random, choices) for place, ore in enumerate(amounts, start=1)]
        posted.append(_balance_line(lines, balance, random, choices))
        for line in posted if persons else ():
            line |= {"PAYEE_NO_CODE": "02", "PAYEE_NO": f"99{random.randrange(10**8):08d}"}  # nobody's
        debit = sum(ore for ore in (*amounts, balance) if ore > 0)
        yield WrittenDocument(_header(number, lines, debit, random), posted)


def _header(number: int, lines: int, debit: int, random: Random) -> dict[str, str]:
    day = f"202611{random.randint(1, 23):02d}"
    return {
        "NO_DOC_POSITION": str(lines),
        "BALANCE_DEBET": str(kroner_from_ore(debit)),
        "BALANCE_CREDIT": str(kroner_from_ore(-debit)),
        "MUNICIPALITY": MUNICIPALITY,
        "COMP_CODE": COMPANY,
        "DOC_TYPE": random.choice(_TYPES),
        "DOC_DATE": day,
        "PSTNG_DATE": day,
        "USERNAME": "BATCH",
        "RECEIV_DOC": f"{10_000_000 + number}",
        "HEADER_TXT": f"Kørsel {random.randint(1, 99_999)}",
        "CURRENCY": "DKK",
        "XREF1_HD": f"KY{random.randint(1, 9_999_999)}",
    }


def _line(place: int, ore: int, random: Random, choices: Choices) -> dict[str, str]:
    line = {
        **_any_line(place, ore, random),
        "VALUE_DATE": _DATE,
        "ALLOC_NMBR": f"Sag {random.randint(1, 999_999)}",
        "GL_ACCOUNT": random.choice(choices.accounts),
        "REF_KEY_1": f"{random.randint(1, 999_999)}",
    }
    if random.random() < 0.2:
        line["WBS_ELEMENT"] = random.choice(choices.wbs_elements)
    else:
        line["COSTCENTER"] = random.choice(choices.cost_centers)
    if random.random() < 0.2:
        line["PROFIT_CTR"] = random.choice(choices.profit_centers)
    return line


def _balance_line(place: int, ore: int, random: Random, choices: Choices) -> dict[str, str]:
    return {**_any_line(place, ore, random), "GL_ACCOUNT": random.choice(choices.balance_accounts)}


def _any_line(place: int, ore: int, random: Random) -> dict[str, str]:
    return {
        "DEB_CRED_IND": "D" if ore > 0 else "K",
        "AMT_DOCCUR": str(kroner_from_ore(ore)),
        "ITEM_TEXT": f"{random.choice(_TEXTS)} {random.randint(1, 99_999)}",
        "REF_KEY_3": str(place),
        "ZZCSYSIDN": SENDER,
    }


def _choices(tables: dict[str, Any]) -> Choices:
    company = next(row for row in tables["company_codes"] if row["code"] == COMPANY)

    def codes(kind: str) -> list[str]:
        return [row["code"] for row in company["dimensions"][kind] if not row.get("blocked")]

    accounts = [row for row in company["accounts"] if not row.get("blocked")]
    own = (company["supplier_account"], company["retained_account"])
    return Choices(
        accounts=[row["number"] for row in accounts if row["number"][0] not in "9S"],
        balance_accounts=[
            row["number"] for row in accounts if row["number"][0] in "9S" and row["number"] not in own
        ],
        cost_centers=codes("cost_center"),
        wbs_elements=codes("wbs_element"),
        profit_centers=codes("profit_center"),
    )
