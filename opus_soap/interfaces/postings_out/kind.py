"""Posteringer UD as the engine sees it: *totaludtræk* without conditions, *deludtræk* with."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from opus_soap.clock import isoformat
from opus_soap.errors import ConditionUnknown, ContentMissing, SubscriptionInvalid
from opus_soap.extracts import books
from opus_soap.extracts.books import Booked, Row
from opus_soap.extracts.kinds import Job, Options, listed, mark
from opus_soap.extracts.output import Output, element
from opus_soap.interfaces.postings_out.conditions import ON_HEADERS, ON_LINES, Condition, check, parse
from opus_soap.interfaces.postings_out.form import (
    COLUMNS,
    DELIVERED,
    DELIVERED_HEADER,
    FORM,
    OWN,
    amount,
    escaped,
    voucher_text,
)
from opus_soap.ledger.models import CompanyCode, DocumentType
from opus_soap.store import content

_OPTIONS = ("exclude_document_types", "conditions", "persons", "attachments")
_PLACE = {name: place for place, name in enumerate(books.LINE)}
_LOCAL = OWN.index("AMT_LOCCUR")
_TOLD_EVERY = 500  # vouchers
Texts = Sequence[str | None]


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
        if strangers := set(options) - set(_OPTIONS):
            raise SubscriptionInvalid(
                element="options", value=", ".join(sorted(strangers)), expected=", ".join(_OPTIONS)
            )
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
        chosen = _Chosen(job.options)
        whole, done = books.count(job.company, job.after, job.until), 0
        with output.xml(FORM) as xml, output.csv(COLUMNS) as csv:
            xml.part(element("CONTROL_FIELDS", control(job)))
            for booked in books.vouchers(job.company, job.after, job.until):
                done += 1
                if done % _TOLD_EVERY == 0:
                    job.tell(done, whole)
                lines = chosen.lines(booked)
                if not lines:
                    output.totals.left_out += 1
                    continue
                count(output, lines)
                told = _Told(job, booked)
                header, texts = told.header(), told.lines(lines)
                xml.part(voucher_text(header, texts, told.files()))
                csv.rows([*header, *text] for text in texts)
        job.tell(whole, whole)


def control(job: Job) -> dict[str, str]:
    """CONTROL_FIELDS of a file."""
    return {
        "RECEIVER": job.receiver,
        "FILE_NAME": f"{job.name}.xml",
        "MUNICIPALITY": job.company.municipality_id,
        "COMP_CODE": job.company.code,
        "SEQUENCE": str(job.sequence),
        "MODE": "FULL" if job.full else "DELTA",
        "BUSINESS_DATE": f"{job.business_date:%Y%m%d}",
        "ORDERED_AT": isoformat(job.ordered_at),
    }


def count(output: Output, lines: Sequence[Row]) -> None:
    """Add a voucher, and those of its lines that are told, to the totals."""
    totals = output.totals
    totals.vouchers += 1
    totals.postings += len(lines)
    for line in lines:
        ore = line[_PLACE["amount_ore"]]
        if ore > 0:
            totals.debit_ore += ore
        else:
            totals.credit_ore += ore


class _Chosen:
    """Which lines of which vouchers a subscription asks for."""

    def __init__(self, options: Options) -> None:
        self._excluded = frozenset(options["exclude_document_types"])
        conditions = [parse(text) for text in options["conditions"]]
        self._of_head: list[tuple[str, Condition]] = [
            (ON_HEADERS[one.name], one) for one in conditions if one.name in ON_HEADERS
        ]
        self._of_line = [
            (_PLACE[ON_LINES[one.name]], one.holds) for one in conditions if one.name in ON_LINES
        ]

    def lines(self, booked: Booked) -> list[Row]:
        """The lines of a voucher; none when it is not asked for at all."""
        head = booked.head
        if head.document_type in self._excluded:
            return []
        if not all(one.holds(str(getattr(head, column))) for column, one in self._of_head):
            return []
        if not self._of_line:
            return booked.lines
        return [line for line in booked.lines if all(holds(line[place]) for place, holds in self._of_line)]


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
            _day(head.document_date),
            _day(head.posting_date),
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
            _day(value_date) if value_date else None,
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
            inner += f"<FILE>{base64.b64encode(data).decode('ascii')}</FILE>"
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


def _day(stored: Any) -> str:
    """A date as it is stored → yyyymmdd."""
    return str(stored).replace("-", "")
