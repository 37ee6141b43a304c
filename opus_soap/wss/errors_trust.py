"""Why a certificate is not trusted, where more can be said than that nobody does. The code is the same."""

from __future__ import annotations

from opus_soap.wss.errors import CertificateUntrusted


class IssuerKeyWrong(CertificateUntrusted):
    """A trusted issuer has the name that the certificate says, but not the key that signed it. Same code."""

    danish = (
        "Certifikatet {element} er ikke betroet: det siger, at udstederen er {value}, og en betroet udsteder "
        "hedder sådan, men en anden nøgle end dennes har signeret det"
    )
    english = (
        "The certificate {element} is not trusted: it says that its issuer is {value}, and a trusted issuer "
        "has that name, but another key than that issuer's signed it"
    )
    remedy_danish = (
        "Brug et certifikat fra miljøets udsteder. Har udstederen fået en ny nøgle, skal modtageren have "
        "dens nye CA-certifikat."
    )
    remedy_english = (
        "Use a certificate of this environment's issuer. If that issuer has a new key, the receiver needs "
        "its new CA certificate."
    )


class SignerNotPinned(CertificateUntrusted):
    """A reply is signed, but by none of the certificates that the receiver is known by. Same code."""

    danish = (
        "Svaret er signeret med certifikatet {element} (SHA-256 {value}); modtageren kendes på: {expected}"
    )
    english = (
        "The reply is signed with the certificate {element} (SHA-256 {value}); "
        "the receiver is known by: {expected}"
    )
    remedy_danish = "Har modtageren fået et nyt certifikat, så få det fra dem selv, og føj det til de kendte."
    remedy_english = "If the receiver has a new certificate, get it from them, and add it to the known ones."
