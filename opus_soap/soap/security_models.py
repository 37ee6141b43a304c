"""Which security models a service takes: those that are set, as far as they can be had here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from opus_soap.errors import Both, SettingsInvalid
from opus_soap.settings import SECURITY_MODELS, Settings
from opus_soap.soap.contracts import ROOT

# by the names that Serviceplatformen has for them
NAMES = {"token": "KombitToken", "x509": "X509", "context": "AuthorityContext"}
_OF_SERVICES = "OPUS_SOAP_SECURITY_MODELS_OF_SERVICES"


def named(models: Iterable[str]) -> str:
    """Models by Serviceplatformen's names, as a fault lists them."""
    return ", ".join(NAMES[model] for model in models)


@dataclass(frozen=True)
class SecurityModels:
    """What is taken: by every service, but for those with a choice of their own."""

    of_all: tuple[str, ...] = SECURITY_MODELS
    of_services: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def taken_by(self, service: str) -> tuple[str, ...]:
        """The models that a service takes, in the order in which they are set."""
        return self.of_services.get(service, self.of_all)


def security_models(settings: Settings, services: Iterable[str]) -> SecurityModels:
    """What is set, without tokens where no STS is believed, without Context where no certificate is seen.

    Raises `SettingsInvalid` for a service that there is not, or one that is to take what cannot be had, and
    when nothing is left for one of the `services` that are offered.
    """
    possible = {"x509"}
    if settings.sts_entity_id:
        possible.add("token")
    if settings.client_certificate_header or settings.tls_certificate_file is not None:
        possible.add("context")

    chosen = SecurityModels(
        tuple(model for model in settings.security_models.split() if model in possible),
        {service: tuple(models) for service, models in settings.models_of_services().items()},
    )
    for service, models in chosen.of_services.items():
        if missing := [model for model in models if model not in possible]:
            raise SettingsInvalid(
                value=_with_needs(
                    f"{_OF_SERVICES}: {service} kan ikke bruge {', '.join(missing)}",
                    f"{_OF_SERVICES}: {service} cannot take {', '.join(missing)}",
                )
            )
        if not (ROOT / service / f"{service}ServiceContext.wsdl").is_file():
            raise SettingsInvalid(
                value=Both(
                    f"{_OF_SERVICES}: der er ingen service {service}",
                    f"{_OF_SERVICES}: there is no service {service}",
                )
            )
    for service in services:
        if not chosen.taken_by(service):
            raise SettingsInvalid(
                value=_with_needs(
                    f"OPUS_SOAP_SECURITY_MODELS: ingen kunne kalde {service}",
                    f"OPUS_SOAP_SECURITY_MODELS: {service} could be called by nobody",
                )
            )
    return chosen


def _with_needs(danish: str, english: str) -> Both:
    return Both(
        f"{danish}; token kræver OPUS_SOAP_STS_ENTITY_ID, context en header eller et certifikat til TLS",
        f"{english}; token needs OPUS_SOAP_STS_ENTITY_ID, context a header or a certificate for TLS",
    )
