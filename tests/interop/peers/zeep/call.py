"""Call opus-soap with zeep and its own signatures: python call.py URL KEYS ping, or ... post AMOUNT.

zeep's BinarySignature signs with SHA-1 and without a Timestamp unless told otherwise, and its verification
does not ask *what* is signed: hence the class. The exit status is 0 for an answer and 3 for a fault, both
signed by opus-soap. `post` sends a voucher of two lines.

`docs/examples/answer_an_invoice.py` is a client with `opus_soap.wss`, which does all of this itself.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import xmlsec
import zeep
from lxml import etree
from zeep import ns
from zeep.exceptions import Fault, SignatureVerificationFailed
from zeep.wsse.signature import BinarySignature, verify_envelope
from zeep.wsse.utils import get_security_header


class Signed(BinarySignature):
    """Signs Body and a Timestamp with SHA-256; takes only what opus-soap signed, both of them."""

    def __init__(self, keys: Path) -> None:
        methods = xmlsec.Transform.RSA_SHA256, xmlsec.Transform.SHA256
        super().__init__(keys / "case-system.key.pem", keys / "case-system.crt.pem", None, *methods)
        self.opus = keys / "opus.crt.pem"

    def apply(self, envelope: Any, headers: Any) -> Any:
        timestamp = etree.SubElement(get_security_header(envelope), f"{{{ns.WSU}}}Timestamp")
        now = datetime.now(UTC)
        for name, instant in ("Created", now), ("Expires", now + timedelta(minutes=5)):
            etree.SubElement(timestamp, f"{{{ns.WSU}}}{name}").text = f"{instant:%Y-%m-%dT%H:%M:%SZ}"
        return super().apply(envelope, headers)

    def verify(self, envelope: Any) -> Any:
        verify_envelope(envelope, self.opus)
        [signature] = envelope.findall(f"{{*}}Header/{{{ns.WSSE}}}Security/{{{ns.DS}}}Signature")
        references = signature.findall(f"{{{ns.DS}}}SignedInfo/{{{ns.DS}}}Reference")
        signed = {reference.get("URI") for reference in references}
        for path in "{*}Body", "{*}Header/{*}Security/{*}Timestamp":
            [part] = envelope.findall(path)
            name = part.get(f"{{{ns.WSU}}}Id")
            namesakes = envelope.xpath("//*[@*[local-name()='Id']=$name]", name=name)
            if f"#{name}" not in signed or len(namesakes) != 1:
                raise SignatureVerificationFailed(f"{path} is not signed")
        return envelope


def line(side: str, amount: str, account: str, number: int, **more: str) -> dict[str, Any]:
    """A line of the voucher."""
    return {
        "DebetKreditIndikator": side,
        "PosteringslinjeBeløb": amount,
        "PosteringslinjeTekst": "Smørrebrød",
        "PosteringslinjeArtskonto": account,
        "PosteringslinjeNummer": str(number),
        "PosteringslinjeAfsendersystem": "KY01",
        **more,
    }


def main(url: str, keys: str, operation: str, amount: str = "") -> int:
    """Call, and tell what came."""
    client = zeep.Client(f"{url}/service/OIR/FinansbilagModtag/1?wsdl", wsse=Signed(Path(keys)))
    context = {"TransaktionsId": str(uuid4()), "TransaktionsTid": datetime.now(UTC)}
    try:
        if operation == "ping":
            answer = client.service.Ping(HovedOplysninger=context)
            print("TransaktionsId", answer.HovedOplysningerSvar.TransaktionsId)
            return 0
        today = datetime.now().astimezone().date()
        voucher = {
            "PosteringsbilagFirmakode": "0020",
            "PosteringsbilagBilagsart": "SA",
            "PosteringsbilagBilagsdato": today,
            "PosteringsbilagBogføringsdato": today,
            "PosteringsbilagNummer": str(uuid4())[:10],
            "PosteringsbilagHovedtekst": "Blåbærgrød på Ærø",
            "PosteringsbilagReference": "zeep",
            "Posteringslinje": [
                line("Debet", amount, "52000200", 1, PosteringslinjeOmkostningssted="1101"),
                line("Kredit", amount, "90540100", 2),
            ],
        }
        answer = client.service.ModtagFinansbilag(HovedOplysninger=context, Posteringsbilag=[voucher])
    except Fault as fault:
        print("fault", fault.message)
        return 3
    print("PosteringskvitteringResultat", answer.Posteringskvittering[0].PosteringskvitteringResultat)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
