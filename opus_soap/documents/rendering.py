"""An invoice as a page that people would rather look at than XML: one file, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from opus_soap.documents.invoice import CREDIT_NOTE, InvoiceDocument, Party
from opus_soap.errors import MASK, mask_cpr
from opus_soap.identifiers import PERSONAL_SCHEMES


def render_html(document: InvoiceDocument) -> bytes:
    """The page, UTF-8. What is shaped like a CPR number is masked."""
    kind = "Kreditnota" if document.document_type == CREDIT_NOTE else "Faktura"
    return (
        _template()
        .render(d=document, kind=kind, money=_money, number=_number, day=_day, mask=mask_cpr, shown=_shown)
        .encode("utf-8")
    )


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("opus_soap.documents", "."), autoescape=True, undefined=StrictUndefined
    )
    return environment.get_template("invoice.html")


def _shown(party: Party) -> Iterator[str]:
    """The party's identifiers, each once, a person's masked."""
    seen: set[str] = set()
    for identifier in party.all_identifiers:
        if identifier.value in seen:
            continue
        seen.add(identifier.value)
        personal = identifier.scheme.upper() in PERSONAL_SCHEMES
        yield f"{identifier.scheme} {MASK if personal else mask_cpr(identifier.value)}".strip()


def _money(value: Decimal | None) -> str:
    return "" if value is None else f"{value:,.2f}".translate(str.maketrans(",.", ".,"))


def _number(value: Decimal | None) -> str:
    return "" if value is None else f"{value.normalize():,f}".translate(str.maketrans(",.", ".,"))


def _day(value: date) -> str:
    return f"{value:%d.%m.%Y}"
