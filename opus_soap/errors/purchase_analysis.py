"""EXT-150 …: invoices on their way to the purchasing analysis."""

from __future__ import annotations

from opus_soap.errors.extracts import ExtractError


class HistoryInvalid(ExtractError):
    """The first posting date of the history is missing, no date, or behind everything in the books."""

    code = "EXT-150"
    danish = "Historikken kan ikke begynde {value} (`from`); skriv {expected}"
    english = "The history cannot begin at {value} (`from`); write {expected}"
    remedy_danish = "Angiv den første posteringsdato, fx `--option from=2026-01-01`."
    remedy_english = "Give the first posting date, such as `--option from=2026-01-01`."


class ProfitCenterLoop(ExtractError):
    """A profit centre stands above itself: the hierarchy has no top."""

    code = "EXT-151"
    danish = "Profitcentret {element} ligger under sig selv: {value}"
    english = "The profit centre {element} lies under itself: {value}"
    remedy_danish = "Ret dets overordnede i stamdata (`parent_code`), og dan udtrækket igen."
    remedy_english = "Correct its parent in the master data (`parent_code`), and produce the extract again."


class OriginalPurgedSince(ExtractError):
    """An extract is produced again, and an original that was in it has been purged meanwhile."""

    code = "EXT-152"
    danish = "Originalen til faktura {element} (SHA-256 {value}) er slettet, siden udtrækket blev dannet"
    english = "The original of invoice {element} (SHA-256 {value}) was purged since the extract was produced"
    remedy_danish = "Det, der blev dannet først, gælder; kontrollér det med `opus-soap extracts verify`."
    remedy_english = "What was produced first counts; check it by `opus-soap extracts verify`."


class OriginalDamaged(ExtractError):
    """The stored bytes of an original are not those that came."""

    code = "EXT-153"
    danish = "Originalen til faktura {element} er beskadiget: SHA-256 {value}; skal være {expected}"
    english = "The original of invoice {element} is damaged: SHA-256 {value}; it must be {expected}"
    remedy_danish = "Hent den fra en sikkerhedskopi; udtrækket dannes, når den er hel igen."
    remedy_english = "Restore it from a backup; the extract is produced once it is whole again."


class KeptUnreadable(ExtractError):
    """What was kept of an extract, so that it can be produced again, is missing or was changed."""

    code = "EXT-154"
    danish = "Det, der blev gemt om udtrækket, kan ikke læses ({element}): {value}"
    english = "What was kept of the extract cannot be read ({element}): {value}"
    remedy_danish = "Det, der blev dannet først, gælder; det kan ikke dannes igen til sammenligning."
    remedy_english = "What was produced first counts; it cannot be produced again to be compared."
