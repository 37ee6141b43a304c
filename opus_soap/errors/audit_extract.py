"""EXT: the auditor's extract (Revisorudtræk)."""

from __future__ import annotations

from opus_soap.errors.extracts import ExtractError


class AuditExtractNotFull(ExtractError):
    """A delta of an auditor's extract is asked for: half a year proves nothing."""

    code = "EXT-170"
    danish = "Revisorudtrækket {value} er et delta; det skal dække hele året"
    english = "The auditor's extract {value} is a delta; it must cover the whole year"
    remedy_danish = "Opret abonnementet med --full, eller kør `opus-soap extracts run NAVN --full`."
    remedy_english = "Make the subscription with --full, or run `opus-soap extracts run NAME --full`."


class SaftSchemaUnusable(ExtractError):
    """The SAF-T schema that the operator supplies cannot be read."""

    code = "EXT-171"
    danish = "SAF-T-skemaet {element} kan ikke bruges: {value}"
    english = "The SAF-T schema {element} cannot be used: {value}"
    remedy_danish = "Ret OPUS_SOAP_SAFT_SCHEMA_FILE, eller lad den være tom: så bruges egne kontroller."
    remedy_english = "Correct OPUS_SOAP_SAFT_SCHEMA_FILE, or leave it empty: then our own checks are used."


class SaftFileUnreadable(ExtractError):
    """A SAF-T file that is to be checked cannot be read."""

    code = "EXT-172"
    danish = "SAF-T-filen {element} kan ikke læses: {value}"
    english = "The SAF-T file {element} cannot be read: {value}"
    remedy_danish = "Se, om filen er hel, og om den er XML."
    remedy_english = "See whether the file is whole, and whether it is XML."
