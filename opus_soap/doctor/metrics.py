"""GET /metrics: how long certificates last, for Prometheus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from opus_soap.clock import Clock
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
        registry, now = CollectorRegistry(), self.clock.now()
        days = Gauge(
            "opus_soap_certificate_expires_in_days",
            "Days until a certificate or revocation list ends; negative after that.",
            ("kind", "name"),
            registry=registry,
        )
        for one in dated:
            days.labels(one.kind, one.name).set((one.ends - now).total_seconds() / 86_400)
        return 200, CONTENT_TYPE_LATEST, generate_latest(registry)
