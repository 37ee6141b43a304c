"""`opus-soap systems`: agreements, certificates, routing rules and exchange rates."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from pathlib import Path
from uuid import UUID

import click
from rich.table import Table

from opus_soap.cli.runtime import Runtime, reports_errors
from opus_soap.database import new_uuid, transaction
from opus_soap.money import ore_from_kroner
from opus_soap.store import agreements
from opus_soap.store.models import ExchangeRate, RoutingRule, System, SystemCertificate

SERVICES = ("FakturaInformationSvarAfsend", "DimensionHent", "FakturaInformationAfsend")


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
    services: tuple[str, ...],
) -> None:
    """Make an agreement with a system, or change the one with this UUID."""
    runtime.open_database()
    system = agreements.register_system(
        uuid=uuid or new_uuid(),
        municipality=municipality,
        name=name,
        cvr=cvr,
        services=services or SERVICES[:2],
        endpoint_url=endpoint_url,
        profile=profile,
    )
    click.echo(f"{system.name}: {system.uuid}, may call {', '.join(system.services)}")


@systems.command("list")
@click.pass_obj
@reports_errors
def list_systems(runtime: Runtime) -> None:
    """List systems and their certificates."""
    runtime.open_database()
    table = Table("Municipality", "Name", "UUID", "Profile", "Services", "Endpoint", "Certificates")
    for system in System.select().order_by(System.municipality, System.name):
        certificates = [
            f"{row.thumbprint_sha256[:16]}… "
            + ("revoked" if row.revoked_at else f"until {row.valid_to:%Y-%m-%d}")
            for row in SystemCertificate.select().where(SystemCertificate.system == system)
        ]
        table.add_row(
            system.municipality,
            system.name,
            str(system.uuid),
            system.profile,
            "\n".join(system.services),
            system.endpoint_url or "-",
            "\n".join(certificates) or "-",
        )
    runtime.console.print(table)


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
    row = agreements.add_certificate(agreements.find_system(system), file.read_bytes())
    click.echo(f"{row.thumbprint_sha256}  {row.subject}")


@certificate.command()
@click.argument("thumbprint")
@click.pass_obj
@reports_errors
def revoke(runtime: Runtime, thumbprint: str) -> None:
    """Refuse a certificate (SHA-256, hex) from now on."""
    runtime.open_database()
    row = agreements.revoke_certificate(thumbprint.lower().replace(":", ""), at=runtime.clock.now())
    click.echo(f"revoked: {row.subject}")


@systems.group()
def route() -> None:
    """Which system an invoice goes to."""


@route.command("add")
@click.argument("system")
@click.option("--priority", required=True, type=int, help="The lowest number that matches wins.")
@click.option("--ean", help="The EAN (GLN) the invoice is addressed to.")
@click.option("--person-reference", help="The person reference on the invoice.")
@click.option("--order-number", help="The order number on the invoice.")
@click.option("--supplier", help="The supplier's number in the master data.")
@click.option("--from-amount", type=str, help="Smallest amount, kroner (1000.00).")
@click.option("--to-amount", type=str, help="Largest amount, kroner.")
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
    from_amount: str | None,
    to_amount: str | None,
    information_only: bool,
) -> None:
    """Send invoices that match every criterion given to SYSTEM; replaces the rule of this priority."""
    runtime.open_database()
    target = agreements.find_system(system)
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
            min_amount_ore=_ore(from_amount),
            max_amount_ore=_ore(to_amount),
            system=target,
            answer_required=not information_only,
        )
    click.echo(f"rule {priority} → {target.name}")


def _ore(text: str | None) -> int | None:
    return None if text is None else ore_from_kroner(_decimal(text))


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
        ore_from_kroner(value * 10_000)  # finite
    except (InvalidOperation, ValueError):
        raise click.BadParameter(f"{text} is not an amount such as 1000.00") from None
    return value


@route.command("list")
@click.pass_obj
@reports_errors
def list_routes(runtime: Runtime) -> None:
    """List the routing rules in the order they are tried."""
    runtime.open_database()
    table = Table("Municipality", "Priority", "EAN", "Person", "Order", "Supplier", "System", "Answer")
    for rule in RoutingRule.select().order_by(RoutingRule.municipality, RoutingRule.priority):
        texts = (rule.ean, rule.person_reference, rule.order_number, rule.supplier_number)
        answer = "required" if rule.answer_required else "information only"
        table.add_row(
            rule.municipality,
            str(rule.priority),
            *(text or "any" for text in texts),
            rule.system.name,
            answer,
        )
    runtime.console.print(table)


@systems.group()
def rate() -> None:
    """Exchange rates: kroner for 100 units."""


@rate.command("add")
@click.argument("currency")
@click.argument("kroner_per_hundred")
@click.option("--municipality", required=True, help="Municipality code, three digits.")
@click.option("--valid-from", required=True, type=click.DateTime(["%Y-%m-%d"]), help="First day, YYYY-MM-DD.")
@click.pass_obj
@reports_errors
def add_rate(
    runtime: Runtime, currency: str, kroner_per_hundred: str, municipality: str, valid_from: click.DateTime
) -> None:
    """Set the rate of CURRENCY: KRONER_PER_HUNDRED units, from a day on."""
    runtime.open_database()
    value = _decimal(kroner_per_hundred)
    day = f"{valid_from:%Y-%m-%d}"
    with transaction():
        ExchangeRate.delete().where(
            ExchangeRate.municipality == municipality,
            ExchangeRate.currency == currency.upper(),
            ExchangeRate.valid_from == day,
        ).execute()
        ExchangeRate.create(
            municipality=municipality, currency=currency.upper(), valid_from=day, rate_per_hundred=str(value)
        )
    click.echo(f"100 {currency.upper()} = {value} DKK from {day}")
