"""OCSP (RFC 6960): ask a responder about a certificate, believe only what its issuer stands behind.

An answer counts when it is signed by the issuer, or by a responder whose certificate that issuer gave
for OCSP signing; when it is about the very certificate asked for; and while thisUpdate and nextUpdate
say so. Answers are kept until then. Only the addresses that were given are asked; those that a
certificate names are asked only when that is switched on.
"""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID

from opus_soap.wss.certificates import LEAST_RSA_BITS, thumbprint
from opus_soap.wss.errors_revocation import ResponderUnreachable
from opus_soap.wss.fetching import HttpFetch
from opus_soap.wss.revocation import SKEW, STRONG_HASHES, Standing, State

Fetch = Callable[[str, bytes], bytes]
"""Posts an OCSP request to an address; raises `ResponderUnreachable`."""

MOST_KEPT = 10_000
_MOST_RESPONDERS = 4  # asked about one certificate
_LONGEST_KEPT = timedelta(days=1)  # whatever nextUpdate says
_FAILURE_KEPT = timedelta(seconds=30)  # a responder that is down is not waited for by every message
_FRESH = timedelta(minutes=10)  # an answer without nextUpdate
_NONCE_BYTES = 32
_Key = tuple[str, int]


class _Unbelievable(Exception):
    """Why an answer does not count."""


class OcspResponders:
    """A source that asks over the network; threads share it."""

    def __init__(
        self,
        responders: Sequence[str] = (),
        fetch: Fetch | None = None,
        *,
        follow_certificate: bool = False,
        most_kept: int = MOST_KEPT,
    ) -> None:
        self._responders = tuple(responders)
        self._fetch = fetch or HttpFetch()
        self._follow_certificate = follow_certificate
        self._most_kept = most_kept
        self._lock = threading.Lock()
        self._kept: OrderedDict[_Key, tuple[Standing, datetime]] = OrderedDict()

    def standing(self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime) -> Standing:
        """What a responder says, or said before and still stands by; never raises."""
        key = (thumbprint(issuer), certificate.serial_number)
        with self._lock:
            kept = self._kept.get(key)
        if kept is not None and now < kept[1]:
            return kept[0]
        found, until = self._ask_in_turn(certificate, issuer, now)
        with self._lock:
            self._kept.pop(key, None)
            self._kept[key] = (found, until)
            while len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
        return found

    def _ask_in_turn(
        self, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> tuple[Standing, datetime]:
        reasons = []
        for url in self._addresses(certificate):
            try:
                found = self._ask(url, certificate, issuer, now)
            except ResponderUnreachable as error:
                reasons.append(f"{error.element}: {error.value}")
            except _Unbelievable as error:
                reasons.append(f"{url}: {error}")
            else:
                return found, min(found.until or now, now + _LONGEST_KEPT)
        told = "; ".join(reasons) or "no OCSP responder to ask"
        return Standing(State.UNKNOWN, told), now + _FAILURE_KEPT

    def _addresses(self, certificate: x509.Certificate) -> list[str]:
        """Whom to ask: who the certificate names, if we may; else everybody that we may ask."""
        named = list(_named_by(certificate))
        if not self._follow_certificate:
            named = [url for url in named if url in self._responders]
        return list(dict.fromkeys([*named, *self._responders]))[:_MOST_RESPONDERS]

    def _ask(
        self, url: str, certificate: x509.Certificate, issuer: x509.Certificate, now: datetime
    ) -> Standing:
        nonce = os.urandom(_NONCE_BYTES)
        # SHA-1 names the issuer here and proves nothing; it is what every responder takes (RFC 5019)
        builder = ocsp.OCSPRequestBuilder().add_certificate(certificate, issuer, hashes.SHA1())  # noqa: S303
        request = builder.add_extension(x509.OCSPNonce(nonce), critical=False).build()
        answer = self._fetch(url, request.public_bytes(Encoding.DER))
        try:
            response = ocsp.load_der_ocsp_response(answer)
            if response.response_status is not ocsp.OCSPResponseStatus.SUCCESSFUL:
                raise _Unbelievable(f"answers {response.response_status.name}")
            _check_signed(response, issuer, now)
            _check_nonce(response, nonce)
            return _standing(_single(response, request), now)
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.DuplicateExtension) as error:
            raise _Unbelievable(f"the answer cannot be read: {error}") from None


def _named_by(certificate: x509.Certificate) -> Iterator[str]:
    with suppress(ValueError, x509.ExtensionNotFound, x509.DuplicateExtension):
        access = certificate.extensions.get_extension_for_class(x509.AuthorityInformationAccess).value
        for description in access:
            location = description.access_location
            if description.access_method == AuthorityInformationAccessOID.OCSP and isinstance(
                location, x509.UniformResourceIdentifier
            ):
                yield location.value


def _check_signed(response: ocsp.OCSPResponse, issuer: x509.Certificate, now: datetime) -> None:
    algorithm = response.signature_hash_algorithm
    if not isinstance(algorithm, STRONG_HASHES):
        raise _Unbelievable(f"signed with {algorithm.name if algorithm else 'no hash'}")
    delegates = [one for one in response.certificates if _may_answer_for(one, issuer, now)]
    if not any(_signed_with(response, one.public_key(), algorithm) for one in (issuer, *delegates)):
        raise _Unbelievable("not signed by the issuer, nor by a responder that it has named")


def _may_answer_for(responder: x509.Certificate, issuer: x509.Certificate, now: datetime) -> bool:
    """Whether the issuer itself gave this certificate for OCSP signing, and it is in date."""
    try:
        responder.verify_directly_issued_by(issuer)
        purposes = responder.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    in_date = responder.not_valid_before_utc <= now <= responder.not_valid_after_utc
    return in_date and ExtendedKeyUsageOID.OCSP_SIGNING in purposes


def _signed_with(response: ocsp.OCSPResponse, key: object, algorithm: hashes.HashAlgorithm) -> bool:
    try:
        if isinstance(key, rsa.RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
            key.verify(response.signature, response.tbs_response_bytes, padding.PKCS1v15(), algorithm)
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(response.signature, response.tbs_response_bytes, ec.ECDSA(algorithm))
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _check_nonce(response: ocsp.OCSPResponse, nonce: bytes) -> None:
    """A responder may leave it out, as those do that sign in advance; it may not give another."""
    with suppress(x509.ExtensionNotFound):
        if response.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce != nonce:
            raise _Unbelievable("the answer is to another request")


def _single(response: ocsp.OCSPResponse, request: ocsp.OCSPRequest) -> ocsp.OCSPSingleResponse:
    """The one answer about the certificate that was asked for."""
    asked = (request.serial_number, request.issuer_name_hash, request.issuer_key_hash)
    found = [
        single
        for single in response.responses
        if (single.serial_number, single.issuer_name_hash, single.issuer_key_hash) == asked
    ]
    if len(found) != 1:
        raise _Unbelievable("the answer is about another certificate")
    return found[0]


def _standing(single: ocsp.OCSPSingleResponse, now: datetime) -> Standing:
    since, until = single.this_update_utc, single.next_update_utc
    if since > now + SKEW:
        raise _Unbelievable(f"the answer is from the future ({since:%Y-%m-%dT%H:%MZ})")
    if until is None and since < now - _FRESH:
        raise _Unbelievable(f"the answer is old ({since:%Y-%m-%dT%H:%MZ})")
    if until is not None and until < now - SKEW:
        raise _Unbelievable(f"the answer is out of date since {until:%Y-%m-%dT%H:%MZ}")
    if single.certificate_status is ocsp.OCSPCertStatus.REVOKED:
        return Standing(State.REVOKED, f"{single.revocation_time_utc:%Y-%m-%dT%H:%MZ}", until)
    if single.certificate_status is ocsp.OCSPCertStatus.GOOD:
        return Standing(State.GOOD, until=until)
    raise _Unbelievable("does not know the certificate")
