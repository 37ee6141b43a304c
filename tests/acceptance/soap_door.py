"""Vouchers of a file as a signed message of FinansbilagModtag, sent by zeep."""

from __future__ import annotations

import base64
import mimetypes
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import zeep
from lxml import etree

from opus_soap.database import connect
from opus_soap.interfaces.postings_in.soap_contract import HEADER, LINE
from opus_soap.interfaces.postings_in.storing import PostingStore
from opus_soap.soap.models import AMOUNT, DATE
from opus_soap.store.models import PostingFile
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import load_pem
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.signing import load_signer

SIDES = {"D": "Debet", "K": "Kredit"}


class Signed:
    """zeep's `wsse`: signs what goes out, takes only a reply that opus-soap signed."""

    def __init__(self, keys: Path, action: str) -> None:
        self.signer = load_signer(
            keys / "case-system.key.pem", keys / "case-system.crt.pem", timedelta(minutes=5)
        )
        self.opus, self.action, self.message_id = load_pem(keys / "opus.crt.pem"), action, ""

    def apply(self, envelope: Any, headers: Any) -> Any:
        """Sign."""
        self.message_id = f"urn:uuid:{uuid4()}"
        addressing = Addressing(action=self.action, message_id=self.message_id)
        body = envelope.find("{*}Body")
        return etree.fromstring(self.signer.sign(body[0], addressing, now=datetime.now(UTC))), headers

    def verify(self, envelope: Any) -> None:
        """Check the signature."""
        verify_reply(
            etree.tostring(envelope, encoding="UTF-8"),
            request_message_id=self.message_id,
            pinned=self.opus,
            now=datetime.now(UTC),
        )


def send_vouchers(address: str, keys: Path, stated: datetime, vouchers: list[dict[str, Any]]) -> Any:
    """ModtagFinansbilag; the answer."""
    signed = Signed(keys, "http://www.kombit.dk/2017/01/01/FinansbilagModtagService_1#ModtagFinansbilag")
    client = zeep.Client(f"{address}/service/OIR/FinansbilagModtag/1?wsdl", wsse=signed)
    header = {"TransaktionsId": str(uuid4()), "TransaktionsTid": stated}
    return client.service.ModtagFinansbilag(HovedOplysninger=header, Posteringsbilag=vouchers)


def vouchers_of(data: bytes) -> list[dict[str, Any]]:
    """The vouchers of a FinancePostingRequest, in the contract's terms."""
    return [
        {
            **_values(node.find("HEADER"), HEADER),
            "OirBase64Container": [_attached(file) for file in node.iterfind("HEADER/FILES")],
            "Posteringslinje": [_line(line) for line in node.iterfind("LINES/LINE")],
        }
        for node in etree.fromstring(data).iterfind("POSTING_DOCUMENT")
    ]


def _values(node: Any, table: Mapping[str, tuple[str, Any, bool]]) -> dict[str, Any]:
    found = {}
    for name, (element, model, _) in table.items():
        text = node.findtext(element)
        if text is not None:
            found[name] = date(int(text[:4]), int(text[4:6]), int(text[6:])) if model is DATE else text
            if model is AMOUNT:
                found[name] = abs(Decimal(text))
    return found


def _line(node: Any) -> dict[str, Any]:
    return _values(node, LINE) | {"DebetKreditIndikator": SIDES[node.findtext("DEB_CRED_IND")]}


def _attached(node: Any) -> dict[str, Any]:
    name = node.findtext("FILE_NAME")
    return {
        "FilNavn": name,
        "Medietype": mimetypes.guess_type(name)[0],
        "Rolle": "BILAG",
        "Indhold": base64.b64decode(node.findtext("FILE")),
    }


def as_kept(environment: Mapping[str, str], name: str) -> bytes:
    """The receipt of a file, from the store."""
    connect(environment["OPUS_SOAP_DATABASE_URL"])
    file = PostingFile.get(PostingFile.name == name)
    with PostingStore(Path(environment["OPUS_SOAP_FILES_FOLDER"])).open(str(file.receipt_sha256)) as stored:
        return stored.read()
