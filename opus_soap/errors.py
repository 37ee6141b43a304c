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
from collections.abc import Iterator, Sequence
from typing import ClassVar

# day 01–31 (or +60: a replacement number), month 01–12; voucher numbers are ten digits too
_CPR = re.compile(r"(?<!\d)(0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])(0[1-9]|1[0-2])\d{2}-?\d{4}(?!\d)")
MASK = "••••••"


def mask_cpr(text: str) -> str:
    """Replace whatever is shaped like a CPR number: a date, optional hyphen, 4 digits."""
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


class CertificateFileInvalid(ConfigurationError):
    """A certificate, key or PKI definition cannot be read or written."""

    code = "CFG-010"
    danish = "{element} kan ikke bruges: {value}"
    english = "{element} cannot be used: {value}"
    remedy_danish = "Angiv en PEM-fil med certifikater; `opus-soap certs create --out MAPPE` laver et sæt."
    remedy_english = "Name a PEM file with certificates; `opus-soap certs create --out DIR` makes a set."


class SigningKeyUnusable(ConfigurationError):
    """The signing key, its certificate, or the CA file cannot be used."""

    code = "CFG-002"
    danish = "{element} kan ikke bruges: {value}"
    english = "{element} cannot be used: {value}"
    remedy_danish = (
        "Ret stien i indstillingerne, eller dan eksempler: `opus-soap certs create --out var/secrets`."
    )
    remedy_english = (
        "Correct the path in the settings, or make examples: `opus-soap certs create --out var/secrets`."
    )


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


class ContentMissing(StoreError):
    """Bytes that are asked for by hash were never stored, or have been purged."""

    code = "STO-001"
    danish = "Indholdet {value} findes ikke: {expected}"
    english = "The content {value} is not there: {expected}"
    remedy_danish = (
        "Er det slettet efter opbevaringsreglerne, findes kun dets hash; ellers gendan en sikkerhedskopi."
    )
    remedy_english = (
        "If it was purged under the retention rules, only its hash is left; else restore a backup."
    )


class ContentDamaged(StoreError):
    """Stored bytes no longer have the hash they were stored under."""

    code = "STO-002"
    danish = "Indholdet {expected} er beskadiget: det har nu hash {value}"
    english = "The content {expected} is damaged: it now has the hash {value}"
    remedy_danish = "Gendan indholdet fra en sikkerhedskopi, og undersøg lageret."
    remedy_english = "Restore the content from a backup, and examine the storage."


class CertificateUnknown(StoreError):
    """No agreement knows the certificate that a message is signed with."""

    code = "STO-010"
    danish = "Certifikatet er ikke knyttet til nogen aftale (SHA-256 {value})"
    english = "No agreement knows this certificate (SHA-256 {value})"
    remedy_danish = (
        "Send certifikatet til økonomisystemets drift, som kører `opus-soap systems certificate add`."
    )
    remedy_english = "Give the certificate to the operator, who runs `opus-soap systems certificate add`."


class CertificateRevoked(StoreError):
    """The certificate was taken out of the agreement."""

    code = "STO-011"
    danish = "Certifikatet er spærret i aftalen (SHA-256 {value})"
    english = "The certificate is revoked in the agreement (SHA-256 {value})"
    remedy_danish = "Brug systemets andet certifikat, eller få et nyt knyttet til aftalen."
    remedy_english = "Use the system's other certificate, or have a new one added to the agreement."


class CertificateOutOfDate(StoreError):
    """The certificate is expired or not valid yet."""

    code = "STO-012"
    danish = "Certifikatet gælder ikke på tidspunktet {value}: {expected}"
    english = "The certificate is not valid at {value}: {expected}"
    remedy_danish = "Forny certifikatet, og få det nye knyttet til aftalen."
    remedy_english = "Renew the certificate and have the new one added to the agreement."


class SystemInactive(StoreError):
    """The agreement has been stopped."""

    code = "STO-013"
    danish = "Aftalen med systemet {value} er ikke aktiv"
    english = "The agreement with the system {value} is not active"
    remedy_danish = "Kontakt kommunens økonomisystem-ansvarlige."
    remedy_english = "Contact whoever runs the municipality's finance system."


class ServiceNotGranted(StoreError):
    """The agreement does not cover the service that is called."""

    code = "STO-014"
    danish = "Systemet {element} har ikke ret til servicen {value}; aftalen dækker: {expected}"
    english = "The system {element} has no right to the service {value}; the agreement covers: {expected}"
    remedy_danish = "Få servicen føjet til aftalen."
    remedy_english = "Have the service added to the agreement."


class TooManyCertificates(StoreError):
    """A system already has two certificates that are valid at the same time."""

    code = "STO-015"
    danish = "Systemet {element} har allerede {value} certifikater, der gælder samtidig; højst {expected}"
    english = (
        "The system {element} already has {value} certificates valid at the same time; at most {expected}"
    )
    remedy_danish = "Spær det gamle certifikat først (`opus-soap systems certificate revoke`)."
    remedy_english = "Revoke the old certificate first (`opus-soap systems certificate revoke`)."


class CertificateUnreadable(StoreError):
    """What was given as a certificate is not one, or belongs to another system."""

    code = "STO-016"
    danish = "Certifikatet kan ikke bruges: {value}"
    english = "The certificate cannot be used: {value}"
    remedy_danish = "Giv ét X.509-certifikat i PEM-format, som ikke hører til et andet system."
    remedy_english = "Give one X.509 certificate in PEM that does not belong to another system."


class SystemUnknown(StoreError):
    """No agreement has this name or UUID."""

    code = "STO-017"
    danish = "Systemet {value} er ukendt"
    english = "The system {value} is not known"
    remedy_danish = "Se `opus-soap systems list`."
    remedy_english = "See `opus-soap systems list`."


class MessageReplayed(StoreError):
    """The very same signed message has been accepted before."""

    code = "STO-020"
    danish = "Meddelelsen er modtaget før"
    english = "The message has been received before"
    remedy_danish = "Underskriv en ny meddelelse; med samme indhold får den samme svar som den første."
    remedy_english = "Make and sign a new message; with the same content it gets the first one's answer."


class OutboxEntryUnknown(StoreError):
    """No waiting message has this UUID."""

    code = "STO-030"
    danish = "Der er ingen afsendelse {value}"
    english = "There is no outbox entry {value}"
    remedy_danish = "Se `opus-soap messages outbox`."
    remedy_english = "See `opus-soap messages outbox`."


class OutboxStateWrong(StoreError):
    """A message in this state cannot be parked, released or cancelled."""

    code = "STO-031"
    danish = "Afsendelsen {element} er {value}; det kræver {expected}"
    english = "The outbox entry {element} is {value}; this needs {expected}"
    remedy_danish = "Vent til den er færdig, eller vælg en anden handling."
    remedy_english = "Wait until it has finished, or choose another action."


class ArchivedMessageUnknown(StoreError):
    """No archived message has this id."""

    code = "STO-040"
    danish = "Der er ingen meddelelse {value} i arkivet"
    english = "There is no message {value} in the archive"
    remedy_danish = "Se `opus-soap messages list`."
    remedy_english = "See `opus-soap messages list`."


# --- LED: the books -------------------------------------------------------------------------------


class LedgerError(OpusSoapError):
    """A voucher may not be posted as asked, or the books do not hold."""


class VoucherRefused(LedgerError):
    """A voucher is refused; `errors` holds every reason."""

    code = "LED-001"
    danish = "Bilaget er ikke bogført: {value}"
    english = "The voucher was not posted: {value}"
    remedy_danish = "Ret de nævnte fejl, og send igen."
    remedy_english = "Correct the errors named and send again."

    def __init__(self, errors: Sequence[LedgerError]) -> None:
        self.errors = tuple(errors)
        super().__init__(value="; ".join(error.text_danish for error in self.errors))


class VoucherUnbalanced(LedgerError):
    """The postings do not sum to zero."""

    code = "LED-002"
    danish = "Bilaget går ikke op: debet og kredit afviger med {value} øre"
    english = "The voucher does not balance: debit and credit differ by {value} øre"
    remedy_danish = "Ret beløbene, så summen er nul."
    remedy_english = "Correct the amounts so that they sum to zero."


class VoucherTooShort(LedgerError):
    """A voucher needs at least two postings."""

    code = "LED-003"
    danish = "Bilaget har {value} posteringer; mindst {expected}"
    english = "The voucher has {value} postings; at least {expected}"
    remedy_danish = "Tilføj de manglende posteringer."
    remedy_english = "Add the postings that are missing."


class AmountInvalid(LedgerError):
    """A posting has a zero amount, or one beyond 999,999,999,999.99."""

    code = "LED-004"
    danish = "{element}: beløbet {value} øre er ugyldigt ({expected})"
    english = "{element}: the amount of {value} øre is not valid ({expected})"
    remedy_danish = "Udelad linjen, eller ret beløbet."
    remedy_english = "Leave the line out, or correct the amount."


class TextTooLong(LedgerError):
    """A text is longer than its field."""

    code = "LED-005"
    danish = "{element}: {value} tegn, højst {expected}"
    english = "{element}: {value} characters, at most {expected}"
    remedy_danish = "Forkort teksten."
    remedy_english = "Shorten the text."


class AccountUnknown(LedgerError):
    """The G/L account is not in the chart."""

    code = "LED-010"
    danish = "{element}: artskonto {value} findes ikke"
    english = "{element}: the G/L account {value} does not exist"
    remedy_danish = "Brug en artskonto fra kontoplanen (`opus-soap master-data dimensions`)."
    remedy_english = "Use an account of the chart (`opus-soap master-data dimensions`)."


class AccountBlocked(LedgerError):
    """The G/L account is blocked for posting."""

    code = "LED-011"
    danish = "{element}: artskonto {value} er spærret"
    english = "{element}: the G/L account {value} is blocked"
    remedy_danish = "Brug en anden artskonto, eller få den åbnet."
    remedy_english = "Use another account, or have it opened."


class AccountRuleMissing(LedgerError):
    """No account rule covers the account: what it needs is not known."""

    code = "LED-012"
    danish = "{element}: ingen kontoregel dækker artskonto {value}"
    english = "{element}: no account rule covers the G/L account {value}"
    remedy_danish = "Tilføj en kontoregel i stamdata."
    remedy_english = "Add an account rule to the master data."


class DimensionRequired(LedgerError):
    """The account needs exactly one of some dimensions."""

    code = "LED-013"
    danish = "{element}: artskonto {value} kræver netop én af: {expected}"
    english = "{element}: the G/L account {value} requires exactly one of: {expected}"
    remedy_danish = "Angiv netop én af dem."
    remedy_english = "Give exactly one of them."


class DimensionForbidden(LedgerError):
    """The account may not carry the dimension."""

    code = "LED-014"
    danish = "{element}: artskonto {value} må ikke have {expected}"
    english = "{element}: the G/L account {value} may not carry {expected}"
    remedy_danish = "Fjern dimensionen, eller brug en anden artskonto."
    remedy_english = "Remove the dimension, or use another account."


class DimensionUnknown(LedgerError):
    """The dimension value does not exist."""

    code = "LED-015"
    danish = "{element}: {value} findes ikke"
    english = "{element}: {value} does not exist"
    remedy_danish = "Brug en gyldig værdi (`opus-soap master-data dimensions`)."
    remedy_english = "Use a valid value (`opus-soap master-data dimensions`)."


class DimensionBlocked(LedgerError):
    """The dimension value is blocked, or not valid on the posting date."""

    code = "LED-016"
    danish = "{element}: {value} er spærret eller gælder ikke pr. {expected}"
    english = "{element}: {value} is blocked, or not valid on {expected}"
    remedy_danish = "Brug en anden værdi."
    remedy_english = "Use another value."


class SupplierUnknown(LedgerError):
    """The supplier does not exist."""

    code = "LED-017"
    danish = "{element}: kreditor {value} findes ikke"
    english = "{element}: the supplier {value} does not exist"
    remedy_danish = "Opret kreditoren, eller ret nummeret."
    remedy_english = "Create the supplier, or correct the number."


class SupplierInactive(LedgerError):
    """The supplier is not active."""

    code = "LED-018"
    danish = "{element}: kreditor {value} er ikke aktiv"
    english = "{element}: the supplier {value} is not active"
    remedy_danish = "Få kreditoren aktiveret."
    remedy_english = "Have the supplier activated."


class TaxCodeUnknown(LedgerError):
    """The tax code does not exist."""

    code = "LED-019"
    danish = "{element}: momskode {value} findes ikke"
    english = "{element}: the tax code {value} does not exist"
    remedy_danish = "Brug en momskode fra stamdata."
    remedy_english = "Use a tax code of the master data."


class FiscalYearUnknown(LedgerError):
    """The fiscal year has not been set up."""

    code = "LED-020"
    danish = "Regnskabsår {value} findes ikke i firmakode {expected}"
    english = "The fiscal year {value} does not exist in company code {expected}"
    remedy_danish = "Opret regnskabsåret, eller ret datoen."
    remedy_english = "Set the fiscal year up, or correct the date."


class FiscalYearClosed(LedgerError):
    """The fiscal year is closed."""

    code = "LED-021"
    danish = "Regnskabsår {value} er lukket"
    english = "The fiscal year {value} is closed"
    remedy_danish = "Brug en dato i et åbent år."
    remedy_english = "Use a date in an open year."


class PeriodClosed(LedgerError):
    """The period is closed or does not exist."""

    code = "LED-022"
    danish = "Periode {value} er ikke åben"
    english = "The period {value} is not open"
    remedy_danish = "Brug en dato i en åben periode."
    remedy_english = "Use a date in an open period."


class DocumentTypeUnknown(LedgerError):
    """The document type does not exist."""

    code = "LED-023"
    danish = "Bilagsart {value} findes ikke i firmakode {expected}"
    english = "The document type {value} does not exist in company code {expected}"
    remedy_danish = "Brug en bilagsart fra stamdata."
    remedy_english = "Use a document type of the master data."


class AlreadyReversed(LedgerError):
    """A voucher can be reversed once."""

    code = "LED-024"
    danish = "Bilag {element} er allerede tilbageført ved bilag {value}"
    english = "The voucher {element} has already been reversed by {value}"
    remedy_danish = "Bogfør et nyt bilag i stedet."
    remedy_english = "Post a new voucher instead."


class VoucherUnknown(LedgerError):
    """No voucher has this number."""

    code = "LED-025"
    danish = "Bilag {value} findes ikke"
    english = "The voucher {value} does not exist"
    remedy_danish = "Se `opus-soap ledger show`."
    remedy_english = "See `opus-soap ledger show`."


class MasterDataInvalid(LedgerError):
    """A definition of master data does not hold."""

    code = "LED-030"
    danish = "Stamdata: {element}: {value} (forventet: {expected})"
    english = "Master data: {element}: {value} (expected: {expected})"
    remedy_danish = "Ret definitionen, og indlæs igen."
    remedy_english = "Correct the definition and load it again."


class CompanyCodeUnknown(LedgerError):
    """The municipality or company code is not set up."""

    code = "LED-031"
    danish = "Firmakode {value} findes ikke"
    english = "The company code {value} does not exist"
    remedy_danish = "Indlæs stamdata (`opus-soap master-data load`)."
    remedy_english = "Load the master data (`opus-soap master-data load`)."


class SealKeyUnusable(LedgerError):
    """The key that seals the ledger cannot be used."""

    code = "LED-040"
    danish = "Seglnøglen kan ikke bruges: {value}"
    english = "The seal key cannot be used: {value}"
    remedy_danish = "Giv en Ed25519-nøgle i PEM, som kun ejeren kan læse (0600)."
    remedy_english = "Give an Ed25519 key in PEM that only its owner can read (0600)."


# --- DOC: other people's documents ----------------------------------------------------------------


class DocumentError(OpusSoapError):
    """An invoice file cannot be taken as it is."""


class NotXml(DocumentError):
    """The file is not well-formed XML."""

    code = "DOC-001"
    danish = "Filen er ikke velformet XML: {value}"
    english = "The file is not well-formed XML: {value}"
    remedy_danish = "Få filen sendt igen som XML i UTF-8."
    remedy_english = "Have the file sent again as XML in UTF-8."


class DocumentTypeForbidden(DocumentError):
    """The file has a DOCTYPE."""

    code = "DOC-002"
    danish = "Filen har en DOCTYPE, som ikke er tilladt"
    english = "The file has a DOCTYPE, which is not allowed"
    remedy_danish = "Fjern DOCTYPE-erklæringen."
    remedy_english = "Remove the DOCTYPE declaration."


class DocumentTooLarge(DocumentError):
    """The file is beyond a limit: bytes, depth, lines, attachments."""

    code = "DOC-003"
    danish = "{element}: {value} er over grænsen {expected}"
    english = "{element}: {value} is beyond the limit of {expected}"
    remedy_danish = "Del dokumentet, eller hæv grænsen i indstillingerne."
    remedy_english = "Split the document, or raise the limit in the settings."


class FormatUnsupported(DocumentError):
    """A format that is known by name, but is not taken."""

    code = "DOC-004"
    danish = "Formatet {value} understøttes ikke"
    english = "The format {value} is not supported"
    remedy_danish = "Send OIOUBL 2.01, 2.02 eller 2.1 eller Peppol BIS 3 (faktura eller kreditnota)."
    remedy_english = "Send OIOUBL 2.01, 2.02 or 2.1 or Peppol BIS 3 (invoice or credit note)."


class DocumentUnknown(DocumentError):
    """The file is no document of a kind that we know."""

    code = "DOC-005"
    danish = "Rodelementet {value} er ikke en faktura eller kreditnota"
    english = "The root element {value} is no invoice or credit note"
    remedy_danish = "Send OIOUBL 2.01, 2.02 eller 2.1 eller Peppol BIS 3."
    remedy_english = "Send OIOUBL 2.01, 2.02 or 2.1 or Peppol BIS 3."


class ElementMissing(DocumentError):
    """A required element is missing or empty."""

    code = "DOC-010"
    danish = "{element} mangler eller er tomt"
    english = "{element} is missing or empty"
    remedy_danish = "Udfyld elementet."
    remedy_english = "Fill the element in."


class ElementMisplaced(DocumentError):
    """An element that does not belong where it stands."""

    code = "DOC-011"
    danish = "{element}: {value} hører ikke til her"
    english = "{element}: {value} does not belong here"
    remedy_danish = "Ret rækkefølgen efter UBL 2.1."
    remedy_english = "Correct the order as in UBL 2.1."


class ValueInvalid(DocumentError):
    """A value that cannot be read."""

    code = "DOC-012"
    danish = "{element}: {value} er ugyldig, forventet {expected}"
    english = "{element}: {value} is not valid, expected {expected}"
    remedy_danish = "Ret værdien."
    remedy_english = "Correct the value."


class TotalWrong(DocumentError):
    """A total does not follow from its parts."""

    code = "DOC-020"
    danish = "{element} er {value}, men delene giver {expected}"
    english = "{element} is {value}, but its parts give {expected}"
    remedy_danish = "Få leverandøren til at sende en rettet faktura."
    remedy_english = "Have the supplier send a corrected invoice."


class DocumentRefused(DocumentError):
    """A document is refused; `errors` holds every reason."""

    code = "DOC-030"
    danish = "Dokumentet er afvist: {value}"
    english = "The document was refused: {value}"
    remedy_danish = "Ret de nævnte fejl, og send igen."
    remedy_english = "Correct the errors named and send again."

    def __init__(self, errors: Sequence[DocumentError]) -> None:
        self.errors = tuple(errors)
        super().__init__(value="; ".join(error.text_danish for error in self.errors))


# --- FAK: SF1590_D, invoices for approval ---------------------------------------------------------


class InvoiceApprovalError(OpusSoapError):
    """Import, routing, sending or answering of an invoice."""


class LendingUnknown(InvoiceApprovalError):
    """The answer names an invoice that was never lent."""

    code = "FAK-001"
    danish = "Fakturaen {value} er ikke sendt til godkendelse"
    english = "The invoice {value} has not been sent for approval"
    remedy_danish = "Brug den FakturaInformationIdentifikation, som fakturaen blev sendt med."
    remedy_english = "Use the FakturaInformationIdentifikation that the invoice was sent with."


class AnswerNotPossible(InvoiceApprovalError):
    """The invoice was sent for information only."""

    code = "FAK-002"
    danish = "Fakturaen er sendt til orientering og kan ikke besvares"
    english = "The invoice was sent for information and cannot be answered"
    remedy_danish = "Send intet svar på denne faktura."
    remedy_english = "Send no answer to this invoice."


class LendingRecalled(InvoiceApprovalError):
    """The invoice has been recalled, or sent to another system since."""

    code = "FAK-003"
    danish = "Fakturaen er trukket tilbage ({value})"
    english = "The invoice has been recalled ({value})"
    remedy_danish = "Luk sagen; fakturaen behandles et andet sted."
    remedy_english = "Close the case; the invoice is handled elsewhere."


class AnswerDiffers(InvoiceApprovalError):
    """An answer with this UUID was accepted before, with other content."""

    code = "FAK-004"
    danish = "Svaret er modtaget før med andet indhold: {element} var {expected}, er nu {value}"
    english = "The answer was accepted before with other content: {element} was {expected}, is now {value}"
    remedy_danish = (
        "Ret et bogført svar ved at sende et nyt svar med en ny FakturaInformationSvarIdentifikation."
    )
    remedy_english = (
        "To correct a booked answer, send a new one with a new FakturaInformationSvarIdentifikation."
    )


class SumDiffers(InvoiceApprovalError):
    """The posting lines do not add up to the invoice."""

    code = "FAK-005"
    danish = "Posteringernes sum er {value} kr., fakturaen er på {expected} kr."
    english = "The postings sum to {value} kroner, the invoice is {expected} kroner"
    remedy_danish = "Ret beløbene, så summen er fakturaens beløb (en kreditnotas med modsat fortegn)."
    remedy_english = (
        "Correct the amounts so that they sum to the invoice's (a credit note's with the opposite sign)."
    )


class DimensionUuidUnknown(InvoiceApprovalError):
    """No dimension has this UUID."""

    code = "FAK-006"
    danish = "{element}: {value} findes ikke i firmakode {expected}"
    english = "{element}: {value} does not exist in company code {expected}"
    remedy_danish = "Hent dimensionernes UUID'er med DimensionHent."
    remedy_english = "Get the dimensions' UUIDs with DimensionHent."


class LentToAnother(InvoiceApprovalError):
    """The answer comes from another system than the invoice was lent to."""

    code = "FAK-007"
    danish = "Fakturaen er ikke sendt til dette system"
    english = "The invoice was not sent to this system"
    remedy_danish = "Svar fra det system, der modtog fakturaen."
    remedy_english = "Answer from the system that received the invoice."


class AuthorityWrong(InvoiceApprovalError):
    """The answer names another authority than the invoice's."""

    code = "FAK-008"
    danish = "{element}: {value} er ikke fakturaens myndighed {expected}"
    english = "{element}: {value} is not the invoice's authority {expected}"
    remedy_danish = "Ret myndighedens CVR-nummer."
    remedy_english = "Correct the authority's CVR number."


class OutcomeUnclear(InvoiceApprovalError):
    """Approval and rejection contradict each other, or something is missing."""

    code = "FAK-009"
    danish = "Svaret er ikke entydigt: {element} er {value}, forventet {expected}"
    english = "The answer is not clear: {element} is {value}, expected {expected}"
    remedy_danish = "Send enten Godkendt med AcceptStruktur og Kontering, eller Afvist med AfvisningStruktur."
    remedy_english = (
        "Send either Godkendt with AcceptStruktur and Kontering, or Afvist with AfvisningStruktur."
    )


class AnswerCurrencyWrong(InvoiceApprovalError):
    """The amounts of an answer must be in the company code's currency."""

    code = "FAK-011"
    danish = "{element}: valutaen {value} kan ikke bruges, forventet {expected}"
    english = "{element}: the currency {value} cannot be used, expected {expected}"
    remedy_danish = "Angiv beløbene i firmakodens valuta."
    remedy_english = "Give the amounts in the company code's currency."


class CompanyCodeWrong(InvoiceApprovalError):
    """The answer names another company code than the invoice's."""

    code = "FAK-012"
    danish = "{element}: {value} er ikke fakturaens firmakode {expected}"
    english = "{element}: {value} is not the invoice's company code {expected}"
    remedy_danish = "Udelad firmakoden, eller angiv fakturaens."
    remedy_english = "Leave the company code out, or give the invoice's."


class SupplierDiffers(InvoiceApprovalError):
    """The answer names another supplier than the invoice's."""

    code = "FAK-013"
    danish = "{element}: {value} er ikke fakturaens leverandør {expected}"
    english = "{element}: {value} is not the invoice's supplier {expected}"
    remedy_danish = "Ret leverandørens CVR-nummer."
    remedy_english = "Correct the supplier's CVR number."


class ElementNotSupported(InvoiceApprovalError):
    """An element that we do not act on, and therefore do not take."""

    code = "FAK-014"
    danish = "{element} understøttes ikke: {expected}"
    english = "{element} is not supported: {expected}"
    remedy_danish = "Udelad elementet."
    remedy_english = "Leave the element out."


class TransitionRefused(InvoiceApprovalError):
    """The invoice's state does not allow the action."""

    code = "FAK-020"
    danish = "Fakturaen er {value}; {element} kræver {expected}"
    english = "The invoice is {value}; to {element} it must be {expected}"
    remedy_danish = "Se fakturaens tilstand med `opus-soap invoices show`."
    remedy_english = "See the invoice's state with `opus-soap invoices show`."


class InvoiceUnknown(InvoiceApprovalError):
    """No invoice has this number or UUID."""

    code = "FAK-021"
    danish = "Fakturaen {value} findes ikke"
    english = "The invoice {value} does not exist"
    remedy_danish = "Se `opus-soap invoices list`."
    remedy_english = "See `opus-soap invoices list`."


class NoRoute(InvoiceApprovalError):
    """No routing rule matches the invoice."""

    code = "FAK-022"
    danish = "Ingen rutningsregel passer på fakturaen ({value})"
    english = "No routing rule matches the invoice ({value})"
    remedy_danish = "Tilføj en regel (`opus-soap systems route add`), og frigiv fakturaen."
    remedy_english = "Add a rule (`opus-soap systems route add`) and release the invoice."


class SupplierNotFound(InvoiceApprovalError):
    """The invoice's supplier is not in the master data."""

    code = "FAK-023"
    danish = "Leverandøren {value} er ikke oprettet som kreditor"
    english = "The supplier {value} is not in the master data"
    remedy_danish = "Opret kreditoren, og frigiv fakturaen."
    remedy_english = "Create the supplier and release the invoice."


class RateMissing(InvoiceApprovalError):
    """There is no exchange rate for the invoice's currency and date."""

    code = "FAK-024"
    danish = "Der er ingen kurs på {value} pr. {expected}"
    english = "There is no rate for {value} on {expected}"
    remedy_danish = "Tilføj kursen (`opus-soap systems rate add`), og frigiv fakturaen."
    remedy_english = "Add the rate (`opus-soap systems rate add`) and release the invoice."


class ReceiverForeign(InvoiceApprovalError):
    """The invoice is addressed to somebody else."""

    code = "FAK-025"
    danish = "Fakturaen er stilet til {value}, ikke til kommunen"
    english = "The invoice is addressed to {value}, not to the municipality"
    remedy_danish = "Kontrollér modtageren; er den kommunens, så tilføj den til en rutningsregel, og frigiv."
    remedy_english = "Check the receiver; if it is the municipality's, add it to a routing rule and release."


class DuplicateInvoice(InvoiceApprovalError):
    """The same supplier's invoice number has been received before."""

    code = "FAK-026"
    danish = "Fakturaen {value} fra samme leverandør er modtaget før: {expected}"
    english = "The invoice {value} of the same supplier has been received before: {expected}"
    remedy_danish = "Er det en ny faktura, skal leverandøren give den et nyt nummer."
    remedy_english = "If it is a new invoice, the supplier must give it a new number."


class RefusedByReceiver(InvoiceApprovalError):
    """The case system refused the invoice in its receipt."""

    code = "FAK-027"
    danish = "Modtageren afviste fakturaen: {value}"
    english = "The receiver refused the invoice: {value}"
    remedy_danish = "Ret årsagen, og send igen eller til et andet system."
    remedy_english = "Mend the cause and send again, or to another system."


class FileUnreadable(InvoiceApprovalError):
    """An invoice file could not be read from disk."""

    code = "FAK-028"
    danish = "Filen {element} kan ikke læses: {value}"
    english = "The file {element} cannot be read: {value}"
    remedy_danish = "Kontrollér stien og rettighederne."
    remedy_english = "Check the path and the permissions."


# --- SOA: the SOAP front --------------------------------------------------------------------------


class SoapError(OpusSoapError):
    """A message is refused before business sees it."""


class MethodNotAllowed(SoapError):
    """The HTTP method is not one that a service takes."""

    code = "SOA-001"
    danish = "HTTP-metoden {value} kan ikke bruges her; brug {expected}"
    english = "HTTP method {value} cannot be used here; use {expected}"
    remedy_danish = "Send beskeden med POST; hent kontrakten med GET og ?wsdl."
    remedy_english = "Send the message with POST; fetch the contract with GET and ?wsdl."


class PathUnknown(SoapError):
    """No service is found at the path."""

    code = "SOA-002"
    danish = "Der er ingen service på adressen"
    english = "There is no service at this address"
    remedy_danish = "Brug adressen i servicens WSDL."
    remedy_english = "Use the address in the service's WSDL."


class ContentTypeRefused(SoapError):
    """SOAP 1.1 is `text/xml` in UTF-8; multipart and attachments are not taken."""

    code = "SOA-003"
    danish = "Indholdstypen {value} modtages ikke; forventet {expected}"
    english = "Content type {value} is not taken; expected {expected}"
    remedy_danish = "Send SOAP 1.1 med Content-Type: text/xml; charset=utf-8, uden MTOM og vedhæftninger."
    remedy_english = "Send SOAP 1.1 with Content-Type: text/xml; charset=utf-8, without MTOM and attachments."


class ContentEncodingRefused(SoapError):
    """A compressed body is not taken: its size is not known before it is unpacked."""

    code = "SOA-004"
    danish = "Komprimeret indhold modtages ikke"
    english = "Compressed content is not taken"
    remedy_danish = "Send beskeden uden Content-Encoding."
    remedy_english = "Send the message without Content-Encoding."


class RequestTooLarge(SoapError):
    """The body is larger than `max_request_bytes`."""

    code = "SOA-005"
    danish = "Beskeden er for stor; højst {expected} bytes modtages"
    english = "The message is too large; at most {expected} bytes are taken"
    remedy_danish = "Send færre eller mindre bilag."
    remedy_english = "Send fewer or smaller attachments."


class LengthUnclear(SoapError):
    """The length of the body is given twice, wrongly, or not kept."""

    code = "SOA-006"
    danish = "Beskedens længde er ikke entydig"
    english = "The length of the message is not clear"
    remedy_danish = "Send enten Content-Length eller chunked, og præcis så mange bytes som angivet."
    remedy_english = "Send either Content-Length or chunked, and exactly as many bytes as announced."


class RequestTooSlow(SoapError):
    """The body did not arrive within `read_timeout_seconds`."""

    code = "SOA-007"
    danish = "Beskeden kom ikke frem inden for {expected} sekunder"
    english = "The message did not arrive within {expected} seconds"
    remedy_danish = "Prøv igen; se efter netværket."
    remedy_english = "Try again; look at the network."


class ServerBusy(SoapError):
    """As many requests are under way as `max_pending_requests` allows."""

    code = "SOA-008"
    danish = "Serveren har for travlt lige nu"
    english = "The server is too busy at the moment"
    remedy_danish = "Prøv igen om de sekunder, som Retry-After angiver."
    remedy_english = "Try again after the seconds that Retry-After gives."


class RequestEmpty(SoapError):
    """The request has no body."""

    code = "SOA-009"
    danish = "Beskeden er tom"
    english = "The message is empty"
    remedy_danish = "Send en SOAP-konvolut."
    remedy_english = "Send a SOAP envelope."


class ActionMismatch(SoapError):
    """SOAPAction or wsa:Action names another operation than the body."""

    code = "SOA-010"
    danish = "{element} passer ikke til beskedens indhold; forventet {expected}"
    english = "{element} does not match the content of the message; expected {expected}"
    remedy_danish = "Brug den soapAction, som står i WSDL'en, eller en tom."
    remedy_english = "Use the soapAction in the WSDL, or an empty one."


class OperationUnknown(SoapError):
    """The body is no request of this service."""

    code = "SOA-011"
    danish = "Servicen kender ikke elementet {element}; forventet {expected}"
    english = "The service does not know the element {element}; expected {expected}"
    remedy_danish = "Send en af servicens beskeder, i dens navnerum."
    remedy_english = "Send one of the service's messages, in its namespace."


class BodyInvalid(SoapError):
    """The body does not keep to the schema. The value is never shown: it may be personal."""

    code = "SOA-012"
    danish = "Elementet {element} følger ikke kontrakten; forventet: {expected}"
    english = "Element {element} does not keep to the contract; expected: {expected}"
    remedy_danish = "Ret beskeden efter servicens skema (?xsd)."
    remedy_english = "Correct the message according to the service's schema (?xsd)."


class AddresseeWrong(SoapError):
    """wsa:To names another service."""

    code = "SOA-013"
    danish = "wsa:To er ikke denne service; forventet {expected}"
    english = "wsa:To is not this service; expected {expected}"
    remedy_danish = "Sæt wsa:To til servicens adresse eller EntityId."
    remedy_english = "Set wsa:To to the address or EntityId of the service."


class ValueUnreadable(SoapError):
    """A value keeps to the schema, but means nothing that can be represented (the year 0000)."""

    code = "SOA-014"
    danish = "En værdi i beskeden kan ikke læses"
    english = "A value in the message cannot be read"
    remedy_danish = "Se efter datoer, tidspunkter og tal."
    remedy_english = "Look at dates, times and numbers."


class AnswerInvalid(SoapError):
    """Our own answer does not keep to the contract; nothing was kept of the request."""

    code = "SOA-015"
    danish = "Svaret kunne ikke dannes efter kontrakten"
    english = "The answer could not be made according to the contract"
    remedy_danish = "Meld fejlen med korrelations-id; beskeden kan sendes igen."
    remedy_english = "Report the fault with the correlation id; the message may be sent again."


class InternalFailure(SoapError):
    """Something unforeseen happened; nothing was kept of the request."""

    code = "SOA-016"
    danish = "Der skete en uventet fejl; intet er gemt"
    english = "Something unexpected happened; nothing was kept"
    remedy_danish = "Prøv igen; meld fejlen med korrelations-id, hvis den bliver ved."
    remedy_english = "Try again; report the fault with the correlation id if it persists."


class ContractFileUnknown(SoapError):
    """The contract has no such file."""

    code = "SOA-017"
    danish = "Kontrakten for {element} har ikke den fil"
    english = "The contract of {element} has no such file"
    remedy_danish = "Begynd med ?wsdl."
    remedy_english = "Start with ?wsdl."


class EnvelopeVersionRefused(SoapError):
    """The contracts are SOAP 1.1."""

    code = "SOA-018"
    danish = "Konvolutten er {value}; servicen bruger {expected}"
    english = "The envelope is {value}; the service uses {expected}"
    remedy_danish = "Send SOAP 1.1."
    remedy_english = "Send SOAP 1.1."


class MessageIdTooLong(SoapError):
    """wsa:MessageID is longer than what the archive keeps."""

    code = "SOA-019"
    danish = "wsa:MessageID er på {value} tegn; højst {expected}"
    english = "wsa:MessageID has {value} characters; at most {expected}"
    remedy_danish = "Brug en urn:uuid."
    remedy_english = "Use a urn:uuid."


# --- TRA: how messages leave ----------------------------------------------------------------------


class TransportError(OpusSoapError):
    """A message could not be delivered. `retryable` says whether another attempt may help."""

    retryable: ClassVar[bool] = True
    wait_seconds: int | None = None  # what the receiver asked for (Retry-After)


class ReceiverUnreachable(TransportError):
    """No connection, or no reply in time."""

    code = "TRA-001"
    danish = "{element} kan ikke nås: {value}"
    english = "{element} cannot be reached: {value}"
    remedy_danish = "Der forsøges igen; se efter om modtageren kører, og om adressen er rigtig."
    remedy_english = (
        "Another attempt follows; see whether the receiver runs, and whether the address is right."
    )


class ReceiverBusy(TransportError):
    """The receiver asks us to come back later."""

    code = "TRA-002"
    danish = "{element} er optaget (HTTP {value})"
    english = "{element} is busy (HTTP {value})"
    remedy_danish = "Der forsøges igen."
    remedy_english = "Another attempt follows."


class ReplyUnusable(TransportError):
    """The reply is no SOAP message, is too large, or its signature does not hold."""

    code = "TRA-003"
    danish = "Svaret fra {element} kan ikke bruges: {value}"
    english = "The reply from {element} cannot be used: {value}"
    remedy_danish = (
        "Se svaret i meddelelsesarkivet; det kan være en fejlside fra en proxy, eller et forkert certifikat."
    )
    remedy_english = (
        "See the reply in the message archive; it may be a proxy's error page, or the wrong certificate."
    )


class ReceiverFailed(TransportError):
    """The receiver answered with a fault of its own making (soap:Server)."""

    code = "TRA-004"
    danish = "{element} svarede med en fejl hos sig selv: {value}"
    english = "{element} answered with a fault on its side: {value}"
    remedy_danish = "Der forsøges igen; kontakt ellers modtageren."
    remedy_english = "Another attempt follows; otherwise contact the receiver."


class MessageRefused(TransportError):
    """The receiver answered with a fault that blames the message (soap:Client, wsse)."""

    code = "TRA-005"
    danish = "{element} afviste meddelelsen: {value}"
    english = "{element} refused the message: {value}"
    remedy_danish = "Ret årsagen (certifikat, aftale, indhold), og frigiv afsendelsen."
    remedy_english = "Mend the cause (certificate, agreement, content) and release the message."
    retryable = False


class EndpointMissing(TransportError):
    """The agreement does not say where the system takes messages."""

    code = "TRA-006"
    danish = "Systemet {element} har ingen adresse"
    english = "The system {element} has no endpoint address"
    remedy_danish = "Sæt adressen: `opus-soap systems add --endpoint-url`."
    remedy_english = "Set the address: `opus-soap systems add --endpoint-url`."
    retryable = False


class HandlerUnknown(TransportError):
    """No handler is registered for this kind of message."""

    code = "TRA-007"
    danish = "Der er ingen afsender til {value}"
    english = "There is no handler for {value}"
    remedy_danish = "Opgrader arbejderen, eller annuller afsendelsen."
    remedy_english = "Upgrade the worker, or cancel the message."
    retryable = False


class HandlerFailed(TransportError):
    """The handler of a message failed in a way that nobody foresaw."""

    code = "TRA-008"
    danish = "Afsendelsen fejlede uventet ({value})"
    english = "The sending failed unexpectedly ({value})"
    remedy_danish = "Se loggen; der forsøges igen."
    remedy_english = "See the log; another attempt follows."


# --- MAS: master data for other systems -----------------------------------------------------------


class MasterDataError(OpusSoapError):
    """Master data that another system asks for cannot be given."""


class CompanyCodeNotFound(MasterDataError):
    """The municipality has no such company code."""

    code = "MAS-001"
    danish = "Kommunen har ingen firmakode {value}"
    english = "The municipality has no company code {value}"
    remedy_danish = "Brug en firmakode, som aftalen gælder for."
    remedy_english = "Use a company code that the agreement covers."


# --- SIM: the simulated case system ---------------------------------------------------------------


class SimulationError(OpusSoapError):
    """What the simulated case system does on purpose, or cannot do."""


class SimulatedFault(SimulationError):
    """The behaviour `fault`: the simulated case system refuses an invoice."""

    code = "SIM-001"
    danish = "Det simulerede fagsystem afviser fakturaen {value} med vilje"
    english = "The simulated case system refuses the invoice {value} on purpose"
    remedy_danish = "Vælg en anden adfærd for fakturaen."
    remedy_english = "Choose another behaviour for the invoice."


class BehaviourUnknown(SimulationError):
    """No behaviour has this name."""

    code = "SIM-002"
    danish = "Adfærden {value} findes ikke; vælg mellem {expected}"
    english = "There is no behaviour {value}; choose from {expected}"
    remedy_danish = "Se `opus-soap simulate case-system --help`."
    remedy_english = "See `opus-soap simulate case-system --help`."


class ProcessFailed(SimulationError):
    """A process of the demo did not start."""

    code = "SIM-003"
    danish = "{element} startede ikke: {value}"
    english = "{element} did not start: {value}"
    remedy_danish = "Læs loggen ovenfor; kør med --keep for at beholde den."
    remedy_english = "Read the log above; run with --keep to keep it."
