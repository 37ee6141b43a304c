"""Posteringer UD as the engine sees it: *totaludtræk* without conditions, *deludtræk* with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

import orjson
from pybase64 import b64encode_as_string

from opus_soap.errors import ConditionUnknown, ContentMissing
from opus_soap.extracts import books
from opus_soap.extracts.books import Booked, Row
from opus_soap.extracts.elements import Texts, amount, day, element, escaped
from opus_soap.extracts.kinds import Job, Options, check_names, listed, mark
from opus_soap.extracts.output import CsvFile, Output, Totals, XmlFile
from opus_soap.extracts.sap_names import ON_HEADERS, ON_LINES
from opus_soap.interfaces.postings_out.conditions import Condition, check, parse
from opus_soap.interfaces.postings_out.form import (
    COLUMNS,
    DELIVERED,
    DELIVERED_HEADER,
    FORM,
    around,
    lines_text,
)
from opus_soap.ledger.models import CompanyCode, DocumentType
from opus_soap.store import content

_OPTIONS = ("exclude_document_types", "conditions", "persons", "attachments")
_ORE = books.PLACE["amount_ore"]
_TOLD_EVERY = 500  # vouchers


@dataclass(frozen=True)
class PostingsOut:
    """All postings, or those that meet conditions, XML and CSV."""

    name: str = "posteringer-ud"
    prefix: str = "POSTERINGER_UD"
    approval: bool = False
    deltas: bool = True
    repeatable: bool = True

    def check(self, company: CompanyCode, options: Options) -> dict[str, Any]:
        """`exclude_document_types`, `conditions` (texts), `persons`, `attachments`.

        Raises `SubscriptionInvalid`, `ConditionInvalid`, `ConditionUnknown`.
        """
        check_names(options, _OPTIONS)
        excluded = sorted(set(listed(options, "exclude_document_types")))
        types = {row.code for row in DocumentType.select().where(DocumentType.company_code == company)}
        for unknown in sorted(set(excluded) - types):
            raise ConditionUnknown(element="DOC_TYPE", value=unknown, expected=company.code)
        conditions = check(company, listed(options, "conditions"))
        return {
            "exclude_document_types": excluded,
            "conditions": [condition.text for condition in conditions],
            "persons": mark(options, "persons"),
            "attachments": mark(options, "attachments"),
        }

    def write(self, job: Job, output: Output) -> None:
        """The XML and the CSV file of a range."""
        whole = books.count(job.company, job.after, job.until)
        with output.xml(FORM) as xml, output.csv(COLUMNS) as csv:
            xml.part(element("CONTROL_FIELDS", job.control_fields))
            written = _Written(job, output.totals, _Chosen(job.options), xml, csv)
            for done, booked in enumerate(books.vouchers(job.company, job.after, job.until), start=1):
                written.add(booked)
                if done % _TOLD_EVERY == 0:
                    job.tell(done, whole)
        job.tell(whole, whole)


@dataclass(frozen=True)
class _Written:
    """The files that vouchers go into."""

    job: Job
    totals: Totals
    chosen: _Chosen
    xml: XmlFile
    csv: CsvFile

    def add(self, booked: Booked) -> None:
        """A voucher, when any of its lines is asked for."""
        pieces = self.chosen.pieces(booked)
        first = next(pieces, None)
        if not first:
            self.totals.left_out += 1
            return
        self.totals.vouchers += 1
        told = _Told(self.job, booked)
        header = told.header()
        before, after = around(header, told.files())
        if booked.is_long:
            texts = (self._lines(told, header, piece) for piece in chain((first,), pieces))
            without_files, _ = around(header)  # attachments are held against the schema once
            self.xml.long_part(before, texts, after, later=without_files)
        else:
            self.xml.part(f"{before}{self._lines(told, header, first)}{after}")

    def _lines(self, told: _Told, header: Texts, rows: Sequence[Row]) -> str:
        """Some of its lines: counted, in the CSV file, and as XML."""
        self.totals.add([row[_ORE] for row in rows])
        texts = told.lines(rows)
        self.csv.rows([*header, *text] for text in texts)
        return lines_text(texts)


class _Chosen:
    """Which lines of which vouchers a subscription asks for."""

    def __init__(self, options: Options) -> None:
        self._excluded = frozenset(options["exclude_document_types"])
        conditions = [parse(text) for text in options["conditions"]]
        self._of_head: list[tuple[str, Condition]] = [
            (ON_HEADERS[one.name], one) for one in conditions if one.name in ON_HEADERS
        ]
        self._of_line = [
            (books.PLACE[ON_LINES[one.name]], one.holds) for one in conditions if one.name in ON_LINES
        ]

    def pieces(self, booked: Booked) -> Iterator[Sequence[Row]]:
        """The lines of a voucher that are asked for, some at a time; none when it is not itself."""
        head = booked.head
        if head.document_type in self._excluded:
            return iter(())
        if not all(one.holds(str(getattr(head, column))) for column, one in self._of_head):
            return iter(())
        pieces = booked.pieces()
        return filter(None, map(self._those, pieces)) if self._of_line else iter(pieces)

    def _those(self, piece: Sequence[Row]) -> Sequence[Row]:
        return [line for line in piece if all(holds(line[place]) for place, holds in self._of_line)]


class _Told:
    """A voucher in texts."""

    def __init__(self, job: Job, booked: Booked) -> None:
        self._job, self._booked = job, booked
        head = booked.head
        self._details: Mapping[str, Any] = orjson.loads(head.details) if head.details else {}
        self._currency = self._details.get("CURRENCY") or head.currency
        self._persons = self._persons_of() if job.options["persons"] else {}

    def header(self) -> list[str | None]:
        """By `form.HEADER`."""
        head, booked = self._booked.head, self._booked
        username, rate, translated, xref1, xref2, xblnr, released = map(self._details.get, DELIVERED_HEADER)
        return [
            self._job.company.code,
            head.document_type,
            str(head.year),
            str(head.number),
            str(head.period),
            day(head.document_date),
            day(head.posting_date),
            head.reference,
            head.header_text,
            self._currency,
            username,
            rate,
            translated,
            xref1,
            xref2,
            xblnr,
            str(len(booked.lines)),
            head.entered_at,
            head.entered_by,
            released,
            head.source,
            books.identity(head.uuid),
            bytes(head.hash).hex(),
            booked.reverses,
            booked.reversed_by,
        ]

    def lines(self, rows: Sequence[Row]) -> list[Texts]:
        """Each by `form.LINE`."""
        return [self._line(row) for row in rows]

    def _line(self, row: Row) -> Texts:
        (
            number,
            key,
            account,
            ore,
            supplier,
            cost_center,
            wbs_element,
            profit_center,
            order,
            network,
            activity,
            functional_area,
            partner,
            tax_code,
            value_date,
            text,
            allocation,
            stored,
        ) = row
        details: dict[str, str] = orjson.loads(stored) if stored else {}
        if self._persons:
            details.update(self._persons.get(str(number), {}))
        local = amount(ore)
        delivered = details.get("AMT_DOCCUR")
        return [
            str(number),
            key,
            "D" if ore > 0 else "K",
            delivered or local,
            local if delivered else None,
            day(value_date),
            text,
            allocation,
            cost_center,
            order,
            account,
            profit_center,
            network,
            activity,
            wbs_element,
            partner,
            functional_area,
            supplier,
            tax_code,
            *map(details.get, DELIVERED),
        ]

    def files(self) -> str:
        """FILES elements: what is said of each attachment, and its bytes where they are asked for."""
        return "".join(self._file(file) for file in self._details.get("FILES", ()))

    def _file(self, file: Mapping[str, str]) -> str:
        names = ("FILE_NAME", "FILE_LENGTH", "FILE_TYPE")
        inner = "".join(f"<{name}>{escaped(file[name])}</{name}>" for name in names)
        inner += f"<FILE_SHA256>{file['sha256']}</FILE_SHA256>"
        if self._job.options["attachments"] and (data := _content(file["sha256"])) is not None:
            inner += f"<FILE>{b64encode_as_string(data)}</FILE>"
        return f"<FILES>{inner}</FILES>"

    def _persons_of(self) -> Mapping[str, Mapping[str, str]]:
        sha256 = self._details.get("personal_sha256")
        data = _content(sha256) if sha256 else None
        found: Mapping[str, Mapping[str, str]] = orjson.loads(data)["lines"] if data else {}
        return found


def _content(sha256: str) -> bytes | None:
    """Bytes that are kept beside the books; None when they have been purged."""
    try:
        return content.get(sha256)
    except ContentMissing:
        return None
