"""Every error this package raises on purpose, as one tree.

An error class carries a stable code, a Danish and an English sentence, and a remedy in both
languages. An instance adds the facts: the element at fault, its value, what was expected.
Sentences are `str.format` templates over `element`, `value`, `expected` and the keyword details.
A value may be personal: give `sensitive=True` and it never appears in a text, a log or a fault.

Codes: three letters for the room, three digits. They never change meaning; docs/reference/errors.md
lists them all. The WS-Security profile (`opus_soap.wss`) has its own tree, mapped to faults in
`opus_soap.soap`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar

_CPR = re.compile(r"(?<!\d)(\d{6})-?(\d{4})(?!\d)")
MASK = "••••••"


def mask_cpr(text: str) -> str:
    """Replace whatever is shaped like a CPR number (6 digits, optional hyphen, 4 digits)."""
    return _CPR.sub(f"{MASK}-••••", text)


class OpusSoapError(Exception):
    """Root of the tree. Only subclasses with a code are raised."""

    code: ClassVar[str] = ""
    danish: ClassVar[str] = ""
    english: ClassVar[str] = ""
    remedy_danish: ClassVar[str] = ""
    remedy_english: ClassVar[str] = ""

    def __init__(
        self,
        *,
        element: str = "",
        value: object = "",
        expected: object = "",
        sensitive: bool = False,
        **details: object,
    ) -> None:
        self.element = element
        self.value = MASK if sensitive and value not in ("", None) else mask_cpr(str(value))
        self.expected = mask_cpr(str(expected))
        self.details = {name: mask_cpr(str(detail)) for name, detail in details.items()}
        super().__init__(self.text_english)

    def _filled(self, template: str) -> str:
        return template.format(element=self.element, value=self.value, expected=self.expected, **self.details)

    @property
    def text_danish(self) -> str:
        """The Danish sentence with the facts filled in."""
        return self._filled(self.danish)

    @property
    def text_english(self) -> str:
        """The English sentence with the facts filled in."""
        return self._filled(self.english)

    def __str__(self) -> str:
        return f"{self.code}: {self.text_english}"


def concrete_errors(root: type[OpusSoapError] = OpusSoapError) -> Iterator[type[OpusSoapError]]:
    """Every class below `root` that has a code of its own, in order of definition."""
    for child in root.__subclasses__():
        if "code" in child.__dict__:
            yield child
        yield from concrete_errors(child)


# --- CFG: settings and start-up -------------------------------------------------------------------


class ConfigurationError(OpusSoapError):
    """Something is wrong with how the system is set up."""


class SettingsInvalid(ConfigurationError):
    """One or more settings do not hold; every one is listed."""

    code = "CFG-001"
    danish = "Indstillingerne er ikke gyldige: {value}"
    english = "The settings are not valid: {value}"
    remedy_danish = "Ret de nævnte indstillinger; se docs/reference/settings.md."
    remedy_english = "Correct the settings named; see docs/reference/settings.md."


# --- DBA: the database ----------------------------------------------------------------------------


class DatabaseError(OpusSoapError):
    """The database cannot be used as it must be."""


class DatabaseUnsafe(DatabaseError):
    """The engine does not keep its promises (journal mode, synchronous, foreign keys, triggers)."""

    code = "DBA-001"
    danish = "Databasen kan ikke bruges sikkert: {element} er {value}, skal være {expected}"
    english = "The database cannot be used safely: {element} is {value}, must be {expected}"
    remedy_danish = "Brug et lokalt filsystem til SQLite, eller PostgreSQL; kør `opus-soap database migrate`."
    remedy_english = "Use a local file system for SQLite, or PostgreSQL; run `opus-soap database migrate`."


class DatabaseUrlUnknown(DatabaseError):
    """The database URL names an engine that is not supported."""

    code = "DBA-002"
    danish = "Databasens adresse er ukendt: {value}"
    english = "The database URL is not understood: {value}"
    remedy_danish = "Brug sqlite:///STI eller postgresql://BRUGER@VÆRT/DATABASE."
    remedy_english = "Use sqlite:///PATH or postgresql://USER@HOST/DATABASE."


class DatabaseNotMigrated(DatabaseError):
    """The schema is older (or newer) than this version of the program."""

    code = "DBA-003"
    danish = "Databasens skema er ikke ajour: {value}"
    english = "The database schema is not up to date: {value}"
    remedy_danish = "Kør `opus-soap database migrate`."
    remedy_english = "Run `opus-soap database migrate`."


# --- STO: what must survive: archive, inbox, outbox, agreements ------------------------------------


class StoreError(OpusSoapError):
    """Messages, agreements, approvals."""


# --- LED: the books -------------------------------------------------------------------------------


class LedgerError(OpusSoapError):
    """A voucher may not be posted as asked, or the books do not hold."""


# --- DOC: other people's documents ----------------------------------------------------------------


class DocumentError(OpusSoapError):
    """An invoice file cannot be taken as it is."""


# --- FAK: SF1590_D, invoices for approval ---------------------------------------------------------


class InvoiceApprovalError(OpusSoapError):
    """Import, routing, sending or answering of an invoice."""


# --- SOA: the SOAP front --------------------------------------------------------------------------


class SoapError(OpusSoapError):
    """A message is refused before business sees it."""


# --- TRA: how messages leave ----------------------------------------------------------------------


class TransportError(OpusSoapError):
    """A message could not be delivered."""
