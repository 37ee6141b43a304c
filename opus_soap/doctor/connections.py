"""Checks of what others are known by besides signatures: TLS, proxies, the STS, security models."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network

from opus_soap.doctor.finding import BAD, GOOD, WARNING, Finding
from opus_soap.errors import mask_cpr
from opus_soap.keys import check_tls_trust, load_sts_certificates, load_tls
from opus_soap.settings import Settings
from opus_soap.soap.client_certificates import Network, networks
from opus_soap.soap.security_models import NAMES, SecurityModels, security_models
from opus_soap.store.models import System

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
Check = Callable[[], Iterable[Finding]]


def connections(settings: Settings) -> Iterator[tuple[str, Check]]:
    """The checks that these settings call for, by name."""
    if settings.tls_certificate_file is not None:
        yield "TLS", lambda: _tls(settings)
    if settings.tls_trusted_ca_file is not None:
        yield "TLS of receivers", lambda: _tls_trust(settings)
    if settings.sts_entity_id or settings.sts_url:
        yield "STS", lambda: _sts(settings)
    if settings.client_certificate_proxies:
        yield "proxies", lambda: _proxies(settings)


def _tls(settings: Settings) -> Iterator[Finding]:
    load_tls(settings)
    yield Finding(GOOD, "TLS", f"{settings.tls_certificate_file}: usable, and its key belongs to it")


def _tls_trust(settings: Settings) -> Iterator[Finding]:
    check_tls_trust(settings)
    yield Finding(GOOD, "TLS of receivers", f"{settings.tls_trusted_ca_file}: readable")


def _sts(settings: Settings) -> Iterator[Finding]:
    count = len(load_sts_certificates(settings))
    yield Finding(GOOD, "STS", f"{count} certificates of it in {settings.sts_certificate_file}")


def _proxies(settings: Settings) -> Iterator[Finding]:
    """Whoever is a proxy here says who calls, and is believed."""
    named = networks(settings.client_certificate_proxies)
    if _everybody(named):
        text = f"{settings.client_certificate_proxies}: everybody is believed who sets "
        remedy = "Name the addresses of the proxies alone in OPUS_SOAP_CLIENT_CERTIFICATE_PROXIES."
        yield Finding(WARNING, "proxies", text + settings.client_certificate_header, remedy)
        return
    yield Finding(GOOD, "proxies", f"{settings.client_certificate_header} is believed from {_texts(named)}")
    local = [one for one in named if any(_overlap(one, loop) for loop in _LOOPBACK)]
    if local:
        text = f"{_texts(local)}: every process of this machine can say who calls"
        yield Finding(GOOD, "proxies", text)


def _everybody(named: Iterable[Network]) -> bool:
    """Also when it is said in halves."""
    four = collapse_addresses(one for one in named if isinstance(one, IPv4Network))
    six = collapse_addresses(one for one in named if isinstance(one, IPv6Network))
    return any(one.prefixlen == 0 for one in four) or any(one.prefixlen == 0 for one in six)


def _overlap(one: Network, other: Network) -> bool:
    return one.version == other.version and one.overlaps(other)


def _texts(named: Iterable[Network]) -> str:
    return ", ".join(str(one) for one in named)


def models_of_agreements(settings: Settings) -> Iterator[Finding]:
    """Running agreements whose security model cannot be used here, in the one direction or the other."""
    models = security_models(settings, ())
    good = True
    for system in System.select().where(System.active).order_by(System.municipality, System.name):
        for text, remedy in _hindrances(system, models, settings):
            good = False
            yield Finding(BAD, f"agreement: {system.municipality} {mask_cpr(system.name)}", text, remedy)
    if good:
        yield Finding(GOOD, "security models", "those of the agreements can be used")


def _hindrances(system: System, models: SecurityModels, settings: Settings) -> Iterator[tuple[str, str]]:
    model = str(system.security_model)
    change = f"or agree on another model: opus-soap systems change {system.uuid} --security-model …"
    closed = [service for service in system.services if model not in models.taken_by(service)]
    if closed:
        why, remedy = _why(model, settings)
        text = f"it may not call {', '.join(closed)} in its model {NAMES[model]}: {why}"
        yield text, f"{remedy}; {change}"
    if model == "token" and system.endpoint_url and not settings.sts_url:
        text = "nothing can be sent to it in its model KombitToken: no STS is asked for tokens"
        yield text, f"Set OPUS_SOAP_STS_URL; {change}"


def _why(model: str, settings: Settings) -> tuple[str, str]:
    if model == "token" and not settings.sts_entity_id:
        return "no STS is believed", "Set OPUS_SOAP_STS_ENTITY_ID and OPUS_SOAP_STS_CERTIFICATE_FILE"
    seen = settings.client_certificate_header or settings.tls_certificate_file is not None
    if model == "context" and not seen:
        return (
            "client certificates are not seen",
            "Set OPUS_SOAP_CLIENT_CERTIFICATE_HEADER and its _PROXIES, or OPUS_SOAP_TLS_CERTIFICATE_FILE",
        )
    return (
        f"{model} is not taken there",
        "Add it to OPUS_SOAP_SECURITY_MODELS (or OPUS_SOAP_SECURITY_MODELS_OF_SERVICES)",
    )
