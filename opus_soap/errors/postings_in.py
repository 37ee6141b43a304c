"""PIN: files of postings. The digits of a code are the receipt's MESSAGE_NUM; 001–399 are the format's own.

400–419 the file, 421–439 the schema, 441–479 a voucher and its lines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from opus_soap.errors.base import OpusSoapError, danish_dates


class PostingsInError(OpusSoapError):
    """A file of postings, a voucher or a line in it."""

    @classmethod
    def number(cls) -> str:
        """MESSAGE_NUM in the receipt."""
        return cls.code[-3:]


class PostingFileRefused(PostingsInError):
    """A file that has no effect as a whole; `errors` holds every reason, `control` its CONTROL_FIELDS."""

    code = "PIN-400"
    danish = "Filen er afvist: {value}"
    english = "The file was refused: {value}"
    remedy_danish = "Ret de nævnte fejl, og send filen igen under et nyt navn."
    remedy_english = "Correct the errors named and send the file again under a new name."

    def __init__(self, errors: Sequence[OpusSoapError], control: Mapping[str, str] | None = None) -> None:
        self.errors = tuple(errors)
        self.control = dict(control or {})
        super().__init__(value="; ".join(error.text_danish for error in self.errors))

    @property
    def text_english(self) -> str:
        """The English sentence, with the reasons in English."""
        return self.english.format(value="; ".join(error.text_english for error in self.errors))


class PostingFileUnreadable(PostingsInError):
    """The file is not well-formed XML in the encoding that it declares, or has a DOCTYPE."""

    code = "PIN-401"
    danish = "Filen kan ikke læses som XML ({element}): {value}"
    english = "The file cannot be read as XML ({element}): {value}"
    remedy_danish = "Send en hel fil med velformet XML, uden DOCTYPE, i den tegnkodning den angiver."
    remedy_english = "Send a whole file of well-formed XML, without a DOCTYPE, in the encoding it declares."


class PostingRootWrong(PostingsInError):
    """The root is not FinancePostingRequest in its namespace."""

    code = "PIN-402"
    danish = "Filens rod er {value}; forventet {expected}"
    english = "The root of the file is {value}; expected {expected}"
    remedy_danish = "Kun roden har navnerum; elementerne i den har ikke."
    remedy_english = "Only the root has a namespace; the elements in it have none."


class PostingPartsQualified(PostingsInError):
    """The elements in the root have its namespace: mostly, because the root declares it without a prefix."""

    code = "PIN-412"
    danish = "Elementerne i {element} har rodens navnerum; kun roden selv må have det"
    english = "The elements in {element} have the root's namespace; only the root itself may"
    remedy_danish = (
        "Giv roden et præfiks: <n0:FinancePostingRequest xmlns:n0=…> i stedet for "
        "<FinancePostingRequest xmlns=…>; elementerne i den skrives uden."
    )
    remedy_english = (
        "Give the root a prefix: <n0:FinancePostingRequest xmlns:n0=…> instead of "
        "<FinancePostingRequest xmlns=…>; the elements in it are written without."
    )


class PostingFileTooLarge(PostingsInError):
    """The file, or the number of its vouchers or lines, is above a limit of the settings."""

    code = "PIN-403"
    danish = "Filen er for stor: {element} {value}, højst {expected}"
    english = "The file is too large: {element} {value}, at most {expected}"
    remedy_danish = "Del filen i flere."
    remedy_english = "Split the file."


class PostingFileNameWrong(PostingsInError):
    """FILE_NAME and what the file says of itself, or what it is called, do not agree."""

    code = "PIN-404"
    danish = "{element} er {value}, men filnavnet siger {expected}"
    english = "{element} is {value}, but the file name says {expected}"
    remedy_danish = "Filnavnet er ZFIR_KMD_Opus_Posteringer_IND_kommune_afsender_ååååmmdd_ttmmss.xml."
    remedy_english = "The file name is ZFIR_KMD_Opus_Posteringer_IND_municipality_sender_yyyymmdd_hhmmss.xml."


class PostingFileEmpty(PostingsInError):
    """The file has no voucher."""

    code = "PIN-405"
    danish = "Filen indeholder ingen bilag (POSTING_DOCUMENT)"
    english = "The file holds no voucher (POSTING_DOCUMENT)"
    remedy_danish = "Send kun filer med mindst ét bilag."
    remedy_english = "Send only files with at least one voucher."


class PostingShortWrong(PostingsInError):
    """The file name is that of another sender than the agreement's."""

    code = "PIN-410"
    danish = "Filnavnets afsender er {value}; i aftalen med {element} er den {expected}"
    english = "The sender in the file name is {value}; in the agreement with {element} it is {expected}"
    remedy_danish = "Brug aftalens fire tegn i filnavnet, eller ret aftalen (`senders add`)."
    remedy_english = "Use the agreement's four characters in the file name, or change them (`senders add`)."


class PostingElementUnknown(PostingsInError):
    """An element that the schema does not know there."""

    code = "PIN-421"
    danish = "Elementet {value} findes ikke i {element}; forventet {expected}"
    english = "There is no element {value} in {element}; expected {expected}"
    remedy_danish = "Ret navnet, eller fjern elementet. Store bogstaver og understreger tæller."
    remedy_english = "Correct the name, or remove the element. Capitals and underscores count."


class PostingElementMisplaced(PostingsInError):
    """An element that stands after one that it must precede."""

    code = "PIN-422"
    danish = "{element} står efter {value}; skal stå før"
    english = "{element} stands after {value}; must stand before it"
    remedy_danish = "Elementerne skal komme i skemaets rækkefølge."
    remedy_english = "The elements must come in the order of the schema."


class PostingElementMissing(PostingsInError):
    """An element that must be there is not."""

    code = "PIN-423"
    danish = "{element} mangler {expected}"
    english = "{element} lacks {expected}"
    remedy_danish = "Tilføj elementet."
    remedy_english = "Add the element."


class PostingElementRepeated(PostingsInError):
    """An element that may be there once is there again."""

    code = "PIN-424"
    danish = "{element} står der igen; højst én gang"
    english = "{element} stands there again; at most once"
    remedy_danish = "Saml indholdet i ét element (alle LINE i samme LINES)."
    remedy_english = "Put the content into one element (all LINE into the same LINES)."


class PostingValueTooLong(PostingsInError):
    """A value of more characters than its field takes."""

    code = "PIN-425"
    danish = "{element} har {value} tegn; højst {expected}"
    english = "{element} has {value} characters; at most {expected}"
    remedy_danish = "Forkort værdien; den afkortes ikke for dig."
    remedy_english = "Shorten the value; it is not cut off for you."


class PostingValueWrong(PostingsInError):
    """A value that does not have the form of its field."""

    code = "PIN-426"
    danish = "{element} er „{value}”; forventet {expected}"
    english = "{element} is “{value}”; expected {english}"
    remedy_danish = "Ret værdien til feltets form."
    remedy_english = "Give the value the form of its field."


class PostingContentUnexpected(PostingsInError):
    """Text between elements, elements inside a value, or an attribute: the format has none."""

    code = "PIN-427"
    danish = "{element} indeholder {value}; forventet {expected}"
    english = "{element} contains {value}; expected {expected}"
    remedy_danish = "Fjern det."
    remedy_english = "Remove it."


class PostingLineCountWrong(PostingsInError):
    """NO_DOC_POSITION is not the number of lines."""

    code = "PIN-441"
    danish = "NO_DOC_POSITION er {value}; bilaget har {expected} linjer"
    english = "NO_DOC_POSITION is {value}; the voucher has {expected} lines"
    remedy_danish = "Skriv antallet af LINE i NO_DOC_POSITION."
    remedy_english = "Write the number of LINE into NO_DOC_POSITION."


class PostingTotalWrong(PostingsInError):
    """BALANCE_DEBET or BALANCE_CREDIT is not the sum of its lines."""

    code = "PIN-442"
    danish = "{element} er {value}; linjerne giver {expected}"
    english = "{element} is {value}; the lines give {expected}"
    remedy_danish = "Beregn summen af linjerne på ny."
    remedy_english = "Compute the sum of the lines again."


class PostingUnbalanced(PostingsInError):
    """Debit and credit of a voucher do not sum to zero."""

    code = "PIN-443"
    danish = "Bilaget stemmer ikke: debet og kredit giver tilsammen {value}, skal give {expected}"
    english = "The voucher does not balance: debit and credit give {value} together, must give {expected}"
    remedy_danish = "Ret linjerne, så bilaget går i nul."
    remedy_english = "Correct the lines so that the voucher sums to zero."


class PostingSignWrong(PostingsInError):
    """The sign of an amount against D or K."""

    code = "PIN-444"
    danish = "AMT_DOCCUR er {value}, men linjen er {expected}"
    english = "AMT_DOCCUR is {value}, but the line is {expected}"
    remedy_danish = "Debet (D) er positivt, kredit (K) negativt."
    remedy_english = "Debit (D) is positive, credit (K) negative."


class PostingAmountZero(PostingsInError):
    """A line of no amount."""

    code = "PIN-445"
    danish = "AMT_DOCCUR er {value}; en linje skal have et beløb"
    english = "AMT_DOCCUR is {value}; a line must have an amount"
    remedy_danish = "Udelad linjen."
    remedy_english = "Leave the line out."


class PostingDateImpossible(PostingsInError):
    """A day that the calendar does not have."""

    code = "PIN-446"
    danish = "{element} er {value}; den dag findes ikke"
    english = "{element} is {value}; there is no such day"
    remedy_danish = "Ret datoen (ååååmmdd)."
    remedy_english = "Correct the date (yyyymmdd)."


class PostingReferenceRepeated(PostingsInError):
    """Two lines of a voucher have the same REF_KEY_3."""

    code = "PIN-447"
    danish = "REF_KEY_3 {value} står også på linje {expected}"
    english = "REF_KEY_3 {value} also stands on line {expected}"
    remedy_danish = "Giv hver linje i bilaget sit eget nummer."
    remedy_english = "Give each line of the voucher a number of its own."


class PostingAssignmentDouble(PostingsInError):
    """Cost centre and WBS element on the same line."""

    code = "PIN-448"
    danish = "Linjen har både COSTCENTER {value} og WBS_ELEMENT {expected}"
    english = "The line has both COSTCENTER {value} and WBS_ELEMENT {expected}"
    remedy_danish = "Brug det ene eller det andet."
    remedy_english = "Use one or the other."


class PostingPersonNumber(PostingsInError):
    """What looks like a CPR number in a field that anybody may read. The value is never shown."""

    code = "PIN-449"
    danish = "{element} ligner et CPR-nummer"
    english = "{element} looks like a CPR number"
    remedy_danish = "CPR-numre hører til i PAYEE_NO, SERV_REC_NO og INFORM_DUTY_NO med kode 02."
    remedy_english = "CPR numbers belong in PAYEE_NO, SERV_REC_NO and INFORM_DUTY_NO with code 02."


class PostingPartyWrong(PostingsInError):
    """A number of a person or company without its code, or that its code does not fit. Never shown."""

    code = "PIN-450"
    danish = "{element} passer ikke til koden {value}: {expected}"
    english = "{element} does not fit the code {value}: {english}"
    remedy_danish = "Kode 02 er et CPR-nummer (10 cifre), 01 et CVR-nummer (8 cifre)."
    remedy_english = "Code 02 is a CPR number (10 digits), 01 a CVR number (8 digits)."


class PostingAttachmentWrong(PostingsInError):
    """An attachment is not base64, has another length than it says, or a type that is not taken."""

    code = "PIN-451"
    danish = "Bilagsfilen {element}: {value}; forventet {expected}"
    english = "The attachment {element}: {value}; expected {expected}"
    remedy_danish = "Ret FILE, FILE_LENGTH (antal byte før base64) eller FILE_TYPE."
    remedy_english = "Correct FILE, FILE_LENGTH (bytes before base64) or FILE_TYPE."


class PostingForeignMunicipality(PostingsInError):
    """A voucher for another municipality than the file is sent to."""

    code = "PIN-452"
    danish = "MUNICIPALITY er {value}; filen er til kommune {expected}"
    english = "MUNICIPALITY is {value}; the file is for municipality {expected}"
    remedy_danish = "Send hver kommune sin egen fil."
    remedy_english = "Send each municipality a file of its own."


class PostingRateMissing(PostingsInError):
    """A voucher in another currency than the company code's, and no rate to convert it by."""

    code = "PIN-453"
    danish = "CURRENCY er {value}; der er ingen kurs pr. {expected}"
    english = "CURRENCY is {value}; there is no rate on {expected}"
    remedy_danish = "Få kursen registreret (`opus-soap systems rate add`)."
    remedy_english = "Have the rate registered (`opus-soap systems rate add`)."

    @property
    def text_danish(self) -> str:
        """The Danish sentence, the day written as Danes do."""
        return danish_dates(super().text_danish)


class PostingRateWrong(PostingsInError):
    """A rate that cannot be meant: none at all, another unit, or far from the municipality's own."""

    code = "PIN-457"
    danish = "EXCH_RATE er {value}; forventet {expected}"
    english = "EXCH_RATE is {value}; expected {expected}"
    remedy_danish = "EXCH_RATE er kroner for 100 enheder af CURRENCY; udelad den for firmakodens egen valuta."
    remedy_english = "EXCH_RATE is kroner for 100 units of CURRENCY; leave it out for the company code's own."


class PostingRateUnchecked(PostingsInError):
    """The municipality has no rate to hold a given one against, and the agreement does not take it."""

    code = "PIN-459"
    danish = "EXCH_RATE er {value}; kommunen har ingen kurs på {element} pr. {expected} at sammenligne med"
    english = (
        "EXCH_RATE is {value}; the municipality has no rate of {element} on {expected} to compare it with"
    )
    remedy_danish = (
        "Få kursen registreret (`opus-soap systems rate add`), eller aftal egne kurser (--own-rates)."
    )
    remedy_english = "Have the rate registered (`opus-soap systems rate add`), or agree on --own-rates."


class PostingReversalUnknown(PostingsInError):
    """XREF2_HD says that the voucher reverses another, which cannot be found, or is not in the books."""

    code = "PIN-458"
    danish = "Bilaget tilbagefører {value}, som {expected}"
    english = "The voucher reverses {value}, which {expected}"
    remedy_danish = "XREF2_HD er TBF: og RECEIV_DOC på et bogført bilag fra samme afsender og firmakode."
    remedy_english = "XREF2_HD is TBF: and the RECEIV_DOC of a booked voucher of the same sender and company."


class PostingCompanyCodeForeign(PostingsInError):
    """A voucher for a company code that is not there, or that the sender may not post in."""

    code = "PIN-454"
    danish = "COMP_CODE er {value}; afsenderen må bogføre i {expected}"
    english = "COMP_CODE is {value}; the sender may post in {expected}"
    remedy_danish = "Ret firmakoden, eller få afsenderaftalen udvidet."
    remedy_english = "Correct the company code, or have the sender's agreement extended."


class PostingDocumentTypeForeign(PostingsInError):
    """A document type that the sender may not post."""

    code = "PIN-455"
    danish = "DOC_TYPE er {value}; afsenderen må bruge {expected}"
    english = "DOC_TYPE is {value}; the sender may use {expected}"
    remedy_danish = "Ret bilagsarten, eller få afsenderaftalen udvidet."
    remedy_english = "Correct the document type, or have the sender's agreement extended."


class PostingRepeated(PostingsInError):
    """A voucher number that was taken before; the receipt says 301, and this what differs."""

    code = "PIN-456"
    danish = "Bilag {element} er modtaget i {expected} {value}"
    english = "The voucher {element} was received in {expected} {value}"
    remedy_danish = "Er det et nyt bilag, skal det have sit eget RECEIV_DOC."
    remedy_english = "If it is a new voucher, it needs a RECEIV_DOC of its own."


class PostingSenderUnknown(PostingsInError):
    """No agreement knows the sender, or it has been stopped."""

    code = "PIN-406"
    danish = "Afsenderen {value} har ingen aftale om posteringer i kommune {expected}"
    english = "The sender {value} has no agreement on postings in municipality {expected}"
    remedy_danish = "Få afsenderen oprettet: `opus-soap postings senders add`."
    remedy_english = "Have the sender registered: `opus-soap postings senders add`."


class PostingFileNameUsed(PostingsInError):
    """A file of this name came before, with other content."""

    code = "PIN-407"
    danish = "En fil ved navn {value} er modtaget {expected} med andet indhold"
    english = "A file of the name {value} was received {expected} with other content"
    remedy_danish = "Giv hver fil sit eget navn; dato og klokkeslæt skiller dem."
    remedy_english = "Give each file a name of its own; date and time tell them apart."


class PostingReceiverWrong(PostingsInError):
    """RECEIVER names another municipality's client."""

    code = "PIN-408"
    danish = "RECEIVER er {value}; forventet klient {expected}"
    english = "RECEIVER is {value}; expected client {expected}"
    remedy_danish = "Klienten i RECEIVER er kommunens nummer."
    remedy_english = "The client in RECEIVER is the municipality's number."


class PostingFileUnknown(PostingsInError):
    """No file of this name came in."""

    code = "PIN-409"
    danish = "Filen {value} er ikke modtaget"
    english = "The file {value} has not been received"
    remedy_danish = "Se `opus-soap postings list`."
    remedy_english = "See `opus-soap postings list`."
