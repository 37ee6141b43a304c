"""What the demo needs before it starts: keys, a database with a municipality, an agreement, invoices."""

from __future__ import annotations

import json
import socket
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from uuid import UUID

from opus_soap.clock import Clock, business_date
from opus_soap.database import connect, transaction
from opus_soap.documents.synthetic import SyntheticReceiver, SyntheticSupplier, synthetic_invoices
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.seals import create_seal_key
from opus_soap.settings import Settings, load
from opus_soap.simulate.receiving import PATH
from opus_soap.simulate.sts import PATH as STS_PATH
from opus_soap.store import agreements
from opus_soap.store.models import RoutingRule
from opus_soap.store.schema import migrate
from opus_soap.wss import pki

CASE_SYSTEM = UUID("c0ffee00-1590-4d00-8000-000000000002")
CASE_SYSTEM_NAME = "Sagssystem"
STS = "https://sts.example.dk/runtime"
SERVICES = ("FakturaInformationSvarAfsend", "DimensionHent", "FinansbilagModtag", "UdtraekHent")


@dataclass(frozen=True)
class Scene:
    """Where everything of one demo is."""

    folder: Path
    opus_port: int
    case_port: int
    definition: dict[str, Any]
    opus_database: str = ""  # empty: SQLite in the folder
    sts_port: int = 8082
    security_model: str = "x509"

    @property
    def _scheme(self) -> str:
        """Both sides speak TLS where TLS alone tells who calls."""
        return "https" if self.security_model == "context" else "http"

    @property
    def opus_url(self) -> str:
        """Where our server listens."""
        return f"{self._scheme}://127.0.0.1:{self.opus_port}"

    @property
    def case_url(self) -> str:
        """Where the simulated case system listens."""
        return f"{self._scheme}://127.0.0.1:{self.case_port}"

    @property
    def sts_url(self) -> str:
        """Where tokens are given."""
        return f"http://127.0.0.1:{self.sts_port}{STS_PATH}"

    @property
    def keys(self) -> Path:
        """The example PKI."""
        return self.folder / "keys"

    def environment(self, who: str) -> dict[str, str]:
        """The settings of `opus` or `case-system`, as environment variables."""
        chosen = self.opus_database if who == "opus" else ""
        return {
            "OPUS_SOAP_DATABASE_URL": chosen or f"sqlite:///{self.folder / who}.sqlite3",
            "OPUS_SOAP_FILES_FOLDER": str(self.folder / f"{who}-files"),
            "OPUS_SOAP_SIGNING_KEY_FILE": str(self.keys / f"{who}.key.pem"),
            "OPUS_SOAP_SIGNING_CERTIFICATE_FILE": str(self.keys / f"{who}.crt.pem"),
            "OPUS_SOAP_TRUSTED_CA_FILE": str(self.keys / "ca.pem"),
            "OPUS_SOAP_SEAL_KEY_FILE": str(self.keys / "seal.key.pem"),
            "OPUS_SOAP_STS_ENTITY_ID": STS,
            "OPUS_SOAP_STS_CERTIFICATE_FILE": str(self.keys / "sts.crt.pem"),
            "OPUS_SOAP_STS_URL": self.sts_url,
            "OPUS_SOAP_SWEEP_SECONDS": "1",
            "OPUS_SOAP_SEND_BACKOFF_SECONDS": "1",
            "OPUS_SOAP_SEND_BACKOFF_MAX_SECONDS": "4",
            "OPUS_SOAP_LOG_LEVEL": "WARNING",
            **(self._tls(who) if self.security_model == "context" else {}),
        }

    def _tls(self, who: str) -> dict[str, str]:
        return {
            "OPUS_SOAP_TLS_CERTIFICATE_FILE": str(self.keys / f"{who}.chain.pem"),
            "OPUS_SOAP_TLS_KEY_FILE": str(self.keys / f"{who}.key.pem"),
            "OPUS_SOAP_TLS_TRUSTED_CA_FILE": str(self.keys / "root.crt.pem"),
        }

    @property
    def settings_file(self) -> Path:
        """The settings of `opus`, for whoever looks at it from another terminal (`OPUS_SOAP_CONFIG`)."""
        return self.folder / "settings.toml"

    def write_settings(self) -> None:
        """Write that file: for its owner alone, as a database's URL may hold a password."""
        lines = [
            f"{key.removeprefix('OPUS_SOAP_').lower()} = {json.dumps(value)}\n"
            for key, value in self.environment("opus").items()
        ]
        self.settings_file.touch(mode=0o600)
        self.settings_file.write_text("".join(lines), "utf-8")

    def settings(self, who: str) -> Settings:
        """The same, for this process."""
        names = {
            key.removeprefix("OPUS_SOAP_").lower(): value for key, value in self.environment(who).items()
        }
        return load(**names)


def free_port(wanted: int) -> int:
    """The port wanted, or any free one when it is taken."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            chosen: int = probe.getsockname()[1]
            return chosen
    raise AssertionError  # port 0 always binds


def definition() -> dict[str, Any]:
    """Eksempelby Kommune."""
    return tomllib.loads((files("opus_soap.simulate") / "municipality.toml").read_text("utf-8"))


def prepare(
    folder: Path,
    clock: Clock,
    *,
    opus_port: int,
    case_port: int,
    opus_database: str = "",
    security_model: str = "x509",
) -> Scene:
    """Make keys, database, master data, agreement and routing; leaves this process connected."""
    ports = free_port(opus_port), free_port(case_port)
    scene = Scene(folder, *ports, definition(), opus_database, free_port(8082), security_model)
    scene.write_settings()
    pki.create(pki.example(), scene.keys, now=clock.now())
    create_seal_key(scene.keys / "seal.key.pem")
    connect(scene.environment("opus")["OPUS_SOAP_DATABASE_URL"])
    migrate()
    municipality = load_municipality(scene.definition)
    with transaction():
        system = agreements.register_system(
            uuid=CASE_SYSTEM,
            municipality=municipality.code,
            name=CASE_SYSTEM_NAME,
            cvr="44444449",
            services=SERVICES,
            endpoint_url=f"{scene.case_url}{PATH}",
            security_model=security_model,
        )
        for name in ("case-system", "case-system-next"):
            agreements.add_certificate(system, (scene.keys / f"{name}.crt.pem").read_bytes())
        for priority, ean in enumerate(scene.definition["receiver"]["eans"], start=10):
            RoutingRule.create(municipality=municipality.code, priority=priority, ean=ean, system=system)
        RoutingRule.create(municipality=municipality.code, priority=100, system=system)
    return scene


def write_invoices(scene: Scene, clock: Clock, *, seed: int, count: int) -> dict[str, str]:
    """Invoice files in the scene's folder; returns what is special about each, by number."""
    folder = scene.folder / "invoices"
    folder.mkdir(exist_ok=True)
    head = scene.definition["municipality"]
    receiver = SyntheticReceiver(head["name"], head["cvr"], **scene.definition["receiver"])
    suppliers = [
        SyntheticSupplier(row["name"], row["cvr"])
        for row in scene.definition["suppliers"]
        if row.get("active", True)
    ]
    described = {}
    for invoice in synthetic_invoices(seed, count, receiver, suppliers, business_date(clock.now())):
        (folder / invoice.file_name).write_bytes(invoice.data)
        described[invoice.number] = invoice.description
    return described
