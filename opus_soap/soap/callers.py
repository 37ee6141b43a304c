"""Who calls: by the signature of the message, or by the TLS client certificate of the connection."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Protocol

from cryptography import x509
from lxml import etree

from opus_soap.encoded import LONG, Piece
from opus_soap.errors import (
    Both,
    OperationUnknown,
    SecurityModelMissing,
    SecurityModelNotTaken,
    SecurityModelWrong,
    TokenAuthorityWrong,
)
from opus_soap.keys import MessageVerifier
from opus_soap.ledger.master_data import authority_cvr
from opus_soap.soap.contexts import check_authority, check_contexts
from opus_soap.soap.exchange import Exchange
from opus_soap.soap.security_models import NAMES, SecurityModels, named
from opus_soap.soap.service import SoapService
from opus_soap.store import agreements
from opus_soap.store.models import System
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import thumbprint
from opus_soap.wss.errors import SecurityMissing
from opus_soap.wss.lifting import Lifted
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.saml import SamlToken
from opus_soap.wss.unsigned import read_unsigned

_SECURITY = b"Security"

# the certificate that a caller has shown to TLS, not yet trusted; None when there is none
Shown = Callable[[], x509.Certificate | None]


class Asked(Protocol):
    """What an agreement judges of a call."""

    @property
    def system(self) -> System:
        """Whose agreement it is."""

    @property
    def model(self) -> str:
        """The security model that the message is in."""

    @property
    def token_cvr(self) -> str | None:
        """The authority that the token is for; None without one."""

    @property
    def content(self) -> etree._Element:
        """The one child of the Body."""


@dataclass(frozen=True)
class Call:
    """A message of a known caller, in one of the security models."""

    system: System
    model: str
    body: etree._Element
    """A soap:Body that holds nothing but what is vouched for."""
    addressing: Addressing
    soap_namespace: str
    token: SamlToken | None = None
    replay: tuple[str, datetime] | None = None
    """What the message is remembered by, and until when; None in the Context model, where TLS takes care."""
    lifted: Lifted = field(default_factory=dict)
    """Contents that are not in the body, by the elements that they belong in."""
    pieces: Sequence[Piece] = ()
    """The message as it came, cut at long contents; none where there are none."""

    @property
    def token_cvr(self) -> str | None:
        """The authority that the token is for; None without one."""
        return self.token.cvr if self.token else None

    @property
    def content(self) -> etree._Element:
        """The one child of the Body; raises `OperationUnknown`."""
        children = list(self.body)
        if len(children) != 1:
            raise OperationUnknown(
                element=f"{{{self.soap_namespace}}}Body", expected=Both("ét element", "one child")
            )
        return children[0]


def _granted(call: Asked, service: str, _taken: tuple[str, ...]) -> None:
    agreements.authorize(call.system, service)


def _taken_by_service(call: Asked, service: str, taken: tuple[str, ...]) -> None:
    if call.model not in taken:
        raise SecurityModelNotTaken(element=service, value=NAMES[call.model], expected=named(taken))


def _as_agreed(call: Asked, _service: str, _taken: tuple[str, ...]) -> None:
    if call.model != call.system.security_model:
        raise SecurityModelWrong(
            element=call.system.name, value=NAMES[call.model], expected=NAMES[call.system.security_model]
        )


def _for_its_authority(call: Asked, _service: str, taken: tuple[str, ...]) -> None:
    authority = authority_of(call.system)
    if call.token_cvr is not None and call.token_cvr != authority:
        raise TokenAuthorityWrong(value=call.token_cvr, expected=authority)
    check_authority(call.content, authority)
    if call.model == "context":
        check_contexts(call.content, authority=authority, system=call.system.uuid, supported=named(taken))


def authority_of(system: System) -> str:
    """The CVR number that calls under an agreement are made for."""
    return authority_cvr(system.municipality) or system.cvr


# in the order in which they are asked; each gets the call, the service, and the models that the service takes
AGREEMENT_RULES: Mapping[str, Callable[[Asked, str, tuple[str, ...]], None]] = {
    "Service granted by the agreement": _granted,
    "Security model, for the service": _taken_by_service,
    "Security model, by the agreement": _as_agreed,
    "Authority": _for_its_authority,
}


@dataclass(frozen=True)
class Callers:
    """How callers are known, and what their agreements let them do."""

    verifier: MessageVerifier
    models: SecurityModels
    limits: ParseLimits

    def identify(self, exchange: Exchange, service: SoapService, data: bytes, shown: Shown) -> Call:
        """The message and its caller; raises for whom no agreement is found, and for what is not signed.

        A message with a Security header is never taken by the certificate that came along.
        """
        if _SECURITY in data:  # or there is no such header, and nothing to parse twice
            try:
                return self._by_signature(exchange, service, data)
            except SecurityMissing:
                pass
        return self._by_connection(exchange, service, data, shown)

    def authorize(self, call: Call, service: SoapService) -> None:
        """Raises unless the agreement lets the caller call the service, in this model, for this authority."""
        for rule in AGREEMENT_RULES.values():
            rule(call, service.name, self.models.taken_by(service.name))

    def _by_signature(self, exchange: Exchange, service: SoapService, data: bytes) -> Call:
        found: list[System] = []

        def profile(certificate: x509.Certificate) -> str:
            found.append(agreements.system_by_thumbprint(thumbprint(certificate), exchange.now))
            return str(found[0].profile)

        verified = self.verifier.verify(
            data,
            now=exchange.now,
            profile=profile,
            audience=service.entity_id,
            known=partial(agreements.all_certificates, exchange.now),
        )
        return Call(
            system=found[0],
            model=verified.model,
            body=verified.body,
            addressing=verified.addressing,
            soap_namespace=verified.soap_namespace,
            token=verified.token,
            replay=(verified.replay_key, verified.replay_until),
            lifted=service.contract.kept_apart(verified.lifted),
            pieces=verified.pieces,
        )

    def _by_connection(self, exchange: Exchange, service: SoapService, data: bytes, shown: Shown) -> Call:
        taken = self.models.taken_by(service.name)
        exchange.by_connection = "context" in taken
        certificate = shown() if exchange.by_connection else None
        if certificate is None:
            exchange.by_connection = False
            read_unsigned(data, self.limits)  # what is wrong with the message is told first
            raise SecurityModelMissing(expected=named(taken))
        self.verifier.check_tls_client(certificate, now=exchange.now)
        message = read_unsigned(data, self.limits, LONG)
        return Call(
            system=agreements.system_by_thumbprint(thumbprint(certificate), exchange.now),
            model="context",
            body=message.body,
            addressing=message.addressing,
            soap_namespace=message.soap_namespace,
            lifted=service.contract.kept_apart(message.lifted),
            pieces=message.pieces,
        )
