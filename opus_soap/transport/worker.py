"""The worker: lease what is due, send it, record what came of it."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from uuid import uuid4

import structlog
from peewee import PeeweeException

from opus_soap.database import connected, proxy, transaction
from opus_soap.errors import AttemptsUsedUp, HandlerFailed, HandlerUnknown, TransportError
from opus_soap.store import outbox
from opus_soap.store.models import OutboxEntry
from opus_soap.transport.handlers import Delivery, Handler, Handlers

log = structlog.get_logger("opus_soap.worker")

_MOST_EXTENSIONS = 30  # ten leases' time; a handler that still hangs has lost its message


def worker_name() -> str:
    """Unique to a run: host, process, and a random part, so that no lease is mistaken for an old one."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


@dataclass(frozen=True)
class Worker:
    """Sends what the outbox holds. Several, on several machines, share the work."""

    handlers: Handlers
    delivery: Delivery
    name: str = field(default_factory=worker_name)

    def run_once(self, limit: int | None = None) -> int:
        """Send what is due now, at most `limit` (else the batch of the settings); returns how many."""
        settings, clock = self.delivery.settings, self.delivery.clock
        with connected():
            # One at a time: a lease must not run out while its message waits behind a slow one.
            tried = 0
            while tried < (limit or settings.send_batch):
                entries = outbox.lease(
                    self.name,
                    1,
                    now=clock.now(),
                    lease_seconds=settings.send_lease_seconds,
                )
                if not entries:
                    break
                self._deliver(entries[0])
                tried += 1
        return tried

    def run(self, stop: threading.Event, wake: threading.Event) -> None:
        """Work until `stop`; look for due work every `sweep_seconds`, and at once on `wake`."""
        while not stop.is_set():
            wake.clear()
            try:
                tried = self.run_once()
            except Exception:
                log.exception("sweep failed")
                tried = 0
            if tried == 0:
                wake.wait(self.delivery.settings.sweep_seconds)

    def _deliver(self, entry: OutboxEntry) -> None:
        handler = self.handlers.get(entry.kind)
        try:
            if handler is None:
                raise HandlerUnknown(value=entry.kind)
            if entry.attempts > self.delivery.settings.send_max_attempts:  # no attempt lived to report
                raise AttemptsUsedUp(value=entry.attempts - 1)
            with self._kept(entry):
                handler.send(entry, self.delivery)
            log.info("sent", kind=entry.kind, subject=entry.subject, attempt=entry.attempts)
        except TransportError as error:
            self._failed(entry, error)
        except Exception as error:
            log.exception("handler failed", kind=entry.kind, subject=entry.subject)
            self._failed(entry, HandlerFailed(value=type(error).__name__))

    @contextmanager
    def _kept(self, entry: OutboxEntry) -> Iterator[None]:
        """Extend the lease for as long as the handler works, so that nobody else sends the same."""
        done = threading.Event()
        keeper = threading.Thread(target=self._keep, args=(entry, done), name="lease", daemon=True)
        keeper.start()
        try:
            yield
        finally:
            done.set()
            keeper.join()

    def _keep(self, entry: OutboxEntry, done: threading.Event) -> None:
        seconds = self.delivery.settings.send_lease_seconds
        for _ in range(_MOST_EXTENSIONS):
            if done.wait(seconds / 3):
                return
            try:
                with proxy.obj.connection_context():
                    kept = outbox.extend(entry, now=self.delivery.clock.now(), lease_seconds=seconds)
            except PeeweeException:
                log.exception("lease not extended", subject=entry.subject)
                continue
            if not kept:
                log.warning("lease lost", subject=entry.subject)
                return

    def _failed(self, entry: OutboxEntry, error: TransportError) -> None:
        """Wait for the next attempt; or park, and let the handler tell so in the same transaction."""
        try:
            state = self._record_failure(entry, error, self.handlers.get(entry.kind))
        except Exception:  # or the message would be leased again and again
            log.exception("handler failed to give up", kind=entry.kind, subject=entry.subject)
            state = self._record_failure(entry, error, None)
        log.warning(
            "not sent",
            kind=entry.kind,
            subject=entry.subject,
            code=error.code,
            attempt=entry.attempts,
            state=state,
        )

    def _record_failure(
        self, entry: OutboxEntry, error: TransportError, handler: Handler | None
    ) -> str | None:
        with transaction():
            if handler is not None and handler.hold is not None:
                handler.hold(entry)
            state = outbox.failed(
                entry,
                str(error),
                retryable=error.retryable,
                clock=self.delivery.clock,
                settings=self.delivery.settings,
                wait_seconds=error.wait_seconds,
            )
            if state == OutboxEntry.PARKED and handler is not None:
                handler.given_up(entry, error, self.delivery)
        return state
