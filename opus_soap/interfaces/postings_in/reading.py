"""A file of postings, read voucher by voucher: memory does not grow with the file, only with a voucher.

A file is looked at twice. First whether all of it is well-formed XML under the right root: a file that
was cut off half-way has no effect at all. Then its parts are read, and held against the schema.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from itertools import chain
from sys import intern
from typing import Any, BinaryIO, TypeGuard

import orjson
from lxml import etree

from opus_soap.documents.xml import pull_parser
from opus_soap.encoded import LONG, Base64
from opus_soap.errors import (
    OpusSoapError,
    PostingContentUnexpected,
    PostingElementMissing,
    PostingElementRepeated,
    PostingElementUnknown,
    PostingFileTooLarge,
    PostingFileUnreadable,
    PostingPartsQualified,
    PostingRootWrong,
    PostingsInError,
)
from opus_soap.interfaces.postings_in.mistakes import ELEMENTS, TEXT, mistakes
from opus_soap.interfaces.postings_in.schema import NAMESPACE, REQUEST, Sequence, part_schema, parts
from opus_soap.interfaces.postings_in.writing import FileValues

CONTROL, DOCUMENT, LINE = "CONTROL_FIELDS", "POSTING_DOCUMENT", "LINE"
_STEP = 256 * 1024  # bytes
_SHORT_STEP = 1024  # bytes
# what is read: those that senders use, and that every parser here knows alike
_ENCODINGS = ("UTF-8", "US-ASCII", "ISO-8859-1", "ISO-8859-15", "WINDOWS-1252")
_DECLARED = re.compile(rb"(?:\xef\xbb\xbf)?<\?xml[^>]*?\sencoding\s*=\s*[\"']([^\"']*)")
_LONGEST_DECLARATION = 200  # bytes
_count_lines = etree.XPath("count(LINES/LINE)")
_ROOT = etree.QName(REQUEST).localname
_MOST_STRANGERS = 100  # elements beside the vouchers; more of them nobody reads


@dataclass(frozen=True)
class ReadingLimits:
    """What one file may be."""

    max_bytes: int = 1024 * 1024 * 1024
    max_documents: int = 1_000_000
    max_lines: int = 5_000_000
    max_document_bytes: int = 256 * 1024 * 1024  # the memory of one voucher is a small multiple of this
    max_document_elements: int = 2_000_000  # … and about 130 bytes for each of these
    max_attachment_bytes: int = 10 * 1024 * 1024
    max_batch: int = 1000  # vouchers in one transaction


@dataclass(frozen=True)
class Place:
    """Where in the file: the voucher's place (0 the control fields), its line, the element."""

    document: int
    line: int = 0  # 1-based LINE of the voucher; 0 its header
    element: str = ""
    occurrence: int = 1  # of several elements of this name there


@dataclass(frozen=True)
class Finding:
    """What is wrong, and where."""

    error: OpusSoapError
    place: Place


@dataclass(frozen=True)
class Document:
    """A POSTING_DOCUMENT as delivered, values as text by element; or what the schema says against it."""

    position: int  # 1-based, in the file
    header: dict[str, str]
    files: tuple[FileValues, ...]
    lines: list[dict[str, str]]
    digest: bytes  # SHA-256 of the values in their order: two sendings of the same have the same
    findings: tuple[Finding, ...] = ()
    all_lines: bool = True  # `lines` are all that was meant to be one: they can be counted and summed

    @cached_property
    def contents(self) -> tuple[Base64 | None, ...]:
        """What is attached, decoded once; None where it is missing, or no base64."""
        return tuple(map(_decoded, self.files))

    @property
    def digest_before(self) -> Callable[[], bytes] | None:
        """What its digest would have been; None where it is the same."""
        if not any(map(_is_long, chain.from_iterable(file.values() for file in self.files))):
            return None
        return partial(digest_of, self.header, self.files, self.lines, whole=True)

    @property
    def weight(self) -> int:
        """What it takes to deal with: its lines, and the kilobytes of its attachments."""
        return len(self.lines) + sum(len(file.get("FILE", "")) for file in self.files) // 1024


@dataclass(frozen=True)
class Control:
    """CONTROL_FIELDS as delivered."""

    fields: dict[str, str]
    findings: tuple[Finding, ...] = ()


@dataclass
class Summary:
    """What the first look found."""

    size: int = 0
    documents: int = 0
    lines: int = 0
    control: Control = field(default_factory=lambda: Control({}))
    errors: list[PostingsInError] = field(default_factory=list)  # what stands beside the parts


def survey(
    file: BinaryIO, limits: ReadingLimits, note: Callable[[etree._Element], None] | None = None
) -> Summary:
    """The first look, to the end of the file; `note` is shown every voucher.

    Raises `PostingFileUnreadable`, `PostingRootWrong`, `PostingPartsQualified`, `PostingFileTooLarge`.
    """
    summary, controls = Summary(), 0
    reader = _Parts(limits)
    for node in reader.of(file):
        summary.errors += reader.strangers()
        if node.tag == CONTROL and not (controls or summary.documents):
            controls += 1
            summary.control = _control(node)
        elif node.tag == CONTROL:
            summary.errors.append(PostingElementRepeated(element=CONTROL))
        else:
            summary.documents += 1
            summary.lines += int(_count_lines(node))
            if note is not None:
                note(node)
    summary.errors += reader.strangers()
    summary.size = reader.size
    for error in summary.errors:
        if isinstance(error, PostingPartsQualified):  # nothing in the file is what it says to a reader
            raise error
    if summary.documents > limits.max_documents:
        raise PostingFileTooLarge(element=DOCUMENT, value=summary.documents, expected=limits.max_documents)
    if summary.lines > limits.max_lines:
        raise PostingFileTooLarge(element=LINE, value=summary.lines, expected=limits.max_lines)
    return summary


def read(file: BinaryIO, limits: ReadingLimits) -> Iterator[Control | Document | Finding]:
    """The parts of a file that has been surveyed, in their order; a `Finding` for what is no part."""
    reader = _Parts(limits)
    position = 0
    seen_control = False
    for node in reader.of(file):
        yield from (Finding(error, Place(position)) for error in reader.strangers())
        if node.tag == CONTROL:
            if seen_control or position:
                yield Finding(PostingElementRepeated(element=CONTROL), Place(position))
            seen_control = True
            yield _control(node)
            continue
        position += 1
        yield _document(node, position)
    yield from (Finding(error, Place(position)) for error in reader.strangers())
    if not seen_control:
        missing = PostingElementMissing(element=_ROOT, expected=CONTROL)
        yield Finding(missing, Place(0))


class _Parts:
    """The parts of a file as they are complete; each is taken away again before the next is asked for.

    A part is complete when something stands behind it. (To be told of its end would cost a fifth of the
    time: the parser asks of each element whether it is one.)
    """

    def __init__(self, limits: ReadingLimits) -> None:
        self.size = 0  # bytes read
        self._limits = limits
        self._probe: etree.XMLPullParser | None = _parser()
        self._parser = _parser(tag=REQUEST)
        self._root: etree._Element | None = None
        self._begin = b""
        self._waiting = self._tags = 0  # bytes, and marks of elements, since a part was complete
        self._beside: list[object] = []  # names of what stood beside the parts, as far as anybody reads them
        self._text = self._qualified = False  # the same: whether text did, and an element of our namespace

    def of(self, file: BinaryIO) -> Iterator[etree._Element]:
        """The parts of a file."""
        while piece := file.read(_STEP):
            self.size += len(piece)
            if self.size > self._limits.max_bytes:
                raise PostingFileTooLarge(
                    element="byte", value=f"> {self.size - 1}", expected=self._limits.max_bytes
                )
            self._feed(piece)
            yield from self._complete()
            self._check_waiting()
        self._close()
        yield from self._complete(last=True)

    def strangers(self) -> Iterator[PostingsInError]:
        """What stood beside the parts, since this was asked before."""
        if self._text:
            yield PostingContentUnexpected(element=_ROOT, value=TEXT, expected=ELEMENTS)
        if self._qualified:
            yield PostingPartsQualified(element=_ROOT)
        else:
            for name in self._beside:
                yield PostingElementUnknown(element=_ROOT, value=str(name), expected=DOCUMENT)
        self._beside, self._text, self._qualified = [], False, False

    def _feed(self, piece: bytes) -> None:
        try:
            self._check_root(piece)
            self._parser.feed(piece)
        except etree.XMLSyntaxError as error:
            raise _unreadable(error) from None
        self._waiting += len(piece)
        self._tags += piece.count(b"<")
        for _, root in self._parser.read_events():
            if self._root is None:
                self._root = root

    def _complete(self, *, last: bool = False) -> Iterator[etree._Element]:
        """The parts that nothing more will be added to, and note what stands beside them."""
        root = self._root
        if root is None:
            return
        while len(root) and (last or root[0].getnext() is not None):
            self._note_text(root.text)
            root.text = None
            node = root[0]
            if node.tag in (CONTROL, DOCUMENT):
                self._waiting = self._tags = 0
                yield node
            else:
                self._note(node)
            self._note_text(node.tail)
            node.clear()
            del root[0]
        if last:
            self._note_text(root.text)

    def _note(self, stranger: etree._Element) -> None:
        if etree.QName(stranger).namespace == NAMESPACE:
            self._qualified = True
        elif len(self._beside) < _MOST_STRANGERS:
            self._beside.append(stranger.tag)

    def _note_text(self, text: str | None) -> None:
        if text and not text.isspace():
            self._text = True

    def _check_waiting(self) -> None:
        if self._waiting > self._limits.max_document_bytes:
            raise PostingFileTooLarge(
                element=f"{DOCUMENT} byte", value=self._waiting, expected=self._limits.max_document_bytes
            )
        if self._tags > 2 * self._limits.max_document_elements:  # each element has one or two
            raise PostingFileTooLarge(
                element=f"{DOCUMENT} elements",
                value=f"> {self._tags // 2}",
                expected=self._limits.max_document_elements,
            )

    def _close(self) -> None:
        """The end of the file."""
        try:
            self._parser.close()
            if self._probe is not None:  # so short that its root was not told before
                self._probe.close()
                self._look_at_root(self._probe)
        except etree.XMLSyntaxError as error:
            raise _unreadable(error) from None
        assert self._root is not None  # or the parser had said that the document is empty

    def _check_root(self, piece: bytes) -> None:
        """As soon as the root begins: no DOCTYPE stands before it, and it is ours."""
        if self._probe is None:
            return
        self._begin = (self._begin + piece)[:_LONGEST_DECLARATION]
        for start in range(0, len(piece), _SHORT_STEP):  # it is to see the root, not to read all that follows
            self._probe.feed(piece[start : start + _SHORT_STEP])
            if self._look_at_root(self._probe):
                self._probe = None
                return

    def _look_at_root(self, probe: etree.XMLPullParser) -> bool:
        """Whether the root has begun; raises unless it is ours."""
        for _, root in probe.read_events():
            doctype = root.getroottree().docinfo.doctype
            if doctype:
                raise PostingFileUnreadable(element="DOCTYPE", value=doctype[:60])
            self._check_encoding()
            if root.tag != REQUEST:
                raise PostingRootWrong(value=str(root.tag)[:100], expected=REQUEST)
            return True
        return False

    def _check_encoding(self) -> None:
        """Parsers believe a byte order mark, and two bytes a character, more than the declaration."""
        declared = _DECLARED.match(self._begin)
        encoding = (declared[1] if declared else b"UTF-8").decode("ascii", "replace")
        if b"\x00" in self._begin or self._begin.startswith((b"\xff\xfe", b"\xfe\xff")):
            encoding = "UTF-16 / UTF-32"
        if encoding.upper() not in _ENCODINGS:
            raise PostingFileUnreadable(element="encoding", value=encoding[:40])


def _parser(**options: Any) -> etree.XMLPullParser:
    # an attachment may be longer than libxml2 takes by itself; bytes are limited
    return pull_parser(events=("start",), huge_tree=True, **options)


def _unreadable(error: etree.XMLSyntaxError) -> PostingFileUnreadable:
    line, column = error.position
    return PostingFileUnreadable(element=f"{line}:{column}", value=error.msg or "?")


def _control(node: etree._Element) -> Control:
    findings = () if part_schema().validate(node) else tuple(_findings(node, CONTROL, 0))
    return Control(_values(node), findings)


def _document(node: etree._Element, position: int) -> Document:
    """One voucher: its values, and its mistakes when the schema refuses it."""
    findings = () if part_schema().validate(node) else tuple(_findings(node, DOCUMENT, position))
    header = node.find("HEADER")
    lines = node.find("LINES")
    of_header = {} if header is None else _values(header)
    files = () if header is None else header.iterfind("FILES")
    of_files = tuple(_with_content(_values(file)) for file in files)
    of_lines = []
    if lines is not None:
        of_lines = [_values(line) for line in lines] if findings else _of_good(lines)
    digest = digest_of(of_header, of_files, of_lines)
    all_lines = not findings or _holds_all_lines(node)
    return Document(position, of_header, of_files, of_lines, digest, findings, all_lines)


def _with_content(file: dict[str, str]) -> FileValues:
    """What is said of an attachment; a long one decoded, if it can be."""
    text = file.get("FILE", "")
    if len(text) >= LONG and (found := Base64.as_encoded(text)) is not None:
        return {**file, "FILE": found}  # in its place
    return {**file}


def _is_long(text: str | Base64) -> TypeGuard[Base64]:
    return isinstance(text, Base64) and len(text) >= LONG


def digest_of(
    header: Mapping[str, str],
    files: tuple[FileValues, ...],
    lines: list[dict[str, str]],
    *,
    whole: bool = False,
) -> bytes:
    """SHA-256 of a voucher's values in their order, as JSON of the three.

    What is attached, as long base64, stands there by its hash; or, `whole`, as the text that it is: the books
    have digests that were made so.
    """
    digest = hashlib.sha256(b"[%b,[" % orjson.dumps(header))
    for number, file in enumerate(files):
        digest.update(b",{" if number else b"{")
        for place, (name, text) in enumerate(file.items()):
            digest.update(b"%b%b:" % (b"," if place else b"", orjson.dumps(name)))
            if not whole and _is_long(text):
                digest.update(orjson.dumps({"sha256": text.sha256}))
            elif isinstance(text, Base64):  # long, and nothing in it to escape
                for piece in (b'"', text.encoded, b'"'):
                    digest.update(piece)
            else:
                digest.update(orjson.dumps(text))
        digest.update(b"}")
    digest.update(b"],%b]" % orjson.dumps(lines))
    return digest.digest()


def _decoded(file: FileValues) -> Base64 | None:
    text = file.get("FILE")
    if text is None or isinstance(text, Base64):
        return text
    try:
        return Base64.read(text)
    except ValueError:
        return None


def _holds_all_lines(node: etree._Element) -> bool:
    """Whether nothing beside LINES may have been meant to be one, and nothing in it to be a LINE."""
    containers = [child for child in node.iterchildren("*") if child.tag != "HEADER"]
    return [child.tag for child in containers] == ["LINES"] and all(
        child.tag == LINE for child in containers[0].iterchildren("*")
    )


def _values(node: etree._Element) -> dict[str, str]:
    return {intern(str(child.tag)): child.text or "" for child in node if not len(child)}


def _of_good(lines: etree._Element) -> list[dict[str, str]]:
    """The same of each LINE, when the schema has found them good: one walk takes two thirds of the time."""
    found: list[dict[str, str]] = []
    values: dict[str, str] = {}
    for element in lines.iterdescendants():
        name = intern(element.tag)  # type: ignore[arg-type]  # a name
        if name == LINE:
            values = {}
            found.append(values)
        else:
            values[name] = element.text or ""
    return found


def _findings(node: etree._Element, part: str, position: int) -> Iterator[Finding]:
    content = parts()[part]
    assert isinstance(content, Sequence)
    place_of = _Numbered(node, position).place_of
    told = False
    for mistake in mistakes(node, content):
        told = True
        yield Finding(mistake.error, place_of(mistake.node))
    if not told:  # the schema refuses it, so nobody may take it for good
        refused = part_schema().error_log.last_error
        reason = refused.type_name if refused is not None else "?"
        unexpected = PostingContentUnexpected(element=part, value=reason, expected="-")
        yield Finding(unexpected, Place(position))


class _Numbered:
    """Where the elements of a part are; each parent's children are counted once, however many are wrong."""

    def __init__(self, node: etree._Element, position: int) -> None:
        self._position = position
        self._lines = {line: number for number, line in enumerate(node.iter(LINE), start=1)}
        self._occurrences: dict[etree._Element, dict[etree._Element, int]] = {}

    def place_of(self, node: etree._Element) -> Place:
        """The voucher's LINE that an element is in, and which of its name it is there."""
        line = next((step for step in (node, *node.iterancestors()) if step.tag == LINE), None)
        number = self._lines[line] if line is not None else 0
        return Place(self._position, number, str(node.tag), self._occurrence(node))

    def _occurrence(self, node: etree._Element) -> int:
        parent = node.getparent()
        if parent is None:
            return 1
        if parent not in self._occurrences:
            counts: Counter[object] = Counter()
            numbered = {}
            for child in parent:
                counts[child.tag] += 1
                numbered[child] = counts[child.tag]
            self._occurrences[parent] = numbered
        return self._occurrences[parent][node]
