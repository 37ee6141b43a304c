"""CFG: settings and start-up."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class ConfigurationError(OpusSoapError):
    """Something is wrong with how the system is set up."""


class SettingsInvalid(ConfigurationError):
    """One or more settings do not hold; every one is listed."""

    code = "CFG-001"
    danish = "Indstillingerne er ikke gyldige: {value}"
    english = "The settings are not valid: {value}"
    remedy_danish = "Ret de nævnte indstillinger; se docs/reference/settings.md."
    remedy_english = "Correct the settings named; see docs/reference/settings.md."


class CertificatesPresent(ConfigurationError):
    """Certificates were to be made in a folder that holds some."""

    code = "CFG-011"
    danish = "Der er allerede certifikater i {element}"
    english = "There are certificates in {element} already"
    remedy_danish = "Angiv en anden mappe, eller erstat dem med --force."
    remedy_english = "Name another folder, or replace them with --force."


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


class QueueFolderUnsafe(ConfigurationError):
    """The worker's own folder belongs to somebody else, or others may write in it."""

    code = "CFG-012"
    danish = "Mappen {element} til arbejderens kø er ikke vores alene: {value}"
    english = "The folder {element} for the worker's queue is not ours alone: {value}"
    remedy_danish = "Slet mappen, sæt TMPDIR til en egen mappe, eller brug Redis (OPUS_SOAP_QUEUE_URL)."
    remedy_english = "Delete it, set TMPDIR to a folder of your own, or use Redis (OPUS_SOAP_QUEUE_URL)."


class ArgumentUnreadable(ConfigurationError):
    """An argument of a command is not text."""

    code = "CFG-013"
    danish = "Et argument er ikke UTF-8"
    english = "An argument is not UTF-8"
    remedy_danish = "Skriv argumentet i UTF-8."
    remedy_english = "Write the argument in UTF-8."


class FileFailed(ConfigurationError):
    """A file, or the command's own output, cannot be read or written."""

    code = "CFG-014"
    danish = "{element} kan ikke læses eller skrives: {value}"
    english = "{element} cannot be read or written: {value}"
    remedy_danish = "Se efter plads, sti og rettigheder."
    remedy_english = "Look at space, path and permissions."


class RequestExampleMissing(ConfigurationError):
    """An operation has no example request to put into a SoapUI project."""

    code = "CFG-015"
    danish = "Operationen {element} har ingen eksempelanmodning"
    english = "The operation {element} has no example request"
    remedy_danish = "Læg en gyldig anmodning i opus_soap/soapui/requests."
    remedy_english = "Put a valid request into opus_soap/soapui/requests."


class TlsFileInvalid(ConfigurationError):
    """The certificate, key or CAs for TLS of our own cannot be used."""

    code = "CFG-016"
    danish = "TLS kan ikke begynde med {element}: {value}"
    english = "TLS cannot start with {element}: {value}"
    remedy_danish = "Angiv certifikat med kæde og den nøgle, der hører til, i PEM og uden adgangskode."
    remedy_english = (
        "Name a certificate with its chain and the key that belongs to it, in PEM, without a password."
    )


class TlsTrustInvalid(ConfigurationError):
    """The CAs of the TLS servers that we call cannot be read: nothing would be sent."""

    code = "CFG-017"
    danish = "CA'erne for de TLS-servere, som vi kalder, kan ikke bruges: {element}: {value}"
    english = "The CAs of the TLS servers that we call cannot be used: {element}: {value}"
    remedy_danish = "Ret OPUS_SOAP_TLS_TRUSTED_CA_FILE: en PEM-fil med CA'er og rødder, eller ingenting."
    remedy_english = "Correct OPUS_SOAP_TLS_TRUSTED_CA_FILE: a PEM file with CAs and their roots, or nothing."
