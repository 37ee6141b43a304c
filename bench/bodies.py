"""Bodies to sign: an answer with correspondence up to a size, or one attachment of that size."""

from __future__ import annotations

import base64

from lxml import etree

BENCH = "urn:opus-soap:bench:1"


def element_heavy(size: int) -> etree._Element:
    """About `size` bytes of small elements, as an answer with many lines is."""
    root = etree.Element(f"{{{BENCH}}}Svar", nsmap={None: BENCH})
    line = 62
    for number in range(max(1, size // line)):
        etree.SubElement(root, f"{{{BENCH}}}Postering", nr=str(number)).text = f"linje {number:>20}"
    return root


def attachment_heavy(size: int) -> etree._Element:
    """About `size` bytes, nearly all of it one base64 attachment, as a sent invoice is."""
    root = etree.Element(f"{{{BENCH}}}Faktura", nsmap={None: BENCH})
    etree.SubElement(root, f"{{{BENCH}}}Indhold").text = base64.b64encode(bytes(size * 3 // 4)).decode()
    return root
