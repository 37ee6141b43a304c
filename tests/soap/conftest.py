"""A small PKI, agreements, a service whose behaviour a test chooses, and the front around it."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from lxml import etree

from opus_soap.clock import Clock, ManualClock
from opus_soap.database import connect, proxy
from opus_soap.encoded import LONG
from opus_soap.interfaces.invoice_approval import contract
from opus_soap.settings import Settings
from opus_soap.soap import results
from opus_soap.soap.faults import FAULT_NS, SERVICEPLATFORM_NS
from opus_soap.soap.front import SoapFront
from opus_soap.soap.models import KOMBIT_NS, answer_header
from opus_soap.soap.service import PingService, SoapService, operation
from opus_soap.store.models import System, SystemCertificate
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import TrustStore, thumbprint
from opus_soap.wss.crl import RevocationLists
from opus_soap.wss.issuing import Claims
from opus_soap.wss.issuing import issue as issue_token
from opus_soap.wss.names import SOAP11
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.revocation import Revocation
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.signing import Signer
from opus_soap.wss.verification import VerificationPolicy, VerifiedMessage, Verifier

from spyne import Service  # isort: skip

NAME = "FakturaInformationSvarAfsend"
PATH = "/service/OIR/FakturaInformationSvarAfsend/1"
ENTITY_ID = "http://oir.serviceplatformen.dk/service/fakturainformationsvarafsend/1"
ACTION = f"{KOMBIT_NS}{NAME}Service_1#"
STS = "https://sts.example.dk/runtime"
HEADER, PROXY = "X-Client-Cert", "10.0.0.7"
CVR = "29189846"
HOUR = timedelta(hours=1)


@dataclass
class Identity:
    """A key, its certificate, and a signer with them."""

    key: rsa.RSAPrivateKey
    certificate: x509.Certificate

    @property
    def signer(self) -> Signer:
        return Signer(self.key, self.certificate)

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()


def issue(name: str, issuer: Identity | None = None) -> Identity:
    key = rsa.generate_private_key(65537, 2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(datetime(2026, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime(2036, 1, 1, tzinfo=UTC))
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=issuer is not None,
                key_cert_sign=issuer is None,
                crl_sign=issuer is None,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                encipher_only=False,
                decipher_only=False,
            ),
            True,
        )
    )
    return Identity(key, builder.sign(issuer.key if issuer else key, hashes.SHA256()))


@dataclass
class Pki:
    """Who is who."""

    ca: Identity = field(default_factory=lambda: issue("Test CA"))
    server: Identity = field(init=False)
    caller: Identity = field(init=False)  # an agreement with a right to the service
    limited: Identity = field(init=False)  # an agreement without that right
    stranger: Identity = field(init=False)  # of the same CA, no agreement
    holder: Identity = field(init=False)  # an agreement on the Token model
    connected: Identity = field(init=False)  # an agreement on the Context model
    sts: Identity = field(init=False)

    def __post_init__(self) -> None:
        for name in ("server", "caller", "limited", "stranger", "holder", "connected", "sts"):
            setattr(self, name, issue(name, self.ca))


@pytest.fixture(scope="session")
def pki() -> Pki:
    return Pki()


def agreement(
    identity: Identity, name: str, services: list[str], profile: str = "kombit", model: str = "x509"
) -> System:
    system = System.create(
        uuid=uuid4(),
        municipality="751",
        name=name,
        cvr=CVR,
        profile=profile,
        services=services,
        security_model=model,
    )
    SystemCertificate.create(
        system=system,
        thumbprint_sha256=thumbprint(identity.certificate),
        subject=name,
        pem=identity.pem,
        valid_from=identity.certificate.not_valid_before_utc,
        valid_to=identity.certificate.not_valid_after_utc,
    )
    return system


Behaviour = Callable[[Any, Any], Any]


def accept(ctx: Any, besked: Any) -> Any:
    return contract.AfsendFakturaInformationSvar_O(
        HovedOplysningerSvar=answer_header(besked),
        FakturaInformationSvarIdentifikation=besked.FakturaInformationSvarIdentifikation,
        BehandlingDatoTid=ctx.udc.now,
        AcceptStruktur=results.AcceptStruktur(AccepteretUdenBemærkninger=True),
    )


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def root(self) -> etree._Element:
        return etree.fromstring(self.body)

    def text(self, name: str) -> str:
        return self.root.findtext(f".//{name}", "")

    @property
    def code(self) -> str:
        """Our code, which must be Serviceplatformen's ErrorCode as well."""
        code = self.text(f"{{{FAULT_NS}}}Kode")
        assert code == self.text(f"{{{SERVICEPLATFORM_NS}}}ErrorCode")
        return code


@dataclass
class House:
    """The front, and what a caller needs to talk to it."""

    front: SoapFront
    pki: Pki
    clock: ManualClock
    set_behaviour: Callable[[Behaviour], None]
    last_message_id: str = ""

    def post(self, body: bytes, *, path: str = PATH, action: str = "", **environ: Any) -> Reply:
        return call(
            self.front,
            {
                "REQUEST_METHOD": "POST",
                "PATH_INFO": path,
                "CONTENT_TYPE": "text/xml; charset=utf-8",
                "CONTENT_LENGTH": str(len(body)),
                "HTTP_SOAPACTION": f'"{action}"',
                "wsgi.input": io.BytesIO(body),
                **environ,
            },
        )

    def get(self, path: str, query: str = "", **environ: Any) -> Reply:
        return call(
            self.front,
            {"REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, **environ},
        )

    def sign(
        self,
        body: etree._Element,
        identity: Identity | None = None,
        *,
        action: str = ACTION + "AfsendFakturaInformationSvar",
        to: str | None = ENTITY_ID,
        message_id: str | None = "",
        profile: str = "kombit",
        soap: str = SOAP11,
        token: etree._Element | None = None,
    ) -> bytes:
        message_id = f"urn:uuid:{uuid4()}" if message_id == "" else message_id
        self.last_message_id = message_id or ""
        addressing = Addressing(action=action, message_id=message_id, to=to, relates_to=None, reply_to=None)
        signer = (identity or self.pki.caller).signer
        return signer.sign(
            body, addressing, now=self.clock.now(), profile=profile, soap_namespace=soap, token=token
        )

    def token(self, holder: Identity | None = None, **change: Any) -> etree._Element:
        """What the STS gives to a holder, for the service and the agreement's municipality."""
        holder = holder or self.pki.holder
        facts = {"audience": ENTITY_ID, "cvr": CVR, "holder": holder.certificate, **change}
        sts = self.pki.sts
        return issue_token(
            Claims(**facts), issuer=STS, key=sts.key, certificate=sts.certificate, now=self.clock.now()
        )

    def revoke(self, identity: Identity) -> None:
        """Put a certificate on the CA's revocation list, and look there from now on."""
        ca, now = self.pki.ca, self.clock.now()
        entry = x509.RevokedCertificateBuilder().serial_number(identity.certificate.serial_number)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(ca.certificate.subject)
            .last_update(now - HOUR)
            .next_update(now + HOUR)
            .add_revoked_certificate(entry.revocation_date(now - HOUR).build())
        )
        lists = RevocationLists((builder.sign(ca.key, hashes.SHA256()),))
        verifier = self.front._guard.callers.verifier
        verifier.trust = replace(verifier.trust, revocation=Revocation((lists,)))

    def verified(self, reply: Reply, relates_to: str | None = None) -> VerifiedMessage:
        """The reply, verified as the .NET client would: every answer and every fault is signed."""
        return verify_reply(
            reply.body,
            request_message_id=self.last_message_id if relates_to is None else relates_to,
            pinned=[self.pki.server.certificate],
            now=self.clock.now(),
        )


def call(front: Any, environ: dict[str, Any]) -> Reply:
    got: dict[str, Any] = {}

    def start_response(status: str, headers: list[tuple[str, str]]) -> None:
        got.update(status=int(status.split()[0]), headers=dict(headers))

    chunks = front(
        {
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "8080",
            "HTTP_HOST": "opus.example.dk",
            "wsgi.url_scheme": "https",
            **environ,
        },
        start_response,
    )
    return Reply(got["status"], got["headers"], b"".join(chunks))


def build_service(behaviour: Behaviour = accept) -> tuple[SoapService, Callable[[Behaviour], None]]:
    chosen = [behaviour]

    class Svar(Service):  # type: ignore[misc]
        @operation(contract.AfsendFakturaInformationSvar_I, contract.AfsendFakturaInformationSvar_O)
        def AfsendFakturaInformationSvar(ctx: Any, besked: Any) -> Any:
            return chosen[0](ctx, besked)

    def choose(another: Behaviour) -> None:
        chosen[0] = another

    return SoapService(NAME, PATH, ENTITY_ID, [Svar, PingService]), choose


def build_front(
    pki: Pki, clock: Clock, *, working: int | None = None, **settings: Any
) -> tuple[SoapFront, Callable[[Behaviour], None]]:
    service, choose = build_service()
    tokens = TokenTrust({STS: [pki.sts.certificate]})
    policy = VerificationPolicy(lift_from=LONG)
    verifier = Verifier(TrustStore(issuers=(pki.ca.certificate,)), policy, tokens)
    chosen = {
        "sts_entity_id": STS,
        "client_certificate_header": HEADER,
        "client_certificate_proxies": PROXY,
        **settings,
    }
    front = SoapFront([service], Settings(**chosen), clock, verifier, pki.server.signer, working=working)
    return front, choose


def _house(pki: Pki, clock: ManualClock) -> House:
    agreement(pki.caller, "sagssystem", [NAME])
    agreement(pki.limited, "andet system", ["Noget andet"])
    agreement(pki.holder, "tokensystem", [NAME], model="token")
    agreement(pki.connected, "contextsystem", [NAME], model="context")
    front, choose = build_front(pki, clock, max_request_bytes=200_000, read_timeout_seconds=1)
    return House(front, pki, clock, choose)


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[None]:
    """The models bound to a fresh SQLite database: for what does not depend on the engine."""
    bound = connect(sqlite_url)
    bound.connect(reuse_if_open=True)
    yield
    bound.close()
    proxy.initialize(None)


@pytest.fixture
def house(sqlite: None, pki: Pki, clock: ManualClock) -> House:
    """The front over a fresh database with two agreements."""
    return _house(pki, clock)


@pytest.fixture
def any_house(database: None, pki: Pki, clock: ManualClock) -> House:
    """The same, once on each engine."""
    return _house(pki, clock)


def header(parent: etree._Element, transaction_id: str = "t-1") -> None:
    namespace = "http://kombit.dk/xml/schemas/kontekst/2017/01/01/"
    hoved = etree.SubElement(parent, f"{{{namespace}}}HovedOplysninger", nsmap={"c": namespace})
    etree.SubElement(hoved, f"{{{namespace}}}TransaktionsId").text = transaction_id
    etree.SubElement(hoved, f"{{{namespace}}}TransaktionsTid").text = "2026-11-23T12:00:00.1234567+01:00"


def ping() -> etree._Element:
    body = etree.Element(f"{{{KOMBIT_NS}}}Ping_I", nsmap={None: KOMBIT_NS})
    header(body)
    return body


def svar(svar_uuid: UUID | None = None) -> etree._Element:
    """A small rejection."""
    body = etree.Element(f"{{{KOMBIT_NS}}}AfsendFakturaInformationSvar_I", nsmap={"k": KOMBIT_NS})
    header(body)

    def add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
        child = etree.SubElement(parent, f"{{{KOMBIT_NS}}}{name}")
        child.text = text
        return child

    add(body, "FakturaInformationSvarIdentifikation", str(svar_uuid or uuid4()))
    add(body, "FakturaInformationIdentifikation", str(uuid4()))
    decided = add(body, "FakturaInformationBehandling")
    add(decided, "FakturaInformationBehandlingDatoTid", "2026-11-23T11:59:00Z")
    add(decided, "FakturaInformationBehandlingResultat", "Afvist")
    reason = add(add(body, "AfvisningStruktur"), "ResultatÅrsagStruktur")
    add(reason, "ÅrsagIdentifikation", str(uuid4()))
    add(reason, "LokalÅrsagTekst", "Varen er ikke modtaget")
    return body


def unsigned(body: etree._Element) -> bytes:
    envelope = etree.Element(f"{{{SOAP11}}}Envelope", nsmap={"soap": SOAP11})
    etree.SubElement(envelope, f"{{{SOAP11}}}Body").append(body)
    return etree.tostring(envelope, encoding="UTF-8")
