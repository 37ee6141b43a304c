"""Attacks on the Token model's own parts: the assertion, its issuer, its holder, its conditions.

Each starts from a valid message with a token, and is made within `token_model`.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from copy import deepcopy
from datetime import timedelta

from cryptography.hazmat.primitives.serialization import Encoding
from lxml import etree

from opus_soap.wss import errors, errors_tokens
from tests.attacks.recipes import (
    BODY,
    HEADER,
    INCLUSIVE,
    INCLUSIVE_METHOD,
    MORE,
    SECURITY,
    SIGNATURE,
    UNKNOWN,
    WITH_COMMENTS,
    XPATH,
    XSLT,
    Attack,
    Harmless,
)  # fmt: skip
from tests.wss.forge import (
    C14N,
    DS,
    ENVELOPED,
    NOW,
    SAML,
    TOKEN_TRANSFORM,
    WSU,
    XSI,
    Forge,
    OwnSignature,
    find,
    instant,
    to_bytes,
    world,
)  # fmt: skip

ASSERTION = f"{{{SAML}}}Assertion"
TOKEN_ATTACKS: list[Attack] = []
HARMLESS_OF_TOKENS: list[Harmless] = []
Edit = Callable[[etree._Element], None]


def forged(name: str, refused_as: type[errors.WssError], *, naive: bool = False, **recipe: object) -> None:
    """A message around a token that a trusted key signed, but wrongly; or one of somebody else's."""
    TOKEN_ATTACKS.append(Attack(name, Forge(**recipe), refused_as, naive))


def changed(name: str, refused_as: type[errors.WssError], *, naive: bool = False) -> Callable[[Edit], None]:
    """An attack that edits the signed message in place."""

    def register(edit: Edit) -> None:
        TOKEN_ATTACKS.append(Attack(name, Forge(after=edit), refused_as, naive))

    return register


def token_in(root: etree._Element) -> etree._Element:
    return root.find(f".//{ASSERTION}")


def evil_token(holder: str = "other-case-system", **change: object) -> etree._Element:
    """A token that the attacker makes, its key its own, in the issuer's name."""
    return Forge(signer=holder, sts="other-case-system", **change).assertion()


# --- where the assertion stands ---------------------------------------------------------------------


@changed("evil assertion beside the signed one, before it", errors.SecurityHeaderInvalid)
def _(root):
    token_in(root).addprevious(evil_token())


@changed("evil assertion beside the signed one, behind it", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    find(root, SECURITY).append(evil_token())


@changed("two good assertions", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    other = Forge().assertion()
    find(root, SECURITY).append(other)


def _signed_one_moved(place: str, path: str, holder: str, *, refused_as: type[errors.WssError]) -> None:
    @changed(f"signed assertion moved into {place}, evil one with its ID in its place", refused_as)
    def _(root):
        signed = token_in(root)
        evil = evil_token()
        evil.set("ID", signed.get("ID"))
        signed.getparent().replace(signed, evil)
        wrapper = etree.SubElement(find(root, path), holder)
        wrapper.append(signed)


_signed_one_moved("ds:Object", SIGNATURE, f"{{{DS}}}Object", refused_as=errors.StructureInvalid)
_signed_one_moved("the Header", HEADER, "{urn:evil}Wrapper", refused_as=errors.StructureInvalid)
_signed_one_moved("the Body", BODY, "{urn:evil}Wrapper", refused_as=errors.StructureInvalid)
_signed_one_moved(
    "the reference", f"{SECURITY}/wsse:SecurityTokenReference", "{urn:evil}Wrapper",
    refused_as=errors.StructureInvalid,
)  # fmt: skip


@changed("signed assertion in the Advice of an evil one", errors.StructureInvalid)
def _(root):
    signed = token_in(root)
    evil = evil_token()
    signed.getparent().replace(signed, evil)
    etree.SubElement(evil, f"{{{SAML}}}Advice").append(signed)


@changed("another assertion in the Header", errors.StructureInvalid, naive=True)
def _(root):
    find(root, HEADER).append(evil_token())


@changed("assertion encrypted", errors.SecurityHeaderInvalid)
def _(root):
    token_in(root).tag = f"{{{SAML}}}EncryptedAssertion"


@changed("assertion taken out", errors.SecurityHeaderInvalid)
def _(root):
    find(root, SECURITY).remove(token_in(root))


# --- the references ---------------------------------------------------------------------------------

_without_token = tuple(identifier for identifier in Forge().ids if identifier != "bst")
forged("token not signed by the message", errors.PartNotSigned, naive=True, ids=_without_token)


@changed("second, unsigned reference to the token", errors.SecurityHeaderInvalid, naive=True)
def _(root):
    extra = deepcopy(find(root, f"{SECURITY}/wsse:SecurityTokenReference"))
    del extra.attrib[f"{{{WSU}}}Id"]
    find(root, SECURITY).append(extra)


def _named(assertion: etree._Element) -> None:
    assertion.set("ID", "_token")


forged(
    "token signed by its ID, the reference to it not signed",
    errors.PartNotSigned,
    within=_named,
    ids=(*_without_token, "_token"),
)


@changed("reference to another assertion", errors.ReferenceInvalid, naive=True)
def _(root):
    find(root, f"{SECURITY}/wsse:SecurityTokenReference/wsse:KeyIdentifier").text = "_another"


@changed("KeyInfo names another assertion", errors.TokenUnavailable, naive=True)
def _(root):
    find(root, f"{SIGNATURE}/ds:KeyInfo//wsse:KeyIdentifier").text = "_another"


@changed("an id of the assertion's on another element", errors.IdentifierAmbiguous, naive=True)
def _(root):
    etree.SubElement(find(root, HEADER), "{urn:evil}Extra").set(f"{{{WSU}}}Id", token_in(root).get("ID"))


# --- the issuer -------------------------------------------------------------------------------------

forged(
    "unknown issuer", errors_tokens.TokenIssuerUntrusted, naive=True, issuer="https://production.example.dk"
)
forged(
    "issued with another key in the issuer's name",
    errors_tokens.TokenIssuerUntrusted,
    sts="other-case-system",
)


def _self_issued(root: etree._Element) -> None:
    """The holder's own token, the issuer's certificate shown in it."""
    real = base64.b64encode(world().certificates["sts"].certificate.public_bytes(Encoding.DER)).decode()
    token_in(root)[1].find(f".//{{{DS}}}X509Certificate").text = real


TOKEN_ATTACKS.append(
    Attack(
        "self-issued, showing the issuer's certificate",
        Forge(sts="case-system", before=_self_issued),
        errors.SignatureWrong,
    )
)


@changed("signature of the assertion taken out", errors_tokens.AssertionInvalid)
def _(root):
    token_in(root).remove(token_in(root)[1])


@changed("two signatures in the assertion", errors.StructureInvalid)
def _(root):
    token_in(root).append(deepcopy(token_in(root)[1]))


# --- the assertion's own signature ------------------------------------------------------------------

_ID = "#{ID}"
for _name, _refused, _naive, _own in (
    ("empty URI", errors.ReferenceInvalid, True, {"uris": ("",)}),
    ("no URI", errors.ReferenceInvalid, False, {"uris": (None,)}),
    ("URI of nothing", errors.ReferenceInvalid, False, {"uris": ("#nobody",)}),
    ("external URI", errors.ReferenceInvalid, False, {"uris": ("http://127.0.0.1:9/evil",)}),
    ("two references", errors.ReferenceInvalid, False, {"uris": (_ID, _ID)}),
    ("no reference", errors.ReferenceInvalid, False, {"uris": ()}),
    ("without the transform that leaves it out", errors.ReferenceInvalid, False, {"transforms": C14N}),
    ("STR-Transform", errors.ReferenceInvalid, False, {"transforms": TOKEN_TRANSFORM}),
    ("unknown transform", errors.AlgorithmUnsupported, True, {"transforms": UNKNOWN + ENVELOPED + C14N}),
    ("XSLT", errors.AlgorithmUnsupported, True, {"transforms": ENVELOPED + XSLT + C14N}),
    ("XPath", errors.AlgorithmUnsupported, True, {"transforms": ENVELOPED + XPATH + C14N}),
    ("inclusive c14n", errors.AlgorithmUnsupported, False, {"transforms": ENVELOPED + INCLUSIVE}),
    ("c14n with comments", errors.AlgorithmUnsupported, True, {"transforms": ENVELOPED + WITH_COMMENTS}),
    ("SignedInfo in inclusive c14n", errors.AlgorithmUnsupported, False, {"c14n": INCLUSIVE_METHOD}),
    ("HMAC with the public key", errors.AlgorithmUnsupported, False, {"method": f"{MORE}hmac-sha256"}),
    ("rsa-sha1", errors.AlgorithmUnsupported, False, {"method": f"{DS}rsa-sha1"}),
    ("no method", errors.AlgorithmUnsupported, False, {"method": f"{DS}none"}),
    ("digest by sha1", errors.AlgorithmUnsupported, False, {"digest": f"{DS}sha1"}),
    ("digest by md5", errors.AlgorithmUnsupported, False, {"digest": f"{MORE}md5"}),
):
    forged(f"assertion's own signature: {_name}", _refused, naive=_naive, own=OwnSignature(**_own))


def _part_signed(assertion: etree._Element) -> None:
    """The holder, so that the signature covers it alone, and anybody may write the rest."""
    assertion.find(f"{{{SAML}}}Subject").set("ID", "_part")


forged(
    "assertion's own signature: of a part",
    errors.ReferenceInvalid,
    naive=True,
    within=_part_signed,
    own=OwnSignature(uris=("#_part",), part="_part"),
)


# --- what it says, changed --------------------------------------------------------------------------


def _attribute(root: etree._Element, name: str) -> etree._Element:
    return next(node[0] for node in root.iter(f"{{{SAML}}}Attribute") if node.get("Name").endswith(name))


@changed("CVR number changed", errors.SignatureWrong)
def _(root):
    _attribute(root, "CvrNumberIdentifier").text = "11111111"


@changed("privileges changed", errors.SignatureWrong)
def _(root):
    _attribute(root, "Privileges_intermediate").text = "AAAA"


@changed("audience changed", errors.SignatureWrong)
def _(root):
    next(root.iter(f"{{{SAML}}}Audience")).text = "urn:another"


@changed("holder's certificate changed", errors.SignatureWrong)
def _(root):
    other = world().certificates["other-case-system"].certificate.public_bytes(Encoding.DER)
    find(
        root, f"{SECURITY}//*[local-name()='SubjectConfirmationData']//ds:X509Certificate"
    ).text = base64.b64encode(other).decode()


@changed("xml:base of the assertion", errors.SignatureWrong)
def _(root):
    token_in(root).set("{http://www.w3.org/XML/1998/namespace}base", "http://evil.example/")


def _on_the_way(name: str, refused_as: type[errors.WssError], old: bytes, new: bytes) -> None:
    def make() -> bytes:
        data = Forge()()
        assert old in data
        return data.replace(old, new, 1)

    TOKEN_ATTACKS.append(Attack(name, make, refused_as))


_on_the_way(
    "prefix of the assertion's types rebound",
    errors.SignatureWrong,
    f'xmlns:xsi="{XSI}"'.encode(),
    b'xmlns:xsi="urn:evil"',
)
_on_the_way(
    "relative namespace URI inside the assertion",
    errors.VerificationFailed,
    b"<AttributeStatement>",
    b'<AttributeStatement xmlns:r="../evil" r:x="1">',
)


def harmless(name: str, old: bytes, new: bytes, *, start: Forge | None = None) -> None:
    """As of recipes.py, of the assertion."""
    HARMLESS_OF_TOKENS.append(Harmless(name, lambda data: data.replace(old, new, 1), start or Forge()))


def _typed(assertion: etree._Element) -> None:
    _attribute(assertion, "CvrNumberIdentifier").set(f"{{{XSI}}}type", "xs:string")


harmless("CDATA in the NameID", b"CN=Sagssystem", b"CN=Sags<![CDATA[sys]]>tem")
harmless("CDATA in the CVR number", b">90810111<", b">908<![CDATA[10111]]><")
harmless(
    "prefix of an attribute's type rebound", b"<s:Envelope ", b'<s:Envelope xmlns:xs="urn:evil" ',
    start=Forge(within=_typed),
)  # fmt: skip


def _with_comment() -> bytes:
    data = to_bytes(Forge().tree())
    return data.replace(b"CN=Sagssystem", b"CN=Sags<!-- -->system", 1)


TOKEN_ATTACKS.append(Attack("comment inside the NameID", _with_comment, errors.MarkupForbidden, True))


# --- the holder -------------------------------------------------------------------------------------

forged(
    "stolen token, signed with the thief's key",
    errors_tokens.HolderWrong,
    signer="other-case-system",
    claims={"holder": world().certificates["case-system"].certificate},
)


def _confirmations(assertion: etree._Element) -> list[etree._Element]:
    return list(assertion.iter(f"{{{SAML}}}SubjectConfirmation"))


def _and_a_byte(certificate: etree._Element) -> None:
    """Whoever reads DER up to its end takes this for the same certificate, with another thumbprint."""
    certificate.text = base64.b64encode(base64.b64decode(certificate.text) + b"\x00").decode()


def _byte_after_the_holder(assertion: etree._Element) -> None:
    [certificate] = assertion.iterfind(f"{{{SAML}}}Subject//{{{DS}}}X509Certificate")
    _and_a_byte(certificate)


def _byte_after_the_sts(root: etree._Element) -> None:
    _and_a_byte(token_in(root)[1].find(f".//{{{DS}}}X509Certificate"))


def _bearer(assertion: etree._Element) -> None:
    _confirmations(assertion)[0].set("Method", "urn:oasis:names:tc:SAML:2.0:cm:bearer")


def _sender_vouches(assertion: etree._Element) -> None:
    _confirmations(assertion)[0].set("Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")


def _two_confirmations(assertion: etree._Element) -> None:
    [first] = _confirmations(assertion)
    first.addnext(deepcopy(first))


def _two_keys(assertion: etree._Element) -> None:
    [data] = assertion.iter(f"{{{DS}}}X509Data")
    data.append(deepcopy(data[0]))


def _no_key(assertion: etree._Element) -> None:
    [data] = assertion.iter(f"{{{SAML}}}SubjectConfirmationData")
    data.remove(data[0])


def _advice(assertion: etree._Element) -> None:
    etree.SubElement(assertion, f"{{{SAML}}}Advice")


def _two_audiences(assertion: etree._Element) -> None:
    [audience] = assertion.iter(f"{{{SAML}}}Audience")
    audience.addnext(deepcopy(audience))


def _one_time_use(assertion: etree._Element) -> None:
    [conditions] = assertion.iter(f"{{{SAML}}}Conditions")
    etree.SubElement(conditions, f"{{{SAML}}}OneTimeUse")


def _no_conditions_times(assertion: etree._Element) -> None:
    [conditions] = assertion.iter(f"{{{SAML}}}Conditions")
    del conditions.attrib["NotOnOrAfter"]


def _without_end(assertion: etree._Element) -> None:
    [data] = assertion.iter(f"{{{SAML}}}SubjectConfirmationData")
    del data.attrib["NotOnOrAfter"]


def _other_recipient(assertion: etree._Element) -> None:
    [data] = assertion.iter(f"{{{SAML}}}SubjectConfirmationData")
    data.set("Recipient", "urn:another")


def _cvr_twice(assertion: etree._Element) -> None:
    value = _attribute(assertion, "CvrNumberIdentifier")
    value.addnext(deepcopy(value))


def _attribute_twice(assertion: etree._Element) -> None:
    attribute = _attribute(assertion, "CvrNumberIdentifier").getparent()
    attribute.addnext(deepcopy(attribute))


def _cvr_with_element(assertion: etree._Element) -> None:
    etree.SubElement(_attribute(assertion, "CvrNumberIdentifier"), "{urn:evil}x")


def _another_spec(assertion: etree._Element) -> None:
    _attribute(assertion, "attribute:SpecVer").text = "DK-SAML-3.0"


def _other_type(assertion: etree._Element) -> None:
    [data] = assertion.iter(f"{{{SAML}}}SubjectConfirmationData")
    data.set(f"{{{XSI}}}type", "SubjectConfirmationDataType")


def _beside_the_key(assertion: etree._Element) -> None:
    [data] = assertion.iter(f"{{{SAML}}}SubjectConfirmationData")
    etree.SubElement(data, "{urn:evil}x")


def _version_1(assertion: etree._Element) -> None:
    assertion.set("Version", "1.1")


forged("bytes after the holder's certificate", errors.TokenInvalid, within=_byte_after_the_holder)
forged("bytes after the issuer's certificate", errors.TokenInvalid, naive=True, before=_byte_after_the_sts)
forged("bearer token", errors_tokens.HolderWrong, naive=True, within=_bearer)
forged("sender-vouches token", errors_tokens.HolderWrong, naive=True, within=_sender_vouches)
forged("two SubjectConfirmations", errors_tokens.AssertionInvalid, naive=True, within=_two_confirmations)
forged("two keys of the holder", errors_tokens.HolderWrong, naive=True, within=_two_keys)
forged("no key of a holder", errors_tokens.HolderWrong, within=_no_key)
forged("Advice in the assertion", errors_tokens.AssertionInvalid, naive=True, within=_advice)
forged("two Audiences", errors_tokens.AssertionInvalid, naive=True, within=_two_audiences)
forged("a condition that is not known", errors_tokens.AssertionInvalid, naive=True, within=_one_time_use)
forged("no end of its validity", errors.TimestampInvalid, naive=True, within=_no_conditions_times)
forged("wrong Recipient", errors_tokens.TokenForAnother, naive=True, within=_other_recipient)
forged("CVR number twice", errors_tokens.AssertionInvalid, naive=True, within=_cvr_twice)
forged("attribute twice", errors_tokens.AssertionInvalid, naive=True, within=_attribute_twice)
forged("element in the CVR number", errors_tokens.AssertionInvalid, naive=True, within=_cvr_with_element)
forged("another profile by SpecVer", errors_tokens.AssertionInvalid, naive=True, within=_another_spec)
forged("confirmation of another type", errors_tokens.HolderWrong, naive=True, within=_other_type)
forged("something beside the holder's key", errors_tokens.HolderWrong, naive=True, within=_beside_the_key)
forged("SAML 1.1 by its version", errors_tokens.AssertionInvalid, naive=True, within=_version_1)


# --- time and audience ------------------------------------------------------------------------------


_WINDOWS = ("Conditions", "SubjectConfirmationData")


def _valid(first: timedelta, last: timedelta, windows: tuple[str, ...] = _WINDOWS) -> Edit:
    """The windows, of conditions and confirmation, from and to these distances from now."""

    def edit(assertion: etree._Element) -> None:
        for name in windows:
            [node] = assertion.iter(f"{{{SAML}}}{name}")
            node.set("NotBefore", instant(NOW + first))
            node.set("NotOnOrAfter", instant(NOW + last))

    return edit


_hour, _minutes = timedelta(hours=1), timedelta(minutes=6)
forged("expired token", errors_tokens.TokenOutOfDate, naive=True, within=_valid(-8 * _hour, -_minutes))
forged("token not yet valid", errors_tokens.TokenOutOfDate, naive=True, within=_valid(_minutes, 8 * _hour))
for _window in _WINDOWS:
    forged(
        f"expired by its {_window} alone",
        errors_tokens.TokenOutOfDate,
        naive=True,
        within=_valid(-8 * _hour, -_minutes, (_window,)),
    )
    forged(
        f"not yet valid by its {_window} alone",
        errors_tokens.TokenOutOfDate,
        naive=True,
        within=_valid(_minutes, 8 * _hour, (_window,)),
    )
forged("no end of the confirmation", errors.TimestampInvalid, naive=True, within=_without_end)
forged("token for a year", errors_tokens.AssertionInvalid, naive=True, within=_valid(-_hour, 8760 * _hour))
forged(
    "token that ends before it begins",
    errors_tokens.AssertionInvalid,
    naive=True,
    within=_valid(_hour, -_hour),
)
forged("wrong audience", errors_tokens.TokenForAnother, naive=True, claims={"audience": "urn:another"})
forged("assurance too low", errors_tokens.AssertionInvalid, naive=True, claims={"assurance_level": 2})
forged("CVR number of letters", errors_tokens.AssertionInvalid, naive=True, claims={"cvr": "x" * 8})
