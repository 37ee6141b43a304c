"""TRA: how messages leave."""

from __future__ import annotations

from typing import ClassVar

from opus_soap.errors.base import OpusSoapError


class TransportError(OpusSoapError):
    """A message could not be delivered. `retryable` says whether another attempt may help."""

    retryable: ClassVar[bool] = True
    wait_seconds: int | None = None  # what the receiver asked for (Retry-After)


class ReceiverUnreachable(TransportError):
    """No connection, or no reply in time."""

    code = "TRA-001"
    danish = "{element} kan ikke nås: {value}"
    english = "{element} cannot be reached: {value}"
    remedy_danish = "Der forsøges igen; se efter om modtageren kører, og om adressen er rigtig."
    remedy_english = (
        "Another attempt follows; see whether the receiver runs, and whether the address is right."
    )


class ReceiverBusy(TransportError):
    """The receiver asks us to come back later."""

    code = "TRA-002"
    danish = "{element} er optaget (HTTP {value})"
    english = "{element} is busy (HTTP {value})"
    remedy_danish = "Der forsøges igen."
    remedy_english = "Another attempt follows."


class ReplyUnusable(TransportError):
    """The reply is no SOAP message, is too large, or its signature does not hold."""

    code = "TRA-003"
    danish = "Svaret fra {element} kan ikke bruges: {value}"
    english = "The reply from {element} cannot be used: {value}"
    remedy_danish = (
        "Se svaret i meddelelsesarkivet; det kan være en fejlside fra en proxy, eller et forkert certifikat."
    )
    remedy_english = (
        "See the reply in the message archive; it may be a proxy's error page, or the wrong certificate."
    )


class TokenMissing(TransportError):
    """The agreement asks for a token, and no STS gives one."""

    code = "TRA-013"
    danish = "Der er intet token til {element}: {value}"
    english = "There is no token for {element}: {value}"
    remedy_danish = "Ret indstillingerne for STS'en eller aftalen hos den, og frigiv afsendelsen."
    remedy_english = "Correct the settings of the STS, or the agreement with it, and release the message."
    retryable = False


class ReceiverFailed(TransportError):
    """The receiver answered with a fault of its own making (soap:Server)."""

    code = "TRA-004"
    danish = "{element} svarede med en fejl hos sig selv: {value}"
    english = "{element} answered with a fault on its side: {value}"
    remedy_danish = "Der forsøges igen; kontakt ellers modtageren."
    remedy_english = "Another attempt follows; otherwise contact the receiver."


class MessageRefused(TransportError):
    """The receiver answered with a fault that blames the message (soap:Client, wsse)."""

    code = "TRA-005"
    danish = "{element} afviste meddelelsen: {value}"
    english = "{element} refused the message: {value}"
    remedy_danish = "Ret årsagen (certifikat, aftale, indhold), og frigiv afsendelsen."
    remedy_english = "Mend the cause (certificate, agreement, content) and release the message."
    retryable = False


class EndpointMissing(TransportError):
    """The agreement does not say where the system takes messages."""

    code = "TRA-006"
    danish = "Systemet {element} har ingen adresse"
    english = "The system {element} has no endpoint address"
    remedy_danish = "Sæt adressen: `opus-soap systems add --endpoint-url`."
    remedy_english = "Set the address: `opus-soap systems add --endpoint-url`."
    retryable = False


class HandlerUnknown(TransportError):
    """No handler is registered for this kind of message."""

    code = "TRA-007"
    danish = "Der er ingen afsender til {value}"
    english = "There is no handler for {value}"
    remedy_danish = "Opgrader arbejderen, eller annuller afsendelsen."
    remedy_english = "Upgrade the worker, or cancel the message."
    retryable = False


class HandlerFailed(TransportError):
    """The handler of a message failed in a way that nobody foresaw."""

    code = "TRA-008"
    danish = "Afsendelsen fejlede uventet ({value})"
    english = "The sending failed unexpectedly ({value})"
    remedy_danish = "Se loggen; der forsøges igen."
    remedy_english = "See the log; another attempt follows."


class MessageInvalid(TransportError):
    """What we were about to send does not keep to the contract. Values are never shown."""

    code = "TRA-009"
    danish = "Meddelelsen til {element} følger ikke kontrakten: {value}; forventet {expected}"
    english = "The message to {element} does not keep to the contract: {value}; expected {expected}"
    remedy_danish = "Ret oplysningen hos os, og send igen."
    remedy_english = "Correct the fact on our side and send again."
    retryable = False


class ContentGone(TransportError):
    """A part of the message is not there any more, or is damaged."""

    code = "TRA-012"
    danish = "Meddelelsen kan ikke dannes: {value}"
    english = "The message cannot be built: {expected}"
    remedy_danish = "Er det slettet, så importér filen igen; er det beskadiget, så gendan en sikkerhedskopi."
    remedy_english = "If it was purged, import the file again; if it is damaged, restore a backup."
    retryable = False


class ContentOutOfReach(TransportError):
    """A part of the message is in a file that cannot be read now: another attempt may find it."""

    code = "TRA-016"
    danish = "Meddelelsen kan ikke dannes endnu: {value}"
    english = "The message cannot be built yet: {expected}"
    remedy_danish = "Se efter mappen i OPUS_SOAP_FILES_FOLDER; der forsøges igen."
    remedy_english = "Look at the folder of OPUS_SOAP_FILES_FOLDER; another attempt follows."


class AttemptsUsedUp(TransportError):
    """The worker died during every attempt that the settings allow."""

    code = "TRA-010"
    danish = "Afsendelsen blev afbrudt {value} gange uden resultat"
    english = "The sending was cut off {value} times without a result"
    remedy_danish = "Se loggen fra arbejderen (hukommelse, genstart), og frigiv afsendelsen."
    remedy_english = "See the worker's log (memory, restarts) and release the message."
    retryable = False


class ReceiverInactive(TransportError):
    """The agreement with the receiver has been stopped."""

    code = "TRA-011"
    danish = "Aftalen med {element} er standset"
    english = "The agreement with {element} has been stopped"
    remedy_danish = (
        "Genoptag aftalen (`opus-soap systems start`, derefter `opus-soap invoices send --all`), "
        "eller send til et andet system."
    )
    remedy_english = (
        "Start the agreement again (`opus-soap systems start`, then `opus-soap invoices send --all`), "
        "or send to another system."
    )
    retryable = False


class ConnectionNotSecure(TransportError):
    """The Context model lives by TLS, and the receiver's address has none."""

    code = "TRA-014"
    danish = "{element} skal kaldes med TLS i Context-modellen; adressen er {value}, forventet {expected}"
    english = (
        "{element} must be called over TLS in the Context model; the address is {value}, expected {expected}"
    )
    remedy_danish = "Ret adressen (`opus-soap systems change --endpoint-url`), og frigiv afsendelsen."
    remedy_english = (
        "Correct the address (`opus-soap systems change --endpoint-url`), and release the message."
    )
    retryable = False


class ReceiverNotTrusted(TransportError):
    """TLS does not hold: the receiver's certificate is not trusted, or it does not take ours."""

    code = "TRA-015"
    danish = "TLS til {element} kan ikke oprettes: {value}"
    english = "TLS to {element} cannot be made: {value}"
    remedy_danish = (
        "Se efter CA'erne i OPUS_SOAP_TLS_TRUSTED_CA_FILE og navnet i adressen; der forsøges igen."
    )
    remedy_english = (
        "Look at the CAs in OPUS_SOAP_TLS_TRUSTED_CA_FILE, and at the name in the address; another attempt "
        "follows."
    )
