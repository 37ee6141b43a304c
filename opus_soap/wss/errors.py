"""Every refusal of the WS-Security profile, as one tree of its own (it stands alone).

Shaped like the rest of the house: a stable code, a Danish and an English sentence over `element`,
`value` and `expected`, a remedy in both languages. `fault_code` is the local name of the fault code
(WS-Security 1.1, chapter 12), `fault_namespace` its namespace; empty means the SOAP envelope's own,
where `Client` is called `Sender` in SOAP 1.2. No message text carries a CPR number.
"""

from __future__ import annotations

import re
from typing import ClassVar

from opus_soap.languages import Both
from opus_soap.wss.names import SOAP11, SOAP12, WSSE, WSU

# a thumbprint is kept whole: ten of its digits may stand together by chance
_CPR = re.compile(r"(?<!\w)(?P<kept>[0-9A-Fa-f]{64})(?!\w)|(?<!\d)\d{6}-?\d{4}(?!\d)")
_LONGEST = 300


def _shown(value: object, characters: str = "characters") -> str:
    text = str(value)
    whole = len(text)
    text = _CPR.sub(lambda found: found["kept"] or "••••••-••••", text[: 4 * _LONGEST])
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({whole} {characters})"


def _in_danish(value: object) -> str:
    return _shown(value.danish if isinstance(value, Both) else value, "tegn")


class WssError(Exception):
    """Root of the tree. Only subclasses with a code are raised."""

    code: ClassVar[str] = ""
    danish: ClassVar[str] = ""
    english: ClassVar[str] = ""
    remedy_danish: ClassVar[str] = ""
    remedy_english: ClassVar[str] = ""
    fault_code: ClassVar[str] = "FailedCheck"
    fault_namespace: ClassVar[str] = WSSE

    def __init__(self, *, element: str | Both = "", value: object = "", expected: object = "") -> None:
        given = {"element": element, "value": value, "expected": expected}
        self.element, self.value, self.expected = map(_shown, given.values())
        self._danish = {name: _in_danish(fact) for name, fact in given.items()}
        super().__init__(self.text_english)

    @property
    def text_danish(self) -> str:
        """The Danish sentence with the facts filled in."""
        return self.danish.format(**self._danish)

    @property
    def text_english(self) -> str:
        """The English sentence with the facts filled in."""
        return self.english.format(element=self.element, value=self.value, expected=self.expected)

    def fault_qname(self, soap_namespace: str = SOAP11) -> str:
        """The fault code as `{namespace}local`, for an envelope in `soap_namespace`."""
        if self.fault_namespace:
            return f"{{{self.fault_namespace}}}{self.fault_code}"
        sender = soap_namespace == SOAP12 and self.fault_code == "Client"
        return f"{{{soap_namespace}}}{'Sender' if sender else self.fault_code}"

    def __str__(self) -> str:
        return f"{self.code}: {self.text_english}"


# --- reading the bytes ------------------------------------------------------------------------------


class ParsingError(WssError):
    """The bytes are not a document that we read."""

    fault_code = "Client"
    fault_namespace = ""


class NotWellFormed(ParsingError):
    """The bytes are not well-formed XML."""

    code = "WSS-001"
    danish = "Meddelelsen er ikke velformet XML: {value}"
    english = "The message is not well-formed XML: {value}"
    remedy_danish = "Send en velformet SOAP-konvolut i UTF-8."
    remedy_english = "Send a well-formed SOAP envelope in UTF-8."


class MessageTooLarge(ParsingError):
    """A limit on bytes, depth, elements, attributes or namespaces is passed."""

    code = "WSS-002"
    danish = "Meddelelsen er for stor: {element} er {value}, højst {expected}"
    english = "The message is too large: {element} is {value}, at most {expected}"
    remedy_danish = "Del meddelelsen, eller bed modtageren om en højere grænse."
    remedy_english = "Split the message, or ask the receiver for a higher limit."


class MarkupForbidden(ParsingError):
    """A DOCTYPE, a comment or a processing instruction: none of them belongs in a signed message."""

    code = "WSS-003"
    danish = "Meddelelsen indeholder {element}, som ikke er tilladt"
    english = "The message contains {element}, which is not allowed"
    remedy_danish = "Fjern DOCTYPE, kommentarer og behandlingsinstruktioner før signering."
    remedy_english = "Remove DOCTYPE, comments and processing instructions before signing."


class EncodingUnsupported(ParsingError):
    """The document is in another encoding than UTF-8."""

    code = "WSS-004"
    danish = "Tegnsættet {value} understøttes ikke; skal være {expected}"
    english = "The encoding {value} is not supported; must be {expected}"
    remedy_danish = "Send meddelelsen i UTF-8."
    remedy_english = "Send the message in UTF-8."


# --- the shape of the message -----------------------------------------------------------------------


class StructureInvalid(WssError):
    """The envelope is not exactly one Header and one Body, or an element stands where it may not."""

    code = "WSS-010"
    danish = "Konvolutten er ikke bygget rigtigt: {element}: {value}"
    english = "The envelope is not built as it must be: {element}: {value}"
    remedy_danish = "Send én Envelope med præcis én Header og én Body, i den rækkefølge."
    remedy_english = "Send one Envelope with exactly one Header and one Body, in that order."
    fault_code = "InvalidSecurity"


class IdentifierAmbiguous(WssError):
    """One id stands on two elements."""

    code = "WSS-011"
    danish = "Id {value} står på flere elementer"
    english = "The id {value} stands on several elements"
    remedy_danish = "Giv hvert signeret element sit eget wsu:Id."
    remedy_english = "Give every signed element a wsu:Id of its own."


class HeaderNotUnderstood(WssError):
    """A header that must be understood is not known here."""

    code = "WSS-012"
    danish = "Headeren {element} skal forstås (mustUnderstand), men kendes ikke"
    english = "The header {element} must be understood (mustUnderstand), but is not known"
    remedy_danish = "Undlad headeren, eller fjern mustUnderstand."
    remedy_english = "Leave the header out, or remove mustUnderstand."
    fault_code = "MustUnderstand"
    fault_namespace = ""


class SecurityMissing(WssError):
    """There is no wsse:Security header."""

    code = "WSS-020"
    danish = "Meddelelsen har ingen wsse:Security-header"
    english = "The message has no wsse:Security header"
    remedy_danish = "Signér meddelelsen efter den aftalte sikkerhedsmodel."
    remedy_english = "Sign the message as the agreed security model says."
    fault_code = "InvalidSecurity"


class SignatureMissing(WssError):
    """The Security header has no signature of its own."""

    code = "WSS-021"
    danish = "Meddelelsen er ikke signeret"
    english = "The message is not signed"
    remedy_danish = "Signér meddelelsen efter den aftalte sikkerhedsmodel."
    remedy_english = "Sign the message as the agreed security model says."
    fault_code = "InvalidSecurity"


class SecurityHeaderInvalid(WssError):
    """The Security header holds something unknown, or something twice."""

    code = "WSS-022"
    danish = "Security-headeren er ugyldig: {element}: {value}"
    english = "The Security header is invalid: {element}: {value}"
    remedy_danish = "Send ét Timestamp, ét BinarySecurityToken og én Signature."
    remedy_english = "Send one Timestamp, one BinarySecurityToken and one Signature."
    fault_code = "InvalidSecurity"


class SignatureMalformed(WssError):
    """The signature does not follow its schema."""

    code = "WSS-023"
    danish = "Signaturen følger ikke skemaet: {value}"
    english = "The signature does not follow its schema: {value}"
    remedy_danish = "Send SignedInfo, SignatureValue og KeyInfo med én SecurityTokenReference."
    remedy_english = "Send SignedInfo, SignatureValue and KeyInfo with one SecurityTokenReference."
    fault_code = "InvalidSecurity"


# --- what is signed, and how ------------------------------------------------------------------------


class AlgorithmUnsupported(WssError):
    """An algorithm is not on the list."""

    code = "WSS-030"
    danish = "Algoritmen i {element} er ikke tilladt: {value}"
    english = "The algorithm in {element} is not allowed: {value}"
    remedy_danish = "Brug rsa-sha256, sha256 og exc-c14n uden kommentarer."
    remedy_english = "Use rsa-sha256, sha256 and exc-c14n without comments."
    fault_code = "UnsupportedAlgorithm"


class ReferenceInvalid(WssError):
    """A ds:Reference points to nothing, out of the message, or there are too many or none."""

    code = "WSS-031"
    danish = "Signaturens referencer er ugyldige: {value}; forventet: {expected}"
    english = "The references of the signature are invalid: {value}; expected: {expected}"
    remedy_danish = 'Referér hvert signeret element én gang med URI="#id".'
    remedy_english = 'Refer to every signed element once with URI="#id".'


class SignedPartMisplaced(WssError):
    """A signed element is not at the place where its meaning is."""

    code = "WSS-032"
    danish = "Et signeret element står et forkert sted: {element}"
    english = "A signed element stands in the wrong place: {element}"
    remedy_danish = "Signér Body, Timestamp, token og headere, hvor de står; intet andet."
    remedy_english = "Sign Body, Timestamp, token and headers where they stand; nothing else."


class PartNotSigned(WssError):
    """A part that must be signed is missing or not signed."""

    code = "WSS-033"
    danish = "{element} skal være til stede og signeret"
    english = "{element} must be present and signed"
    remedy_danish = "Signér alle dele, som aftalens profil kræver, og alle wsa-headere, der sendes."
    remedy_english = "Sign every part that the agreement's profile asks for, and every wsa header sent."


class SignatureWrong(WssError):
    """The signature does not match, another key signed; or a digest does not: `element` was changed."""

    code = "WSS-034"
    danish = "Signaturen passer ikke: {value}"
    english = "The signature does not match: {value}"
    remedy_danish = "Send meddelelsen uændret, som den blev signeret, og med det rigtige certifikat."
    remedy_english = "Send the message unchanged as it was signed, and with the right certificate."


# --- tokens and certificates ------------------------------------------------------------------------


class TokenUnavailable(WssError):
    """The token that the signature names is not in the message and not known."""

    code = "WSS-040"
    danish = "Signaturens certifikat findes ikke: {value}"
    english = "The certificate of the signature is not to be found: {value}"
    remedy_danish = "Send certifikatet som BinarySecurityToken, og referér til det i KeyInfo."
    remedy_english = "Send the certificate as a BinarySecurityToken and refer to it in KeyInfo."
    fault_code = "SecurityTokenUnavailable"


class TokenInvalid(WssError):
    """The token cannot be read as one X.509 certificate."""

    code = "WSS-041"
    danish = "Sikkerhedstokenet er ugyldigt: {value}"
    english = "The security token is invalid: {value}"
    remedy_danish = "Send ét X.509v3-certifikat som base64-kodet DER."
    remedy_english = "Send one X.509v3 certificate as base64 of its DER."
    fault_code = "InvalidSecurityToken"


class TokenUnsupported(WssError):
    """A token of a kind that is not taken."""

    code = "WSS-042"
    danish = "Tokentypen understøttes ikke her: {value}"
    english = "The type of token is not supported here: {value}"
    remedy_danish = "Brug aftalens sikkerhedsmodel: X.509 (BinarySecurityToken) eller token (SAML 2.0)."
    remedy_english = "Use the agreement's security model: X.509 (BinarySecurityToken) or token (SAML 2.0)."
    fault_code = "UnsupportedSecurityToken"


class CertificateUntrusted(WssError):
    """No trusted authority issued the certificate, and it is not pinned."""

    code = "WSS-050"
    danish = "Certifikatet {element} er ikke betroet: udstedt af {value}; betroede udstedere: {expected}"
    english = "The certificate {element} is not trusted: issued by {value}; trusted issuers: {expected}"
    remedy_danish = "Brug et certifikat fra miljøets udsteder; test og produktion har hver sine."
    remedy_english = "Use a certificate of this environment's issuer; test and production differ."
    fault_code = "FailedAuthentication"


class CertificateOutOfDate(WssError):
    """The certificate has expired or is not yet valid."""

    code = "WSS-051"
    danish = "Certifikatet {element} gælder ikke nu: {value}; gyldigt {expected}"
    english = "The certificate {element} is not valid now: {value}; valid {expected}"
    remedy_danish = "Forny certifikatet, og meld det nye til modtageren."
    remedy_english = "Renew the certificate and register the new one with the receiver."
    fault_code = "FailedAuthentication"


class CertificateUsageWrong(WssError):
    """The certificate may not be used to sign."""

    code = "WSS-052"
    danish = "Certifikatet {element} må ikke bruges til signering: {value}; kræver {expected}"
    english = "The certificate {element} may not be used to sign: {value}; needs {expected}"
    remedy_danish = "Brug et certifikat med keyUsage digitalSignature."
    remedy_english = "Use a certificate with key usage digitalSignature."
    fault_code = "FailedAuthentication"


class ClientUsageWrong(WssError):
    """The certificate says what it is for, and a client of TLS is not in it."""

    code = "WSS-056"
    danish = "Certifikatet {element} må ikke bruges af en TLS-klient: {value}; kræver {expected}"
    english = "The certificate {element} may not be used by a TLS client: {value}; needs {expected}"
    remedy_danish = "Brug et certifikat med extendedKeyUsage clientAuth, eller uden extendedKeyUsage."
    remedy_english = "Use a certificate with extended key usage clientAuth, or without extended key usage."
    fault_code = "FailedAuthentication"


class CertificateUnusable(WssError):
    """The certificate's key or extensions cannot be used."""

    code = "WSS-053"
    danish = "Certifikatet {element} kan ikke bruges: {value}; kræver {expected}"
    english = "The certificate {element} cannot be used: {value}; needs {expected}"
    remedy_danish = "Brug RSA på mindst 2048 bit eller en NIST-kurve, eller få certifikatet fastlåst."
    remedy_english = "Use RSA of at least 2048 bits or a NIST curve, or have the certificate pinned."
    fault_code = "InvalidSecurityToken"


class CertificateRevoked(WssError):
    """The certificate stands on a revocation list."""

    code = "WSS-054"
    danish = "Certifikatet {element} er spærret: {value}"
    english = "The certificate {element} is revoked: {value}"
    remedy_danish = "Brug et certifikat, der ikke er spærret."
    remedy_english = "Use a certificate that is not revoked."
    fault_code = "FailedAuthentication"


# --- time and addressing ----------------------------------------------------------------------------


class TimestampInvalid(WssError):
    """The Timestamp cannot be read: no zone, a date that is none, missing or repeated children."""

    code = "WSS-060"
    danish = "Timestamp er ugyldigt: {element}: {value}"
    english = "The Timestamp is invalid: {element}: {value}"
    remedy_danish = "Send Created og Expires som xsd:dateTime med tidszone (Z)."
    remedy_english = "Send Created and Expires as xsd:dateTime with a zone (Z)."
    fault_code = "InvalidSecurity"


class MessageExpired(WssError):
    """Expires has passed, the allowed skew included."""

    code = "WSS-061"
    danish = "Meddelelsen er udløbet: Expires {value}, klokken her er {expected}"
    english = "The message has expired: Expires {value}, the time here is {expected}"
    remedy_danish = "Stil uret, og send en ny meddelelse med nyt Timestamp."
    remedy_english = "Set the clock, and send a new message with a new Timestamp."
    fault_code = "MessageExpired"
    fault_namespace = WSU


class MessageFromTheFuture(WssError):
    """Created lies ahead of our clock by more than the allowed skew."""

    code = "WSS-062"
    danish = "Meddelelsen er fra fremtiden: Created {value}, klokken her er {expected}"
    english = "The message is from the future: Created {value}, the time here is {expected}"
    remedy_danish = "Stil uret (NTP)."
    remedy_english = "Set the clock (NTP)."
    fault_code = "InvalidSecurity"


class LifetimeTooLong(WssError):
    """Created to Expires is longer than we keep replay entries for."""

    code = "WSS-063"
    danish = "Meddelelsens levetid er {value}, højst {expected}"
    english = "The lifetime of the message is {value}, at most {expected}"
    remedy_danish = "Sæt Expires tættere på Created."
    remedy_english = "Set Expires closer to Created."
    fault_code = "InvalidSecurity"


class AddressingInvalid(WssError):
    """A wsa header or the Liberty Framework stands twice, is empty or malformed."""

    code = "WSS-070"
    danish = "Headeren {element} er ugyldig: {value}"
    english = "The header {element} is invalid: {value}"
    remedy_danish = "Send hver wsa-header højst én gang og med en værdi."
    remedy_english = "Send each wsa header at most once and with a value."
    fault_code = "InvalidSecurity"


class ReplyAddressRefused(WssError):
    """ReplyTo or FaultTo names another address than the anonymous one; it is never called."""

    code = "WSS-071"
    danish = "{element} må kun være den anonyme adresse, ikke {value}"
    english = "{element} may only be the anonymous address, not {value}"
    remedy_danish = "Undlad headeren, eller brug http://www.w3.org/2005/08/addressing/anonymous."
    remedy_english = "Leave it out, or use http://www.w3.org/2005/08/addressing/anonymous."
    fault_code = "InvalidSecurity"


class RelationWrong(WssError):
    """The reply does not belong to the request."""

    code = "WSS-072"
    danish = "Svaret hører til en anden anmodning: RelatesTo {value}, forventet {expected}"
    english = "The reply belongs to another request: RelatesTo {value}, expected {expected}"
    remedy_danish = "Svar med RelatesTo lig anmodningens MessageID."
    remedy_english = "Reply with RelatesTo equal to the MessageID of the request."


class ProfileUnknown(WssError):
    """An agreement names a profile that does not exist."""

    code = "WSS-080"
    danish = "Sikkerhedsprofilen {value} findes ikke; findes: {expected}"
    english = "There is no security profile {value}; there are: {expected}"
    remedy_danish = "Ret profilen i aftalen."
    remedy_english = "Correct the profile in the agreement."


# --- ourselves --------------------------------------------------------------------------------------


class VerificationFailed(WssError):
    """A library failed on the message in a way that has no reason of its own; it is refused."""

    code = "WSS-090"
    danish = "Meddelelsens sikkerhed kunne ikke kontrolleres: {value}"
    english = "The security of the message could not be verified: {value}"
    remedy_danish = "Se efter usædvanlig XML (navnerum, base64) i signaturen."
    remedy_english = "Look for unusual XML (namespaces, base64) in the signature."


class NotSignable(WssError):
    """What we were asked to sign would not verify at the other end."""

    code = "WSS-091"
    danish = "Meddelelsen kan ikke signeres: {element}: {value}"
    english = "The message cannot be signed: {element}: {value}"
    remedy_danish = "Angiv Action og MessageID, og fjern kommentarer og behandlingsinstruktioner."
    remedy_english = "Give Action and MessageID, and remove comments and processing instructions."


class KeyUnusable(WssError):
    """A key or certificate file cannot be read, or the two do not belong together."""

    code = "WSS-092"
    danish = "Nøgle eller certifikat kan ikke bruges: {element}: {value}"
    english = "The key or certificate cannot be used: {element}: {value}"
    remedy_danish = "Angiv en privat nøgle og dens certifikat i PEM uden adgangskode."
    remedy_english = "Give a private key and its certificate as PEM without a passphrase."


class PkiDefinitionInvalid(WssError):
    """A declarative PKI cannot be made as written."""

    code = "WSS-093"
    danish = "PKI-beskrivelsen er ugyldig: {element}: {value}"
    english = "The PKI definition is invalid: {element}: {value}"
    remedy_danish = "Ret beskrivelsen; certs-example/README.md forklarer felterne."
    remedy_english = "Correct the definition; certs-example/README.md explains the fields."
