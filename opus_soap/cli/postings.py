"""`opus-soap postings`: files of postings (posteringer IND), and who may deliver them."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from opus_soap.cli.posting_csv import check_csv, import_csv
from opus_soap.cli.posting_refusals import refused_files, told_of_refusals
from opus_soap.cli.posting_senders import senders
from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import listing, local, shown
from opus_soap.errors import (
    PostingFileRefused,
    PostingFileUnknown,
    PostingSenderUnknown,
    SftpMissing,
)
from opus_soap.interfaces.postings_in import receipts
from opus_soap.interfaces.postings_in.files import find_sender, key_of
from opus_soap.interfaces.postings_in.inspection import Inspector, Told
from opus_soap.interfaces.postings_in.outcomes import outcome_of, outcomes, told
from opus_soap.interfaces.postings_in.receiving import Receiver, limits_of
from opus_soap.interfaces.postings_in.sweeping import Sweeper, WatchedFolders, going_on, seal
from opus_soap.ledger.master_data import find_municipality
from opus_soap.soap.access_log import configure_logging
from opus_soap.store.models import PostingFile, PostingSender

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_MUNICIPALITY = click.option("--municipality", default="999", help="Municipality code, three digits.")


@click.group()
def postings() -> None:
    """Files of postings that other systems deliver (posteringer IND)."""


@postings.command()
@click.argument("file", type=_FILE)
@click.option("--as-name", help="The name that it will be delivered under; its own when left out.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def check(runtime: Runtime, file: Path, as_name: str | None, municipality: str) -> None:
    """Tell everything that is wrong with FILE, and book nothing; exit status 1 when there is anything.

    A line for each mistake: line:column of the file, voucher, its line, code, what stood there and what
    must, and the way out.
    """
    runtime.open_database()
    find_municipality(municipality)
    inspector = Inspector(municipality, limits_of(runtime.settings), runtime.clock)
    mistakes = 0
    for mistake in inspector.inspect(file, as_name or file.name):
        mistakes += 1
        click.echo(shown(_sentence(mistake)))
    if mistakes:
        click.echo(f"{file.name}: {mistakes} fejl", err=True)
        raise SystemExit(1)
    click.echo(f"{file.name}: ingen fejl")


def _sentence(told: Told) -> str:
    error, place = told.finding.error, told.finding.place
    at = f"{told.line}:{told.column}" if told.line else "-"
    voucher = f"bilag {told.number or f'#{place.document}'}" if place.document else "fil"
    line = f" linje {place.line}" if place.line else ""
    return f"{at}  {voucher}{line}  {error.code}  {error.text_danish}. {error.remedy_danish}"


@postings.command("import")
@click.argument("file", type=_FILE)
@click.option("--as-name", help="The name that it is delivered under; its own when left out.")
@click.option("--receipt", type=click.Path(path_type=Path, dir_okay=False), help="Write the receipt here.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def import_(
    runtime: Runtime, file: Path, as_name: str | None, receipt: Path | None, municipality: str
) -> None:
    """Deliver FILE: its good vouchers are booked; exit status 1 when anything was refused."""
    runtime.open_database()
    find_municipality(municipality)
    receiver = Receiver.of(municipality, runtime.settings, runtime.clock)
    try:
        with file.open("rb") as data:
            delivered = receiver.deliver(data, as_name or file.name, actor=actor())
    except PostingFileRefused as refused:
        if receipt is not None:
            with receipt.open("wb") as out:
                receipts.refuse(out, refused, runtime.clock.now(), as_name or file.name)
        for error in refused.errors:
            click.echo(shown(f"{error.code}  {error.text_danish}. {error.remedy_danish}"), err=True)
        raise SystemExit(1) from None
    if receipt is not None:
        with receiver.store.open(str(delivered.receipt_sha256)) as stored:
            receipt.write_bytes(stored.read())
    outcome = outcome_of(delivered)
    click.echo(f"{delivered.name}: {outcome.danish}")
    if outcome.refused:
        click.echo(f"→ opus-soap postings show {delivered.name} --errors-only", err=True)
        raise SystemExit(1)


@postings.command()
@click.option("--once", is_flag=True, help="Deal with what is there now, then end.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def watch(runtime: Runtime, once: bool, municipality: str) -> None:
    """Deal with the files that senders put into their folders; SIGTERM ends it after the file under way.

    Below OPUS_SOAP_POSTINGS_FOLDER each sender has a folder called like its SENDER_ID, with request,
    response, archive and quarantine in it, and work, which is ours; they are made where they are missing.
    """
    runtime.open_database()
    configure_logging(runtime.settings.log_level)
    find_municipality(municipality)
    receiver = Receiver.of(municipality, runtime.settings, runtime.clock)
    settings = runtime.settings
    folders = WatchedFolders(settings.postings_folder, receiver, settings.postings_settle_seconds)
    folders.make_root()
    stop = _stopped()
    click.echo(f"watching {settings.postings_folder}")
    while not stop.is_set():
        well = folders.go_round(settings.seal_key_file)
        if once:
            if settling := folders.settling():
                click.echo(f"{settling} files still settling: run it again in a moment")
            raise SystemExit(0 if well else 1)
        stop.wait(settings.sweep_seconds)


@postings.command()
@click.argument("sender_id")
@click.option("--host", required=True, help="The SFTP server.")
@click.option("--port", default=22, type=click.IntRange(1, 65535), help="Its port.")
@click.option("--user", required=True, help="Whom to log in as.")
@click.option("--known-hosts", required=True, type=_FILE, help="The server's key, as in ~/.ssh/known_hosts.")
@click.option("--key", type=_FILE, help="The private key to log in with.")
@click.option("--password-file", type=_FILE, help="Its first line is the password, where there is no key.")
@click.option("--folder", default=".", help="The folder with request, response, archive and quarantine.")
@click.option("--once", is_flag=True, help="Deal with what is there now, then end.")
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def fetch(
    runtime: Runtime,
    sender_id: str,
    host: str,
    port: int,
    user: str,
    known_hosts: Path,
    key: Path | None,
    password_file: Path | None,
    folder: str,
    once: bool,
    municipality: str,
) -> None:
    """Deal with the files of SENDER_ID on an SFTP server; SIGTERM ends it after the file under way.

    A file is taken when its size and time have not changed for OPUS_SOAP_POSTINGS_SETTLE_SECONDS; it leaves
    request when its receipt is in response.
    """
    try:
        from opus_soap.interfaces.postings_in.sftp_folders import SftpFolders
        from opus_soap.transport.sftp import Account
    except ImportError:
        raise SftpMissing from None
    runtime.open_database()
    settings = runtime.settings
    configure_logging(settings.log_level)
    find_municipality(municipality)
    account = Account(host, port, user, known_hosts, key, password_file)
    sweeper = Sweeper(Receiver.of(municipality, settings, runtime.clock))

    def known_sender() -> PostingSender:
        if (sender := find_sender(municipality, sender_id)) is None:
            raise PostingSenderUnknown(value=sender_id[:40], expected=municipality)
        return sender

    def fetch_once() -> None:
        sender = known_sender()
        with SftpFolders(account, folder, settings.postings_settle_seconds) as folders:
            sweeper.sweep(sender, folders)
            seal(sweeper.receiver, settings.seal_key_file)
            with going_on("third receipts left for the next sweep"):
                sweeper.tell_booked(sender, folders)

    if once:
        fetch_once()
        return
    known_sender()  # told at once; one that is stopped later may come back
    stop = _stopped()
    while not stop.is_set():
        with going_on("round not finished", host=host):
            fetch_once()
        stop.wait(settings.sweep_seconds)


@postings.command()
@_MUNICIPALITY
@click.pass_obj
@reports_errors
def resume(runtime: Runtime, municipality: str) -> None:
    """Finish the files that were begun and never ended, from the bytes that are kept of them.

    `postings watch` does so with what came by folder; others end when their sender delivers them again, or
    here. A file that somebody is at work on just now is dealt with once all the same.
    """
    runtime.open_database()
    find_municipality(municipality)
    receiver = Receiver.of(municipality, runtime.settings, runtime.clock)
    for file in receiver.unfinished():
        receiver.resume(file)
        click.echo(f"{file.name}: {outcome_of(file).danish}")


def _stopped() -> threading.Event:
    """An event that SIGTERM and SIGINT set."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    return stop


@postings.command("list")
@click.option("--refused", is_flag=True, help="Those that were refused as a whole, instead.")
@click.pass_obj
@reports_errors
def list_files(runtime: Runtime, refused: bool) -> None:
    """List the files that came in, newest first."""
    runtime.open_database()
    if refused:
        runtime.console.print(refused_files())
        return
    counts = ("Vouchers", "Booked", "Parked", "Dismissed", "Refused")
    table = listing("File", "Sender", "Received", "State", *counts, numbers=counts)
    files = list(PostingFile.select().order_by(PostingFile.id.desc()).limit(1000))
    by_file = outcomes(files)
    for file in files:
        found = by_file[file.id]
        table.add_row(
            file.name,
            file.sender.name,
            local(file.received_at),
            found.state(file),
            *map(str, (found.received, found.booked, found.parked, found.dismissed, found.refused)),
        )
    runtime.console.print(table)


@postings.command()
@click.argument("name")
@click.option("--errors-only", is_flag=True, help="Only vouchers that were refused.")
@click.pass_obj
@reports_errors
def show(runtime: Runtime, name: str, errors_only: bool) -> None:
    """Show what was said of each voucher of the file NAME, also what no receipt tells, and where it is now.

    NAME may be a path, as of `check` and `import`; its last part counts.
    """
    runtime.open_database()
    whole = Path(name).name
    keys = [key_of(whole, made=made) for made in (False, True)]
    file = PostingFile.select().where(PostingFile.name_key.in_(keys)).order_by(PostingFile.id.desc()).first()
    refusals = list(told_of_refusals(whole))
    for line in refusals:
        click.echo(shown(line))
    if file is None:
        if refusals:
            return
        raise PostingFileUnknown(value=name)
    for number, sentences in told(file, refused_only=errors_only):
        for said in sentences:
            where = f" linje {said.line}" if said.line else ""
            code = f"{said.code}  " if said.code else ""
            click.echo(shown(f"bilag {number}{where}  {code}{said.text}"))


for command in (senders, check_csv, import_csv):
    postings.add_command(command)
