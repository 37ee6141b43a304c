"""Namespaces, element names, algorithm identifiers: every name of WS-Security in one place.

Sources: OASIS WS-Security 1.1 and its X.509 profile, XML Signature, WS-Addressing 1.0, the Liberty
Basic SOAP Binding as OIO IDWS uses it.
"""

from __future__ import annotations

SOAP11 = "http://schemas.xmlsoap.org/soap/envelope/"
SOAP12 = "http://www.w3.org/2003/05/soap-envelope"
WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSA = "http://www.w3.org/2005/08/addressing"
DS = "http://www.w3.org/2000/09/xmldsig#"
EC = "http://www.w3.org/2001/10/xml-exc-c14n#"
WSSE11 = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
SAML2 = "urn:oasis:names:tc:SAML:2.0:assertion"
XSI = "http://www.w3.org/2001/XMLSchema-instance"
WST = "http://docs.oasis-open.org/ws-sx/ws-trust/200512"
SBF = "urn:liberty:sb:2006-08"
SBF_PROFILE = "urn:liberty:sb:profile"
LIBERTY_BASIC = "urn:liberty:sb:profile:basic"

ANONYMOUS = f"{WSA}/anonymous"
UNSPECIFIED = f"{WSA}/unspecified"

SECURITY = f"{{{WSSE}}}Security"
BINARY_SECURITY_TOKEN = f"{{{WSSE}}}BinarySecurityToken"
SECURITY_TOKEN_REFERENCE = f"{{{WSSE}}}SecurityTokenReference"
TOKEN_REFERENCE = f"{{{WSSE}}}Reference"
KEY_IDENTIFIER = f"{{{WSSE}}}KeyIdentifier"
TRANSFORMATION_PARAMETERS = f"{{{WSSE}}}TransformationParameters"
TIMESTAMP = f"{{{WSU}}}Timestamp"
CREATED = f"{{{WSU}}}Created"
EXPIRES = f"{{{WSU}}}Expires"
WSU_ID = f"{{{WSU}}}Id"
ASSERTION = f"{{{SAML2}}}Assertion"
FRAMEWORK = f"{{{SBF}}}Framework"

SIGNATURE = f"{{{DS}}}Signature"
SIGNED_INFO = f"{{{DS}}}SignedInfo"
CANONICALIZATION_METHOD = f"{{{DS}}}CanonicalizationMethod"
SIGNATURE_METHOD = f"{{{DS}}}SignatureMethod"
REFERENCE = f"{{{DS}}}Reference"
TRANSFORMS = f"{{{DS}}}Transforms"
DIGEST_METHOD = f"{{{DS}}}DigestMethod"
KEY_INFO = f"{{{DS}}}KeyInfo"
X509_DATA = f"{{{DS}}}X509Data"
X509_CERTIFICATE = f"{{{DS}}}X509Certificate"
X509_ISSUER_SERIAL = f"{{{DS}}}X509IssuerSerial"
X509_ISSUER_NAME = f"{{{DS}}}X509IssuerName"
X509_SERIAL_NUMBER = f"{{{DS}}}X509SerialNumber"
INCLUSIVE_NAMESPACES = f"{{{EC}}}InclusiveNamespaces"

_SOAP_SECURITY = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"
_SOAP_SECURITY_11 = "http://docs.oasis-open.org/wss/oasis-wss-soap-message-security-1.1"
_SAML_PROFILE = "http://docs.oasis-open.org/wss/oasis-wss-saml-token-profile-1.1"
_X509_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0"
BASE64_BINARY = f"{_SOAP_SECURITY}#Base64Binary"
X509_V3 = f"{_X509_PROFILE}#X509v3"
SAML_ID = f"{_SAML_PROFILE}#SAMLID"
SAML_V2 = f"{_SAML_PROFILE}#SAMLV2.0"
X509_SKI = f"{_X509_PROFILE}#X509SubjectKeyIdentifier"
THUMBPRINT_SHA1 = f"{_SOAP_SECURITY_11}#ThumbprintSHA1"

EXC_C14N = EC
ENVELOPED = f"{DS}enveloped-signature"
STR_TRANSFORM = f"{_SOAP_SECURITY}#STR-Transform"
RSA_SHA256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

SIGNATURE_ALGORITHMS = frozenset(
    {
        RSA_SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
        "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
        "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1",
        "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1",
    }
)
DIGEST_ALGORITHMS = frozenset(
    {
        SHA256,
        "http://www.w3.org/2001/04/xmldsig-more#sha384",
        "http://www.w3.org/2001/04/xmlenc#sha512",
    }
)
TRANSFORM_CHAINS = frozenset({(EXC_C14N,), (ENVELOPED, EXC_C14N), (STR_TRANSFORM,)})

# attributes that some verifier, somewhere, takes for an id: unique all together, by local name
ID_ATTRIBUTES = ("Id", "ID", "id", "AssertionID")

# header blocks that mean something to us, by tag; the short names are those of `signed_parts`
ADDRESSING_HEADERS = {
    f"{{{WSA}}}{name}": name
    for name in ("MessageID", "RelatesTo", "Action", "To", "From", "ReplyTo", "FaultTo")
}
KNOWN_HEADERS = {**ADDRESSING_HEADERS, FRAMEWORK: "Framework"}


def wsa(name: str) -> str:
    """The tag of a WS-Addressing element."""
    return f"{{{WSA}}}{name}"


def saml(name: str) -> str:
    """The tag of a SAML 2.0 element."""
    return f"{{{SAML2}}}{name}"


def wst(name: str) -> str:
    """The tag of a WS-Trust 1.3 element."""
    return f"{{{WST}}}{name}"
