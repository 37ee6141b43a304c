"""`opus-soap extracts`: subscriptions, and extracts ordered, produced, handed over, verified."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from opus_soap.cli.extract_tokens import token
from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import counted, listing, local, shown
from opus_soap.clock import business_date
from opus_soap.errors import ParquetMissing
from opus_soap.extracts import manifest, ordering, subscribing
from opus_soap.extracts.calendar import MANUAL
from opus_soap.extracts.delivering import Deliverer, is_fetched, shown_target, waiting_before
from opus_soap.extracts.ending import end
from opus_soap.extracts.producing import Producer
from opus_soap.extracts.verifying import Verified, check_between, strangers
from opus_soap.extracts.verifying import verify as verify_manifest
from opus_soap.interfaces.extract_kinds import KINDS, kinds_of
from opus_soap.ledger.master_data import find_municipality
from opus_soap.ledger.seals import read_trusted_keys
from opus_soap.money import danish
from opus_soap.store import agreements
from opus_soap.store.extract_models import Extract, ExtractDelivery, Subscription

_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")
_COMPANY = click.option("--company-code", default="0020", help="Company code (firmakode).")
_NEWEST = 1000
_AT = "06:00"


@click.group()
def extracts() -> None:
    """What goes out of the books: postings, master data, invoices, the audit extract."""


extracts.add_command(token)


@extracts.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(sorted(KINDS)), help="Which extract.")
@click.option("--receiver", help="Who gets it, for people.")
@click.option(
    "--full/--delta",
    "full",
    default=None,
    help="Everything each time, or what came since the extract before (which is the default).",
)
@click.option("--calendar", help="manual (the default), weekdays, weekly:MON … weekly:SUN, once:yyyy-mm-dd.")
@click.option("--at", help="Time of day in Copenhagen; 06:00 when nothing is said.")
@click.option("--where", multiple=True, help="A condition (partial extract), such as COSTCENTER=41*.")
@click.option("--without", multiple=True, help="A document type to leave out.")
@click.option("--persons", is_flag=True, help="With numbers of persons, where they are kept.")
@click.option("--attachments", is_flag=True, help="With the bytes of attachments.")
@click.option("--option", "more", multiple=True, help="Another option: NAME=VALUE (JSON or text).")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), help="Put the files here.")
@click.option("--sftp", help="Put the files there: USER@HOST[:PORT][/FOLDER].")
@click.option("--system", help="Name or UUID of the agreement whose system fetches them (UdtraekHent).")
@click.option("--known-hosts", type=click.Path(path_type=Path), help="The SFTP server's key.")
@click.option("--key", type=click.Path(path_type=Path), help="The private key to log in with.")
@click.option("--password-file", type=click.Path(path_type=Path), help="Its first line is the password.")
@click.option("--allow-overlap", is_flag=True, help="Though the receiver gets the same kind already.")
@_MUNICIPALITY
@_COMPANY
@click.pass_obj
@reports_errors
def subscribe(runtime: Runtime, /, name: str, municipality: str, company_code: str, **given: Any) -> None:
    """Make the subscription NAME, or change its terms; what is not said again stays as it is."""
    runtime.open_database()
    find_municipality(municipality)
    known = Subscription.get_or_none(
        Subscription.municipality == municipality, Subscription.name == name.upper()
    )
    made = subscribing.add(
        KINDS,
        municipality=municipality,
        company=company_code,
        name=name,
        **_terms(given, known),
        starts_on=business_date(runtime.clock.now()),
        actor=actor(),
        clock=runtime.clock,
        allow_overlap=given["allow_overlap"],
    )
    mode, target = "delta" if made.delta else "full", shown_target(made.target)
    click.echo(
        f"{made.name}: {made.kind} to {made.receiver}, {mode}, {made.calendar} {made.at}, {target}; "
        f"{'next ' + (shown_next(made) or '-') if made.active else 'paused'}"
    )
    if "folder" in made.target and not Path(made.target["folder"]).is_dir():
        click.echo(f"{made.target['folder']} is not there yet; it is not made for you", err=True)


def _terms(given: dict[str, Any], known: Subscription | None) -> dict[str, Any]:
    """What was said; what was not is what it was, or by default."""
    options, target = _options(given), _target(given)
    if known is None:
        missing = [f"--{name}" for name in ("kind", "receiver") if given[name] is None]
        if missing:
            raise click.UsageError(f"a new subscription needs {', '.join(missing)}")
        return {
            **{name: given[name] for name in ("kind", "receiver")},
            "options": options,
            "target": target,
            "calendar": given["calendar"] or MANUAL,
            "at": given["at"] or _AT,
            "delta": not given["full"],
        }
    named = {name: given[name] or getattr(known, name) for name in ("kind", "receiver", "calendar", "at")}
    delta = known.delta if given["full"] is None else not given["full"]
    options, target = options or known.options, target or known.target
    return {**named, "options": options, "target": target, "delta": delta}


def _options(given: dict[str, Any]) -> dict[str, Any]:
    """Only what was said: what a kind does not take, it refuses."""
    said = {
        "conditions": list(given["where"]),
        "exclude_document_types": list(given["without"]),
        "persons": given["persons"],
        "attachments": given["attachments"],
    }
    options = {key: value for key, value in said.items() if value}
    for text in given["more"]:
        key, equals, value = text.partition("=")
        if not equals:
            raise click.BadParameter(f"{text} is not NAME=VALUE", param_hint="--option")
        try:
            options[key] = json.loads(value)
        except (ValueError, RecursionError):
            options[key] = value
    return options


def _target(given: dict[str, Any]) -> dict[str, Any]:
    said = [name for name in ("folder", "sftp", "system") if given[name] is not None]
    if len(said) > 1:
        raise click.UsageError(f"say one of {', '.join(f'--{name}' for name in said)}")
    if given["system"] is not None:
        return {"system": str(agreements.find_system(given["system"]).uuid)}
    if given["folder"] is not None:
        return {"folder": str(given["folder"].absolute())}
    if given["sftp"] is None:
        return {}
    user, at, rest = given["sftp"].partition("@")
    server, _, folder = rest.partition("/")
    host, colon, port = server.partition(":")
    if not (at and user and host) or (colon and not (port.isascii() and port.isdecimal() and len(port) < 6)):
        raise click.BadParameter("it is USER@HOST[:PORT][/FOLDER]", param_hint="--sftp")
    paths = {name: given[name] for name in ("known_hosts", "key", "password_file")}
    return {
        "sftp": {
            "host": host,
            "port": int(port or 22),
            "user": user,
            "folder": folder or ".",
            **{name: str(path.absolute()) for name, path in paths.items() if path is not None},
        }
    }


@extracts.command("list")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def list_(runtime: Runtime, municipality: str) -> None:
    """List the subscriptions, and what was ordered of them, newest first."""
    runtime.open_database()
    table = listing("Subscription", "Kind", "Receiver", "Mode", "Calendar", "Next", "Target", "State")
    own = Subscription.select().where(Subscription.municipality == municipality).order_by(Subscription.name)
    for row in own:
        mode, state = "delta" if row.delta else "full", _state(row)
        target = next(iter(row.target), "download")
        when = f"{row.calendar} {row.at}"
        table.add_row(row.name, row.kind, row.receiver, mode, when, shown_next(row), target, state)
    runtime.console.print(table)
    table = listing("Extract", "Mode", "Ordered", "State", "Handed over", "Last error")
    query = Extract.select(Extract, Subscription).join(Subscription)
    query = query.where(Subscription.municipality == municipality).order_by(Extract.id.desc()).limit(_NEWEST)
    for made in query:
        mode, done = "full" if made.full else "delta", local(made.delivered_at)
        table.add_row(made.name, mode, local(made.ordered_at), made.state, done, made.last_error)
    runtime.console.print(table)


def shown_next(subscription: Subscription) -> str:
    """The business date that comes next; none while it is paused."""
    return str(subscription.due_on) if subscription.active and subscription.due_on else ""


def _state(subscription: Subscription) -> str:
    if subscription.ended_at is not None:
        return f"ended {business_date(subscription.ended_at)}"
    return "active" if subscription.active else "paused"


@extracts.command()
@click.argument("name")
@click.option("--give-up", is_flag=True, help="Also give up what has not been handed over.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def unsubscribe(runtime: Runtime, name: str, give_up: bool, municipality: str) -> None:
    """End the subscription NAME for good: nothing more is ordered, its tokens are revoked, its history stays.

    For a while only: opus-soap schedule pause.
    """
    runtime.open_database()
    subscription = ordering.find_subscription(municipality, name)
    given_up = end(producer_of(runtime), subscription, give_up=give_up, actor=actor(), clock=runtime.clock)
    for extract in given_up:
        click.echo(f"{extract.name}: given up")
    click.echo(f"{subscription.name} has ended; what it gave out stays in `opus-soap extracts list`")


@extracts.command()
@click.argument("name")
@click.option("--full", is_flag=True, help="Everything, though the subscription asks for deltas.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def run(runtime: Runtime, name: str, full: bool, municipality: str) -> None:
    """Order an extract of the subscription NAME now, produce it, and hand it over.

    NAME may also be an extract's: then it is produced (again), compared, and handed over if it has not been.
    """
    runtime.open_database()
    producer = producer_of(runtime)
    extract = Extract.get_or_none(Extract.name == name)
    if extract is None:
        subscription = ordering.find_subscription(municipality, name)
        for unfinished in _unfinished(subscription):  # or what is ordered now would wait for it
            _run(runtime, producer, unfinished)
        key, clock = runtime.settings.seal_key_file, runtime.clock
        extract = ordering.order(subscription, KINDS, key, actor=actor(), clock=clock, full=full)
    if extract.state == Extract.REQUESTED:
        click.echo(f"{extract.name}: requested")
        click.echo(f"→ somebody else: opus-soap extracts approve {extract.name}")
        return
    _run(runtime, producer, extract)


def _unfinished(subscription: Subscription) -> list[Extract]:
    """What was ordered and has not been produced: whoever was at it was killed, or could not."""
    ordered = Extract.subscription == subscription, Extract.state == Extract.ORDERED
    return list(Extract.select().where(*ordered).order_by(Extract.sequence))


def _run(runtime: Runtime, producer: Producer, extract: Extract) -> None:
    with _progress(runtime) as progress:
        task = progress.add_task(extract.name, total=None)
        extract = producer.produce(
            extract,
            actor=actor(),
            tell=lambda done, of: progress.update(task, completed=done, total=of),
        )
    _tell(producer, extract)
    if Deliverer(producer, runtime.clock).deliver(extract, at_once=True):
        click.echo("handed over")
    else:
        click.echo(_why_not(extract))


def _why_not(extract: Extract) -> str:
    """Why an extract has not been handed over."""
    if is_fetched(extract.subscription.target):
        return "not handed over: its receiver fetches it"
    before = waiting_before(extract)
    name = before.name if before is not None else "another"
    return f"not handed over: it waits for {name} (opus-soap extracts deliver {name})"


def _tell(producer: Producer, extract: Extract) -> None:
    told = manifest.read(producer.manifest_of(extract), extract.name)
    totals = told["totals"]
    click.echo(f"{producer.place(extract)}")
    click.echo(
        f"{told['mode']}: {totals['vouchers']} vouchers, {totals['postings']} postings, "
        f"{totals['records']} records; "
        f"debit {danish(totals['debit_ore'])}, credit {danish(totals['credit_ore'])}"
    )
    if totals["vouchers_left_out"]:
        click.echo(f"{totals['vouchers_left_out']} vouchers of the range have nothing in it")
    for file in told["files"]:
        click.echo(f"  {file['name']}  {file['bytes']} bytes  {file['sha256']}")
    for finding in told.get("findings", ()):
        click.echo(shown(f"does not hold: {finding}"), err=True)


def _progress(runtime: Runtime) -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()
    return Progress(*columns, console=runtime.console, disable=not runtime.console.is_terminal)


@extracts.command()
@click.argument("name")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def show(runtime: Runtime, name: str, municipality: str) -> None:
    """Show an extract: what it covers, its files, and every attempt to hand it over."""
    runtime.open_database()
    extract = ordering.find_extract(municipality, name)
    click.echo(
        f"{extract.name}: {extract.state}; ordered {local(extract.ordered_at)} by {extract.ordered_by}"
    )
    if extract.approved_by:
        click.echo(f"approved {local(extract.approved_at)} by {extract.approved_by}")
    if extract.manifest_sha256:
        _tell(producer_of(runtime), extract)
    attempts = ExtractDelivery.select().where(ExtractDelivery.extract == extract).order_by(ExtractDelivery.id)
    for attempt in attempts:
        click.echo(shown(f"{local(attempt.at)}  {attempt.door}  {attempt.outcome}"))


@extracts.command()
@click.argument("name")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def deliver(runtime: Runtime, name: str, municipality: str) -> None:
    """Hand an extract over now, without waiting for its next attempt; exit status 1 when it must wait."""
    runtime.open_database()
    extract = ordering.find_extract(municipality, name)
    if not Deliverer(producer_of(runtime), runtime.clock).deliver(extract, at_once=True):
        click.echo(_why_not(extract), err=True)
        raise SystemExit(1)
    click.echo("handed over")


@extracts.command()
@click.argument("name")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def approve(runtime: Runtime, name: str, municipality: str) -> None:
    """Approve an extract that somebody else requested; then it can be run."""
    runtime.open_database()
    extract = ordering.approve(ordering.find_extract(municipality, name), actor=actor(), clock=runtime.clock)
    click.echo(f"{extract.name}: approved by {extract.approved_by}")


@extracts.command()
@click.argument("name")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def cancel(runtime: Runtime, name: str, municipality: str) -> None:
    """Give up an extract that waits for approval."""
    runtime.open_database()
    extract = ordering.cancel(ordering.find_extract(municipality, name), actor=actor(), clock=runtime.clock)
    click.echo(f"{extract.name}: cancelled")


@extracts.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True))
@click.option(
    "--trusted-keys", type=click.Path(path_type=Path, exists=True, dir_okay=False), help="Keys that may sign."
)
@reports_errors
def verify(paths: tuple[Path, ...], trusted_keys: Path | None) -> None:
    """Verify extracts without any database: manifests, or folders with manifests in them.

    Exit status 1 when anything does not hold. Without --trusted-keys whoever holds any key could have made
    them. Files that no manifest names are told of folders; they change nothing of the exit status.
    """
    trusted = read_trusted_keys(trusted_keys) if trusted_keys is not None else None
    found = [manifest_path for path in paths for manifest_path in _manifests(path)]
    well = bool(found)
    if not found:
        click.echo("no manifest", err=True)
    looked_at = [verify_manifest(path, trusted) for path in found]
    check_between(looked_at)
    for path, verified in zip(found, looked_at, strict=True):
        well = well and verified.ok
        for problem in verified.problems:
            click.echo(_line(f"{path.name}: {problem}"), err=True)
        if verified.ok:
            told = verified.told
            by = (
                ""
                if trusted is not None
                else f"  (by key {told['key_id'][:16]}…, not compared: --trusted-keys)"
            )
            click.echo(
                _line(
                    f"{path.name}: holds, {counted(len(told['files']), 'file')}, "
                    f"{counted(len(told['seals']), 'seal')}{_before(verified, looked_at)}{by}"
                )
            )
    _tell_strangers(paths, looked_at)
    if not well:
        raise SystemExit(1)


def _before(verified: Verified, looked_at: Sequence[Verified]) -> str:
    """What an extract follows on that was not looked at: alone it is not all that its receiver got."""
    followed = verified.told["follows"]
    here = {one.told["extract"] for one in looked_at if one.told}
    return "" if followed is None or followed["extract"] in here else f", follows on {followed['extract']}"


def _tell_strangers(paths: Sequence[Path], looked_at: Sequence[Verified]) -> None:
    """What lies in the folders that were asked about and is no part of an extract."""
    folders = [path for path in paths if path.is_dir()]
    whole = [one for one in looked_at if any(one.path.is_relative_to(folder) for folder in folders)]
    for path in strangers(whole):
        click.echo(_line(f"{path.name}: no manifest names it: it is no part of an extract"), err=True)


@extracts.command()
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False)
)
@reports_errors
def parquet(files: tuple[Path, ...]) -> None:
    """Write CSV files of extracts as Parquet beside them, for analysis (needs opus-soap[parquet])."""
    try:
        from opus_soap.extracts.parquet import write
    except ImportError:
        raise ParquetMissing from None
    for file in files:
        click.echo(write(file))


def _line(text: str) -> str:
    """What others have named, on one line."""
    return shown(text).replace("\n", "\ufffd").replace("\t", "\ufffd")


def _manifests(path: Path) -> list[Path]:
    return sorted(path.rglob(f"*{manifest.ENDING}")) if path.is_dir() else [path]


def producer_of(runtime: Runtime) -> Producer:
    """What produces extracts, by the settings."""
    settings = runtime.settings
    return Producer(kinds_of(settings), settings.extracts_folder, settings.seal_key_file, runtime.clock)
