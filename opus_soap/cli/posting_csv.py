"""`opus-soap postings check-csv` and `import-csv`: the omposteringsbilag that people upload by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import click

from opus_soap.cli.runtime import Runtime, actor, reports_errors
from opus_soap.cli.shown import shown
from opus_soap.errors import (
    CsvDateWrong,
    CsvTooLarge,
    OpusSoapError,
    PostingFileRefused,
    PostingSenderUnknown,
)
from opus_soap.interfaces.postings_in.csv_form import (
    ENCODINGS,
    CsvForm,
    Heading,
    document_of,
    moment_of,
    read_csv,
    read_date,
)
from opus_soap.interfaces.postings_in.files import find_sender
from opus_soap.interfaces.postings_in.inspection import Inspector
from opus_soap.interfaces.postings_in.outcomes import outcome_of, told
from opus_soap.interfaces.postings_in.receiving import Receiver, as_file, limits_of
from opus_soap.store.models import PostingSender

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)


def _day(_context: click.Context, _option: click.Parameter, text: str | None) -> date | None:
    try:
        return None if text is None else read_date(text)
    except CsvDateWrong as error:
        raise click.BadParameter(error.text_english) from None


_OPTIONS = (
    click.argument("file", type=_FILE),
    click.option("--sender", "sender_id", required=True, help="The agreement that it is delivered under."),
    click.option("--number", required=True, help="The voucher's own number; the same again is the same."),
    click.option("--text", required=True, help="The voucher's text."),
    click.option("--posting-date", required=True, callback=_day, help="dd.mm.yyyy."),
    click.option("--document-date", callback=_day, help="dd.mm.yyyy; the posting date when left out."),
    click.option("--company-code", default="0020", help="Company code."),
    click.option("--document-type", default="SA", help="Document type."),
    click.option("--reference", help="The number when left out."),
    click.option("--encoding", type=click.Choice(ENCODINGS), default=ENCODINGS[0], help="Of the file."),
    click.option("--municipality", default="999", help="Municipality code, three digits."),
)


def _with_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


class _Upload:
    """A CSV file with the head of its voucher, read; tells mistakes by row and column."""

    def __init__(self, runtime: Runtime, file: Path, sender_id: str, municipality: str, **given: Any) -> None:
        runtime.open_database()
        self.runtime, self.name, self.municipality = runtime, file.name, municipality
        most = runtime.settings.max_posting_attachment_bytes
        if file.stat().st_size > most:
            raise CsvTooLarge(value=file.stat().st_size, expected=most)
        self.data = file.read_bytes()
        found = find_sender(municipality, sender_id)
        if found is None:
            raise PostingSenderUnknown(value=sender_id[:40], expected=municipality)
        self.sender: PostingSender = found
        self.heading = Heading(
            company_code=given["company_code"],
            document_type=given["document_type"],
            posting_date=given["posting_date"],
            document_date=given["document_date"] or given["posting_date"],
            number=given["number"],
            text=given["text"],
            reference=given["reference"] or given["number"],
        )
        self.form: CsvForm = read_csv(self.data, given["encoding"])
        self.told = 0
        for mistake in self.form.mistakes:
            self.tell(mistake.error, mistake.row, mistake.column)
        self.stop_if_told()

    def written(self) -> tuple[str, bytes]:
        """The file that it stands for."""
        document = document_of(self.form, self.heading, self.data, self.name, self.sender)
        return as_file([document], self.sender, moment_of(self.heading))

    def tell(self, error: OpusSoapError, row: int, column: str) -> None:
        """A line for a mistake."""
        self.told += 1
        where = f"række {row}" if row else "bilaghoved"
        column = f"  {column}" if column else ""
        said = f"{where}{column}  {error.code}  {error.text_danish}. {error.remedy_danish}"
        click.echo(shown(said))

    def stop_if_told(self) -> None:
        """Exit status 1 when there was anything."""
        if self.told:
            click.echo(f"{self.name}: {self.told} fejl", err=True)
            raise SystemExit(1)


@click.command("check-csv")
@_with_options
@click.pass_obj
@reports_errors
def check_csv(runtime: Runtime, /, **given: Any) -> None:
    """Tell everything that is wrong with an omposteringsbilag (CSV), and book nothing.

    A line for each mistake: row and column of FILE, code, what stood there and what must. Exit status 1 when
    there is anything.
    """
    upload = _Upload(runtime, **given)
    name, data = upload.written()
    inspector = Inspector(upload.municipality, limits_of(runtime.settings), runtime.clock, made=True)
    with NamedTemporaryFile(suffix=".xml") as file:
        file.write(data)
        file.flush()
        for mistake in inspector.inspect(Path(file.name), name):
            place = mistake.finding.place
            upload.tell(mistake.finding.error, *upload.form.place_of(place.line, place.element))
    upload.stop_if_told()
    click.echo(f"{upload.name}: ingen fejl")


@click.command("import-csv")
@_with_options
@click.pass_obj
@reports_errors
def import_csv(runtime: Runtime, /, **given: Any) -> None:
    """Book an omposteringsbilag (CSV); exit status 1 when it is refused.

    The same FILE with the same number is the same voucher, however often it is imported.
    """
    upload = _Upload(runtime, **given)
    name, data = upload.written()
    receiver = replace(Receiver.of(upload.municipality, runtime.settings, runtime.clock), made=True)
    try:
        file = receiver.deliver(BytesIO(data), name, actor=actor(), as_sender=upload.sender.sender_id)
    except PostingFileRefused as refused:
        for error in refused.errors:
            upload.tell(error, 0, "")
        upload.stop_if_told()
        return
    ((_, sentences),) = told(file)
    for said in sentences:
        row, _ = upload.form.place_of(said.line, "")
        code = f"{said.code}  " if said.code else ""
        click.echo(shown(f"{f'række {row}' if row else 'bilaghoved'}  {code}{said.text}"))
    outcome = outcome_of(file)
    click.echo(f"{file.name}: {outcome.danish}")
    if outcome.refused:
        raise SystemExit(1)
