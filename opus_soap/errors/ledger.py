"""LED: the books."""

from __future__ import annotations

from collections.abc import Sequence

from opus_soap.errors.base import OpusSoapError, danish_dates


class LedgerError(OpusSoapError):
    """A voucher may not be posted as asked, or the books do not hold."""

    @property
    def text_danish(self) -> str:
        """The Danish sentence, days written as Danes do."""
        return danish_dates(super().text_danish)


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

    @property
    def text_english(self) -> str:
        """The English sentence, with the reasons in English."""
        return self.english.format(value="; ".join(error.text_english for error in self.errors))


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


class TextUntellable(LedgerError):
    """A text has a control character, or one that is none: no extract could ever tell it."""

    code = "LED-047"
    danish = "{element}: tegnet {value} kan ikke stå i en tekst"
    english = "{element}: the character {value} cannot stand in a text"
    remedy_danish = "Fjern tegnet; det kommer ofte med fra et andet program."
    remedy_english = "Remove the character; it often comes along from another program."


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


class SupplierMissing(LedgerError):
    """A posting on the suppliers' reconciliation account says no supplier."""

    code = "LED-009"
    danish = "{element}: en postering på kreditorernes samlekonto {value} mangler kreditor"
    english = "{element}: a posting on the suppliers' reconciliation account {value} lacks a supplier"
    remedy_danish = "Angiv kreditoren."
    remedy_english = "Give the supplier."


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


class PeriodUnknown(LedgerError):
    """There is no such period."""

    code = "LED-026"
    danish = "Perioden {value} findes ikke; forventet {expected}"
    english = "The period {value} does not exist; expected {expected}"
    remedy_danish = "Brug en periode fra 1 til 12, eller 13 til 15 i supplementsperioden."
    remedy_english = "Use a period from 1 to 12, or 13 to 15 in the supplement period."


class PeriodAgainstDate(LedgerError):
    """The period is not the posting date's: 1–12 is its month, 13–15 a supplement to a year that is told."""

    code = "LED-027"
    danish = "Periode {value} passer ikke til bogføringsdatoen {element}; forventet {expected}"
    english = "The period {value} does not agree with the posting date {element}; expected {expected}"
    remedy_danish = "Udelad perioden, eller angiv regnskabsår og periode 13–15 for en supplementspostering."
    remedy_english = "Leave the period out, or give fiscal year and period 13–15 for a supplement posting."


class DocumentTypeUnknown(LedgerError):
    """The document type does not exist."""

    code = "LED-023"
    danish = "Bilagsart {value} findes ikke i firmakode {expected}"
    english = "The document type {value} does not exist in company code {expected}"
    remedy_danish = "Brug en bilagsart fra stamdata (`opus-soap master-data document-types`)."
    remedy_english = "Use a document type of the master data (`opus-soap master-data document-types`)."


class AlreadyReversed(LedgerError):
    """A voucher can be reversed once."""

    code = "LED-024"
    danish = "Bilag {element} er allerede tilbageført ved bilag {value}"
    english = "The voucher {element} has already been reversed by {value}"
    remedy_danish = "Bogfør et nyt bilag i stedet."
    remedy_english = "Post a new voucher instead."


class ReversalWaits(LedgerError):
    """A reversal of the voucher is parked; there can be no second one while it waits."""

    code = "LED-043"
    danish = "Bilag {element} har allerede en parkeret tilbageførsel: {value}"
    english = "The voucher {element} already has a reversal that is parked: {value}"
    remedy_danish = "Få den parkerede godkendt eller kasseret (`opus-soap vouchers parked`)."
    remedy_english = "Have the parked one released or dismissed (`opus-soap vouchers parked`)."


class ReversalDiffers(LedgerError):
    """A voucher that is said to reverse another is not its opposite, line for line. Amounts are kroner."""

    code = "LED-042"
    danish = "{element} er {value}; tilbageførslen af bilaget skal have {expected}"
    english = "{element} is {value}; the reversal of the voucher must have {expected}"
    remedy_danish = "Gentag bilagets linjer i samme rækkefølge med modsat fortegn, eller bogfør et nyt bilag."
    remedy_english = "Repeat the voucher's lines in their order with opposite signs, or post a new voucher."


class ReversalTooEarly(LedgerError):
    """A reversal is dated before the voucher that it reverses."""

    code = "LED-034"
    danish = "{element}: tilbageførslen kan ikke bogføres {value}, før bilaget selv ({expected})"
    english = "{element}: the reversal cannot be posted on {value}, before the voucher itself ({expected})"
    remedy_danish = "Tilbagefør på bilagets egen dato eller senere."
    remedy_english = "Reverse on the voucher's own date or later."


class DateImplausible(LedgerError):
    """A document or value date is so far from the posting date that it must be a mistake."""

    code = "LED-035"
    danish = "{element}: datoen {value} kan ikke være rigtig; forventet {expected}"
    english = "{element}: the date {value} cannot be right; expected {expected}"
    remedy_danish = "Ret datoen."
    remedy_english = "Correct the date."


class VoucherUnknown(LedgerError):
    """No voucher has this number."""

    code = "LED-025"
    danish = "Bilag {value} findes ikke"
    english = "The voucher {value} does not exist"
    remedy_danish = (
        "`opus-soap invoices list` og `opus-soap postings show` viser numrene, `opus-soap ledger show "
        "--reference` finder et bilag ved afsenderens nummer; kontrollér også firmakode, art og år."
    )
    remedy_english = (
        "`opus-soap invoices list` and `opus-soap postings show` tell the numbers, `opus-soap ledger show "
        "--reference` finds a voucher by its sender's; check company code, type and year too."
    )


class OpeningLineInvalid(LedgerError):
    """A line of a file of opening balances cannot be read."""

    code = "LED-028"
    danish = "{element}: {value} er ikke en primosaldo; forventet {expected}"
    english = "{element}: {value} is not an opening balance; expected {expected}"
    remedy_danish = "Ret linjen: konto;beløb i kroner, debet positiv, uden tusindtalsseparator, i UTF-8."
    remedy_english = (
        "Correct the line: account;amount in kroner, debit positive, no thousands separator, in UTF-8."
    )


class YearOpenedOtherwise(LedgerError):
    """A year's openings are either carried forward or entered, never both."""

    code = "LED-029"
    danish = "Regnskabsår {value} i firmakode {element} åbnes på anden vis: {expected}"
    english = "The fiscal year {value} of company code {element} is opened in another way: {expected}"
    remedy_danish = (
        "Indtast primosaldi (`opus-soap ledger open`) for det første år; "
        "senere år åbnes med `opus-soap ledger carry-forward`."
    )
    remedy_english = (
        "Enter opening balances (`opus-soap ledger open`) for the first year; "
        "later years are opened by `opus-soap ledger carry-forward`."
    )


class AccountNotBalance(LedgerError):
    """Only a balance account has an opening balance."""

    code = "LED-032"
    danish = "{element}: artskonto {value} er ikke en statuskonto"
    english = "{element}: the G/L account {value} is not a balance account"
    remedy_danish = "Lad resultatkonti ude; deres saldo hører til på balancekontoen."
    remedy_english = "Leave result accounts out; their balance belongs on the retained account."


class CompanyCodeUnknown(LedgerError):
    """The municipality or company code is not set up."""

    code = "LED-031"
    danish = "Firmakode {value} findes ikke"
    english = "The company code {value} does not exist"
    remedy_danish = "Indlæs stamdata (`opus-soap master-data load`)."
    remedy_english = "Load the master data (`opus-soap master-data load`)."


class MunicipalityUnknown(LedgerError):
    """The municipality is not set up."""

    code = "LED-033"
    danish = "Kommune {value} findes ikke"
    english = "The municipality {value} does not exist"
    remedy_danish = "Indlæs stamdata (`opus-soap master-data load`), eller ret kommunekoden."
    remedy_english = "Load the master data (`opus-soap master-data load`), or correct the code."


class ParkedVoucherUnknown(LedgerError):
    """No voucher is parked under this UUID."""

    code = "LED-036"
    danish = "Der er intet parkeret bilag {value}"
    english = "There is no parked voucher {value}"
    remedy_danish = "`opus-soap vouchers parked` viser de parkerede bilag."
    remedy_english = "`opus-soap vouchers parked` lists the vouchers that are parked."


class ParkedVoucherDecided(LedgerError):
    """The parked voucher has been released or dismissed before."""

    code = "LED-037"
    danish = "Det parkerede bilag {element} er {value} af {expected}"
    english = "The parked voucher {element} has been {value} by {expected}"
    remedy_danish = "Der er ikke mere at gøre; `opus-soap vouchers parked --all` viser afgørelsen."
    remedy_english = "There is nothing left to do; `opus-soap vouchers parked --all` shows the decision."

    @property
    def text_danish(self) -> str:
        """The Danish sentence, the decision in Danish."""
        decided = {"released": "godkendt", "dismissed": "forkastet"}
        return self.danish.format(
            element=self.element, value=decided.get(self.value, self.value), expected=self.expected
        )


class ReleaseByTheSame(LedgerError):
    """Whoever entered a voucher, or brought it in, decides nothing about it."""

    code = "LED-038"
    danish = "{value} har indtastet eller indleveret bilaget og kan ikke selv godkende eller kassere det"
    english = "{value} entered the voucher or brought it in, and can neither release nor dismiss it"
    remedy_danish = "Lad en anden bruger afgøre det."
    remedy_english = "Let another user decide."


class ReleaseNotAllowed(LedgerError):
    """The user has no right to release an amount on a profit centre; `*` are lines without one."""

    code = "LED-039"
    danish = "{element} må ikke godkende {value} kr. på {center} (grænse {expected}; * = uden profitcenter)"
    english = "{element} may not release {value} kr. on {center} (limit {expected}; * = no profit centre)"
    remedy_danish = "Giv brugeren ret til det (`opus-soap vouchers rights set`), eller lad en anden godkende."
    remedy_english = "Give the user the right (`opus-soap vouchers rights set`), or let another release it."


class DismissalNotAllowed(LedgerError):
    """The user has no right, on any profit centre, that covers the amount."""

    code = "LED-044"
    danish = "{element} må ikke kassere et bilag på {value} kr. (højeste beløbsgrænse {expected})"
    english = "{element} may not dismiss a voucher of {value} kroner (highest limit {expected})"
    remedy_danish = (
        "Giv brugeren ret til det (`opus-soap vouchers rights set`), eller lad en anden afgøre det."
    )
    remedy_english = "Give the user a right (`opus-soap vouchers rights set`), or let another decide."


class DecisionRefused(VoucherRefused):
    """The user may not decide about a parked voucher, which waits on; `errors` holds every reason."""

    code = "LED-045"
    danish = "Bilaget er stadig parkeret: {value}"
    english = "The voucher is still parked: {value}"
    remedy_danish = (
        "Lad en anden bruger afgøre det, eller giv brugeren ret (`opus-soap vouchers rights set`)."
    )
    remedy_english = "Let another user decide, or give the user a right (`opus-soap vouchers rights set`)."


class ParkedVoucherChanged(LedgerError):
    """A parked voucher is not what was parked: somebody has changed it in the database."""

    code = "LED-046"
    danish = "Det parkerede bilag {value} er ændret, siden det blev parkeret"
    english = "The parked voucher {value} has been changed since it was parked"
    remedy_danish = (
        "Kassér det (`opus-soap vouchers dismiss`), bed afsenderen sende det igen, og find ud af hvem."
    )
    remedy_english = "Dismiss it (`opus-soap vouchers dismiss`), have it sent again, and find out who did it."


class SealKeyUnusable(LedgerError):
    """The key that seals the ledger cannot be used."""

    code = "LED-040"
    danish = "Seglnøglen kan ikke bruges: {value}"
    english = "The seal key cannot be used: {value}"
    remedy_danish = (
        "Giv en Ed25519-nøgle i PEM, som kun ejeren kan læse (0600); "
        "`opus-soap ledger seal --create-key` laver en ny."
    )
    remedy_english = (
        "Give an Ed25519 key in PEM that only its owner can read (0600); "
        "`opus-soap ledger seal --create-key` makes a new one."
    )


class TrustedKeysUnreadable(LedgerError):
    """The list of keys whose seals are trusted cannot be read."""

    code = "LED-041"
    danish = "{element} kan ikke læses som betroede nøgler: {value}"
    english = "{element} cannot be read as trusted keys: {value}"
    remedy_danish = "Skriv offentlige nøgler (PEM) eller nøgle-id'er (64 hex-cifre), én pr. linje."
    remedy_english = "Write public keys (PEM) or key ids (64 hex digits), one on each line."
