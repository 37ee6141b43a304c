"""Every error as a SOAP fault: one table, one shape.

The detail carries our own element (code, Danish and English text, remedy, correlation id) and
Serviceplatformen's ErrorList with the same code and text, for clients that look there. Errors that
are ours to mend say only their code and that something failed: their texts are for the log.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from lxml import etree

from opus_soap.errors import (
    AnswerInvalid,
    ConfigurationError,
    ContentEncodingRefused,
    ContentLost,
    ContentTypeRefused,
    ContractFileUnknown,
    DatabaseError,
    DatabaseFailed,
    DeliveryForbidden,
    DeliveryUnauthorized,
    DownloadForbidden,
    DownloadMissing,
    DownloadReceiptEarly,
    DownloadReceiptUnwanted,
    DownloadReceiptWrong,
    DownloadsBusy,
    EnvelopeVersionRefused,
    ExtractDiffers,
    ExtractFolderFailed,
    ExtractKeyMissing,
    FileStoreFailed,
    InternalFailure,
    LengthUnclear,
    MethodNotAllowed,
    OpusSoapError,
    PathUnknown,
    ReadingInterrupted,
    ReceiptUnknown,
    RequestEmpty,
    RequestTooLarge,
    RequestTooSlow,
    ServerBusy,
    SoapError,
    TransportError,
    UploadsBusy,
    mask_cpr,
)
from opus_soap.texts import legal_xml
from opus_soap.wss.errors import KeyUnusable, NotSignable, PkiDefinitionInvalid, ProfileUnknown, WssError
from opus_soap.wss.names import SOAP11, SOAP12, WSSE, WSU

FAULT_NS = "http://opus-soap.dk/fejl/1"
SERVICEPLATFORM_NS = "http://serviceplatformen.dk/xml/schemas/ServiceplatformFault/1/"

CLIENT = f"{{{SOAP11}}}Client"
VERSION_MISMATCH = f"{{{SOAP11}}}VersionMismatch"
SERVER = f"{{{SOAP11}}}Server"
_PREFIXES = {SOAP11: "soap", WSSE: "wsse", WSU: "wsu"}
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_LONGEST = 1000


@dataclass(frozen=True)
class Rule:
    """How a kind of error is answered: fault code (QName), HTTP status, whether its texts are kept back."""

    faultcode: str | None = CLIENT  # None: the error says it itself
    status: int = 500  # what SOAP 1.1 asks for; others only where HTTP itself is at fault
    internal: bool = False
    over_http: int = 0  # status where it is no SOAP that is answered; 0: the same


# the nearest class counts, so a new error is answered as its parent is
RULES: dict[type[Exception], Rule] = {
    OpusSoapError: Rule(),
    SoapError: Rule(),
    ConfigurationError: Rule(SERVER, internal=True),
    DatabaseError: Rule(SERVER, internal=True),
    DatabaseFailed: Rule(SERVER, 503, internal=True),
    TransportError: Rule(SERVER, internal=True),
    AnswerInvalid: Rule(SERVER),
    InternalFailure: Rule(SERVER),
    ServerBusy: Rule(SERVER, 503),
    MethodNotAllowed: Rule(status=405),
    PathUnknown: Rule(status=404),
    ContractFileUnknown: Rule(status=404),
    ContentTypeRefused: Rule(status=415),
    ContentEncodingRefused: Rule(status=415),
    LengthUnclear: Rule(status=400),
    RequestEmpty: Rule(status=400),
    RequestTooLarge: Rule(status=413),
    RequestTooSlow: Rule(status=408),
    EnvelopeVersionRefused: Rule(VERSION_MISMATCH),
    DeliveryUnauthorized: Rule(status=401),
    DeliveryForbidden: Rule(status=403),
    ReceiptUnknown: Rule(status=404),
    DownloadForbidden: Rule(status=401),
    DownloadMissing: Rule(over_http=404),
    DownloadReceiptWrong: Rule(over_http=422),
    DownloadReceiptEarly: Rule(over_http=422),
    DownloadReceiptUnwanted: Rule(over_http=422),
    DownloadsBusy: Rule(SERVER, 503),
    UploadsBusy: Rule(SERVER, 503),
    ExtractDiffers: Rule(SERVER, internal=True),
    ExtractFolderFailed: Rule(SERVER, 503, internal=True),
    ExtractKeyMissing: Rule(SERVER, internal=True),
    FileStoreFailed: Rule(SERVER, 503, internal=True),
    ContentLost: Rule(SERVER, 503, internal=True),
    ReadingInterrupted: Rule(SERVER, 503),
    WssError: Rule(None),
    KeyUnusable: Rule(SERVER, internal=True),
    NotSignable: Rule(SERVER, internal=True),
    PkiDefinitionInvalid: Rule(SERVER, internal=True),
    ProfileUnknown: Rule(SERVER, internal=True),
}


@dataclass(frozen=True)
class Fault:
    """What a refusal says; `faultcode` is a QName. Texts hold no CPR number."""

    code: str
    faultcode: str
    status: int
    danish: str
    english: str
    remedy_danish: str
    remedy_english: str
    element: str = ""
    over_http: int = 0  # status where it is no SOAP that is answered


def rule_for(kind: type[Exception]) -> Rule:
    """The rule of the nearest ancestor in the table; raises `StopIteration` for a foreign one."""
    return next(RULES[ancestor] for ancestor in kind.__mro__ if ancestor in RULES)


def fault_for(error: OpusSoapError | WssError) -> Fault:
    """The fault that an error becomes."""
    rule = rule_for(type(error))
    shown: OpusSoapError | WssError = InternalFailure() if rule.internal else error
    return Fault(
        code=error.code,
        faultcode=rule.faultcode or _own_code(error),
        status=rule.status,
        danish=_clean(shown.text_danish),
        english=_clean(shown.text_english),
        remedy_danish=_clean(shown.remedy_danish),
        remedy_english=_clean(shown.remedy_english),
        element=_clean(getattr(shown, "element", "")),
        over_http=rule.over_http or rule.status,
    )


def _own_code(error: OpusSoapError | WssError) -> str:
    return error.fault_qname() if isinstance(error, WssError) else CLIENT


def _clean(text: str) -> str:
    """Legal XML, no CPR number, and no more of a sender's element names than a reader can use."""
    shown = mask_cpr(legal_xml(text))
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}… ({len(shown)} characters)"


def http_status(fault: Fault, soap_namespace: str) -> int:
    """SOAP 1.1 answers a fault with 500; SOAP 1.2 with 400 when the sender is to blame."""
    if soap_namespace == SOAP12 and fault.status == 500 and fault.faultcode != SERVER:
        return 400
    return fault.status


def fault_element(fault: Fault, correlation_id: UUID, soap_namespace: str = SOAP11) -> etree._Element:
    """The `soap:Fault` to sign and send, in either version of SOAP."""
    if soap_namespace == SOAP12:
        return _fault_12(fault, correlation_id)
    faultcode = etree.QName(fault.faultcode)
    namespace = str(faultcode.namespace)
    # exclusive canonicalisation drops a prefix that only a text uses, so readers that have nothing but
    # what is signed see the prefix alone: take the one that everybody knows
    prefix = _PREFIXES[namespace]
    element = etree.Element(f"{{{SOAP11}}}Fault", nsmap={"soap": SOAP11, prefix: namespace})
    _add(element, "faultcode", f"{prefix}:{faultcode.localname}")
    _add(element, "faultstring", f"{fault.code} {fault.danish} / {fault.english}")
    _fill(_add(element, "detail"), fault, correlation_id)
    return element


def _fault_12(fault: Fault, correlation_id: UUID) -> etree._Element:
    """SOAP 1.2, part 1, 5.4: our code is the subcode of Sender."""
    given = etree.QName(fault.faultcode)
    server = fault.faultcode in (SERVER, VERSION_MISMATCH)
    element = etree.Element(f"{{{SOAP12}}}Fault", nsmap={"soap": SOAP12})
    code = _add(element, f"{{{SOAP12}}}Code")
    names = {
        VERSION_MISMATCH: "VersionMismatch",
        SERVER: "Receiver",
        f"{{{SOAP11}}}MustUnderstand": "MustUnderstand",
    }
    _add(code, f"{{{SOAP12}}}Value", f"soap:{names.get(fault.faultcode, 'Sender')}")
    if not server and str(given.namespace) in (WSSE, WSU):
        prefix = _PREFIXES[str(given.namespace)]
        subcode = etree.SubElement(code, f"{{{SOAP12}}}Subcode", nsmap={prefix: str(given.namespace)})
        _add(subcode, f"{{{SOAP12}}}Value", f"{prefix}:{given.localname}")
    reason = _add(element, f"{{{SOAP12}}}Reason")
    for language, text in (("en", fault.english), ("da", fault.danish)):
        _add(reason, f"{{{SOAP12}}}Text", f"{fault.code} {text}").set(_LANGUAGE, language)
    _fill(_add(element, f"{{{SOAP12}}}Detail"), fault, correlation_id)
    return element


def _fill(detail: etree._Element, fault: Fault, correlation_id: UUID) -> None:
    """What the detail of a fault says, alike in both versions."""
    ours = etree.SubElement(detail, f"{{{FAULT_NS}}}OpusSoapFejl", nsmap={None: FAULT_NS})
    _add(ours, f"{{{FAULT_NS}}}Kode", fault.code)
    for name, danish, english in (
        ("Tekst", fault.danish, fault.english),
        ("Udvej", fault.remedy_danish, fault.remedy_english),
    ):
        _add(ours, f"{{{FAULT_NS}}}{name}", danish).set("sprog", "da")
        _add(ours, f"{{{FAULT_NS}}}{name}", english).set("sprog", "en")
    if fault.element:
        _add(ours, f"{{{FAULT_NS}}}Element", fault.element)
    _add(ours, f"{{{FAULT_NS}}}KorrelationsId", str(correlation_id))
    _serviceplatform_detail(detail, fault)


def _serviceplatform_detail(detail: etree._Element, fault: Fault) -> None:
    name = f"{{{SERVICEPLATFORM_NS}}}"
    outer = etree.SubElement(detail, f"{name}ServiceplatformFault", nsmap={None: SERVICEPLATFORM_NS})
    error = etree.SubElement(etree.SubElement(outer, f"{name}ErrorList"), f"{name}Error")
    _add(error, f"{name}ErrorCode", fault.code)
    _add(error, f"{name}ErrorText", fault.danish)


def _add(parent: etree._Element, name: str, text: str | None = None) -> etree._Element:
    child: etree._Element = etree.SubElement(parent, name)
    child.text = text
    return child
