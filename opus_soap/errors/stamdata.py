"""EXT: master data as extracts, and back into the books."""

from __future__ import annotations

from collections.abc import Sequence

from opus_soap.errors.extracts import ExtractError


class ImportRefused(ExtractError):
    """Files of master data have mistakes: nothing of them is in the books. `mistakes` tells each."""

    code = "EXT-110"
    danish = "Stamdata er ikke indlæst: {value} fejl"
    english = "The master data are not loaded: {value} mistakes"
    remedy_danish = "Ret filerne, og indlæs dem igen; intet er ændret."
    remedy_english = "Correct the files and load them again; nothing has changed."

    def __init__(self, mistakes: Sequence[object], more: bool = False) -> None:
        super().__init__(value=f"{len(mistakes)}{'+' if more else ''}")
        self.mistakes = mistakes


class ImportFileUnreadable(ExtractError):
    """A file of master data is no XML or CSV that can be read."""

    code = "EXT-111"
    danish = "Filen kan ikke læses: {value}"
    english = "The file cannot be read: {value}"
    remedy_danish = "Lav den igen: UTF-8, uden DOCTYPE; i CSV semikolon mellem kolonnerne."
    remedy_english = "Make it again: UTF-8, without DOCTYPE; in CSV semicolons between the columns."


class ImportTooLarge(ExtractError):
    """A file, a record or the number of records is larger than what is read."""

    code = "EXT-112"
    danish = "{element} er {value}; højst {expected}"
    english = "{element} is {value}; at most {expected}"
    remedy_danish = "Del leverancen i flere filer, og indlæs dem hver for sig."
    remedy_english = "Divide the delivery into several files, and load them one by one."


class ImportTableUnknown(ExtractError):
    """It cannot be told which table a file or a record is of."""

    code = "EXT-113"
    danish = "{value} er ingen tabel; skal være {expected}"
    english = "{value} is no table; it must be {expected}"
    remedy_danish = "Kald en CSV-fil TABEL.csv eller NOGET_TABEL.csv; XML har roden Stamdata."
    remedy_english = "Call a CSV file TABLE.csv or SOMETHING_TABLE.csv; the root of XML is Stamdata."


class ImportElementUnknown(ExtractError):
    """A record has an element or a column that its table has not, or has it twice."""

    code = "EXT-114"
    danish = "{element} er ukendt eller står to gange; tabellen har {expected}"
    english = "{element} is unknown or stands twice; the table has {expected}"
    remedy_danish = (
        "Brug tabellens navne, hvert højst én gang, i CSV med semikolon imellem; hvilke en ny post "
        "skal have, står i docs/interfaces/master-data.md."
    )
    remedy_english = (
        "Use the names of the table, each once at most, in CSV with semicolons between them; which of them "
        "a new record needs is told in docs/interfaces/master-data.md."
    )


class ImportValueMissing(ExtractError):
    """A value that a record must have is not there."""

    code = "EXT-115"
    danish = "{element} mangler"
    english = "{element} is missing"
    remedy_danish = "Udfyld den."
    remedy_english = "Fill it in."


class ImportValueWrong(ExtractError):
    """A value is not of its form."""

    code = "EXT-116"
    danish = "{element} er {value}; skal være {expected}"
    english = "{element} is {value}; it must be {expected}"
    remedy_danish = "Ret værdien."
    remedy_english = "Correct the value."


class ImportKeyTwice(ExtractError):
    """Two records of a delivery have the same key."""

    code = "EXT-117"
    danish = "{value} står allerede i {element} linje {expected}"
    english = "{value} stands in {element} line {expected} already"
    remedy_danish = "Lad den ene stå."
    remedy_english = "Leave one of them."


class ImportStructureWrong(ExtractError):
    """A file is not built as the contract says."""

    code = "EXT-118"
    danish = "{element} følger ikke skemaet: {value}"
    english = "{element} does not keep to the schema: {value}"
    remedy_danish = "Følg rækkefølgen i wsdl/Udtraek/Stamdata.xsd."
    remedy_english = "Keep to the order of wsdl/Udtraek/Stamdata.xsd."


class ImportCannotRemove(ExtractError):
    """Something is to be taken away that cannot be blocked."""

    code = "EXT-119"
    danish = "{element} {value} kan ikke spærres, og intet slettes"
    english = "{element} {value} cannot be blocked, and nothing is deleted"
    remedy_danish = "Tag den med i filen, som den er, eller indlæs uden --complete."
    remedy_english = "Put it into the file as it is, or load without --complete."


class ImportRuleDiffers(ExtractError):
    """The rule that a file tells for an account is not the one that covers it."""

    code = "EXT-120"
    danish = "Kontoreglen for {element} er {value} i filen; i bøgerne er den {expected}"
    english = "The rule of {element} is {value} in the file; in the books it is {expected}"
    remedy_danish = "Indlæs også ACCOUNT_RULE, eller udelad RULE, REQUIRES_ONE_OF og FORBIDS."
    remedy_english = "Load ACCOUNT_RULE too, or leave out RULE, REQUIRES_ONE_OF and FORBIDS."


class ImportReferenceUnknown(ExtractError):
    """A record names another that is neither in the books nor in the files."""

    code = "EXT-121"
    danish = "{element} {value} findes hverken i bøgerne eller i filerne"
    english = "{element} {value} is neither in the books nor in the files"
    remedy_danish = "Tag den med, eller ret værdien."
    remedy_english = "Put it in, or correct the value."


class ImportHierarchyLoops(ExtractError):
    """A value of a dimension is above itself."""

    code = "EXT-122"
    danish = "{element} {value} er overordnet sig selv"
    english = "{element} {value} is above itself"
    remedy_danish = "Ret PARENT."
    remedy_english = "Correct PARENT."


class ImportNotComplete(ExtractError):
    """A file is to count as all there is, but does not hold it."""

    code = "EXT-123"
    danish = "Filen holder ikke det hele ({value}); --complete ville spærre resten"
    english = "The file does not hold everything ({value}); --complete would block the rest"
    remedy_danish = "Indlæs den uden --complete, eller bestil et fuldt udtræk af Stamdata."
    remedy_english = "Load it without --complete, or order a full extract of Stamdata."


class ImportCompanyDiffers(ExtractError):
    """A file is of another company code than it is loaded into."""

    code = "EXT-124"
    danish = "Filen er for firmakode {value}; der indlæses i {expected}"
    english = "The file is of company code {value}; it is loaded into {expected}"
    remedy_danish = "Angiv --company-code, eller ret filen."
    remedy_english = "Say --company-code, or correct the file."


class ImportDiskFailed(ExtractError):
    """What was read could not be set aside to be sorted."""

    code = "EXT-125"
    danish = "Det læste kan ikke lægges til side: {value}"
    english = "What was read cannot be set aside: {value}"
    remedy_danish = "Skaf plads i mappen til midlertidige filer (TMPDIR)."
    remedy_english = "Make room in the folder of temporary files (TMPDIR)."


class ImportRemovalUnclear(ExtractError):
    """An extract says that a creditor is no more, which may mean that it is just not told any longer."""

    code = "EXT-126"
    danish = "{element} {value}: SLETTET kan betyde, at kreditoren blot ikke længere er i udtrækket"
    english = "{element} {value}: SLETTET may mean that the creditor is just not in the extract any more"
    remedy_danish = "Indlæs et udtræk af stamdata med personer (PERSONS), eller en CSV-fil."
    remedy_english = "Load an extract of stamdata with persons (PERSONS), or a CSV file."


class ImportEncodingWrong(ExtractError):
    """A CSV file is in the code of a spreadsheet's country, or in UTF-16."""

    code = "EXT-127"
    danish = "Filen er ikke UTF-8: byte {value} i linje {element}"
    english = "The file is not UTF-8: byte {value} in line {element}"
    remedy_danish = (
        "Gem den som UTF-8. I Excel: Filer, Gem som, filtypen »CSV UTF-8«; den almindelige »CSV« er "
        "Windows-1252."
    )
    remedy_english = (
        "Save it as UTF-8. In Excel: File, Save As, the type “CSV UTF-8”; the plain “CSV” is Windows-1252."
    )


class ImportRemovalUnknown(ExtractError):
    """Something is to be taken away that there is not: its key may be mistyped."""

    code = "EXT-128"
    danish = "{element} {value} er SLETTET i filen, men findes ikke i bøgerne"
    english = "{element} {value} is SLETTET in the file, but is not in the books"
    remedy_danish = (
        "Ret nøglen, eller tag posten ud; er den rigtig, mangler en tidligere leverance at blive indlæst."
    )
    remedy_english = (
        "Correct the key, or take the record out; if it is right, an earlier delivery has not been loaded."
    )


class ImportColumnsMissing(ExtractError):
    """A table lacks columns of its key, or a new record some that it must tell."""

    code = "EXT-129"
    danish = "{element} kræver kolonnerne {value}; tabellen har {expected}"
    english = "{element} needs the columns {value}; the table has {expected}"
    remedy_danish = "Tilføj dem. I kolonner som BALANCE_ACCOUNT, ASSIGNABLE og BLOCKED er X ja, tom nej."
    remedy_english = "Add them. In columns such as BALANCE_ACCOUNT, ASSIGNABLE, BLOCKED: X is yes, empty no."


class ImportWouldBeUndone(ExtractError):
    """A declaration says otherwise than what was imported, or than rights that somebody has set.

    `changes` tells each record.
    """

    code = "EXT-160"
    danish = "Filen ville ændre {value} poster, der er indlæst eller sat på anden vis; intet er ændret"
    english = "The file would change {value} records that were imported or set otherwise; nothing has changed"
    remedy_danish = "Ret filen til det, der gælder, eller sig --overwrite; prøv først med --dry-run."
    remedy_english = "Let the file say what counts, or say --overwrite; try with --dry-run first."

    def __init__(self, changes: Sequence[object]) -> None:
        super().__init__(value=len(changes))
        self.changes = changes
