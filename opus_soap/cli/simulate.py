"""`opus-soap simulate`: counterparts to test against."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import click

from opus_soap.cli.runtime import Runtime, address, reports_errors
from opus_soap.database import connect, connected, disconnect
from opus_soap.errors import DatabaseHoldsBooks, SftpMissing
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.interfaces.postings_in.sweeping import WatchedFolders
from opus_soap.ledger.master_data import find_municipality
from opus_soap.ledger.models import CompanyCode
from opus_soap.settings import SECURITY_MODELS, Settings, load_as, shown
from opus_soap.simulate.behaviours import BEHAVIOURS, Choice
from opus_soap.simulate.settings import CaseSystemSettings
from opus_soap.soap.access_log import configure_logging
from opus_soap.store import agreements
from opus_soap.store.schema import migrate


@click.group()
def simulate() -> None:
    """Run a counterpart to test against."""


_HELP = """Run a case system that takes invoices and answers them, with a page at / to look at.

It keeps its own database (var/case-system.sqlite3), signs with its own key
(var/secrets/case-system.key.pem), and goes on where it was after a kill.

\b
Behaviours:
""" + "\n".join(f"  {name:14} {text}" for name, text in BEHAVIOURS.items())


@simulate.command("case-system", help=_HELP)
@click.option("--bind", default="127.0.0.1:8081", callback=address, help="HOST:PORT to listen on.")
@click.option("--opus-url", default="http://127.0.0.1:8080", help="Where opus-soap listens.")
@click.option(
    "--opus-certificate",
    required=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The certificate (PEM) that opus-soap signs with.",
)
@click.option("--municipality", default="999", help="Code of the municipality.")
@click.option("--municipality-cvr", default="90810111", help="CVR number of the municipality.")
@click.option(
    "--security-model",
    default="x509",
    type=click.Choice(SECURITY_MODELS),
    help="How the two call each other; token needs an STS (OPUS_SOAP_STS_URL and its siblings), context TLS.",
)
@click.option("--seed", default=1, type=int, help="Draws the behaviours; the same seed, the same behaviours.")
@click.option("--behaviour", "weights", multiple=True, help="NAME=WEIGHT, repeated. Default: approve=1.")
@click.option("--invoice", "by_number", multiple=True, help="NUMBER=NAME: this invoice gets this behaviour.")
@click.option("--answer-delay", default=0.5, type=float, help="Seconds from invoice to answer.")
@click.option("--slow", default=2.0, type=float, help="Seconds that the behaviour slow adds.")
@click.pass_obj
@reports_errors
def case_system(
    runtime: Runtime,
    bind: str,
    opus_url: str,
    opus_certificate: Path,
    municipality: str,
    municipality_cvr: str,
    security_model: str,
    seed: int,
    weights: tuple[str, ...],
    by_number: tuple[str, ...],
    answer_delay: float,
    slow: float,
) -> None:
    """Register the finance system in the simulator's own database, and serve."""
    from opus_soap.simulate.case_system import CaseSystem
    from opus_soap.soap.serving import WsgiServer, scheme

    settings, clock = load_as(CaseSystemSettings, **runtime.overrides), runtime.clock
    choice = Choice(seed, _weights(weights), _pairs(by_number))
    _open_own_database(settings)
    opus = agreements.register_system(
        uuid=settings.system_uuid,
        municipality=municipality,
        name="Opus",
        cvr=municipality_cvr,
        services=["FakturaInformationAfsend"],
        endpoint_url=opus_url,
        security_model=security_model,
    )
    agreements.add_certificate(opus, opus_certificate.read_bytes())
    disconnect()
    system = CaseSystem(settings, clock, opus_url, choice, answer_delay, slow)
    system.front()  # every error shows here, before gunicorn starts a worker
    disconnect()
    click.echo(f"The simulated case system listens on {scheme(settings)}://{bind}/")
    WsgiServer(system.server, settings, bind=bind, workers=1, threads=8).run()


@simulate.command()
@click.option("--bind", default="127.0.0.1:8082", callback=address, help="HOST:PORT to listen on.")
@click.option("--entity-id", default="https://sts.example.dk/runtime", help="Issuer of its tokens.")
@click.option(
    "--key",
    default="var/secrets/sts.key.pem",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Its private key (PEM).",
)
@click.option(
    "--certificate",
    default="var/secrets/sts.crt.pem",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The certificate (PEM) that belongs to that key.",
)
@click.option("--audience", "more", multiple=True, help="EntityId of another service than ours (repeat).")
@click.option(
    "--authority", "authorities", multiple=True, help="CVR that may be acted for (repeat; else any)."
)
@click.option("--privilege", "privileges", multiple=True, help="Goes into every token (repeat).")
@click.option("--hours", default=8.0, type=click.FloatRange(0.01, 24), help="How long a token is good for.")
@click.pass_obj
@reports_errors
def sts(
    runtime: Runtime,
    bind: str,
    entity_id: str,
    key: Path,
    certificate: Path,
    more: tuple[str, ...],
    authorities: tuple[str, ...],
    privileges: tuple[str, ...],
    hours: float,
) -> None:
    """Give holder-of-key tokens (SAML 2.0, WS-Trust 1.3), in the shape of Kombit's STS.

    It believes whoever signs with a certificate of a trusted issuer (OPUS_SOAP_TRUSTED_CA_FILE). `opus-soap
    certs create` makes its key.
    """
    from opus_soap.simulate.sts import PATH, token_service
    from opus_soap.soap.serving import WsgiServer, scheme

    settings = runtime.settings
    service = token_service(
        settings,
        runtime.clock,
        entity_id=entity_id,
        key_file=key,
        certificate_file=certificate,
        more_audiences=more,
        authorities=authorities,
        privileges=privileges,
        lifetime=timedelta(hours=hours),
    )
    click.echo(f"The test STS {entity_id} listens on {scheme(settings)}://{bind}{PATH}")
    WsgiServer(lambda: service, settings, bind=bind, workers=1, threads=4).run()


@simulate.command()
@click.option("--bind", default="127.0.0.1:2222", callback=address, help="HOST:PORT to listen on.")
@click.option("--watch", is_flag=True, help="Deal with the files, too, as `postings watch` does.")
@click.option("--municipality", default="999", help="Code of the municipality.")
@click.pass_obj
@reports_errors
def sftp(runtime: Runtime, bind: str, watch: bool, municipality: str) -> None:
    """Run an SFTP server with the folders of the senders of postings.

    A sender logs in as its SENDER_ID, with what `postings senders key` and `password` gave it, and sees
    its own folders: request, response, archive and quarantine. They are those of `postings watch`.
    """
    try:
        from opus_soap.simulate.sftp import SftpServer, serve
    except ImportError:
        raise SftpMissing from None
    runtime.open_database()
    configure_logging(runtime.settings.log_level)
    find_municipality(municipality)
    host, _, port = bind.rpartition(":")
    settings = runtime.settings
    receiver = Receiver.of(municipality, settings, runtime.clock)
    folders = WatchedFolders(settings.postings_folder, receiver, settings.postings_settle_seconds)

    def sweep() -> None:
        with connected():
            folders.go_round(settings.seal_key_file)

    def started(port: int) -> None:
        click.echo(
            f"SFTP on {host}:{port}, key {server.fingerprint()}, folders in {settings.postings_folder}"
        )

    server = SftpServer(municipality, settings)
    until_stopped(serve(server, host.strip("[]"), int(port), started=started, sweep=sweep if watch else None))


def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Run until SIGTERM or SIGINT."""

    async def run() -> None:
        task = asyncio.ensure_future(work)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(run())


def _open_own_database(settings: Settings) -> None:
    database = connect(settings.database_url)
    with connected():
        if database.table_exists("company_code") and CompanyCode.select().exists():
            raise DatabaseHoldsBooks(value=shown(settings.database_url))
    disconnect()
    migrate()


def _pairs(texts: tuple[str, ...]) -> dict[str, str]:
    pairs = dict(text.split("=", 1) for text in texts if "=" in text)
    for text in texts:
        if "=" not in text:
            raise click.UsageError(f"{text}: write NAME=VALUE, as in silence=1 or 2096003=reject")
    return pairs


def _weights(texts: tuple[str, ...]) -> dict[str, int]:
    weights = {name: int(weight) if weight.isdigit() else 0 for name, weight in _pairs(texts).items()}
    if any(weight < 1 for weight in weights.values()):
        raise click.UsageError(f"{' '.join(texts)}: a weight is a whole number from 1, as in silence=1")
    return weights or {"approve": 1}
