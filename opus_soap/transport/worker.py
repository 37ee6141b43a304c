"""The worker: lease what is due, send it, record what came of it."""

from __future__ import annotations

import os
import socket
import threading
from dataclasses import dataclass, field
from uuid import uuid4

import structlog

from opus_soap.database import connected, transaction
from opus_soap.errors import HandlerFailed, HandlerUnknown, TransportError
from opus_soap.store import outbox, replay
from opus_soap.store.models import OutboxEntry
from opus_soap.transport.handlers import Delivery, Handlers

log = structlog.get_logger("opus_soap.worker")


def worker_name() -> str:
    """Unique to a run: host, process, and a random part, so that no lease is mistaken for an old one."""
    return f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex[:8]}"


@dataclass(frozen=True)
class Worker:
    """Sends what the outbox holds. Several, on several machines, share the work."""

    handlers: Handlers
    delivery: Delivery
    name: str = field(default_factory=worker_name)

    def run_once(self) -> int:
        """Send what is due now; returns how many messages were tried."""
        settings, clock = self.delivery.settings, self.delivery.clock
        with connected():
            # One at a time: a lease must not run out while its message waits behind a slow one.
            tried = 0
            while tried < settings.send_batch:
                entries = outbox.lease(
                    self.name, 1, now=clock.now(), lease_seconds=settings.send_lease_seconds
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

    def forget_replays(self) -> int:
        """House-keeping: drop replay entries of messages that have expired."""
        return replay.forget_expired(self.delivery.clock.now())

    def _deliver(self, entry: OutboxEntry) -> None:
        handler = self.handlers.get(entry.kind)
        try:
            if handler is None:
                raise HandlerUnknown(value=entry.kind)
            handler.send(entry, self.delivery)
            log.info("sent", kind=entry.kind, subject=entry.subject, attempt=entry.attempts)
        except TransportError as error:
            self._failed(entry, error)
        except Exception as error:
            log.exception("handler failed", kind=entry.kind, subject=entry.subject)
            self._failed(entry, HandlerFailed(value=type(error).__name__))

    def _failed(self, entry: OutboxEntry, error: TransportError) -> None:
        """Wait for the next attempt; or park, and let the handler tell so in the same transaction."""
        with transaction():
            state = outbox.failed(
                entry,
                str(error),
                retryable=error.retryable,
                clock=self.delivery.clock,
                settings=self.delivery.settings,
                wait_seconds=error.wait_seconds,
            )
            handler = self.handlers.get(entry.kind)
            if state == OutboxEntry.PARKED and handler is not None:
                handler.given_up(entry, error, self.delivery)
        log.warning(
            "not sent",
            kind=entry.kind,
            subject=entry.subject,
            code=error.code,
            attempt=entry.attempts,
            state=state,
        )
