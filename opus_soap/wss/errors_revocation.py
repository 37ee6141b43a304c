"""Refusals of the revocation check: the part of the tree in `wss.errors` about what is not known."""

from __future__ import annotations

from opus_soap.wss.errors import WssError


class RevocationUnknown(WssError):
    """No source tells whether the certificate is revoked, and the policy is to refuse then."""

    code = "WSS-055"
    danish = "Det kan ikke afgøres, om certifikatet {element} er spærret: {value}"
    english = "Whether the certificate {element} is revoked cannot be told: {value}"
    remedy_danish = "Send igen senere; modtageren skal forny sin spærreliste eller nå sin OCSP-tjeneste."
    remedy_english = (
        "Send again later; the receiver must renew its revocation list or reach its OCSP service."
    )
    fault_code = "FailedAuthentication"


class RevocationListUnusable(WssError):
    """A file is no revocation list, or there are too many or too large ones."""

    code = "WSS-094"
    danish = "Spærrelisten kan ikke bruges: {element}: {value}"
    english = "The revocation list cannot be used: {element}: {value}"
    remedy_danish = "Angiv en CRL i PEM eller DER, eller en mappe med *.crl.pem og *.crl."
    remedy_english = "Give a CRL in PEM or DER, or a folder with *.crl.pem and *.crl."


class ResponderUnreachable(WssError):
    """An OCSP responder gave no answer within the limits of time and size."""

    code = "WSS-095"
    danish = "OCSP-tjenesten {element} svarer ikke: {value}"
    english = "The OCSP responder {element} does not answer: {value}"
    remedy_danish = "Se efter adresse, netværk og firewall."
    remedy_english = "Look at the address, the network and the firewall."
