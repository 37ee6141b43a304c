"""Settings: environment `OPUS_SOAP_*`, secret files, a TOML file; every error listed at once.

Precedence: environment; files in the folder that `OPUS_SOAP_SECRETS_DIR` names, each called like its
setting (`database_url`); the TOML file that `OPUS_SOAP_CONFIG` names; the defaults below. What is
misspelt is an error wherever it stands, except in the folder, which may hold other secrets too.
docs/reference/settings.md is generated from the descriptions here (`make docs`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Collection, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from opus_soap.errors import SettingsInvalid
from opus_soap.settings_sources import CONFIG, PREFIX, SECRETS_DIR, config, secrets

LONGEST_LEASE_SECONDS, LONGEST_WAIT_SECONDS = 86_400, 604_800  # bounds of what may be set
SECURITY_MODELS = ("token", "x509", "context")
_TEST_PREFIX = f"{PREFIX}TEST_"
_PASSWORD = re.compile(r"(://[^:@/?]*:).*(?=@)|([?&][a-z]*password=)[^&]*", re.IGNORECASE)
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
# what else reads variables with our prefix: the command line adds its options when it is imported
_variables_elsewhere: list[Callable[[], Collection[str]]] = []


class Settings(BaseSettings):
    """Everything that can be set. Sizes in bytes, times in seconds, unless the text says otherwise."""

    model_config = SettingsConfigDict(env_prefix="OPUS_SOAP_", extra="forbid", frozen=True)

    # --- where things are
    database_url: str = Field(
        "sqlite:///var/opus-soap.sqlite3",
        description="The books: sqlite:///PATH (embedded) or postgresql://USER@HOST/DATABASE (shared).",
    )
    queue_url: str = Field(
        "",
        description="Huey's own storage: empty for a SQLite file beside the database, or redis://HOST:PORT/N.",
    )
    public_url: str = Field(
        "",
        description="The address others call us at; empty: taken from each request (Host header). "
        "When it is set, a message whose wsa:To names another host is refused.",
    )
    log_level: str = Field("INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$", description="Least level logged.")

    system_uuid: UUID = Field(
        UUID("a1f0c0de-1590-4d00-8000-000000000001"),
        description="Our own it-systeminstans (UUID), as sender in HovedOplysninger/Rute.",
    )

    # --- keys and trust
    signing_key_file: Path = Field(
        Path("var/secrets/opus.key.pem"), description="Private key (PEM) that signs our messages."
    )
    signing_certificate_file: Path = Field(
        Path("var/secrets/opus.crt.pem"), description="Certificate (PEM) that belongs to the signing key."
    )
    trusted_ca_file: Path = Field(
        Path("var/secrets/ca.pem"), description="Issuing CAs (PEM bundle) whose certificates may call us."
    )
    seal_key_file: Path = Field(
        Path("var/secrets/seal.key.pem"), description="Ed25519 private key (PEM) that seals the ledger."
    )
    reload_seconds: int = Field(
        10,
        ge=1,
        le=3600,
        description="How often server and worker look whether key, certificate, CAs or revocation lists "
        "changed; what cannot be used is logged, and what was there before stays in use.",
    )
    revocation: str = Field(
        "none",
        pattern="^(none|crl|ocsp|ocsp-then-crl)$",
        description="How it is told whether a caller is revoked: none (the agreements decide alone), "
        "crl, ocsp, ocsp-then-crl (lists when no responder answers).",
    )
    revocation_unknown: str = Field(
        "refuse",
        pattern="^(refuse|accept)$",
        description="What happens when revocation is on and nobody can tell: refuse, or accept and log it.",
    )
    revocation_lists: Path = Field(
        Path("var/secrets"),
        description="Revocation lists of the trusted CAs (CRL, PEM or DER): a file, or a folder with "
        "*.crl.pem and *.crl. Somebody else fetches them; a changed one is read without a restart.",
    )
    ocsp_urls: str = Field(
        "", description="Addresses of the OCSP responders that may be asked, separated by spaces."
    )
    ocsp_timeout_seconds: int = Field(3, ge=1, le=30, description="Longest wait for an OCSP responder.")
    ocsp_urls_of_certificates: bool = Field(
        False,
        validate_default=True,
        description="Also ask the responder that a certificate names (one of a trusted CA), "
        "whether or not it is in ocsp_urls.",
    )
    clock_skew_seconds: int = Field(
        300, ge=0, le=900, description="Allowed difference between the caller's clock and ours."
    )
    message_lifetime_seconds: int = Field(
        300, ge=30, le=600, description="Created to Expires of the messages that we sign."
    )
    max_message_lifetime_seconds: int = Field(
        600, ge=30, le=3600, description="Longest Created to Expires that we accept."
    )

    # --- security models
    security_models: str = Field(
        " ".join(SECURITY_MODELS),
        description="How callers of our services may be known: token, x509, context, separated by spaces. "
        "token counts where sts_entity_id is set, context where client certificates are seen.",
    )
    security_models_of_services: str = Field(
        "",
        description="Services with other ones: SERVICE=MODEL,MODEL, separated by spaces, such as "
        "FinansbilagModtag=context,token.",
    )
    client_certificate_header: str = Field(
        "",
        pattern="^[A-Za-z0-9-]*$",
        description="The HTTP header in which a proxy tells the caller's TLS client certificate (PEM that is "
        "URL-encoded, base64, or RFC 9440); the proxy must drop what callers send under that name.",
    )
    client_certificate_proxies: str = Field(
        "",
        validate_default=True,
        description="The addresses or networks of the only proxies that are believed, separated by spaces. "
        "127.0.0.1 means every process of this machine.",
    )
    tls_certificate_file: Path | None = Field(
        None,
        description="With it `opus-soap serve` speaks TLS itself: its certificate (PEM, with its chain). "
        "Callers may show a client certificate of the trusted CAs.",
    )
    tls_key_file: Path | None = Field(
        None, validate_default=True, description="The private key (PEM) of tls_certificate_file."
    )
    tls_trusted_ca_file: Path | None = Field(
        None,
        description="The CAs (PEM, with their roots) of the TLS servers that we call; empty: those that "
        "everybody trusts.",
    )

    # --- tokens (OIO IDWS)
    sts_entity_id: str = Field(
        "", description="EntityId (Issuer) of the STS whose tokens are believed; empty: no tokens are taken."
    )
    sts_certificate_file: Path = Field(
        Path("var/secrets/sts.crt.pem"),
        description="The certificates (PEM) that this STS signs its tokens and answers with.",
    )
    sts_required_privileges: str = Field(
        "",
        description="Privileges that every token must bring on behalf of its authority, separated by spaces.",
    )
    sts_url: str = Field(
        "", description="Where the STS is asked for tokens, for systems that we call with one."
    )

    # --- watching
    metrics: bool = Field(
        False, description="Answer GET /metrics (Prometheus); to whoever reaches the port, so not the world."
    )

    # --- limits of one request
    max_request_bytes: int = Field(
        32 * 1024 * 1024, ge=1024, description="Largest HTTP body taken; larger gets 413 and a fault."
    )
    max_unknown_sender_bytes: int = Field(
        64 * 1024,
        ge=0,
        description="Largest refused message of an unknown sender that the archive keeps whole; "
        "of a larger one, hash and size.",
    )
    max_xml_depth: int = Field(100, ge=10, le=1000, description="Deepest element nesting taken.")
    max_xml_elements: int = Field(200_000, ge=100, description="Most elements in one message.")
    max_xml_attributes: int = Field(200, ge=10, description="Most attributes on one element.")
    max_signature_references: int = Field(16, ge=2, le=64, description="Most ds:Reference in one signature.")
    header_timeout_seconds: int = Field(
        10, ge=1, le=300, description="Longest time a caller may take to deliver its request's header."
    )
    request_timeout_seconds: int = Field(
        120, ge=5, le=3600, description="Longest time of one request, from its header to its answer read."
    )
    read_timeout_seconds: int = Field(
        20, ge=1, le=300, description="Longest time a caller may take to deliver its body."
    )
    max_pending_requests: int = Field(
        64, ge=1, le=500, description="Requests under way in one process; more get 503 with Retry-After."
    )
    max_pending_downloads: int = Field(
        32,
        ge=1,
        le=500,
        description="Downloads of extracts under way in one process, besides the requests; more get 503.",
    )
    max_downloads_of_subscription: int = Field(
        4, ge=1, le=500, description="Of them those of one subscription; a slow receiver waits for itself."
    )
    max_pending_uploads: int = Field(
        16,
        ge=1,
        le=500,
        description="Files of postings being uploaded to one process, besides the requests; more get 503.",
    )
    max_uploads_of_sender: int = Field(
        4, ge=1, le=500, description="Of them those of one sender; a slow sender waits for itself."
    )

    # --- documents
    max_invoice_bytes: int = Field(
        25 * 1024 * 1024, ge=1024, description="Largest invoice file taken by `invoices import`."
    )
    max_attachment_bytes: int = Field(
        10 * 1024 * 1024, ge=1024, description="Largest single attachment inside an invoice, decoded."
    )
    max_attachments: int = Field(50, ge=0, description="Most attachments inside one invoice.")
    max_invoice_lines: int = Field(20_000, ge=1, description="Most lines in one invoice.")

    # --- files of postings
    files_folder: Path = Field(
        Path("var/files"),
        description="Where large contents, files of postings and their receipts are kept, by their hash; "
        "it belongs to one database, and to its backup.",
    )
    postings_folder: Path = Field(
        Path("var/postings"), description="Where senders of postings have their folders."
    )
    extracts_folder: Path = Field(
        Path("var/extracts"), description="Where extracts are kept as they were produced, a folder each."
    )
    max_extract_part_bytes: int = Field(
        2 * 1024 * 1024, ge=1024, le=2**24, description="Largest part of a file in an answer of UdtraekHent."
    )
    saft_schema_file: Path | None = Field(
        None,
        description="Schema (XSD) of SAF-T DK Financial that auditors' extracts are also held against; "
        "empty: our own structural checks alone.",
    )
    postings_settle_seconds: int = Field(
        5, ge=0, le=3600, description="A file in a sender's folder that changed since is still being written."
    )
    max_posting_file_bytes: int = Field(1024 * 1024 * 1024, ge=1024, description="Largest file of postings.")
    max_posting_upload_bytes: int = Field(
        64 * 1024 * 1024,
        ge=1024,
        description="Largest file of postings taken over HTTP; a larger one comes by folder or SFTP.",
    )
    upload_timeout_seconds: int = Field(
        100, ge=1, le=3600, description="Longest time a sender may take to upload a file of postings."
    )
    sftp_host_key_file: Path = Field(
        Path("var/secrets/sftp.key"),
        description="The key of `simulate sftp`, OpenSSH; made when it is missing.",
    )
    sftp_max_connections: int = Field(
        32, ge=1, le=1000, description="Connections to `simulate sftp` at a time; more are closed at once."
    )
    sftp_login_seconds: int = Field(
        20, ge=1, le=300, description="Longest time a caller of `simulate sftp` may take to log in."
    )
    sftp_idle_seconds: int = Field(
        600, ge=5, le=86_400, description="A connection to `simulate sftp` on which nothing happens ends."
    )
    sftp_max_files: int = Field(
        1000, ge=1, description="Most files that a sender may have in its request folder over SFTP."
    )
    max_message_vouchers: int = Field(
        1000, ge=1, description="Most vouchers in one message of FinansbilagModtag; more come as a file."
    )
    max_posting_documents: int = Field(1_000_000, ge=1, description="Most vouchers in one file of postings.")
    max_posting_lines: int = Field(5_000_000, ge=2, description="Most lines in one file of postings.")
    max_posting_attachment_bytes: int = Field(
        10 * 1024 * 1024, ge=1, description="Largest attachment of a voucher in a file of postings."
    )
    max_posting_batch: int = Field(
        1000, ge=1, le=10_000, description="Most vouchers of a file that are booked in one transaction."
    )
    max_posting_document_bytes: int = Field(
        256 * 1024 * 1024,
        ge=1024 * 1024,
        description="Largest voucher in a file of postings, with attachments; memory is a multiple of it.",
    )

    max_posting_document_elements: int = Field(
        2_000_000,
        ge=1000,
        description="Most XML elements of one voucher in a file of postings; each takes 130 bytes of memory.",
    )

    # --- answers
    max_answer_lines: int = Field(10_000, ge=1, description="Most postings in one answer.")

    # --- sending
    send_timeout_seconds: int = Field(30, ge=1, le=600, description="Longest wait for a receiver's reply.")
    max_reply_bytes: int = Field(8 * 1024 * 1024, ge=1024, description="Largest reply taken from a receiver.")
    send_max_attempts: int = Field(10, ge=1, le=100, description="Attempts before a message is parked.")
    send_backoff_seconds: int = Field(
        30, ge=0, le=86_400, description="First wait after a failed attempt; doubled each time."
    )
    send_backoff_max_seconds: int = Field(
        3600, ge=1, le=LONGEST_WAIT_SECONDS, description="Longest wait between two attempts."
    )
    send_lease_seconds: int = Field(
        120,
        ge=5,
        le=LONGEST_LEASE_SECONDS,
        description="How long a worker owns a message; after that another may take it.",
    )
    send_batch: int = Field(20, ge=1, le=1000, description="Messages leased at a time by one worker.")
    sweep_seconds: int = Field(
        10, ge=1, le=3600, description="How often the worker looks for lost or due work."
    )
    worker_threads: int = Field(2, ge=1, le=64, description="Threads in one worker process.")
    answer_due_days: int = Field(14, ge=1, le=3650, description="Days until an answer is overdue (reminder).")

    # --- retention
    content_retention_days: int = Field(
        5 * 366,
        ge=1,
        le=36_600,
        description="Days that documents and raw messages are kept before purge (5 years).",
    )

    def models_of_services(self) -> dict[str, list[str]]:
        """`security_models_of_services`, by service."""
        pairs = (entry.partition("=") for entry in self.security_models_of_services.split())
        return {service: models.split(",") for service, _, models in pairs}

    @field_validator(
        "tls_certificate_file", "tls_key_file", "tls_trusted_ca_file", "saft_schema_file", mode="before"
    )
    @classmethod
    def _may_be_empty(cls, path: object) -> object:
        return path or None

    @field_validator("security_models", "security_models_of_services")
    @classmethod
    def _are_models(cls, text: str, info: ValidationInfo) -> str:
        lists = [text.split()]
        if info.field_name == "security_models_of_services":
            lists = [entry.partition("=")[2].split(",") for entry in text.split()]
            if len({entry.partition("=")[0] for entry in text.split()}) < len(lists):
                raise ValueError("each service once")
        for models in lists:
            if not models or set(models) - set(SECURITY_MODELS) or len(set(models)) < len(models):
                raise ValueError(f"models are {', '.join(SECURITY_MODELS)}, each once")
        return text

    @field_validator("client_certificate_header")
    @classmethod
    def _is_a_header_of_its_own(cls, name: str) -> str:
        if name.lower() in ("content-type", "content-length"):
            raise ValueError("is a header of its own, such as X-Client-Cert")
        return name

    @field_validator("client_certificate_proxies")
    @classmethod
    def _are_networks(cls, text: str, info: ValidationInfo) -> str:
        for one in text.split():
            try:
                ip_network(one)
            except ValueError:
                raise ValueError(f"{one} is neither an address nor a network (10.0.0.0/24)") from None
        if bool(text.split()) != bool(info.data.get("client_certificate_header")):
            raise ValueError("client_certificate_header and client_certificate_proxies are set together")
        return text

    @field_validator("tls_key_file")
    @classmethod
    def _has_its_certificate(cls, key: Path | None, info: ValidationInfo) -> Path | None:
        if (key is None) != (info.data.get("tls_certificate_file") is None):
            raise ValueError("tls_certificate_file and tls_key_file are set together")
        return key

    @field_validator("queue_url", "public_url")
    @classmethod
    def _has_a_scheme(cls, url: str, info: ValidationInfo) -> str:
        known = ("redis://", "rediss://") if info.field_name == "queue_url" else ("https://", "http://")
        if url and not url.startswith(known):
            raise ValueError(f"starts with {' or '.join(known)}")
        return url

    @field_validator("ocsp_urls")
    @classmethod
    def _are_addresses(cls, urls: str) -> str:
        for url in urls.split():
            if not url.startswith(("https://", "http://")):
                raise ValueError("each starts with https:// or http://")
        return urls

    @field_validator("ocsp_urls_of_certificates")
    @classmethod
    def _somebody_can_be_asked(cls, follow: bool, info: ValidationInfo) -> bool:
        asks = info.data.get("revocation", "none").startswith("ocsp")
        if asks and not follow and not info.data.get("ocsp_urls", "").split():
            raise ValueError("revocation asks OCSP: set ocsp_urls, or this")
        return follow

    @field_validator("database_url", "queue_url", "public_url")
    @classmethod
    def _can_be_read(cls, url: str) -> str:
        try:
            parts = urlsplit(url)
            broken = _BAD_PERCENT.search(parts.netloc) is not None or parts.port == 0
        except ValueError:  # brackets, or a port that is none
            broken = True
        if broken:  # the library's own words would repeat parts of a password
            raise ValueError("not a URL; % / @ : in a password are written %25 %2F %40 %3A")
        return url

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Environment before secret files before the TOML file before defaults."""
        return (
            init_settings,
            env_settings,
            InitSettingsSource(settings_cls, secrets(settings_cls.model_fields)),
            InitSettingsSource(settings_cls, config()),
        )


def load(**overrides: Any) -> Settings:
    """Read the settings; raises `SettingsInvalid` that lists every error at once."""
    return load_as(Settings, **overrides)


def load_as(kind: type[Settings], **overrides: Any) -> Settings:
    """The same with other defaults, those of `kind`."""
    errors = list(_unknown_variables())
    try:
        settings = kind(**overrides)
    except SettingsInvalid as unreadable:
        errors.append(unreadable.value)
    except ValidationError as invalid:
        errors += [
            f"{PREFIX}{'.'.join(str(part) for part in error['loc']).upper()}: {error['msg']}"
            for error in invalid.errors(include_input=False, include_url=False)
        ]
    if errors:
        raise SettingsInvalid(value="; ".join(errors))
    return settings


def also_reads(variables: Callable[[], Collection[str]]) -> None:
    """Declare variables with our prefix that are no settings; asked only when one is not known."""
    _variables_elsewhere.append(variables)


def shown(value: object) -> str:
    """A setting's value for people to read: a password in a URL is masked."""
    return _PASSWORD.sub(lambda found: f"{found[1] or found[2]}•••", str(value))


def _unknown_variables() -> Iterator[str]:
    known = {CONFIG, SECRETS_DIR, *(f"{PREFIX}{name.upper()}" for name in Settings.model_fields)}
    unknown = {
        name
        for name in os.environ
        if name.upper().startswith(PREFIX)
        and name.upper() not in known
        and not name.upper().startswith(_TEST_PREFIX)
    }
    for elsewhere in _variables_elsewhere if unknown else ():
        unknown -= set(elsewhere())
    yield from (f"{name}: there is no such setting" for name in sorted(unknown))
