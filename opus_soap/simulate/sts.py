"""A security token service to test against: holder-of-key tokens in Kombit's shape, and its fault codes.

It believes whoever signs with a certificate of a trusted issuer, and gives tokens for the services that it
was told of. The numbers of its faults are those that Kombit's STS is known to use; which means what is our
own (reconstructed).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import structlog
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from opus_soap.app import services
from opus_soap.clock import Clock
from opus_soap.errors import Both, MethodNotAllowed, OpusSoapError, PathUnknown, SigningKeyUnusable
from opus_soap.keys import load_trust
from opus_soap.settings import Settings
from opus_soap.soap import limits
from opus_soap.soap.access_log import configure_logging
from opus_soap.soap.contracts import entity_id as kombit_entity_id
from opus_soap.soap.faults import FAULT_NS, fault_for
from opus_soap.texts import legal_xml
from opus_soap.wss import errors, errors_tokens
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.errors import WssError
from opus_soap.wss.issuing import Claims, issue
from opus_soap.wss.names import SOAP12, WSA
from opus_soap.wss.privileges import PrivilegeGroup
from opus_soap.wss.signing import Signer, load_signer
from opus_soap.wss.trust import (
    ANSWER_ACTION,
    ISSUE_ACTION,
    IssuedToken,
    TokenRequest,
    read_request,
    write_answer,
)
from opus_soap.wss.unsigned import write_unsigned
from opus_soap.wss.verification import VerifiedMessage, Verifier

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse

log = structlog.get_logger("opus_soap.sts")

PATH = "/runtime/services/kombittrust/14/certificatemixed"
MOST_BYTES = 256 * 1024
_OF_CASE_SYSTEMS = kombit_entity_id("FakturaInformationAfsend")
_CVR = re.compile("[0-9]{8}")
_MEDIA_TYPES = ("application/soap+xml",)
_READ_SECONDS = 20
_FAULT_ACTION = f"{WSA}/soap/fault"


# which fault a refused message gets; the nearest class counts
_NUMBERS: tuple[tuple[type[WssError], int], ...] = (
    (errors.ParsingError, 101),
    (errors.StructureInvalid, 101),
    (errors_tokens.TrustMessageInvalid, 101),
    (errors.CertificateUntrusted, 104),
    (errors.CertificateOutOfDate, 104),
    (errors.CertificateRevoked, 104),
    (errors.CertificateUsageWrong, 104),
    (WssError, 103),
)


@dataclass(frozen=True)
class TokenService:
    """The STS. `audiences` are the EntityIds that it gives tokens for, `authorities` the CVR numbers.

    No authorities: any. `privileges` go into every token, on behalf of the authority.
    """

    entity_id: str
    key: rsa.RSAPrivateKey
    certificate: x509.Certificate
    verifier: Verifier
    clock: Clock
    audiences: Collection[str]
    authorities: Collection[str] = ()
    privileges: tuple[str, ...] = ()
    lifetime: timedelta = timedelta(hours=8)

    def __call__(self, environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        if environ.get("PATH_INFO") == "/health":
            start_response("200 OK", [("Content-Type", "application/json")])
            return [b'{"status": "ok"}']
        try:
            if environ.get("PATH_INFO") != PATH:
                raise PathUnknown(value=environ.get("PATH_INFO", "")[:80])
            if environ["REQUEST_METHOD"] != "POST":
                raise MethodNotAllowed(value=environ["REQUEST_METHOD"][:20])
            limits.check_headers(environ, MOST_BYTES, _MEDIA_TYPES)
            answer, status = self.answer(limits.read_body(environ, MOST_BYTES, _READ_SECONDS))
        except OpusSoapError as error:
            answer, status = _fault_alone(error), f"{fault_for(error).status} Refused"
            limits.discard_body(environ)
        headers = [
            ("Content-Type", "application/soap+xml; charset=utf-8"),
            ("Content-Length", str(len(answer))),
        ]
        start_response(status, headers)
        return [answer]

    def answer(self, data: bytes) -> tuple[bytes, str]:
        """The signed answer to a request, and its HTTP status."""
        now = self.clock.now()
        message: VerifiedMessage | None = None
        try:
            message = self._verified(data, now)
            request = read_request(message.body)
            self._check(request, message)
            body, action, status = self._token(request, now), ANSWER_ACTION, "200 OK"
            log.info("token issued", audience=request.applies_to, cvr=request.cvr)
        except WssError as error:
            number, text = _told(error)
            body, action, status = _fault(number, text), _FAULT_ACTION, "500 Internal Server Error"
            log.warning("token refused", code=number, reason=text)
        addressing = Addressing(
            action=action,
            message_id=f"urn:uuid:{uuid4()}",
            relates_to=message.message_id if message else None,
        )
        signer = Signer(self.key, self.certificate)
        return signer.sign(body, addressing, now=now, profile="sts", soap_namespace=SOAP12), status

    def _verified(self, data: bytes, now: datetime) -> VerifiedMessage:
        message = self.verifier.verify(data, now=now, profile=lambda _: "sts")
        if message.soap_namespace != SOAP12 or message.action != ISSUE_ACTION:
            raise errors_tokens.StsRefused(
                element="101",
                value=Both(
                    f"SOAP 1.2 og wsa:Action {ISSUE_ACTION} var ventet",
                    f"expected SOAP 1.2 and wsa:Action {ISSUE_ACTION}",
                ),
            )
        return message

    def _check(self, request: TokenRequest, message: VerifiedMessage) -> None:
        if request.holder != message.certificate:
            raise errors_tokens.StsRefused(
                element="130",
                value=Both(
                    "UseKey er ikke det certifikat, som anmodningen er underskrevet med",
                    "UseKey is not the certificate that signs the request",
                ),
            )
        if request.applies_to not in self.audiences:
            raise errors_tokens.StsRefused(
                element="106",
                value=Both(
                    f"AppliesTo {request.applies_to} er ingen tjeneste, der kendes her; "
                    f"det er {', '.join(self.audiences)}",
                    f"AppliesTo {request.applies_to} is no service known here; "
                    f"{', '.join(self.audiences)} are",
                ),
            )
        if not _CVR.fullmatch(request.cvr):
            raise errors_tokens.StsRefused(
                element="110",
                value=Both(
                    "CvrNumberIdentifier skal være otte cifre",
                    "the claim CvrNumberIdentifier must be eight digits",
                ),
            )
        if self.authorities and request.cvr not in self.authorities:
            raise errors_tokens.StsRefused(
                element="111",
                value=Both(
                    f"ingen aftale lader dette system handle for CVR {request.cvr}",
                    f"no agreement lets this system act for CVR {request.cvr}",
                ),
            )

    def _token(self, request: TokenRequest, now: datetime) -> etree._Element:
        groups = (PrivilegeGroup(request.cvr, self.privileges, {}),) if self.privileges else ()
        claims = Claims(request.applies_to, request.cvr, request.holder, groups, lifetime=self.lifetime)
        assertion = issue(claims, issuer=self.entity_id, key=self.key, certificate=self.certificate, now=now)
        return write_answer(request, IssuedToken(assertion, request.applies_to, now, now + self.lifetime))


def token_service(
    settings: Settings,
    clock: Clock,
    *,
    entity_id: str,
    key_file: Path,
    certificate_file: Path,
    more_audiences: Iterable[str] = (),
    authorities: Collection[str] = (),
    privileges: tuple[str, ...] = (),
    lifetime: timedelta = timedelta(hours=8),
) -> TokenService:
    """An STS for the services of this house, and of its simulated case system.

    Raises `SigningKeyUnusable` naming the file.
    """
    configure_logging(settings.log_level)
    ours = [service.entity_id for service in services(settings, clock)]
    try:
        own = load_signer(key_file, certificate_file, timedelta(minutes=5))
        key = load_pem_private_key(key_file.read_bytes(), password=None)
    except WssError as error:
        raise SigningKeyUnusable(element=error.element, value=error.value) from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise SigningKeyUnusable(element=str(key_file), value=Both("ikke RSA", "not RSA"))
    return TokenService(
        entity_id=entity_id,
        key=key,
        certificate=own.certificate,
        verifier=Verifier(load_trust(settings)),
        clock=clock,
        audiences=frozenset((*ours, _OF_CASE_SYSTEMS, *more_audiences)),
        authorities=authorities,
        privileges=privileges,
        lifetime=lifetime,
    )


def _told(error: WssError) -> tuple[str, str]:
    """The number of a fault, and what it says."""
    if isinstance(error, errors_tokens.StsRefused):
        return error.element, error.value
    number = next(number for kind, number in _NUMBERS if isinstance(error, kind))
    return str(number), f"{error.code} {error.text_english}"


def _fault_alone(error: OpusSoapError) -> bytes:
    """What is no message at all gets a fault that nobody signs."""
    return write_unsigned(_fault("100", str(error)), soap_namespace=SOAP12)


def _fault(number: str, text: str) -> etree._Element:
    """A SOAP 1.2 fault whose subcode is the number."""

    def add(parent: etree._Element, name: str, content: str | None = None) -> etree._Element:
        child: etree._Element = etree.SubElement(parent, f"{{{SOAP12}}}{name}")
        child.text = content and legal_xml(content)
        return child

    fault = etree.Element(f"{{{SOAP12}}}Fault", nsmap={"soap": SOAP12, "sts": FAULT_NS})
    code = add(fault, "Code")
    add(code, "Value", "soap:Sender")
    add(add(code, "Subcode"), "Value", f"sts:{number}")
    reason = add(add(fault, "Reason"), "Text", text)
    reason.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    return fault
