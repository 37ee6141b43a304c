"""GET /metrics: how long certificates last and extracts wait, for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from opus_soap.clock import Clock
from opus_soap.doctor import extracts
from opus_soap.doctor.dates import in_files, of_agreements
from opus_soap.errors import PathUnknown
from opus_soap.settings import Settings
from opus_soap.soap.answers import Answer
from opus_soap.soap.front import AtWork


@dataclass(frozen=True)
class Metrics:
    """A resource of the front, counted anew for each who asks."""

    settings: Settings
    clock: Clock
    prefix: str = "/metrics"
    methods: tuple[str, ...] = ("GET", "HEAD")

    def answer(self, environ: dict[str, Any], path: str, method: str, at_work: AtWork) -> Answer:
        """The gauges in Prometheus' text form; raises `PathUnknown`, `CertificateFileInvalid`."""
        if path != self.prefix:
            raise PathUnknown
        with at_work():
            dated = [*in_files(self.settings), *of_agreements()]
            overdue, waiting = extracts.overdue(self.clock), extracts.waiting()
        registry, now = CollectorRegistry(), self.clock.now()
        days = Gauge(
            "opus_soap_certificate_expires_in_days",
            "Days until a certificate or revocation list ends; negative after that.",
            ("kind", "name"),
            registry=registry,
        )
        for one in dated:
            days.labels(one.kind, one.name).set((one.ends - now).total_seconds() / 86_400)
        late = Gauge(
            "opus_soap_subscription_overdue_seconds",
            "Seconds since a subscription was due and not ordered; those that are not late are left out.",
            ("municipality", "subscription"),
            registry=registry,
        )
        for due in overdue:
            subscription = due.subscription
            since = (now - extracts.late_since(due)).total_seconds()
            late.labels(subscription.municipality, subscription.name).set(since)
        open_for = Gauge(
            "opus_soap_extract_waiting_seconds",
            "Seconds that the first extract of a subscription that is not handed over is in its state.",
            ("municipality", "subscription", "state"),
            registry=registry,
        )
        for extract in waiting:
            waited = (now - extract.since).total_seconds()
            open_for.labels(*extract.label, extract.extract.state).set(waited)
        return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
