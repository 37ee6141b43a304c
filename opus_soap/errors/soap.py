"""SOA: the SOAP front."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class SoapError(OpusSoapError):
    """A message is refused before business sees it."""


class MethodNotAllowed(SoapError):
    """The HTTP method is not one that a service takes."""

    code = "SOA-001"
    danish = "HTTP-metoden {value} kan ikke bruges her; brug {expected}"
    english = "HTTP method {value} cannot be used here; use {expected}"
    remedy_danish = "En besked sendes med POST, en fil med PUT; kontrakten hentes med GET og ?wsdl."
    remedy_english = "A message is sent by POST, a file by PUT; the contract is fetched by GET and ?wsdl."


class PathUnknown(SoapError):
    """No service is found at the path."""

    code = "SOA-002"
    danish = "Der er ingen service på adressen"
    english = "There is no service at this address"
    remedy_danish = "Brug adressen i servicens WSDL."
    remedy_english = "Use the address in the service's WSDL."


class ContentTypeRefused(SoapError):
    """SOAP 1.1 is `text/xml` in UTF-8; multipart and attachments are not taken."""

    code = "SOA-003"
    danish = "Indholdstypen {value} modtages ikke; forventet {expected}"
    english = "Content type {value} is not taken; expected {expected}"
    remedy_danish = (
        "En SOAP-besked er text/xml i UTF-8, uden MTOM og vedhæftninger; en fil er application/xml."
    )
    remedy_english = (
        "A SOAP message is text/xml in UTF-8, without MTOM and attachments; a file is application/xml."
    )


class ContentEncodingRefused(SoapError):
    """A compressed body is not taken: its size is not known before it is unpacked."""

    code = "SOA-004"
    danish = "Komprimeret indhold modtages ikke"
    english = "Compressed content is not taken"
    remedy_danish = "Send beskeden uden Content-Encoding."
    remedy_english = "Send the message without Content-Encoding."


class RequestTooLarge(SoapError):
    """The body is larger than `max_request_bytes`."""

    code = "SOA-005"
    danish = "Beskeden er for stor; højst {expected} bytes modtages"
    english = "The message is too large; at most {expected} bytes are taken"
    remedy_danish = "Send færre eller mindre bilag."
    remedy_english = "Send fewer or smaller attachments."


class LengthUnclear(SoapError):
    """The length of the body is given twice, wrongly, or not kept."""

    code = "SOA-006"
    danish = "Beskedens længde er ikke entydig"
    english = "The length of the message is not clear"
    remedy_danish = "Send enten Content-Length eller chunked, og præcis så mange bytes som angivet."
    remedy_english = "Send either Content-Length or chunked, and exactly as many bytes as announced."


class RequestTooSlow(SoapError):
    """The body did not arrive within `read_timeout_seconds`."""

    code = "SOA-007"
    danish = "Beskeden kom ikke frem inden for {expected} sekunder"
    english = "The message did not arrive within {expected} seconds"
    remedy_danish = "Prøv igen; se efter netværket."
    remedy_english = "Try again; look at the network."


class ServerBusy(SoapError):
    """As many requests are under way as `max_pending_requests` allows."""

    code = "SOA-008"
    danish = "Serveren har for travlt lige nu"
    english = "The server is too busy at the moment"
    remedy_danish = "Prøv igen om de sekunder, som Retry-After angiver."
    remedy_english = "Try again after the seconds that Retry-After gives."


class RequestEmpty(SoapError):
    """The request has no body."""

    code = "SOA-009"
    danish = "Beskeden er tom"
    english = "The message is empty"
    remedy_danish = "Send en SOAP-konvolut."
    remedy_english = "Send a SOAP envelope."


class ActionMismatch(SoapError):
    """SOAPAction or wsa:Action names another operation than the body."""

    code = "SOA-010"
    danish = "{element} passer ikke til beskedens indhold; forventet {expected}"
    english = "{element} does not match the content of the message; expected {expected}"
    remedy_danish = "Brug den soapAction, som står i WSDL'en, eller en tom."
    remedy_english = "Use the soapAction in the WSDL, or an empty one."


class OperationUnknown(SoapError):
    """The body is no request of this service."""

    code = "SOA-011"
    danish = "Servicen kender ikke elementet {element}; forventet {expected}"
    english = "The service does not know the element {element}; expected {expected}"
    remedy_danish = "Send en af servicens beskeder, i dens navnerum."
    remedy_english = "Send one of the service's messages, in its namespace."


class BodyInvalid(SoapError):
    """The body does not keep to the schema. The value is never shown: it may be personal."""

    code = "SOA-012"
    danish = "Elementet {element} følger ikke kontrakten; forventet: {expected}"
    english = "Element {element} does not keep to the contract; expected: {expected}"
    remedy_danish = "Ret beskeden efter servicens skema (?xsd)."
    remedy_english = "Correct the message according to the service's schema (?xsd)."


class AddresseeWrong(SoapError):
    """wsa:To names another service."""

    code = "SOA-013"
    danish = "wsa:To er ikke denne service; forventet {expected}"
    english = "wsa:To is not this service; expected {expected}"
    remedy_danish = "Sæt wsa:To til servicens adresse eller EntityId."
    remedy_english = "Set wsa:To to the address or EntityId of the service."


class ValueUnreadable(SoapError):
    """A value keeps to the schema, but means nothing that can be represented (the year 0000)."""

    code = "SOA-014"
    danish = "En værdi i beskeden kan ikke læses"
    english = "A value in the message cannot be read"
    remedy_danish = "Se efter datoer, tidspunkter og tal."
    remedy_english = "Look at dates, times and numbers."


class AnswerInvalid(SoapError):
    """Our own answer does not keep to the contract; nothing was kept of the request."""

    code = "SOA-015"
    danish = "Svaret kunne ikke dannes efter kontrakten"
    english = "The answer could not be made according to the contract"
    remedy_danish = "Meld fejlen med korrelations-id; beskeden kan sendes igen."
    remedy_english = "Report the fault with the correlation id; the message may be sent again."


class InternalFailure(SoapError):
    """Something unforeseen happened; nothing was kept of the request."""

    code = "SOA-016"
    danish = "Der skete en uventet fejl; intet er gemt"
    english = "Something unexpected happened; nothing was kept"
    remedy_danish = "Prøv igen; meld fejlen med korrelations-id, hvis den bliver ved."
    remedy_english = "Try again; report the fault with the correlation id if it persists."


class ContractFileUnknown(SoapError):
    """The contract has no such file."""

    code = "SOA-017"
    danish = "Kontrakten for {element} har ikke den fil"
    english = "The contract of {element} has no such file"
    remedy_danish = "Begynd med ?wsdl."
    remedy_english = "Start with ?wsdl."


class EnvelopeVersionRefused(SoapError):
    """The envelope is of another SOAP version than the Content-Type says."""

    code = "SOA-018"
    danish = "Konvolutten er {value}; Content-Type siger {expected}"
    english = "The envelope is {value}; the Content-Type says {expected}"
    remedy_danish = "Send SOAP 1.1 som text/xml, SOAP 1.2 som application/soap+xml."
    remedy_english = "Send SOAP 1.1 as text/xml, SOAP 1.2 as application/soap+xml."


class SecurityModelMissing(SoapError):
    """The message has no security at all; told in the words that Serviceplatformen uses."""

    code = "SOA-020"
    danish = "Der er ingen sikkerhedsmodel på kaldet. Der understøttes: [{expected}]"
    english = (
        "Security model for the called operation was not provided. The following are supported: [{expected}]"
    )
    remedy_danish = (
        "Brug aftalens sikkerhedsmodel. Mangler den her, skal modtageren sætte en STS (KombitToken) eller "
        "klientcertifikater (AuthorityContext) op."
    )
    remedy_english = (
        "Use the security model of the agreement. When it is not named here, the receiver must set up an STS "
        "(KombitToken) or client certificates (AuthorityContext)."
    )


class SecurityModelNotTaken(SoapError):
    """The message is secured in a way that the service does not take."""

    code = "SOA-023"
    danish = "Tjenesten {element} tager ikke sikkerhedsmodellen {value}. Der understøttes: [{expected}]"
    english = (
        "The security model {value} is not taken by {element}. The following are supported: [{expected}]"
    )
    remedy_danish = "Brug en af de nævnte; driften bestemmer dem med OPUS_SOAP_SECURITY_MODELS."
    remedy_english = "Use one of those named; the operator chooses them with OPUS_SOAP_SECURITY_MODELS."


class AuthorityContextMissing(SoapError):
    """There is a TLS client certificate, but the body names no authority; in Serviceplatformen's words."""

    code = "SOA-024"
    danish = (
        "Der er ingen sikkerhedsmodel på kaldet: TLS-certifikatet kom uden AuthorityContext. "
        "Der understøttes: [{expected}]"
    )
    english = (
        "Security model for the called operation was not provided: the TLS client certificate came without "
        "AuthorityContext. The following are supported: [{expected}]"
    )
    remedy_danish = "Sæt HovedOplysninger/AuthorityContext/MunicipalityCVR til kommunens CVR-nummer."
    remedy_english = "Set HovedOplysninger/AuthorityContext/MunicipalityCVR to the municipality's CVR number."


class AuthorityContextWrong(SoapError):
    """The AuthorityContext names another authority than the agreement's municipality."""

    code = "SOA-025"
    danish = "AuthorityContext gælder myndigheden med CVR {value}; aftalen er med CVR {expected}"
    english = (
        "The AuthorityContext is for the authority with CVR {value}; the agreement is with CVR {expected}"
    )
    remedy_danish = "Angiv kommunens CVR-nummer, eller brug certifikatet fra aftalen med den anden kommune."
    remedy_english = (
        "Give the municipality's CVR number, or use the certificate of the agreement with the other one."
    )


class InvocationContextWrong(SoapError):
    """A context in the body does not keep to its schema, or names another system."""

    code = "SOA-026"
    danish = "{element} passer ikke: {value}, forventet {expected}"
    english = "{element} does not hold: {value}, expected {expected}"
    remedy_danish = "Udfyld konteksten efter wsdl/common/serviceplatform, med aftalens UUID."
    remedy_english = "Fill in the context by wsdl/common/serviceplatform, with the agreement's UUID."


class ProxyUnknown(SoapError):
    """A client certificate came in a header, from an address that is no named proxy."""

    code = "SOA-027"
    danish = "Headeren {element} kom fra {value}, som ikke er en navngiven proxy"
    english = "The header {element} came from {value}, which is no named proxy"
    remedy_danish = "Kald gennem proxyen, eller nævn den i OPUS_SOAP_CLIENT_CERTIFICATE_PROXIES."
    remedy_english = "Call through the proxy, or name it in OPUS_SOAP_CLIENT_CERTIFICATE_PROXIES."


class ClientCertificateUnreadable(SoapError):
    """The proxy's header holds something, and that is not one certificate."""

    code = "SOA-028"
    danish = "Headeren {element} indeholder ikke ét certifikat"
    english = "The header {element} does not hold one certificate"
    remedy_danish = "Lad proxyen sætte certifikatet som PEM (URL-kodet), som base64 eller efter RFC 9440."
    remedy_english = "Let the proxy set the certificate as PEM (URL-encoded), as base64, or by RFC 9440."


class SecurityModelWrong(SoapError):
    """The message is secured otherwise than the agreement says."""

    code = "SOA-021"
    danish = "{element} kalder med sikkerhedsmodellen {value}; aftalen siger {expected}"
    english = "{element} calls with the security model {value}; the agreement says {expected}"
    remedy_danish = "Brug aftalens sikkerhedsmodel, eller få aftalen ændret (`opus-soap systems change`)."
    remedy_english = "Use the agreement's security model, or have it changed (`opus-soap systems change`)."


class TokenAuthorityWrong(SoapError):
    """The token is for another authority than the agreement's municipality."""

    code = "SOA-022"
    danish = "Tokenet gælder myndigheden med CVR {value}; aftalen er med CVR {expected}"
    english = "The token is for the authority with CVR {value}; the agreement is with CVR {expected}"
    remedy_danish = "Bed STS'en om et token for kommunens CVR-nummer."
    remedy_english = "Ask the STS for a token for the municipality's CVR number."


class MessageIdTooLong(SoapError):
    """wsa:MessageID is longer than what the archive keeps."""

    code = "SOA-019"
    danish = "wsa:MessageID er på {value} tegn; højst {expected}"
    english = "wsa:MessageID has {value} characters; at most {expected}"
    remedy_danish = "Brug en urn:uuid."
    remedy_english = "Use a urn:uuid."
