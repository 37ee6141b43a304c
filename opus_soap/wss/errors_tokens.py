"""Refusals of tokens, and of the messages that bring them: the Token model's part of the tree."""

from __future__ import annotations

from opus_soap.wss.errors import WssError


class AssertionInvalid(WssError):
    """A SAML assertion is not built as OIO SAML and Kombit's STS build it."""

    code = "WSS-043"
    danish = "SAML-tokenet er ugyldigt: {element}: {value}"
    english = "The SAML token is invalid: {element}: {value}"
    remedy_danish = "Hent et nyt token hos STS'en, og send det uændret."
    remedy_english = "Get a new token from the STS, and send it unchanged."
    fault_code = "InvalidSecurityToken"


class TokensNotTaken(WssError):
    """A token came, and no STS is believed here."""

    code = "WSS-076"
    danish = "Der kom et SAML-token, men her er ingen STS betroet"
    english = "A SAML token came, but no STS is trusted here"
    remedy_danish = "Modtageren skal angive sin STS (OPUS_SOAP_STS_ENTITY_ID og STS'ens certifikat)."
    remedy_english = (
        "The receiver must name its STS (OPUS_SOAP_STS_ENTITY_ID and the certificate of the STS)."
    )
    fault_code = "UnsupportedSecurityToken"


class TokenIssuerUntrusted(WssError):
    """Another STS than those that are trusted here issued the token, or another key signed it."""

    code = "WSS-044"
    danish = "Tokenet er udstedt af {value}; her er betroet: {expected}"
    english = "The token was issued by {value}; trusted here: {expected}"
    remedy_danish = "Brug STS'en i samme miljø som servicen: et token fra produktion gælder ikke i test."
    remedy_english = "Use the STS of the service's own environment: a production token is no good in test."
    fault_code = "FailedAuthentication"


class TokenOutOfDate(WssError):
    """The token is not valid yet or no more."""

    code = "WSS-045"
    danish = "Tokenet gælder ikke nu: {element} {value}, klokken her er {expected}"
    english = "The token is not valid now: {element} {value}, the time here is {expected}"
    remedy_danish = "Hent et nyt token, før det gamle udløber, og stil uret."
    remedy_english = "Get a new token before the old one expires, and set the clock."
    fault_code = "FailedAuthentication"


class TokenForAnother(WssError):
    """The token's audience or recipient is another service."""

    code = "WSS-046"
    danish = "Tokenets {element} er {value}; denne service er {expected}"
    english = "The token's {element} is {value}; this service is {expected}"
    remedy_danish = "Bed STS'en om et token til servicens EntityId (AppliesTo)."
    remedy_english = "Ask the STS for a token for the service's EntityId (AppliesTo)."
    fault_code = "FailedAuthentication"


class HolderWrong(WssError):
    """The token is not holder-of-key, or another key than its holder's signed the message."""

    code = "WSS-047"
    danish = "Tokenet er ikke bundet til afsenderens nøgle: {value}"
    english = "The token is not bound to the sender's key: {value}"
    remedy_danish = "Bed om et holder-of-key-token (UseKey), og signér med den nøgle, det er bundet til."
    remedy_english = "Ask for a holder-of-key token (UseKey), and sign with the key that it is bound to."
    fault_code = "FailedAuthentication"


class TrustMessageInvalid(WssError):
    """A message between an STS and its clients does not say what it must (WS-Trust 1.3)."""

    code = "WSS-048"
    danish = "Beskeden til eller fra STS'en er ugyldig: {element} er {value}; forventet {expected}"
    english = "The message to or from the STS is invalid: {element} is {value}; expected {expected}"
    remedy_danish = "Bed om ét SAML 2.0-token (Issue, PublicKey) med AppliesTo, CVR-claim og UseKey."
    remedy_english = "Ask for one SAML 2.0 token (Issue, PublicKey) with AppliesTo, a CVR claim and UseKey."
    fault_code = "InvalidSecurityToken"


class StsRefused(WssError):
    """The STS gives no token; `element` is its fault code, `value` what it says."""

    code = "WSS-049"
    danish = "STS'en giver intet token ({element}): {value}"
    english = "The STS gives no token ({element}): {value}"
    remedy_danish = "Se STS'ens fejlkode; ret aftalen, certifikatet eller forespørgslen."
    remedy_english = "See the fault code of the STS; correct the agreement, the certificate or the request."
    fault_code = "FailedAuthentication"


class ActionWrong(WssError):
    """The message does another thing than was expected of it."""

    code = "WSS-073"
    danish = "wsa:Action er {value}; forventet {expected}"
    english = "wsa:Action is {value}; expected {expected}"
    remedy_danish = "Send den Action, som tjenesten beskriver."
    remedy_english = "Send the Action that the service describes."
    fault_code = "InvalidSecurity"


class PrivilegeMissing(WssError):
    """The token brings too few privileges for this service, on behalf of the authority that it is for."""

    code = "WSS-075"
    danish = "Tokenet giver ikke rettigheden {expected} på vegne af {value}"
    english = "The token does not grant the privilege {expected} on behalf of {value}"
    remedy_danish = "Anmod om en serviceaftale med rettigheden hos myndigheden, og hent så et nyt token."
    remedy_english = "Ask the authority for a service agreement with the privilege, then get a new token."
    fault_code = "FailedAuthentication"


class ReplyMissing(WssError):
    """No reply came that could be looked at."""

    code = "WSS-074"
    danish = "{element} svarer ikke: {value}"
    english = "{element} does not answer: {value}"
    remedy_danish = "Se efter adressen, netværket og servicen; kaldet kan være modtaget."
    remedy_english = "Look at the address, the network and the service; the call may have been received."
    fault_code = "MessageExpired"
