"""`opus-soap explain`: a signed message, step by step, and what to change."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click
from cryptography import x509
from lxml import etree
from peewee import PeeweeException

from opus_soap.app import policy, services
from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.cli.shown import shown
from opus_soap.errors import OpusSoapError, mask_cpr
from opus_soap.keys import load_tokens, load_trust
from opus_soap.store import agreements, archive, content
from opus_soap.wss.explaining import Explainer, Step

_MARKS = {True: "holds", False: "FAILS", None: "     "}


@click.command()
@click.argument("message")
@click.option("--at", help="When it came (ISO, with a zone); default: as archived, or now.")
@click.option("--profile", default="kombit", type=click.Choice(["kombit", "basic", "sts"]), help="As agreed.")
@click.option("--audience", help="EntityId of the service; default: that of the body's first element.")
@click.pass_obj
@reports_errors
def explain(runtime: Runtime, message: str, at: str | None, profile: str, audience: str | None) -> None:
    """Walk through MESSAGE, a file or an id from the archive (a fault gives a correlation id).

    Tells headers, each reference with the digest that is said and the one that is found, the certificate and
    who issued it, the token and the issuer that is expected, the time window; and what to change. Exit status
    1 when something fails.
    """
    data, came = _read(runtime, message)
    moment = datetime.fromisoformat(at) if at else came
    if moment.tzinfo is None:
        raise click.BadParameter(f"{at} has no zone; such as 2026-11-23T11:00:00Z", param_hint="--at")
    explainer = Explainer(
        load_trust(runtime.settings),
        load_tokens(runtime.settings),
        policy(runtime.settings),
        profile=profile,
        audience=audience or _audience(runtime, data),
        known=_known(runtime, moment),
    )
    steps = explainer.explain(data, moment.astimezone(UTC))
    for step in steps:
        _tell(step)
    raise SystemExit(0 if all(step.holds is not False for step in steps) else 1)


def _read(runtime: Runtime, message: str) -> tuple[bytes, datetime]:
    path = Path(message)
    if path.is_file():
        return path.read_bytes(), runtime.clock.now()
    runtime.open_database()
    found = archive.find(message)
    row = next((row for row in found if row.direction == "in"), found[0])  # what came, not what was answered
    return content.get(row.content.sha256), row.at


def _audience(runtime: Runtime, data: bytes) -> str | None:
    """The service whose contract has the body's element."""
    try:
        body = etree.fromstring(data, etree.XMLParser(resolve_entities=False, no_network=True)).find(
            "{*}Body"
        )
    except etree.XMLSyntaxError:
        return None
    name = str(body[0].tag) if body is not None and len(body) else ""
    for service in services(runtime.settings, runtime.clock):
        if name in service.contract.operations:
            return service.entity_id
    return None


def _known(runtime: Runtime, moment: datetime) -> list[x509.Certificate]:
    """The certificates of the agreements, when there is a database."""
    try:
        runtime.open_database()
        return list(agreements.all_certificates(moment))
    except (OpusSoapError, PeeweeException):
        return []


def _tell(step: Step) -> None:
    click.echo(shown(f"{_MARKS[step.holds]}  {step.name}"))
    for fact in step.facts:
        click.echo(shown(f"         {mask_cpr(fact)}"))
    if step.change:
        click.echo(shown(f"      →  {mask_cpr(step.change)}"))
