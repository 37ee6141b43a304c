"""What an interface gives the engine: a kind of extract, and what the engine gives it: a job."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

from opus_soap.clock import isoformat
from opus_soap.errors import Both, SubscriptionInvalid
from opus_soap.extracts.output import Output
from opus_soap.ledger.models import CompanyCode
from opus_soap.texts import is_hidden, visible

Options = Mapping[str, Any]
# hears how many of how many vouchers (or records) have been written
Tell = Callable[[int, int], None]


@dataclass(frozen=True)
class Job:
    """One extract that is to be written: nothing of it is asked of the clock or of the settings."""

    company: CompanyCode
    name: str  # what its files begin with
    receiver: str
    sequence: int
    options: Options
    full: bool
    after: int  # id of the last voucher that the extract before covers; 0: from the beginning
    until: int  # id of the last voucher that this one covers
    business_date: date  # of the day it was due on, or ordered
    ordered_at: datetime
    uuid: UUID  # of the extract: the audit trail knows it by that
    previous: Path | None = None  # folder of the extract that it follows
    made: Path | None = None  # its own folder, when it is written again
    tell: Tell = lambda done, of: None

    @property
    def control_fields(self) -> dict[str, str]:
        """CONTROL_FIELDS, with which each XML file of ours begins."""
        return {
            "RECEIVER": self.receiver,
            "FILE_NAME": f"{self.name}.xml",
            "MUNICIPALITY": self.company.municipality_id,
            "COMP_CODE": self.company.code,
            "SEQUENCE": str(self.sequence),
            "MODE": "FULL" if self.full else "DELTA",
            "BUSINESS_DATE": f"{self.business_date:%Y%m%d}",
            "ORDERED_AT": isoformat(self.ordered_at),
        }


class Kind(Protocol):
    """One of the interfaces that give data out."""

    @property
    def name(self) -> str:
        """What commands and manifests call it, such as `posteringer-ud`."""

    @property
    def prefix(self) -> str:
        """What its files' names begin with, such as `POSTERINGER_UD`."""

    @property
    def approval(self) -> bool:
        """Whether a second person must approve each extract before it is produced."""

    @property
    def deltas(self) -> bool:
        """Whether there is a delta of it; else it is always everything."""

    @property
    def repeatable(self) -> bool:
        """Whether it can be written again, byte for byte, from seals and what it kept (`Job.made`)."""

    def check(self, company: CompanyCode, options: Options) -> dict[str, Any]:
        """The options in full, as they are kept; raises an `ExtractError` for what cannot be."""

    def write(self, job: Job, output: Output) -> None:
        """All of its files. What it wrote goes into `output.totals`."""


VISIBLE = Both("tegn, der kan ses", "characters that can be seen")
Kinds = Mapping[str, Kind]


# options that have a flag of their own: people know them by no other name
_FLAGS = {
    "conditions": "--where",
    "exclude_document_types": "--without",
    "persons": "--persons",
    "attachments": "--attachments",
}


def check_names(options: Options, known: Sequence[str]) -> None:
    """Raises `SubscriptionInvalid` for an option that is none of those known."""
    if strangers := set(options) - set(known):
        raise SubscriptionInvalid(
            element="options", value=as_given(sorted(strangers)), expected=as_given(known)
        )


def as_given(names: Sequence[str]) -> str:
    """Options as they are given."""
    return ", ".join(_FLAGS.get(name, f"--option {name}") for name in names)


def mark(options: Options, name: str, *, otherwise: bool = False) -> bool:
    """An option that is true or false; `otherwise` when it is left out. Raises `SubscriptionInvalid`."""
    value = options.get(name, otherwise)
    if not isinstance(value, bool):
        raise SubscriptionInvalid(element=name, value=str(value)[:40], expected="true, false")
    return value


def listed(options: Options, name: str) -> list[str]:
    """An option that is a list of texts, empty when it is left out; raises `SubscriptionInvalid`."""
    value = options.get(name, [])
    if not isinstance(value, (list, tuple)) or not all(isinstance(text, str) for text in value):
        raise SubscriptionInvalid(element=name, value=str(value)[:40], expected='["…", "…"]')
    if any(is_hidden(character) for text in value for character in text):
        shown = visible(str(value)[:40])
        raise SubscriptionInvalid(element=name, value=shown, expected=VISIBLE)
    return list(value)
