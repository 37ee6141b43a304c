"""`opus-soap systems`: agreements, certificates, routing rules and exchange rates."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import click

from opus_soap.cli.amounts import amount
from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.cli.shown import listing, shown
from opus_soap.database import new_uuid, transaction
from opus_soap.errors import AgreementInvalid, Both, OpusSoapError, SupplierUnknown
from opus_soap.keys import load_trust
from opus_soap.ledger.master_data import find_municipality
from opus_soap.ledger.models import Supplier
from opus_soap.money import danish
from opus_soap.settings import SECURITY_MODELS
from opus_soap.store import agreements
from opus_soap.store.models import ExchangeRate, RoutingRule, System, SystemCertificate
from opus_soap.wss.certificates import TrustStore

_RATE = re.compile(r"\d{1,9}([.,]\d{1,8})?", re.ASCII)
_PRIORITY = click.IntRange(0, 2**31 - 1)
SERVICES = (
    "FakturaInformationSvarAfsend",
    "DimensionHent",
    "FakturaInformationAfsend",
    "FinansbilagModtag",
    "UdtraekHent",
)


def _decimal(pattern: re.Pattern[str], text: str, example: str) -> Decimal:
    if not pattern.fullmatch(text):
        raise click.BadParameter(f"{text} is not such as {example}")
    return Decimal(text.replace(",", "."))


def _rate(_context: click.Context, _parameter: click.Parameter, text: str) -> Decimal:
    value = _decimal(_RATE, text, "746.00")
    if not value:
        raise click.BadParameter("a rate is more than 0")
    return value


def _shaped(
    pattern: str, expected: str
) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """A callback that takes nothing but what the pattern matches, in upper case."""

    def check(_context: click.Context, _parameter: click.Parameter, text: str | None) -> str | None:
        if text is not None and not re.fullmatch(pattern, text, re.ASCII):
            raise click.BadParameter(f"{text} is not {expected}")
        return text and text.upper()

    return check


_MODEL = click.Choice(SECURITY_MODELS)
_MODEL_HELP = "What it shows: a certificate that signs (x509), a token, or a certificate to TLS (context)."


@click.group()
def systems() -> None:
    """Agreements: systems, certificates, routing."""


@systems.command()
@click.argument("name")
@click.option("--municipality", required=True, help="Municipality code, three digits.")
@click.option("--cvr", required=True, help="CVR number of the organisation behind the system.")
@click.option("--uuid", type=click.UUID, help="Its it-systeminstans; a new one when left out.")
@click.option("--endpoint-url", help="Where it takes FakturaInformationAfsend.")
@click.option("--profile", default="kombit", type=click.Choice(["kombit", "basic"]), help="Security profile.")
@click.option("--security-model", default="x509", type=_MODEL, help=_MODEL_HELP)
@click.option(
    "--service", "services", multiple=True, type=click.Choice(SERVICES), help="It may call (repeat)."
)
@click.pass_obj
@reports_errors
def add(
    runtime: Runtime,
    name: str,
    municipality: str,
    cvr: str,
    uuid: UUID | None,
    endpoint_url: str | None,
    profile: str,
    security_model: str,
    services: tuple[str, ...],
) -> None:
    """Make an agreement with a system."""
    runtime.open_database()
    find_municipality(municipality)
    if uuid is not None and System.get_or_none(System.uuid == uuid) is not None:
        raise AgreementInvalid(
            element="UUID", value=uuid, expected=Both("et, som ingen aftale har", "one that no agreement has")
        )
    system = agreements.register_system(
        uuid=uuid or new_uuid(),
        municipality=municipality,
        name=name,
        cvr=cvr,
        services=services or SERVICES[:2],
        endpoint_url=endpoint_url,
        profile=profile,
        security_model=security_model,
    )
    click.echo(f"{system.name}: {system.uuid}, may call {', '.join(system.services)}")


@systems.command()
@click.argument("system")
@click.option("--name", help="What it is called from now on.")
@click.option("--cvr", help="CVR number of the organisation behind the system.")
@click.option("--endpoint-url", help="Where it takes FakturaInformationAfsend.")
@click.option("--profile", type=click.Choice(["kombit", "basic"]), help="Security profile.")
@click.option("--security-model", type=_MODEL, help=_MODEL_HELP)
@click.option(
    "--service", "services", multiple=True, type=click.Choice(SERVICES), help="All that it may call (repeat)."
)
@click.pass_obj
@reports_errors
def change(
    runtime: Runtime,
    system: str,
    name: str | None,
    cvr: str | None,
    endpoint_url: str | None,
    profile: str | None,
    security_model: str | None,
    services: tuple[str, ...],
) -> None:
    """Change the agreement with SYSTEM (name or UUID); what is not given stays as it is."""
    runtime.open_database()
    given = {
        "name": name,
        "cvr": cvr,
        "endpoint_url": endpoint_url,
        "profile": profile,
        "security_model": security_model,
        "services": list(services) or None,
    }
    before = agreements.find_system(system)
    after = agreements.change_system(before, **{key: value for key, value in given.items() if value})
    changes = [(key, getattr(before, key), getattr(after, key)) for key in given]
    changed = [(key, old, new) for key, old, new in changes if old != new]
    for key, old, new in changed:
        click.echo(f"{after.name}: {key} {old} → {new}")
    if not changed:
        why = "it is so already" if any(given.values()) else "no option says what to change (--help)"
        click.echo(f"{after.name}: nothing was changed; {why}")


@systems.command("list")
@click.pass_obj
@reports_errors
def list_systems(runtime: Runtime) -> None:
    """List systems and their certificates."""
    runtime.open_database()
    columns = ("Municipality", "Name", "UUID", "Profile", "Model", "Services", "Endpoint", "Certificates")
    table = listing(*columns)
    for system in System.select().order_by(System.municipality, System.name):
        certificates = [
            f"{row.thumbprint_sha256[:16]} "
            + ("revoked" if row.revoked_at else f"until {row.valid_to:%Y-%m-%d}")
            for row in SystemCertificate.select().where(SystemCertificate.system == system)
        ]
        table.add_row(
            system.municipality,
            system.name if system.active else f"{system.name} (stopped)",
            str(system.uuid),
            system.profile,
            system.security_model,
            "\n".join(system.services),
            system.endpoint_url or "-",
            "\n".join(certificates) or "-",
        )
    runtime.console.print(table)


@systems.command()
@click.argument("system")
@click.pass_obj
@reports_errors
def stop(runtime: Runtime, system: str) -> None:
    """Take nothing from SYSTEM (name or UUID) and send it nothing, until `start`."""
    _set_active(runtime, system, False)


@systems.command()
@click.argument("system")
@click.pass_obj
@reports_errors
def start(runtime: Runtime, system: str) -> None:
    """Exchange messages with SYSTEM (name or UUID) again."""
    _set_active(runtime, system, True)


def _set_active(runtime: Runtime, name: str, active: bool) -> None:
    runtime.open_database()
    system = agreements.find_system(name)
    agreements.set_active(system, active)
    click.echo(f"{system.name}: {'started' if active else 'stopped'}")
    if active:
        click.echo("invoices parked meanwhile go on with `opus-soap invoices send --all`")


@systems.group()
def certificate() -> None:
    """Certificates that a system signs with: at most two valid at a time."""


@certificate.command("add")
@click.argument("system")
@click.argument("file", type=click.Path(path_type=Path, exists=True, dir_okay=False))
@click.pass_obj
@reports_errors
def add_certificate(runtime: Runtime, system: str, file: Path) -> None:
    """Let SYSTEM (name or UUID) sign with the certificate in FILE (PEM)."""
    runtime.open_database()
    agreement = agreements.find_system(system)
    row = agreements.add_certificate(agreement, file.read_bytes())
    click.echo(f"{row.thumbprint_sha256}  {shown(agreements.subject_of(row))}")
    for doubt in agreements.doubts_about(row, agreement, at=runtime.clock.now(), trust=_trust(runtime)):
        click.echo(f"note: {shown(doubt)}", err=True)


def _trust(runtime: Runtime) -> TrustStore:
    """The issuers that the server trusts; none where they cannot be read, as the server would not start."""
    try:
        return load_trust(runtime.settings)
    except OpusSoapError as error:
        click.echo(f"note: no issuer is trusted here yet: {shown(str(error))}", err=True)
        return TrustStore()


@certificate.command()
@click.argument("thumbprint")
@click.pass_obj
@reports_errors
def revoke(runtime: Runtime, thumbprint: str) -> None:
    """Refuse a certificate from now on: its SHA-256 in hex, or the first 8 digits or more."""
    runtime.open_database()
    row = agreements.revoke_certificate(thumbprint.lower().replace(":", ""), at=runtime.clock.now())
    click.echo(f"revoked: {shown(agreements.subject_of(row))}")


@systems.group()
def route() -> None:
    """Which system an invoice goes to."""


@route.command("add")
@click.argument("system")
@click.option("--priority", required=True, type=_PRIORITY, help="The lowest number that matches wins.")
@click.option("--ean", callback=_shaped(r"\d{13}", "13 digits"), help="The EAN (GLN) it is addressed to.")
@click.option("--person-reference", help="The person reference on the invoice.")
@click.option("--order-number", help="The order number on the invoice.")
@click.option("--supplier", help="The supplier's number in the master data.")
@click.option("--from-amount", callback=amount, help="Smallest amount, kroner (1000.00).")
@click.option("--to-amount", callback=amount, help="Largest amount, kroner (1000.00).")
@click.option("--information-only", is_flag=True, help="Send for information; no answer is possible.")
@click.pass_obj
@reports_errors
def add_route(
    runtime: Runtime,
    system: str,
    priority: int,
    ean: str | None,
    person_reference: str | None,
    order_number: str | None,
    supplier: str | None,
    from_amount: int | None,
    to_amount: int | None,
    information_only: bool,
) -> None:
    """Send invoices that match every criterion given to SYSTEM; replaces the rule of this priority."""
    if from_amount is not None and to_amount is not None and from_amount > to_amount:
        raise click.BadParameter("nothing is both as much as --from-amount and as little as --to-amount")
    runtime.open_database()
    target = agreements.find_system(system)
    if supplier is not None:
        known = Supplier.select().where(
            Supplier.municipality == target.municipality, Supplier.number == supplier
        )
        if not known.exists():
            raise SupplierUnknown(element="--supplier", value=supplier)
    key = (RoutingRule.municipality == target.municipality) & (RoutingRule.priority == priority)
    with transaction():
        RoutingRule.delete().where(key).execute()
        RoutingRule.create(
            municipality=target.municipality,
            priority=priority,
            ean=ean,
            person_reference=person_reference,
            order_number=order_number,
            supplier_number=supplier,
            min_amount_ore=from_amount,
            max_amount_ore=to_amount,
            system=target,
            answer_required=not information_only,
        )
    click.echo(f"rule {priority} → {target.name}")


@route.command("list")
@click.pass_obj
@reports_errors
def list_routes(runtime: Runtime) -> None:
    """List the routing rules in the order they are tried."""
    runtime.open_database()
    criteria = ("EAN", "Person", "Order", "Supplier", "Kroner")
    table = listing("Municipality", "Priority", *criteria, "System", "Answer")
    for rule in RoutingRule.select().order_by(RoutingRule.municipality, RoutingRule.priority):
        texts = (rule.ean, rule.person_reference, rule.order_number, rule.supplier_number)
        answer = "required" if rule.answer_required else "information only"
        table.add_row(
            rule.municipality,
            str(rule.priority),
            *(text or "any" for text in texts),
            _between(rule.min_amount_ore, rule.max_amount_ore),
            rule.system.name if rule.system.active else f"{rule.system.name} (stopped)",
            answer,
        )
    runtime.console.print(table)


def _between(least: int | None, most: int | None) -> str:
    if least is None and most is None:
        return "any"
    return f"{'' if least is None else danish(least)} – {'' if most is None else danish(most)}".strip()


@systems.group()
def rate() -> None:
    """Exchange rates: kroner for 100 units."""


@rate.command("add")
@click.argument("currency", callback=_shaped("[A-Za-z]{3}", "a currency: three letters"))
@click.argument("kroner_per_hundred", callback=_rate)
@click.option("--municipality", required=True, help="Municipality code, three digits.")
@click.option("--valid-from", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day, YYYY-MM-DD.")
@click.pass_obj
@reports_errors
def add_rate(
    runtime: Runtime, currency: str, kroner_per_hundred: Decimal, municipality: str, valid_from: datetime
) -> None:
    """Set the rate of CURRENCY: KRONER_PER_HUNDRED units, from a day on."""
    runtime.open_database()
    find_municipality(municipality)
    day = f"{valid_from:%Y-%m-%d}"
    with transaction():
        ExchangeRate.delete().where(
            ExchangeRate.municipality == municipality,
            ExchangeRate.currency == currency,
            ExchangeRate.valid_from == day,
        ).execute()
        ExchangeRate.create(
            municipality=municipality,
            currency=currency,
            valid_from=day,
            rate_per_hundred=str(kroner_per_hundred),
        )
    click.echo(f"100 {currency} = {kroner_per_hundred} DKK from {day}")
