"""A verifier as one writes it on a first afternoon. It is here to be fooled.

Certificate from the BinarySecurityToken, issuer checked, signature checked by signxml, then the raw
Body is read. If the attacks did not get past this one, they would prove nothing about ours.
"""

from __future__ import annotations

import base64

from cryptography import x509
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

from tests.wss.forge import NOW, NS, SAML, world


def naive_verify(data: bytes) -> etree._Element:
    """The Body that the naive integration would act on; raises whatever it raises."""
    root = etree.fromstring(data)
    token = root.find(".//wsse:BinarySecurityToken", NS)
    certificate = x509.load_der_x509_certificate(base64.b64decode(token.text))
    [issuer] = world().trusted
    certificate.verify_directly_issued_by(issuer)
    XMLVerifier().verify(
        root,
        x509_cert=certificate,
        expect_config=SignatureConfiguration(expect_references=True, verification_time=NOW),
    )
    return root.find("s:Body", NS)


def naive_read(data: bytes) -> etree._Element:
    """The Body in the Context model, where TLS has done its work and nothing is left to do, one thinks."""
    body = etree.fromstring(data).find("s:Body", NS)
    assert body is not None
    return body


def naive_verify_token(data: bytes) -> tuple[etree._Element, str]:
    """The same in the Token model: the first assertion that is signed, its holder, then the raw Body.

    Returns the Body and the CVR number of the first assertion.
    """
    root = etree.fromstring(data)
    assertion = root.find(f".//{{{SAML}}}Assertion")
    sts = world().certificates["sts"].certificate
    alone = etree.fromstring(etree.tostring(assertion))
    XMLVerifier().verify(
        alone, x509_cert=sts, expect_config=SignatureConfiguration(verification_time=NOW, location=".//")
    )
    held = assertion.findtext(f"{{{SAML}}}Subject//ds:X509Certificate", "", NS)
    certificate = x509.load_der_x509_certificate(base64.b64decode(held))
    stripped = etree.fromstring(data)
    for token in stripped.iter(f"{{{SAML}}}Assertion"):
        for signature in token.findall("ds:Signature", NS):
            token.remove(signature)
    TokenBlind().verify(
        stripped,
        x509_cert=certificate,
        expect_config=SignatureConfiguration(expect_references=True, verification_time=NOW),
    )
    cvr = next(
        node.findtext(f"{{{SAML}}}AttributeValue")
        for node in assertion.iter(f"{{{SAML}}}Attribute")
        if node.get("Name", "").endswith("CvrNumberIdentifier")
    )
    return root.find("s:Body", NS), cvr


class TokenBlind(XMLVerifier):
    """signxml lacks the STR-Transform; whoever is naive leaves out what does not work."""

    def _verify_reference(self, reference, *rest):
        if "STR-Transform" in etree.tostring(reference).decode():
            return None
        return super()._verify_reference(reference, *rest)
