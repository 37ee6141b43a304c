"""Files inside a document: decoded, within limits, of the types that are passed on, under names that fit."""

from __future__ import annotations

import base64
import binascii

from lxml import etree

from opus_soap.documents.invoice import LONGEST, Attachment, DocumentLimits, DocumentWarning
from opus_soap.documents.xml import Reader, where
from opus_soap.errors import DocumentTooLarge, ValueInvalid
from opus_soap.texts import visible

_PATH = "cac:AdditionalDocumentReference/cac:Attachment/cbc:EmbeddedDocumentBinaryObject"
# the types that OIOUBL names, and how a file of each is called when the document does not say
SUFFIXES = {
    "application/pdf": "pdf",
    "image/tiff": "tiff",
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/gif": "gif",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/csv": "csv",
    "application/vnd.ms-excel": "xls",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
    "application/vnd.oasis.opendocument.spreadsheet": "ods",
}


def read_attachments(
    root: etree._Element, reader: Reader, limits: DocumentLimits
) -> tuple[list[Attachment], list[DocumentWarning]]:
    """The files to pass on, and a warning for each that stays in the original alone.

    Raises `DocumentTooLarge`.
    """
    nodes = reader.all(root, _PATH)
    if len(nodes) > limits.max_attachments:
        raise DocumentTooLarge(element="attachments", value=len(nodes), expected=limits.max_attachments)
    files: list[Attachment] = []
    warnings: list[DocumentWarning] = []
    for number, node in enumerate(nodes, start=1):
        data = _decoded(node, reader, limits)
        media_type = node.get("mimeCode", "").partition(";")[0].strip().lower()
        suffix = SUFFIXES.get(media_type)
        name = _name(node, number, suffix or "bin")
        if suffix is None:
            text = f"bilaget {name} er af typen {media_type or '-'} og sendes ikke videre"
            warnings.append(DocumentWarning("EmbeddedDocumentBinaryObject", text))
        else:
            files.append(Attachment(file_name=name, media_type=media_type, data=data))
    return files, warnings


def _decoded(node: etree._Element, reader: Reader, limits: DocumentLimits) -> bytes:
    text = "".join((node.text or "").split())
    if len(text) * 3 // 4 > limits.max_attachment_bytes + 3:  # before it is decoded
        raise DocumentTooLarge(element=where(node), value=len(text), expected=limits.max_attachment_bytes)
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        reader.add(ValueInvalid(element=where(node), value="…", expected="base64"))
        return b""
    if len(data) > limits.max_attachment_bytes:
        raise DocumentTooLarge(element=where(node), value=len(data), expected=limits.max_attachment_bytes)
    return data


def _name(node: etree._Element, number: int, suffix: str) -> str:
    """The file's own name without folders; or one of ours, when it has none or none that fits."""
    given = " ".join(node.get("filename", "").replace("\\", "/").rpartition("/")[2].split())
    given = visible(given, instead="_")
    usable = given.strip(".") and len(given) <= LONGEST["filename"]
    return given if usable else f"bilag-{number}.{suffix}"
