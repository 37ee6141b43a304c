"""A caller's TLS client certificate: from the connection itself, or from the proxy that ended the TLS."""

from __future__ import annotations

import base64
import binascii
import re
import ssl
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import unquote

from cryptography import x509

from opus_soap.errors import ClientCertificateUnreadable, ProxyUnknown
from opus_soap.wss.certificates import load_der
from opus_soap.wss.errors import TokenInvalid

_NONE = "(null)"  # Apache's word for no certificate
Network = IPv4Network | IPv6Network
_NOT_BASE64 = re.compile(r"-----(BEGIN|END) CERTIFICATE-----|\s")


def networks(text: str) -> tuple[Network, ...]:
    """Addresses and networks (CIDR) separated by spaces; raises `ValueError`."""
    return tuple(ip_network(one) for one in text.split())


@dataclass(frozen=True)
class ClientCertificates:
    """Where client certificates are looked for; nowhere but in the connection by default."""

    header: str = ""
    """The header that a proxy sets, as HTTP has it (`X-Client-Cert`)."""
    proxies: tuple[Network, ...] = ()
    """The only addresses whose header is believed."""

    def of(self, environ: dict[str, Any]) -> x509.Certificate | None:
        """The certificate that a request brings, not yet trusted; None when it brings none.

        Through a named proxy the header alone counts: the connection's own certificate is the proxy's.
        Raises `ProxyUnknown` for the header from anybody else, `ClientCertificateUnreadable`.
        """
        value = environ.get(f"HTTP_{self.header.upper().replace('-', '_')}", "") if self.header else ""
        if value == _NONE:
            value = ""
        address = environ.get("REMOTE_ADDR", "")
        if self._is_proxy(address):
            return self._read(value) if value else None
        if value:
            raise ProxyUnknown(element=self.header, value=address or "-")
        return _of_connection(environ.get("gunicorn.socket"))

    def _is_proxy(self, address: str) -> bool:
        try:
            known = ip_address(address)
        except ValueError:  # a socket in the file system has none
            return False
        if isinstance(known, IPv6Address) and known.ipv4_mapped is not None:
            known = known.ipv4_mapped
        return any(known in network for network in self.proxies)

    def _read(self, value: str) -> x509.Certificate:
        """RFC 9440 (`:base64:`), base64 of the DER, or PEM: URL-encoded, or with spaces for line breaks."""
        text = _NOT_BASE64.sub("", unquote(value))
        if len(text) > 1 and text[0] == text[-1] == ":":
            text = text[1:-1]
        try:
            return load_der(base64.b64decode(text, validate=True))
        except (binascii.Error, ValueError, TokenInvalid):
            raise ClientCertificateUnreadable(element=self.header) from None


def _of_connection(connection: Any) -> x509.Certificate | None:
    der = connection.getpeercert(binary_form=True) if isinstance(connection, ssl.SSLSocket) else None
    return load_der(der) if der else None
