"""Messages that no signature covers: the Context model, in which TLS vouches for the sender.

They keep to the same limits and the same shape as signed ones, but Security is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from lxml import etree

from opus_soap.encoded import Piece
from opus_soap.wss.addressing import Addressing, read_addressing
from opus_soap.wss.lifting import Lifted, parse_lifted
from opus_soap.wss.names import SOAP11
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.signing import addressing_headers
from opus_soap.wss.structure import read_unsigned_structure
from opus_soap.wss.verification import rebuild, refusing


@dataclass(frozen=True)
class UnsignedMessage:
    """What a message says; who says it, the connection must tell."""

    envelope: etree._Element
    """A new Envelope: the known headers and the Body, nothing else."""
    body: etree._Element
    """The Body element of `envelope`."""
    addressing: Addressing
    soap_namespace: str
    lifted: Lifted = field(default_factory=dict)
    """Long texts of the Body, by the elements that they belong in: those are empty."""
    pieces: Sequence[Piece] = ()
    """The message as it came, cut at these texts; none where there are none."""


def read_unsigned(data: bytes, limits: ParseLimits, lift_from: int = 0) -> UnsignedMessage:
    """A message without a Security header; raises a `WssError` for one that has it, or has another shape.

    Base64 texts of at least `lift_from` bytes are `lifted` out of the Body; none is when that is 0.
    """
    with refusing():
        root, lifting = parse_lifted(data, limits, lift_from)
        structure = read_unsigned_structure(root)
        parts = {**structure.headers, "Body": structure.body}
        addressing = read_addressing(parts)
        lifted = lifting.take(parts["Body"])
        envelope = rebuild(structure.soap_namespace, parts)
        soap = structure.soap_namespace
        return UnsignedMessage(envelope, envelope[-1], addressing, soap, lifted, lifting.pieces)


def write_unsigned(
    body_child: etree._Element, addressing: Addressing | None = None, *, soap_namespace: str = SOAP11
) -> bytes:
    """An envelope around a copy of `body_child`, with the wsa headers that are given, as UTF-8 bytes."""
    envelope = etree.Element(f"{{{soap_namespace}}}Envelope", nsmap={"soap": soap_namespace})
    if addressing is not None:
        addressing_headers(etree.SubElement(envelope, f"{{{soap_namespace}}}Header"), addressing)
    etree.SubElement(envelope, f"{{{soap_namespace}}}Body").append(deepcopy(body_child))
    return etree.tostring(envelope, encoding="UTF-8", xml_declaration=True)
