"""Attacks in the Context model: nothing is signed, so what is left to attack is XML, the envelope's shape,
and what readers disagree on. Each is a named change of a valid message.

Who is believed to have sent it, and for whom, is in tests/soap/test_context.py, through the server.
"""

from __future__ import annotations

from collections.abc import Callable

from opus_soap.wss import errors
from tests.attacks.recipes import Attack, Harmless

SOAP = b"http://schemas.xmlsoap.org/soap/envelope/"
WSA = b"http://www.w3.org/2005/08/addressing"
WSSE = b"http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
DS = b"http://www.w3.org/2000/09/xmldsig#"
VALID = (
    b'<s:Envelope xmlns:s="' + SOAP + b'"><s:Header/><s:Body><k:Send xmlns:k="urn:test">'
    b"<k:Amount>100</k:Amount><k:Party>good</k:Party><k:Cpr>010170-1234</k:Cpr></k:Send></s:Body></s:Envelope>"
)
BASE = b' xml:base="http://evil.example/"'
EVIL_BODY = b'<s:Body><k:Send xmlns:k="urn:test"><k:Amount>999999</k:Amount></k:Send></s:Body>'

CONTEXT_ATTACKS: list[Attack] = []
Change = Callable[[bytes], bytes]


def attack(
    name: str, refused_as: type[errors.WssError], *, naive: bool = False
) -> Callable[[Change], Change]:
    """Register a change of `VALID`."""

    def register(change: Change) -> Change:
        CONTEXT_ATTACKS.append(Attack(name, lambda: _changed(change), refused_as, naive))
        return change

    return register


def _changed(change: Change) -> bytes:
    changed = change(VALID)
    assert changed != VALID
    return changed


def into_header(data: bytes, block: bytes) -> bytes:
    return data.replace(b"<s:Header/>", b"<s:Header>" + block + b"</s:Header>")


@attack("doctype", errors.MarkupForbidden, naive=True)
def _(data: bytes) -> bytes:
    return b"<!DOCTYPE x>" + data


@attack("external entity", errors.MarkupForbidden)
def _(data: bytes) -> bytes:
    return b'<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>' + data.replace(b"good", b"&f;")


@attack("billion laughs", errors.MarkupForbidden)
def _(data: bytes) -> bytes:
    levels = [b'<!ENTITY a0 "lol">']
    levels += [b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)]
    return b"<!DOCTYPE x [" + b"".join(levels) + b"]>" + data.replace(b"good", b"&a9;")


@attack("quadratic entity", errors.MarkupForbidden)
def _(data: bytes) -> bytes:
    return b'<!DOCTYPE x [<!ENTITY a "' + b"x" * 50_000 + b'">]>' + data.replace(b"good", b"&a;" * 50_000)


@attack("depth", errors.MessageTooLarge)
def _(data: bytes) -> bytes:
    return data.replace(b"good", b"<x>" * 1000 + b"</x>" * 1000)


@attack("40,000 attributes", errors.MessageTooLarge, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"<k:Party>", b"<k:Party " + b" ".join(b'a%d=""' % n for n in range(40_000)) + b">")


@attack("200,001 elements", errors.MessageTooLarge, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"good", b"<x/>" * 200_001)


@attack("comment inside a number", errors.MarkupForbidden, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"100", b"1<!-- -->00")


@attack("processing instruction inside a number", errors.MarkupForbidden, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"100", b"1<?x?>00")


@attack("comment before the envelope", errors.MarkupForbidden, naive=True)
def _(data: bytes) -> bytes:
    return b"<!-- x -->" + data


@attack("comment after the envelope", errors.MarkupForbidden, naive=True)
def _(data: bytes) -> bytes:
    return data + b"<!-- x -->"


@attack("processing instruction before the envelope", errors.MarkupForbidden, naive=True)
def _(data: bytes) -> bytes:
    return b"<?x y?>" + data


@attack("processing instruction after the envelope", errors.MarkupForbidden, naive=True)
def _(data: bytes) -> bytes:
    return data + b"<?x y?>"


@attack("two documents", errors.NotWellFormed)
def _(data: bytes) -> bytes:
    return data + data


@attack("NUL byte", errors.NotWellFormed)
def _(data: bytes) -> bytes:
    return data.replace(b"good", b"go\x00od")


@attack("broken UTF-8", errors.NotWellFormed)
def _(data: bytes) -> bytes:
    return data.replace(b"good", b"go\xffod")


@attack("an overlong slash in UTF-8", errors.NotWellFormed)
def _(data: bytes) -> bytes:
    return data.replace(b"good", b"go\xc0\xafod")


@attack("half a surrogate in UTF-8", errors.NotWellFormed)
def _(data: bytes) -> bytes:
    return data.replace(b"good", b"go\xed\xa0\x80od")


@attack("another encoding", errors.EncodingUnsupported, naive=True)
def _(data: bytes) -> bytes:
    return data.decode().encode("utf-16")


@attack("evil body first", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"<s:Body>", EVIL_BODY + b"<s:Body>")


@attack("evil body last", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"</s:Envelope>", EVIL_BODY + b"</s:Envelope>")


@attack("evil body in the header", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return into_header(data, EVIL_BODY)


@attack("evil body inside the body", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"good", EVIL_BODY)


@attack("header after body", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"<s:Header/>", b"").replace(b"</s:Envelope>", b"<s:Header/></s:Envelope>")


@attack("envelope in envelope", errors.StructureInvalid)
def _(data: bytes) -> bytes:
    return b'<s:Envelope xmlns:s="' + SOAP + b'"><s:Body>' + data + b"</s:Body></s:Envelope>"


@attack("body of another namespace", errors.StructureInvalid)
def _(data: bytes) -> bytes:
    return data.replace(b"<s:Body>", b'<s:Body xmlns:s="urn:fake">')


@attack("security in the header", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return into_header(data, b'<w:Security xmlns:w="' + WSSE + b'"/>')


@attack("security deep in the header", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return into_header(data, b'<x><w:Security xmlns:w="' + WSSE + b'"/></x>')


@attack("a signature in the body", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"good", b'<d:Signature xmlns:d="' + DS + b'"/>')


@attack("a header that must be understood", errors.HeaderNotUnderstood, naive=True)
def _(data: bytes) -> bytes:
    return into_header(data, b'<x s:mustUnderstand="1"/>')


@attack("an answer to somebody else", errors.ReplyAddressRefused, naive=True)
def _(data: bytes) -> bytes:
    address = b"<a:Address>http://169.254.169.254/</a:Address>"
    return into_header(data, b'<a:ReplyTo xmlns:a="' + WSA + b'">' + address + b"</a:ReplyTo>")


@attack("a fault to somebody else", errors.ReplyAddressRefused, naive=True)
def _(data: bytes) -> bytes:
    address = b"<a:Address>http://169.254.169.254/</a:Address>"
    return into_header(data, b'<a:FaultTo xmlns:a="' + WSA + b'">' + address + b"</a:FaultTo>")


@attack("two actions", errors.AddressingInvalid, naive=True)
def _(data: bytes) -> bytes:
    action = b'<a:Action xmlns:a="' + WSA + b'">urn:x</a:Action>'
    return into_header(data, action + action)


@attack("text between the parts", errors.StructureInvalid, naive=True)
def _(data: bytes) -> bytes:
    return data.replace(b"<s:Body>", b"x<s:Body>")


# --- what is taken, and means the same --------------------------------------------------------------

HARMLESS_IN_CONTEXT = [
    Harmless(name, change, lambda: VALID)
    for name, change in {
        "CDATA": lambda data: data.replace(b"100", b"<![CDATA[100]]>"),
        "CDATA inside a number": lambda data: data.replace(b"100", b"1<![CDATA[0]]>0<![CDATA[]]>"),
        "xml:base of the envelope": lambda data: data.replace(b"<s:Envelope", b"<s:Envelope" + BASE),
        "xml:base of the Header": lambda data: data.replace(b"<s:Header", b"<s:Header" + BASE),
        "xml:base of the Body": lambda data: data.replace(b"<s:Body", b"<s:Body" + BASE),
    }.items()
]
