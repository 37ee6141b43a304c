"""What both sides are sent: messages of FinansbilagModtag as case systems send them, each a new one.

Of many lines, or one voucher with an attachment that does not compress. Every message has vouchers of its own
number, a TransaktionsTid (which names the file that it stands for) and an attachment that no other has.
"""

from __future__ import annotations

import os
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any
from uuid import uuid4

from lxml import etree

from bench.posting_files import documents
from opus_soap.clock import business_date, isoformat
from opus_soap.interfaces.postings_in.soap_contract import HEADER, LINE, SIDES
from opus_soap.interfaces.postings_in.soap_service import NAME
from opus_soap.interfaces.postings_in.writing import WrittenDocument
from opus_soap.soap.contracts import load_contract
from opus_soap.soap.models import AMOUNT, DATE, KOMBIT_NS, KONTEKST_NS, OIR_NS
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.signing import Signer

LINES = 7  # of a voucher: two of them are 10 kB
PATH = f"/service/OIR/{NAME}/1"
_REQUEST, _VOUCHER, _LINE, _NUMBER = (
    f"{{{KOMBIT_NS}}}{name}"
    for name in ("ModtagFinansbilag_I", "Posteringsbilag", "Posteringslinje", "PosteringsbilagNummer")
)
_HEAD, _ID, _AT = (
    f"{{{KONTEKST_NS}}}{name}" for name in ("HovedOplysninger", "TransaktionsId", "TransaktionsTid")
)
_CONTENT = f"{{{OIR_NS}}}Indhold"
_SIDE_OF = {code: word for word, code in SIDES.items()}


@dataclass(frozen=True)
class Size:
    """A size of messages that is measured, and the least that we may do there for each one of WSS4J's."""

    name: str
    body_bytes: int
    make: Callable[[int], etree._Element]
    goal: float


@dataclass(frozen=True)
class Sent:
    """A signed message, and how many vouchers it brings."""

    data: bytes
    vouchers: int


@dataclass(frozen=True)
class Writer:
    """Signs messages that are all new, for one caller."""

    signer: Signer
    started: datetime = field(default_factory=lambda: datetime.now(UTC))
    _message_numbers: Iterator[int] = field(default_factory=lambda: count(1))
    _voucher_numbers: Iterator[int] = field(default_factory=lambda: count(10_000_000))

    def write(self, template: etree._Element, how_many: int) -> list[Sent]:
        """So many new messages that are otherwise as the template, signed now."""
        return [self._next(deepcopy(template)) for _ in range(how_many)]

    def _next(self, body: etree._Element) -> Sent:
        # a second of its own: files are named after it, and a taken name costs a look for the next
        stated = self.started - timedelta(seconds=next(self._message_numbers))
        _set(body, _ID, str(uuid4()))
        _set(body, _AT, isoformat(stated))
        numbers = list(body.iter(_NUMBER))
        for number in numbers:
            number.text = str(next(self._voucher_numbers))
        for content in body.iter(_CONTENT):
            content.text = _random_base64(len(content.text or ""))
        action = load_contract(NAME).operations[_REQUEST].soap_action
        addressing = Addressing(action=action, message_id=f"urn:uuid:{uuid4()}")
        return Sent(self.signer.sign(body, addressing, now=datetime.now(UTC)), len(numbers))


def many_lines(size: int) -> etree._Element:
    """About `size` bytes of small elements: vouchers with a few lines each."""
    one, two = (len(_body(vouchers=number)) for number in (1, 2))
    return _checked(_body(vouchers=max(1, round((size - one) / (two - one)) + 1)))


def one_attachment(size: int) -> etree._Element:
    """About `size` bytes, nearly all of it the one attachment of one voucher."""
    bare = len(_body(vouchers=1, attached=1))
    return _checked(_body(vouchers=1, attached=size - bare))


SIZES = (
    Size("10 kB elements", 10_000, many_lines, 1.0),
    Size("100 kB attachment", 100_000, one_attachment, 1.0),
    Size("1 MB attachment", 1_000_000, one_attachment, 1.5),
    Size("8 MB attachment", 8_000_000, one_attachment, 1.5),
    Size("1 MB elements", 1_000_000, many_lines, 0.5),
)


def _body(*, vouchers: int, attached: int = 0) -> bytes:
    """The Body's child; `attached` is the length of the attachment in base64, 0 for none."""
    root = etree.Element(_REQUEST, nsmap={None: KOMBIT_NS})
    head = etree.SubElement(root, _HEAD, nsmap={None: KONTEKST_NS})
    etree.SubElement(head, _ID).text = str(uuid4())
    etree.SubElement(head, _AT).text = isoformat(datetime.now(UTC))
    for document in documents(vouchers, lines=LINES):
        _add_voucher(root, document, attached)
    return etree.tostring(root, encoding="UTF-8")


def _checked(data: bytes) -> etree._Element:
    """The body as a tree; it keeps to the contract."""
    body = etree.fromstring(data, etree.XMLParser(huge_tree=True, resolve_entities=False))
    load_contract(NAME).validate(body)
    return body


def _add_voucher(root: etree._Element, document: WrittenDocument, attached: int) -> None:
    voucher = etree.SubElement(root, _VOUCHER)
    _add_values(voucher, HEADER, document.header)
    if attached:
        container = etree.SubElement(voucher, f"{{{OIR_NS}}}OirBase64Container", nsmap={None: OIR_NS})
        described = {"FilNavn": "faktura.pdf", "Medietype": "application/pdf", "Rolle": "BILAG"}
        for name, text in (described | {"Indhold": _random_base64(attached)}).items():
            etree.SubElement(container, f"{{{OIR_NS}}}{name}").text = text
    for line in document.lines:
        _add_values(etree.SubElement(voucher, _LINE), LINE, line)


def _add_values(
    parent: etree._Element, table: Mapping[str, tuple[str, Any, bool]], values: Mapping[str, str]
) -> None:
    """A file's values in the contract's terms and order; what only files have is left out."""
    for name, (element, model, _) in table.items():
        if element in values:
            etree.SubElement(parent, f"{{{KOMBIT_NS}}}{name}").text = _text(values[element], element, model)


def _text(value: str, element: str, model: Any) -> str:
    if model is DATE:  # today, whose period is open
        return business_date(datetime.now(UTC)).isoformat()
    if model is AMOUNT:  # positive; the side says the rest
        return value.lstrip("-")
    return _SIDE_OF[value] if element == "DEB_CRED_IND" else value


def _set(body: etree._Element, tag: str, text: str) -> None:
    next(body.iter(tag)).text = text


def _random_base64(length: int) -> str:
    """About `length` characters that do not compress, as scanned paper does not."""
    return b64encode(os.urandom(length * 3 // 4)).decode()
