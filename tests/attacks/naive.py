"""A verifier as one writes it on a first afternoon. It is here to be fooled.

Certificate from the BinarySecurityToken, issuer checked, signature checked by signxml, then the raw
Body is read. If the attacks did not get past this one, they would prove nothing about ours.
"""

from __future__ import annotations

import base64

from cryptography import x509
from lxml import etree
from signxml import SignatureConfiguration, XMLVerifier

from tests.wss.forge import NOW, NS, world


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
