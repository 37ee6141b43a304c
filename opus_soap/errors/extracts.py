"""EXT: extracts (udtræk) that are ordered, produced, handed over and verified."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class ExtractError(OpusSoapError):
    """An extract cannot be ordered, produced, handed over or trusted."""


class SubscriptionUnknown(ExtractError):
    """There is no subscription of this name."""

    code = "EXT-001"
    danish = "Der er intet abonnement {value} i kommune {expected}"
    english = "Municipality {expected} has no subscription {value}"
    remedy_danish = "Se `opus-soap extracts list`."
    remedy_english = "See `opus-soap extracts list`."


class SubscriptionInvalid(ExtractError):
    """A subscription says something that cannot be."""

    code = "EXT-002"
    danish = "{element} er {value}; det skal være {expected}"
    english = "{element} is {value}; it must be {expected}"
    remedy_danish = "Ret abonnementet: `opus-soap extracts subscribe NAVN …`."
    remedy_english = "Correct the subscription: `opus-soap extracts subscribe NAME …`."


class SubscriptionOverlaps(ExtractError):
    """The same receiver already gets the same data by another subscription."""

    code = "EXT-003"
    danish = "Abonnementet {value} giver allerede {element} det samme; posteringer ville komme to gange"
    english = "The subscription {value} already gives {element} the same; postings would come twice"
    remedy_danish = "Ret eller stop det andet abonnement, eller sig --allow-overlap."
    remedy_english = "Change or pause the other subscription, or say --allow-overlap."


class SubscriptionPaused(ExtractError):
    """A subscription that is paused is ordered from."""

    code = "EXT-004"
    danish = "Abonnementet {value} er sat på pause"
    english = "The subscription {value} is paused"
    remedy_danish = "Genoptag det: `opus-soap schedule resume NAVN`."
    remedy_english = "Resume it: `opus-soap schedule resume NAME`."


class ConditionInvalid(ExtractError):
    """A condition of a partial extract cannot be read."""

    code = "EXT-005"
    danish = "Betingelsen {value} kan ikke læses; skriv {expected}"
    english = "The condition {value} cannot be read; write {expected}"
    remedy_danish = "Fx COSTCENTER=4101, GL_ACCOUNT=40000000..49999999, DOC_TYPE=SA,KR, PROFIT_CTR=10*."
    remedy_english = "Such as COSTCENTER=4101, GL_ACCOUNT=40000000..49999999, DOC_TYPE=SA,KR, PROFIT_CTR=10*."


class ConditionUnknown(ExtractError):
    """A condition names a dimension that there is not, or a value that the books do not know."""

    code = "EXT-006"
    danish = "{element} {value} findes ikke i firmakode {expected}"
    english = "{element} {value} does not exist in company code {expected}"
    remedy_danish = "Se `opus-soap master-data dimensions`; et mønster (*) må gerne ramme ingenting."
    remedy_english = "See `opus-soap master-data dimensions`; a pattern (*) may match nothing."


class SubscriptionFixed(ExtractError):
    """Something of a subscription would be changed that what has been ordered rests on."""

    code = "EXT-007"
    danish = "{element} kan ikke ændres, når der er bestilt udtræk ({expected})"
    english = "{element} cannot be changed once extracts have been ordered ({expected})"
    remedy_danish = "Lav et andet abonnement, og sæt dette på pause."
    remedy_english = "Make another subscription, and pause this one."


class ConditionDimensionUnknown(ExtractError):
    """A condition names a dimension that there is not."""

    code = "EXT-008"
    danish = "Der er ingen dimension {value}; der er {expected}"
    english = "There is no dimension {value}; there are {expected}"
    remedy_danish = "Brug SAP's navn, fx COSTCENTER for omkostningssted."
    remedy_english = "Use SAP's name, such as COSTCENTER for a cost centre."


class SubscriptionEnded(ExtractError):
    """Something is asked of a subscription that has ended."""

    code = "EXT-009"
    danish = "Abonnementet {value} er afsluttet ({expected})"
    english = "The subscription {value} has ended ({expected})"
    remedy_danish = "Lav et nyt under et andet navn: `opus-soap extracts subscribe NAVN …`."
    remedy_english = "Make a new one under another name: `opus-soap extracts subscribe NAME …`."


class SubscriptionUnderWay(ExtractError):
    """A subscription cannot end: something of it has not been handed over."""

    code = "EXT-019"
    danish = "Abonnementet {element} kan ikke afsluttes; ikke afleveret er {value}"
    english = "The subscription {element} cannot end; not handed over are {value}"
    remedy_danish = (
        "Lad modtageren kvittere for det, den henter; andet afleveres med `opus-soap extracts run UDTRÆK`. "
        "Eller opgiv dem med --give-up."
    )
    remedy_english = (
        "Let the receiver confirm what it fetches; hand over the rest with `opus-soap extracts run EXTRACT`. "
        "Or give them up with --give-up."
    )


class ExtractFolderTaken(ExtractError):
    """A folder of an extract's name is there, and it is not what these books make."""

    code = "EXT-018"
    danish = "Mappen {element} findes allerede med noget andet i"
    english = "The folder {element} is there already, with something else in it"
    remedy_danish = "Andre bøger bruger samme mappe: sæt OPUS_SOAP_EXTRACTS_FOLDER, eller flyt den."
    remedy_english = "Other books use the same place: set OPUS_SOAP_EXTRACTS_FOLDER, or move the folder."


class ExtractUnknown(ExtractError):
    """There is no extract of this name."""

    code = "EXT-010"
    danish = "Der er intet udtræk {value}"
    english = "There is no extract {value}"
    remedy_danish = "Se `opus-soap extracts list`."
    remedy_english = "See `opus-soap extracts list`."


class ExtractNotReady(ExtractError):
    """Something is asked of an extract that has not come so far."""

    code = "EXT-011"
    danish = "Udtrækket {element} er {value}; det skal være {expected}"
    english = "The extract {element} is {value}; it must be {expected}"
    remedy_danish = "Se `opus-soap extracts show NAVN`."
    remedy_english = "See `opus-soap extracts show NAME`."


class ExtractKeyMissing(ExtractError):
    """No seal key: nothing could be proved."""

    code = "EXT-012"
    danish = "Der er ingen nøgle til at forsegle med ({value}); et udtræk kunne ikke bevises"
    english = "There is no key to seal with ({value}); an extract could not be proved"
    remedy_danish = "Lav den: `opus-soap ledger seal --create-key`, eller angiv OPUS_SOAP_SEAL_KEY_FILE."
    remedy_english = "Make it: `opus-soap ledger seal --create-key`, or set OPUS_SOAP_SEAL_KEY_FILE."


class ExtractDiffers(ExtractError):
    """An extract that is produced again is not the same."""

    code = "EXT-013"
    danish = "Udtrækket {element} kan ikke dannes igen: {value}"
    english = "The extract {element} cannot be produced again: {value}"
    remedy_danish = "Det, der blev dannet først, gælder. Kør `opus-soap ledger verify`."
    remedy_english = "What was produced first counts. Run `opus-soap ledger verify`."


class ExtractFormWrong(ExtractError):
    """What was written does not keep to its own schema: it is not handed over."""

    code = "EXT-014"
    danish = "Det dannede udtræk holder ikke sit skema ved {element}: {value}"
    english = "The extract that was made breaks its schema at {element}: {value}"
    remedy_danish = "Meld det som en fejl; bilaget nævnes i teksten."
    remedy_english = "Report it as a defect; the text names the voucher."


class ExtractFolderFailed(ExtractError):
    """The disk is full, or a folder cannot be written: nothing has its final name yet."""

    code = "EXT-015"
    danish = "Mappen {element} kan ikke skrives: {value}"
    english = "The folder {element} cannot be written: {value}"
    remedy_danish = "Skaf plads eller rettigheder; udtrækket dannes forfra og bliver det samme."
    remedy_english = "Make room or mend the permissions; the extract is produced again, and is the same."


class ApprovalNeeded(ExtractError):
    """An extract that must be approved by a second person has not been."""

    code = "EXT-016"
    danish = "Udtrækket {element} venter på godkendelse af en anden end {value}"
    english = "The extract {element} waits for the approval of somebody else than {value}"
    remedy_danish = "En anden bruger kører `opus-soap extracts approve NAVN`."
    remedy_english = "Another user runs `opus-soap extracts approve NAME`."


class ExtractYearUnknown(ExtractError):
    """A year is asked for that the books do not have."""

    code = "EXT-017"
    danish = "Regnskabsåret {value} findes ikke i firmakode {expected}"
    english = "There is no fiscal year {value} in company code {expected}"
    remedy_danish = "Vælg et år, der er oprettet."
    remedy_english = "Choose a year that is there."


class ExtractTargetUnreachable(ExtractError):
    """A receiver's folder or server does not take the files now; it is tried again."""

    code = "EXT-020"
    danish = "Modtageren kan ikke nås ({element}): {value}"
    english = "The receiver cannot be reached ({element}): {value}"
    remedy_danish = "Lav mappen, eller ret adressen; der prøves igen, og `extracts deliver NAVN` venter ikke."
    remedy_english = (
        "Make the folder, or mend the address; it is tried again, or at once: `extracts deliver NAME`."
    )


class ExtractStateUnusable(ExtractError):
    """What the extract before noted for this one is missing or damaged: what changed cannot be told."""

    code = "EXT-144"
    danish = "Det, udtrækket før noterede ({element}), kan ikke bruges: {value}"
    english = "What the extract before noted ({element}) cannot be used: {value}"
    remedy_danish = "Bestil et fuldt udtræk: `opus-soap extracts run NAVN --full`."
    remedy_english = "Order a full extract: `opus-soap extracts run NAME --full`."


class DownloadForbidden(ExtractError):
    """Who asks for an extract over HTTP shows no token that is good for it."""

    code = "EXT-021"
    danish = "Der mangler et gyldigt token til dette abonnement"
    english = "A valid token for this subscription is missing"
    remedy_danish = "Send Authorization: Bearer med et token fra `opus-soap extracts token NAVN`."
    remedy_english = "Send Authorization: Bearer with a token of `opus-soap extracts token NAME`."


class ManifestUnreadable(ExtractError):
    """A manifest is not one of ours, or not as it was written."""

    code = "EXT-030"
    danish = "Følgesedlen {element} kan ikke læses: {value}"
    english = "The manifest {element} cannot be read: {value}"
    remedy_danish = "Hent den igen; den må ikke være åbnet og gemt af et andet program."
    remedy_english = "Fetch it again; no other program may have opened and saved it."


class ParquetUnreadable(ExtractError):
    """A file that is to become Parquet is no CSV of an extract."""

    code = "EXT-032"
    danish = "{element} kan ikke læses som et udtræks CSV: {value}"
    english = "{element} cannot be read as the CSV of an extract: {value}"
    remedy_danish = "Verificér udtrækket: `opus-soap extracts verify`."
    remedy_english = "Verify the extract: `opus-soap extracts verify`."


class ParquetMissing(ExtractError):
    """The library for Parquet is not installed."""

    code = "EXT-033"
    danish = "Biblioteket til Parquet er ikke installeret"
    english = "The library for Parquet is not installed"
    remedy_danish = "Installér det: pip install 'opus-soap[parquet]'."
    remedy_english = "Install it: pip install 'opus-soap[parquet]'."


class ExtractUntrue(ExtractError):
    """A file, its manifest or their seals do not hold."""

    code = "EXT-031"
    danish = "{element}: {value}; skal være {expected}"
    english = "{element}: {value}; it must be {expected}"
    remedy_danish = "Brug ikke udtrækket; hent det igen, og sig det til afsenderen, hvis det ikke hjælper."
    remedy_english = "Do not use the extract; fetch it again, and tell the sender if that does not help."
