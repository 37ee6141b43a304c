"""EXT: the auditor's extract (Revisorudtræk)."""

from __future__ import annotations

from opus_soap.errors.extracts import ExtractError


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
