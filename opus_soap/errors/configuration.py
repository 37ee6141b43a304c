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
