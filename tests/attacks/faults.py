"""The fault that each refusal must become: the names of WS-Security 1.1, chapter 12, and codes of our own.

Written down, not read from the classes: a caller's program may have been made after them.
"""

from __future__ import annotations

import re
from uuid import UUID

from lxml import etree

from opus_soap.soap.faults import FAULT_NS, SERVICEPLATFORM_NS, fault_element, fault_for
from opus_soap.wss import errors, errors_tokens, errors_trust
from opus_soap.wss.errors import WssError
from opus_soap.wss.names import SOAP11, SOAP12, WSSE, WSU

FAULTS: dict[type[WssError], tuple[str, str]] = {
    errors.NotWellFormed: ("soap:Client", "WSS-001"),
    errors.MessageTooLarge: ("soap:Client", "WSS-002"),
    errors.MarkupForbidden: ("soap:Client", "WSS-003"),
    errors.EncodingUnsupported: ("soap:Client", "WSS-004"),
    errors.StructureInvalid: ("wsse:InvalidSecurity", "WSS-010"),
    errors.IdentifierAmbiguous: ("wsse:FailedCheck", "WSS-011"),
    errors.HeaderNotUnderstood: ("soap:MustUnderstand", "WSS-012"),
    errors.SecurityMissing: ("wsse:InvalidSecurity", "WSS-020"),
    errors.SignatureMissing: ("wsse:InvalidSecurity", "WSS-021"),
    errors.SecurityHeaderInvalid: ("wsse:InvalidSecurity", "WSS-022"),
    errors.SignatureMalformed: ("wsse:InvalidSecurity", "WSS-023"),
    errors.AlgorithmUnsupported: ("wsse:UnsupportedAlgorithm", "WSS-030"),
    errors.ReferenceInvalid: ("wsse:FailedCheck", "WSS-031"),
    errors.SignedPartMisplaced: ("wsse:FailedCheck", "WSS-032"),
    errors.PartNotSigned: ("wsse:FailedCheck", "WSS-033"),
    errors.SignatureWrong: ("wsse:FailedCheck", "WSS-034"),
    errors.TokenUnavailable: ("wsse:SecurityTokenUnavailable", "WSS-040"),
    errors.TokenInvalid: ("wsse:InvalidSecurityToken", "WSS-041"),
    errors.TokenUnsupported: ("wsse:UnsupportedSecurityToken", "WSS-042"),
    errors_tokens.AssertionInvalid: ("wsse:InvalidSecurityToken", "WSS-043"),
    errors_tokens.TokenIssuerUntrusted: ("wsse:FailedAuthentication", "WSS-044"),
    errors_tokens.TokenOutOfDate: ("wsse:FailedAuthentication", "WSS-045"),
    errors_tokens.TokenForAnother: ("wsse:FailedAuthentication", "WSS-046"),
    errors_tokens.HolderWrong: ("wsse:FailedAuthentication", "WSS-047"),
    errors.CertificateUntrusted: ("wsse:FailedAuthentication", "WSS-050"),
    errors_trust.IssuerKeyWrong: ("wsse:FailedAuthentication", "WSS-050"),
    errors.CertificateOutOfDate: ("wsse:FailedAuthentication", "WSS-051"),
    errors.CertificateUsageWrong: ("wsse:FailedAuthentication", "WSS-052"),
    errors.CertificateRevoked: ("wsse:FailedAuthentication", "WSS-054"),
    errors.TimestampInvalid: ("wsse:InvalidSecurity", "WSS-060"),
    errors.MessageExpired: ("wsu:MessageExpired", "WSS-061"),
    errors.MessageFromTheFuture: ("wsse:InvalidSecurity", "WSS-062"),
    errors.LifetimeTooLong: ("wsse:InvalidSecurity", "WSS-063"),
    errors.AddressingInvalid: ("wsse:InvalidSecurity", "WSS-070"),
    errors.ReplyAddressRefused: ("wsse:InvalidSecurity", "WSS-071"),
    errors.VerificationFailed: ("wsse:FailedCheck", "WSS-090"),
}
NAMESPACES = {"soap": SOAP11, "wsse": WSSE, "wsu": WSU}
CPR = "010170-1234"  # of the Body of every message that is attacked
# a key, a certificate or a signature, as base64; a number as the Body has it; what Python says of a failure
SECRET = re.compile(r"[A-Za-z0-9+/]{60,}|010170|999999|Traceback|File \"|\.py\b|PRIVATE KEY|0x[0-9a-f]{8}")
_MOST_CHARACTERS = 10_000


def check_fault(refusal: WssError, expected: type[WssError]) -> None:
    """The refusal is of the class that was expected, and its fault says so, and nothing of the message."""
    assert type(refusal) is expected, refusal
    fault_code, code = FAULTS[expected]
    fault = fault_element(fault_for(refusal), UUID(int=1))
    prefix, _, name = fault.findtext("faultcode", "").partition(":")
    assert (f"{prefix}:{name}", fault.nsmap[prefix]) == (fault_code, NAMESPACES[prefix])
    assert _codes(fault) == {code}
    assert fault.findtext("faultstring", "").startswith(f"{code} ")
    newer = fault_element(fault_for(refusal), UUID(int=1), SOAP12)
    assert _codes(newer) == {code}
    if prefix != "soap":
        path = "/".join(f"{{{SOAP12}}}{name}" for name in ("Code", "Subcode", "Value"))
        assert newer.findtext(path) == fault_code
    for element in (fault, newer):
        text = etree.tostring(element, encoding="unicode")
        assert SECRET.search(text) is None, SECRET.search(text)
        assert len(text) < _MOST_CHARACTERS


def _codes(fault: etree._Element) -> set[str]:
    """Our code, and Serviceplatformen's, which is the same."""
    names = (f"{{{FAULT_NS}}}Kode", f"{{{SERVICEPLATFORM_NS}}}ErrorCode")
    return {fault.findtext(f".//{name}", "") for name in names}
