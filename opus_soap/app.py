"""The one place where the parts are put together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from opus_soap.clock import Clock
from opus_soap.database import connect
from opus_soap.doctor.dates import log_ending
from opus_soap.doctor.metrics import Metrics
from opus_soap.encoded import LONG
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.downloading import Downloads
from opus_soap.extracts.producing import Producer
from opus_soap.extracts.schedule import run_due
from opus_soap.interfaces.extract_fetching.service import extract_service
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.interfaces.invoice_approval import lending, sending
from opus_soap.interfaces.invoice_approval.service import answer_service
from opus_soap.interfaces.master_data.service import dimension_service
from opus_soap.interfaces.postings_in.retention import purge as purge_files
from opus_soap.interfaces.postings_in.soap_service import voucher_service
from opus_soap.interfaces.postings_in.uploading import PostingUploads
from opus_soap.keys import (
    CurrentCertificates,
    CurrentSigner,
    CurrentVerifier,
    check_tls_trust,
    load_own,
    load_sts_certificates,
    load_tokens,
    load_trust,
    own_files,
    trust_files,
)
from opus_soap.reloading import Reloading
from opus_soap.settings import Settings
from opus_soap.soap.access_log import configure_logging
from opus_soap.soap.front import Resource, SoapFront
from opus_soap.soap.limits import of_messages
from opus_soap.soap.service import SoapService
from opus_soap.store import purging, replay
from opus_soap.store.files import FileStore
from opus_soap.store.schema import check_schema
from opus_soap.transport.client import Caller
from opus_soap.transport.handlers import Delivery, Handlers
from opus_soap.transport.queue import Chore
from opus_soap.transport.worker import Worker
from opus_soap.wss.sts import StsClient
from opus_soap.wss.verification import VerificationPolicy, Verifier

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

WORKING = 8  # messages dealt with at a time by one process

Register = Callable[[Handlers], None]


def services(settings: Settings, clock: Clock) -> tuple[SoapService, ...]:
    """Every service that the finance system exposes."""
    answers = answer_service(clock, settings.system_uuid, most_lines=settings.max_answer_lines)
    extracts = extract_service(deliverer(settings, clock), settings)
    return (answers, dimension_service(), voucher_service(clock, settings), extracts)


def build_server(settings: Settings, clock: Clock, *, working: int = WORKING) -> WSGIApplication:
    """The finance system's SOAP server, its database connected and checked.

    `working` messages are dealt with at a time, each with a database connection. Raises a
    `ConfigurationError` or `DatabaseError` that says what to mend.
    """
    resources: list[Resource] = [
        PostingUploads(settings, clock, at_once=max(1, working // 2)),
        Downloads(deliverer(settings, clock), settings),
    ]
    if settings.metrics:
        resources.append(Metrics(settings, clock))
    return build_front(
        services(settings, clock),
        settings,
        clock,
        resources=resources,
        working=working,
        files=settings.files_folder,
    )


def deliverer(settings: Settings, clock: Clock) -> Deliverer:
    """What hands extracts over, with what produces them."""
    return Deliverer(Producer(KINDS, settings.extracts_folder, settings.seal_key_file, clock), clock)


def build_worker(settings: Settings, clock: Clock) -> Worker:
    """The finance system's worker, its database connected and checked."""
    return assemble_worker([sending.register], settings, clock, files=settings.files_folder)


def calendar(settings: Settings, clock: Clock) -> tuple[Chore, ...]:
    """What the finance system's worker does by the clock, besides sending."""
    retention = timedelta(days=settings.content_retention_days)

    def purge() -> None:
        purging.purge(now=clock.now(), retention=retention)
        purge_files(FileStore(settings.files_folder), now=clock.now(), retention=retention)
        purging.forget_abandoned(now=clock.now())  # last: it may find no moment for its lock

    extracts, at_work = deliverer(settings, clock), Lock()

    def run_extracts() -> None:
        """By one thread of a process, whatever is due: the others go on sending messages."""
        if at_work.acquire(blocking=False):
            try:
                run_due(extracts.producer, extracts)
            finally:
                at_work.release()

    return (
        Chore("extracts", run_extracts, minute="*"),
        Chore("forget_replays", lambda: replay.forget_expired(clock.now()), minute="0"),
        Chore("remind", lambda: lending.remind(actor="calendar", clock=clock), minute="15"),
        Chore("ending", lambda: log_ending(settings, clock), minute="45", hour="5"),
        Chore("purge", purge, minute="30", hour="3"),
    )


def build_front(
    offered: Sequence[SoapService],
    settings: Settings,
    clock: Clock,
    *,
    resources: Sequence[Resource] = (),
    working: int = WORKING,
    files: Path | None = None,
) -> WSGIApplication:
    """A SOAP server over any services, and what else there is; the simulated case system is one too.

    `files` is the folder for large contents; without one they are in the database.
    """
    configure_logging(settings.log_level)
    pool_size = 2 * working  # refusals are archived besides
    connect(settings.database_url, pool_size=pool_size, files=files)
    check_schema()
    proof = verifier(settings), signer(settings)
    return SoapFront(offered, settings, clock, *proof, resources=resources, working=working)


def assemble_worker(
    registers: Sequence[Register], settings: Settings, clock: Clock, *, files: Path | None = None
) -> Worker:
    """A worker that sends what these interfaces put into the outbox.

    Raises a `ConfigurationError` or `DatabaseError` that says what to mend.
    """
    check_tls_trust(settings)  # or every message would fail on it, one by one
    configure_logging(settings.log_level)
    connect(settings.database_url, files=files)
    check_schema()
    handlers: Handlers = {}
    for register in registers:
        register(handlers)
    own = signer(settings)
    caller = Caller(own, settings, clock, sts_client(settings, clock, own))
    return Worker(handlers, Delivery(caller, clock, settings))


def sts_client(settings: Settings, clock: Clock, own: CurrentSigner) -> StsClient | None:
    """Where tokens are asked for; None when no STS is set. Raises `SigningKeyUnusable`."""
    if not settings.sts_url:
        return None
    pinned = Reloading(
        "STS certificates",
        lambda: load_sts_certificates(settings),
        lambda: [settings.sts_certificate_file],
        settings.reload_seconds,
    )
    return StsClient(
        settings.sts_url,
        own,
        CurrentCertificates(pinned),
        ca_file=settings.tls_trusted_ca_file,
        now=clock.now,
    )


def signer(settings: Settings) -> CurrentSigner:
    """Our signing key, as its files change; raises `SigningKeyUnusable`."""
    return CurrentSigner(
        Reloading(
            "signing key", lambda: load_own(settings), lambda: own_files(settings), settings.reload_seconds
        )
    )


def verifier(settings: Settings) -> CurrentVerifier:
    """Verification under the settings' trust and limits; raises `SigningKeyUnusable`."""
    return CurrentVerifier(
        Reloading(
            "trust",
            lambda: Verifier(load_trust(settings), policy(settings), load_tokens(settings)),
            lambda: trust_files(settings),
            settings.reload_seconds,
        )
    )


def policy(settings: Settings) -> VerificationPolicy:
    """The settings' limits for one message."""
    return VerificationPolicy(
        skew=timedelta(seconds=settings.clock_skew_seconds),
        max_lifetime=timedelta(seconds=settings.max_message_lifetime_seconds),
        max_references=settings.max_signature_references,
        limits=of_messages(settings),
        lift_from=LONG,
    )
