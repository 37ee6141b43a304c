"""Call opus-soap with zeep and its own signatures: python call.py URL KEYS ping, or ... post AMOUNT.

A last argument is the file of a token (a SAML assertion), for an agreement in the Token model.

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

import xmlsec
import zeep
from lxml import etree
from messages import context, voucher
from zeep import ns
from zeep.exceptions import Fault, SignatureVerificationFailed
from zeep.wsa import WsAddressingPlugin
from zeep.wsse.signature import BinarySignature, verify_envelope
from zeep.wsse.utils import ensure_id, get_security_header

FRAMEWORK = (
    '<sbf:Framework xmlns:sbf="urn:liberty:sb:2006-08" xmlns:sbfp="urn:liberty:sb:profile" version="2.0"'
    ' sbfp:profile="urn:liberty:sb:profile:basic"/>'
)
SAML = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1"
KEY_INFO = (
    f'<ds:KeyInfo xmlns:ds="{ns.DS}" xmlns:wsse="{ns.WSSE}"'
    ' xmlns:wsse11="http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd">'
    f'<wsse:SecurityTokenReference wsse11:TokenType="{SAML}#SAMLV2.0">'
    f'<wsse:KeyIdentifier ValueType="{SAML}#SAMLID">{{}}</wsse:KeyIdentifier>'
    "</wsse:SecurityTokenReference></ds:KeyInfo>"
)


def add_timestamp(security: Any) -> Any:
    """A Timestamp of five minutes, which zeep does not make by itself."""
    timestamp = etree.SubElement(security, f"{{{ns.WSU}}}Timestamp")
    now = datetime.now(UTC)
    for name, instant in ("Created", now), ("Expires", now + timedelta(minutes=5)):
        etree.SubElement(timestamp, f"{{{ns.WSU}}}{name}").text = f"{instant:%Y-%m-%dT%H:%M:%SZ}"
    return timestamp


class Signed(BinarySignature):
    """Signs Body and a Timestamp with SHA-256; takes only what opus-soap signed, both of them."""

    parts: tuple[str, ...] = ("{*}Body", "{*}Header/{*}Security/{*}Timestamp")

    def __init__(self, keys: Path) -> None:
        methods = xmlsec.Transform.RSA_SHA256, xmlsec.Transform.SHA256
        super().__init__(keys / "case-system.key.pem", keys / "case-system.crt.pem", None, *methods)
        self.opus = keys / "opus.crt.pem"

    def apply(self, envelope: Any, headers: Any) -> Any:
        add_timestamp(get_security_header(envelope))
        return super().apply(envelope, headers)

    def verify(self, envelope: Any) -> Any:
        verify_envelope(envelope, self.opus)
        [signature] = envelope.findall(f"{{*}}Header/{{{ns.WSSE}}}Security/{{{ns.DS}}}Signature")
        references = signature.findall(f"{{{ns.DS}}}SignedInfo/{{{ns.DS}}}Reference")
        signed = {reference.get("URI") for reference in references}
        for path in self.parts:
            [part] = envelope.findall(path)
            name = part.get(f"{{{ns.WSU}}}Id")
            namesakes = envelope.xpath("//*[@*[local-name()='Id']=$name]", name=name)
            if f"#{name}" not in signed or len(namesakes) != 1:
                raise SignatureVerificationFailed(f"{path} is not signed")
        return envelope


class SignedWithToken(Signed):
    """Signs with the key that a token is bound to: the token and the headers, too.

    Signs with xmlsec itself, as zeep knows X.509 alone; verifies with zeep.
    """

    parts = (*Signed.parts, f"{{*}}Header/{{{ns.WSA}}}RelatesTo")

    def __init__(self, keys: Path, token: Path) -> None:
        super().__init__(keys)
        self.token = token.read_bytes()
        self.message_id = ""

    def apply(self, envelope: Any, headers: Any) -> Any:
        security = get_security_header(envelope)
        header = security.getparent()
        self.message_id = header.findtext(f"{{{ns.WSA}}}MessageID")
        header.insert(0, etree.fromstring(FRAMEWORK))
        timestamp = add_timestamp(security)
        assertion = etree.fromstring(self.token)
        security.append(assertion)
        signature = xmlsec.template.create(envelope, xmlsec.Transform.EXCL_C14N, self.signature_method)
        security.append(signature)
        context = xmlsec.SignatureContext()
        context.key = xmlsec.Key.from_memory(self.key_data, xmlsec.KeyFormat.PEM)
        blocks = [block for block in header if block is not security]
        for part in *blocks, timestamp, header.getnext():
            ensure_id(part)
            self.refer(context, signature, part, "Id", ns.WSU)
        self.refer(context, signature, assertion, "ID", None)
        context.sign(signature)
        signature.append(etree.fromstring(KEY_INFO.format(assertion.get("ID"))))
        return envelope, headers

    def refer(self, context: Any, signature: Any, part: Any, attribute: str, namespace: str | None) -> None:
        """A Reference to a part."""
        context.register_id(part, attribute, namespace)
        name = part.get(f"{{{namespace}}}{attribute}" if namespace else attribute)
        reference = xmlsec.template.add_reference(signature, self.digest_method, uri=f"#{name}")
        xmlsec.template.add_transform(reference, xmlsec.Transform.EXCL_C14N)

    def verify(self, envelope: Any) -> Any:
        super().verify(envelope)
        [relation] = envelope.findall(f"{{*}}Header/{{{ns.WSA}}}RelatesTo")
        if relation.text != self.message_id:
            raise SignatureVerificationFailed("the reply belongs to another request")
        return envelope


def main(url: str, keys: str, operation: str, *rest: str) -> int:
    """Call, and tell what came."""
    amount, *token = rest if operation == "post" else ("", *rest)
    wsdl = f"{url}/service/OIR/FinansbilagModtag/1?wsdl"
    if token:
        signing = SignedWithToken(Path(keys), Path(token[0]))
        client = zeep.Client(wsdl, wsse=signing, plugins=[WsAddressingPlugin()])
    else:
        client = zeep.Client(wsdl, wsse=Signed(Path(keys)))
    try:
        if operation == "ping":
            answer = client.service.Ping(HovedOplysninger=context())
            print("TransaktionsId", answer.HovedOplysningerSvar.TransaktionsId)
            return 0
        answer = client.service.ModtagFinansbilag(
            HovedOplysninger=context(), Posteringsbilag=[voucher(amount)]
        )
    except Fault as fault:
        print("fault", fault.message)
        return 3
    print("PosteringskvitteringResultat", answer.Posteringskvittering[0].PosteringskvitteringResultat)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
