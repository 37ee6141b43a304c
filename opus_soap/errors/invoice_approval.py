"""FAK: SF1590_D, invoices for approval."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


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


class AmountNegative(InvoiceApprovalError):
    """An amount has a sign; DebetKreditIndikator alone says which side it is on."""

    code = "FAK-015"
    danish = "{element}: beløbet {value} er negativt; DebetKreditIndikator er {expected}"
    english = "{element}: the amount {value} is negative; DebetKreditIndikator is {expected}"
    remedy_danish = "Angiv beløbet uden fortegn, og siden med DebetKreditIndikator."
    remedy_english = "Give the amount without a sign, and its side by DebetKreditIndikator."


class VatTooHigh(InvoiceApprovalError):
    """The lines on the VAT refund account are more than the VAT on the invoice."""

    code = "FAK-016"
    danish = "{element}: {value} kr. på momskontoen; fakturaens moms er {expected} kr."
    english = "{element}: {value} kroner on the VAT account; the invoice's VAT is {expected} kroner"
    remedy_danish = "Ret momslinjerne, eller udelad dem, så momsen beregnes efter artskontoen."
    remedy_english = "Correct the VAT lines, or leave them out: VAT then follows from the account."


class ReconciliationAccount(InvoiceApprovalError):
    """An answer posts on the suppliers' reconciliation account, which follows by itself."""

    code = "FAK-017"
    danish = "{element}: {value} er kreditorernes samlekonto; den posteres af sig selv"
    english = "{element}: {value} is the suppliers' reconciliation account; it is posted on by itself"
    remedy_danish = "Kontér udgiften; kreditoren krediteres automatisk."
    remedy_english = "Assign the cost; the supplier is credited by itself."


class AccountNotAssignable(InvoiceApprovalError):
    """An answer posts on an account that case systems may not post on (bank, equity, loans)."""

    code = "FAK-031"
    danish = "{element}: artskonto {value} kan ikke konteres fra et fagsystem"
    english = "{element}: the G/L account {value} is not for case systems to post on"
    remedy_danish = "Kontér på en resultatkonto, eller få kontoen åbnet i stamdata (assignable)."
    remedy_english = "Use a result account, or have the account opened in the master data (assignable)."


class TooManyLines(InvoiceApprovalError):
    """An answer has more posting lines than are taken."""

    code = "FAK-032"
    danish = "{element}: svaret har {value} posteringer; højst {expected}"
    english = "{element}: the answer has {value} postings; at most {expected}"
    remedy_danish = "Saml posteringerne, så der er én pr. kontering."
    remedy_english = "Put the postings together, one for each account assignment."


class MoreReasons(InvoiceApprovalError):
    """The last reason of a refusal that has more of them than are told."""

    code = "FAK-034"
    danish = "Der er {value} fejl mere i svaret"
    english = "There are {value} more errors in the answer"
    remedy_danish = "Ret de nævnte fejl først."
    remedy_english = "Correct the errors named first."


class ReversalNotPossible(InvoiceApprovalError):
    """What the answer corrects cannot be reversed."""

    code = "FAK-033"
    danish = "Bilag {element} kan ikke tilbageføres: {value}"
    english = "The voucher {element} cannot be reversed: {expected}"
    remedy_danish = "Få perioden åbnet, eller giv rettelsen en bogføringsdato i en åben periode."
    remedy_english = "Have the period opened, or date the correction in an open period."


class DocumentTypeWrong(InvoiceApprovalError):
    """The document type is not the one of the invoice."""

    code = "FAK-018"
    danish = "{element}: bilagsarten {value} kan ikke bruges; fakturaens er {expected}"
    english = "{element}: the document type {value} cannot be used; the invoice's is {expected}"
    remedy_danish = "Udelad bilagsarten, eller angiv fakturaens."
    remedy_english = "Leave the document type out, or give the invoice's."


class DateDiffers(InvoiceApprovalError):
    """A date of a line is not that of the voucher, or of the invoice."""

    code = "FAK-019"
    danish = "{element}: {value}; forventet {expected}"
    english = "{element}: {value}; expected {expected}"
    remedy_danish = "Et bilag har én bogføringsdato, og forfaldsdatoen er fakturaens."
    remedy_english = "A voucher has one posting date, and the due date is the invoice's."


class RouteWrong(InvoiceApprovalError):
    """HovedOplysninger names another sender or receiver than the agreement does."""

    code = "FAK-010"
    danish = "{element}: {value} passer ikke med aftalen ({expected})"
    english = "{element}: {value} does not agree with the agreement ({expected})"
    remedy_danish = "Ret Rute i HovedOplysninger, eller udelad den."
    remedy_english = "Correct Rute in HovedOplysninger, or leave it out."


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


class InvoiceAmbiguous(InvoiceApprovalError):
    """Several suppliers have used this invoice number."""

    code = "FAK-030"
    danish = "Flere fakturaer har nummeret {value}: {expected}"
    english = "Several invoices have the number {value}: {expected}"
    remedy_danish = "Angiv fakturaens UUID i stedet for nummeret."
    remedy_english = "Give the invoice's UUID instead of its number."


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


class SystemForeign(InvoiceApprovalError):
    """The receiver belongs to another municipality."""

    code = "FAK-029"
    danish = "{element} hører til kommune {value}; fakturaen er kommune {expected}s"
    english = "{element} belongs to municipality {value}; the invoice is of municipality {expected}"
    remedy_danish = "Vælg et system, som kommunen selv har en aftale med."
    remedy_english = "Choose a system that the municipality itself has an agreement with."


class FileUnreadable(InvoiceApprovalError):
    """An invoice file could not be read from disk."""

    code = "FAK-028"
    danish = "Filen {element} kan ikke læses eller skrives: {value}"
    english = "The file {element} cannot be read or written: {value}"
    remedy_danish = "Kontrollér stien og rettighederne."
    remedy_english = "Check the path and the permissions."
