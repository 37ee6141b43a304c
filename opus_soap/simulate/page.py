"""The simulator's own page: which invoices it has got, and what it did with them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from html import escape
from typing import TYPE_CHECKING, Any
from uuid import UUID

from opus_soap.clock import COPENHAGEN
from opus_soap.database import connected
from opus_soap.money import danish, ore_from_kroner
from opus_soap.simulate.behaviours import BEHAVIOURS
from opus_soap.simulate.receiving import INTERFACE, Reception, received
from opus_soap.store import content
from opus_soap.store.models import InboxEntry, OutboxEntry

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication

_MOST = 500
_STYLE = """body{font:15px/1.5 "Segoe UI",Helvetica,Arial,sans-serif;color:#12303f;background:#e9eff3}
main{max-width:1000px;margin:32px auto;background:#fff;padding:32px 40px;border-radius:10px}
table{border-collapse:collapse;width:100%}th{font-size:13px}
th,td{text-align:left;padding:7px 8px;border-bottom:1px solid #d5e1e8}
th{color:#5b7482;font-size:13px}.n{text-align:right}a{color:#1b4d6b}.soft{color:#5b7482}"""


def with_page(front: WSGIApplication, reception: Reception) -> WSGIApplication:
    """The SOAP front, with the page at `/`, and replies thrown away where the behaviour says so."""

    def application(environ: dict[str, Any], start_response: StartResponse) -> Iterable[bytes]:
        path, method = environ.get("PATH_INFO", ""), environ["REQUEST_METHOD"]
        if method == "GET" and path == "/":
            return _respond(start_response, _list_page())
        if method == "GET" and path.startswith("/faktura/"):
            return _respond(start_response, _invoice_page(path.removeprefix("/faktura/")))
        reception.lost.reply = False
        reply = front(environ, start_response)
        if getattr(reception.lost, "reply", False):
            _hang_up(environ)
        return reply

    return application


def _hang_up(environ: dict[str, Any]) -> None:
    """Close the connection: the caller never sees the receipt of what has been stored."""
    sock = environ.get("gunicorn.socket")
    if sock is not None:
        close: Callable[[int], None] = sock.shutdown
        close(2)


def _respond(start_response: StartResponse, page: bytes | None) -> list[bytes]:
    body = page if page is not None else b"Fakturaen findes ikke"
    status = "200 OK" if page is not None else "404 Not Found"
    policy = "default-src 'none'; style-src 'unsafe-inline'"
    start_response(
        status,
        [
            ("Content-Type", "text/html; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", policy),
        ],
    )
    return [body]


def _list_page() -> bytes:
    with connected():
        entries = list(
            InboxEntry.select()
            .where(InboxEntry.interface == INTERFACE)
            .order_by(InboxEntry.id.desc())
            .limit(_MOST)
        )
        rows = "".join(_row(entry) for entry in entries)
    return (
        "<!doctype html><html lang=da><meta charset=utf-8><title>Simuleret fagsystem</title>"
        f"<style>{_STYLE}</style><main><h1>Simuleret fagsystem</h1>"
        f"<p class=soft>{len(entries)} fakturaer modtaget til godkendelse</p>"
        "<table><tr><th>Modtaget<th>Faktura<th>Leverandør<th class=n>Beløb<th>Adfærd<th>Svar</tr>"
        f"{rows}</table></main></html>"
    ).encode()


def _row(entry: InboxEntry) -> str:
    facts = received(entry)
    answers = (
        OutboxEntry.select().where(OutboxEntry.subject == str(facts["lending"])).order_by(OutboxEntry.id)
    )
    at = facts["at"].astimezone(COPENHAGEN)
    return (
        f"<tr><td>{at:%H:%M:%S}<td><a href='/faktura/{facts['lending']}'>{escape(facts['number'])}</a>"
        f"<td>{escape(facts['supplier'])}<td class=n>{danish(ore_from_kroner(Decimal(facts['amount'])))}"
        f"<td title='{escape(BEHAVIOURS[facts['behaviour']])}'>{escape(facts['behaviour'])}"
        f"<td>{escape(', '.join(_outcome(answer) for answer in answers))}</tr>"
    )


def _outcome(answer: OutboxEntry) -> str:
    if answer.receipt is None:
        return f"{answer.payload['step']}: {answer.state}"
    receipt = json.loads(content.get(answer.receipt.sha256))
    codes = " ".join(reason["code"] for reason in receipt["reasons"])
    return f"{answer.payload['step']}: " + ("bogført" if receipt["accepted"] else f"afvist {codes}")


def _invoice_page(identifier: str) -> bytes | None:
    try:
        key = str(UUID(identifier))
    except ValueError:
        return None
    with connected():
        entry = InboxEntry.get_or_none(InboxEntry.interface == INTERFACE, InboxEntry.business_key == key)
        page = received(entry)["page"] if entry is not None else None
        return content.get(page) if page else None
