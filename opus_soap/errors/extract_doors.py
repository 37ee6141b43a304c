"""EXT-040 and on: what goes wrong at the doors by which extracts leave."""

from __future__ import annotations

from opus_soap.errors.extracts import ExtractError


class DownloadMissing(ExtractError):
    """There is nothing to download of this name, for who shows this token."""

    code = "EXT-040"
    danish = "Der er intet at hente under {value}"
    english = "There is nothing to download at {value}"
    remedy_danish = "Se, hvad der er: GET /udtraek/ABONNEMENT/."
    remedy_english = "See what there is: GET /udtraek/SUBSCRIPTION/."


class DownloadReceiptWrong(ExtractError):
    """A receiver confirms something else than what was produced."""

    code = "EXT-041"
    danish = "Kvitteringen for {element} er {value}; det er ikke følgesedlens SHA-256"
    english = "The receipt for {element} is {value}; that is not the manifest's SHA-256"
    remedy_danish = "Hent følgesedlen og filerne igen, og kør `opus-soap extracts verify` på dem."
    remedy_english = "Fetch the manifest and the files again, and run `opus-soap extracts verify` on them."


class DownloadReceiptEarly(ExtractError):
    """A receiver confirms an extract before the one that it follows."""

    code = "EXT-042"
    danish = "{element} kan ikke kvitteres, før {value} er kvitteret"
    english = "{element} cannot be confirmed before {value} has been"
    remedy_danish = "Hent og kvittér i rækkefølge, så intet springes over."
    remedy_english = "Fetch and confirm in order, so that nothing is left out."


class DownloadReceiptUnwanted(ExtractError):
    """A receipt for what is handed over by another door."""

    code = "EXT-043"
    danish = "{element} afleveres af sig selv ({value}) og kvitteres ikke her"
    english = "{element} is handed over by itself ({value}) and is not confirmed here"
    remedy_danish = "Brug filerne dér, eller lad abonnementet være uden --folder og --sftp."
    remedy_english = "Use the files there, or let the subscription be without --folder and --sftp."


class FileEndedEarly(ExtractError):
    """A file became shorter while it was sent; the caller sees a cut connection, never a whole file."""

    code = "EXT-044"
    danish = "Filen sluttede efter {value} byte af {expected}"
    english = "The file ended after {value} bytes of {expected}"
    remedy_danish = "Dan udtrækket igen: `opus-soap extracts run NAVN`."
    remedy_english = "Produce the extract again: `opus-soap extracts run NAME`."


class TokenUnknown(ExtractError):
    """A subscription has no token of this number."""

    code = "EXT-045"
    danish = "Abonnementet {expected} har intet token nr. {value}"
    english = "The subscription {expected} has no token no. {value}"
    remedy_danish = "Se dem: `opus-soap extracts token NAVN`."
    remedy_english = "See them: `opus-soap extracts token NAME`."


class PartInvalid(ExtractError):
    """A part of a file is asked for that cannot be."""

    code = "EXT-047"
    danish = "{element} er {value}; skal være {expected}"
    english = "{element} is {value}; it must be {expected}"
    remedy_danish = "Begynd ved 0, og bed næste gang om det, der følger efter det modtagne."
    remedy_english = "Begin at 0, and ask next for what follows what was received."


class ExtractBusy(ExtractError):
    """Somebody else is at work on an extract."""

    code = "EXT-046"
    danish = "{element} er ved at blive dannet eller afleveret af en anden"
    english = "Somebody else is producing {element}, or handing it over"
    remedy_danish = "Vent, og se `opus-soap extracts show NAVN`."
    remedy_english = "Wait, and see `opus-soap extracts show NAME`."


class DownloadsBusy(ExtractError):
    """As many downloads as there may be are under way: of a subscription, or of all."""

    code = "EXT-048"
    danish = "Der er allerede {value} hentninger i gang {element}; højst {expected}"
    english = "{value} downloads {element} are under way already; at most {expected}"
    remedy_danish = "Hent færre filer ad gangen, og prøv igen efter de sekunder, som Retry-After siger."
    remedy_english = "Fetch fewer files at a time, and try again after as many seconds as Retry-After says."
