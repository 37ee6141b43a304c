"""Bytes by their SHA-256: documents, raw messages, renderings. Stored once, verified when read.

The hash stays for ever; the bytes may be purged when their retention is over (the right to erasure),
while whatever the ledger holds about them, their hash and their amounts, is untouched.

What holds others as base64, a message with what is attached to it, is kept without them, in parts: those are
rows, as long as it is there, and keep what is attached from being forgotten.

Large ones are files in a folder beside the database, where one is bound: a database writes each byte twice.
Who stores one writes its row first, and the file before the transaction ends; who forgets one deletes the
file while the row is held. So no row is there without its file. A row that is young is not held by who stores
it again: nobody forgets it, and who finds its file gone writes it whole beside its place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from operator import itemgetter
from typing import Any, TypeGuard
from weakref import WeakKeyDictionary

from peewee import Database, fn
from pybase64 import b64encode

from opus_soap.clock import isoformat
from opus_soap.database import (
    Prepared,
    files_folder,
    insert_rows,
    proxy,
    stored_rows,
    transaction,
)
from opus_soap.encoded import LONG, Base64, Piece, as_bytes, hash_of
from opus_soap.errors import (
    Both,
    ContentDamaged,
    ContentFolderGone,
    ContentLost,
    ContentMissing,
    ContentNotKept,
)
from opus_soap.store.files import FileStore
from opus_soap.store.models import Content, ContentFolder, ContentPart

_PAGE, _BATCH_BYTES = 200, 8 * 1024 * 1024  # what is verified at once: rows, bytes
LARGE = 256 * 1024  # bytes; a larger one is a file
ATTACHED = "application/octet-stream"  # the type of what is known only by what holds it
_folder_names: WeakKeyDictionary[Database, str] = WeakKeyDictionary()
# retention is counted in days: no lock on a shared row for less. Less than a day, or what is stored while a
# purge begins could be taken for old
_AFRESH = timedelta(hours=12)
NO_FOLDER = Both("i en fil, og ingen mappe er valgt", "in a file, and no folder is set")
NEVER_STORED = Both("aldrig gemt", "never stored")


_NOWHERE = {"data": None, "in_file": False, "in_parts": False}


def digest_of(data: bytes) -> str:
    """The hash that bytes are stored under."""
    return hashlib.sha256(data).hexdigest()


def put(data: bytes, media_type: str, *, at: datetime) -> Content:
    """Store bytes under their hash; the same bytes again are the same row.

    Retention counts from the last time: whoever stores them next must find them as long as the first.
    """
    return _put(digest_of(data), data, media_type, at)


def _put(digest: str, data: bytes, media_type: str, at: datetime) -> Content:
    row = Content(sha256=digest, size=len(data), media_type=media_type, stored_at=at)
    new, again = (digest, row.size, media_type, isoformat(at)), (digest, isoformat(at), at - _AFRESH)
    files = _files_for(data)
    with transaction():
        if files is None:
            row.data = data
            _ = _insert.do(*new, data) or _again.do(*again, data)
        else:
            row.in_file = True
            if _insert_file.do(*new) or _file_again.do(*again) or _is_lost(digest, row.size, files):
                _write(files, digest, data)
    return row


def _write(files: FileStore, digest: str, data: bytes) -> None:
    """Write a content's file. Raises `ContentFolderGone` where others should be and their folder is not.

    A folder that is not mounted must not be made: what is written there is hidden by what is mounted next.
    """
    if not files.folder.is_dir() and _in_files().where(Content.sha256 != digest).exists():
        raise ContentFolderGone(element=str(files.folder))
    files.put(digest, data)


def _files_for(data: bytes) -> FileStore | None:
    """Where bytes are a file; None where they are in their row."""
    return folder_of_files() if len(data) > LARGE else None


def _where(data: bytes, files: FileStore | None) -> dict[str, Any]:
    """What a row says of where its bytes are."""
    return {**_NOWHERE, "data": data if files is None else None, "in_file": files is not None}


def _is_lost(digest: str, size: int, files: FileStore) -> bool:
    """Whether a row says that there is a file, and there is none, or part of one: it is put back then."""
    return files.size_of(digest) != size and _is_there(digest)


def _is_there(digest: str) -> bool:
    """Whether a row says so of a file."""
    return bool(_in_files().where(Content.sha256 == digest).exists())


def folder_of_files() -> FileStore | None:
    """A folder of this database's own, if any: what another is done with may still be needed here."""
    beside = files_folder()
    if beside is None:
        return None
    if proxy.obj not in _folder_names:
        _folder_names[proxy.obj] = ContentFolder.get().name
    return FileStore(beside / "contents" / _folder_names[proxy.obj])


def put_pieces(
    pieces: Sequence[Piece],
    media_type: str,
    *,
    at: datetime,
    types: Mapping[str, str] | None = None,
    sha256: str = "",
) -> Content:
    """Store what pieces make together, but for what is attached: that is stored once, whatever holds it.

    `types` has the media types of what is attached, by hash, and `sha256` is of the whole, where they are
    known. What is large without what is attached is stored whole: parts are in the database.
    """
    texts = {piece.sha256: piece for piece in pieces if is_apart(piece)}
    if not texts or size_of_rest(pieces) > LARGE:
        return put(b"".join(map(as_bytes, pieces)), media_type, at=at)
    digest, known = sha256 or hash_of(pieces), types or {}
    row = Content(
        sha256=digest, size=sum(map(len, pieces)), media_type=media_type, in_parts=True, stored_at=at
    )
    new, again = (digest, row.size, media_type, isoformat(at)), (digest, isoformat(at), at - _AFRESH)
    with transaction():
        put_hashed(((name, (text.content, known.get(name, ATTACHED))) for name, text in texts.items()), at=at)
        # parts that are there make the same bytes, however it was cut for them
        if _insert_parts.do(*new) or (_parts_again.do(*again) and not _some_parts.rows(digest)):
            insert_rows(ContentPart, _PART, list(_parts(digest, pieces)))
    return row


_PART = ("content", "position", "before", "attached")


def is_apart(piece: Piece) -> TypeGuard[Base64]:
    """Whether a piece is kept for itself."""
    return isinstance(piece, Base64) and len(piece) >= LONG


def size_of_rest(pieces: Sequence[Piece]) -> int:
    """The bytes of the pieces that are not, counted."""
    return sum(len(piece) for piece in pieces if not is_apart(piece))


def _parts(digest: str, pieces: Sequence[Piece]) -> Iterator[tuple[str, int, bytes, str | None]]:
    """The rows of a content in parts."""
    position = 0
    before: list[bytes | memoryview] = []
    for piece in pieces:
        if is_apart(piece):
            yield digest, position, b"".join(before), piece.sha256
            position, before = position + 1, []
        else:
            before.append(as_bytes(piece))
    yield digest, position, b"".join(before), None


@Prepared
def _some_parts(sha256: Any) -> Any:
    return ContentPart.select(ContentPart.position).where(ContentPart.content == sha256).limit(1).tuples()


@Prepared
def _insert(sha256: Any, size: Any, media_type: Any, stored_at: Any, data: Any) -> Any:
    return _new(sha256, size, media_type, stored_at, data=data)


@Prepared
def _insert_file(sha256: Any, size: Any, media_type: Any, stored_at: Any) -> Any:
    return _new(sha256, size, media_type, stored_at, in_file=True)


@Prepared
def _insert_parts(sha256: Any, size: Any, media_type: Any, stored_at: Any) -> Any:
    return _new(sha256, size, media_type, stored_at, in_parts=True)


@Prepared
def _again(sha256: Any, stored_at: Any, afresh: Any, data: Any) -> Any:
    return _afresh(sha256, stored_at, afresh, data=data)


@Prepared
def _file_again(sha256: Any, stored_at: Any, afresh: Any) -> Any:
    return _afresh(sha256, stored_at, afresh, in_file=True)


@Prepared
def _parts_again(sha256: Any, stored_at: Any, afresh: Any) -> Any:
    return _afresh(sha256, stored_at, afresh, in_parts=True)


def _new(sha256: Any, size: Any, media_type: Any, stored_at: Any, **where: Any) -> Any:
    """A row, unless there is one."""
    told = {"sha256": sha256, "size": size, "media_type": media_type, "stored_at": stored_at}
    return Content.insert({**told, **_NOWHERE, **where}).on_conflict_ignore()


def _afresh(sha256: Any, stored_at: Any, afresh: Any, **where: Any) -> Any:
    """The row, if it was purged or is not young: others may be at work on a young one, and need not wait."""
    stored = Content.update({**_NOWHERE, **where, "stored_at": stored_at, "purged_at": None})
    old = Content.purged_at.is_null(False) | (Content.stored_at < afresh)
    return stored.where(Content.sha256 == sha256, old)


def put_all(items: Iterable[tuple[bytes, str]], *, at: datetime) -> list[Content]:
    """Store several (bytes, media type) and return them in their order.

    They are written in the order of their hashes, so that two who store the same wait for each other
    instead of blocking each other for good.
    """
    given = list(items)
    digests = [digest_of(data) for data, _ in given]
    rows = put_hashed(zip(digests, given, strict=True), at=at)
    return [rows[digest] for digest in digests]


def put_hashed(items: Iterable[tuple[str, tuple[bytes, str]]], *, at: datetime) -> dict[str, Content]:
    """The same, by whoever has computed their hashes: to each of them its row."""
    in_order = sorted(items, key=itemgetter(0))
    return {digest: _put(digest, data, media_type, at) for digest, (data, media_type) in in_order}


def put_new(items: Iterable[tuple[bytes, str, datetime]]) -> list[Content]:
    """Store several (bytes, media type, when) at once, in the caller's transaction, as their first.

    They must hold an identifier of their own: peewee's IntegrityError where the same bytes are there already.
    """
    given = [(digest_of(data), data, media_type, at) for data, media_type, at in items]
    rows = []
    for digest, data, media_type, at in given:
        files = _files_for(data)
        if files is not None:
            _write(files, digest, data)  # before its row: no other has these bytes
        where = _where(data, files)
        rows.append(Content(sha256=digest, size=len(data), media_type=media_type, stored_at=at, **where))
    columns = ("sha256", "size", "media_type", "data", "in_file", "stored_at")
    insert_rows(Content, columns, [[row.__data__[name] for name in columns] for row in rows])
    return rows


def put_back(data: bytes, *, at: datetime) -> bool:
    """Store bytes again that were purged; False, and nothing is stored, when they were not."""
    digest, files = digest_of(data), _files_for(data)
    with transaction():
        changed: int = (
            Content.update(**_where(data, files), purged_at=None, stored_at=at)
            .where(Content.sha256 == digest, Content.purged_at.is_null(False))
            .execute()
        )
        if changed and files is not None:
            _write(files, digest, data)
    return changed == 1


def note(data: bytes, media_type: str, *, at: datetime) -> Content:
    """Keep the hash and the size alone, as of purged content; what is there already stays."""
    row = Content(
        sha256=digest_of(data),
        size=len(data),
        media_type=media_type,
        stored_at=at,
        purged_at=at,
    )
    with transaction():
        Content.insert(row.__data__).on_conflict_ignore().execute()
    return row


def get(digest: str) -> bytes:
    """The bytes of a hash.

    Raises `ContentMissing` when they were never stored, or were purged; `ContentLost`, `ContentDamaged`.
    """
    row = _row_of(digest)
    try:
        data = _of_row(row)
    except (ContentMissing, ContentLost):
        _row_of(digest)  # it may have been purged meanwhile
        raise
    actual = hashlib.sha256(data).hexdigest()
    if actual != digest:
        _row_of(digest)
        raise ContentDamaged(value=actual, expected=digest)
    return data


def _row_of(digest: str) -> Content:
    row: Content | None = Content.get_or_none(Content.sha256 == digest)
    if row is None:
        raise ContentMissing(value=digest, expected=NEVER_STORED)
    if row.purged_at is not None and row.purged_at == row.stored_at:  # by `note`
        raise ContentNotKept(value=digest, expected=row.size)
    if row.purged_at is not None:
        raise ContentMissing(
            value=digest, expected=Both(f"slettet {row.purged_at}", f"purged {row.purged_at}")
        )
    return row


def _of_row(row: Content) -> bytes:
    if row.in_parts:
        return _of_parts(row.sha256)
    return _of_file(row.sha256) if row.in_file else bytes(row.data or b"")


def _of_parts(digest: str) -> bytes:
    query = ContentPart.select(ContentPart.before, ContentPart.attached).where(ContentPart.content == digest)
    pieces = []
    for before, attached in stored_rows(query.order_by(ContentPart.position)):
        pieces.append(bytes(before))
        if attached is not None:
            pieces.append(b64encode(get(attached)))
    return b"".join(pieces)


def _of_file(digest: str) -> bytes:
    try:
        with files_bound(digest).open(digest) as file:
            return file.read()
    except ContentMissing as error:
        raise ContentLost(value=digest, expected=error.expected) from None
    except OSError as error:
        raise ContentLost(value=digest, expected=error.strerror or "?") from None


def files_bound(digest: str) -> FileStore:
    """The folder, for a content that is in it; raises `ContentLost` without one."""
    files = folder_of_files()
    if files is None:
        raise ContentLost(value=digest, expected=NO_FOLDER)
    return files


def verify() -> Iterator[str]:
    """What is no longer what its hash says; of what was purged the hash alone is kept.

    Read by some bytes at a time: PostgreSQL hands over all that is asked for at once.
    """
    yield from _verify_rows()
    files = folder_of_files()
    if files is not None and not files.folder.is_dir() and (count := _in_files().count()):
        yield f"contents: their folder {files.folder} is not there; {count} are in it, and parts of others"
        return
    for digest in hashes_of(_in_parts()):
        yield from _verify_parts(digest)
    for digest in hashes_of(_in_files()):
        try:
            files_bound(digest).verify(digest)
        except (ContentMissing, ContentLost):
            if _is_there(digest):  # still: or it has been purged meanwhile
                yield f"content {digest}: its file is missing, or cannot be read"
        except ContentDamaged:
            yield f"content {digest}: its file has been changed"


def _verify_parts(digest: str) -> Iterator[str]:
    try:
        get(digest)
    except (ContentMissing, ContentLost, ContentDamaged):
        if _in_parts().where(Content.sha256 == digest).exists():  # still: or it has been purged meanwhile
            yield f"content {digest}: a part of it is missing, or has been changed"


def _in_parts() -> Any:
    return Content.select(Content.sha256).where(Content.in_parts, Content.purged_at.is_null())


def first_lost() -> str | None:
    """The first of the contents in files, by their hashes, when it is not there: a quick look."""
    first: Content | None = _in_files().order_by(Content.sha256).first()
    files = folder_of_files()
    if first is None or (files is not None and files.place(first.sha256).exists()):
        return None
    return first.sha256


def _in_files() -> Any:
    there = Content.select(Content.sha256, Content.size)
    return there.where(Content.in_file, Content.purged_at.is_null())


def hashes_of(query: Any) -> Iterator[str]:
    """The first column of a query of contents, in its order, however many there are."""
    return (row[0] for row in _paged(query))


def _verify_rows() -> Iterator[str]:
    for some in _in_batches():
        rows = _in_rows(Content.select(Content.sha256, Content.data))  # what is purged meanwhile is no loss
        for row in rows.where(Content.sha256.in_(some)).order_by(Content.sha256):
            if digest_of(bytes(row.data or b"")) != row.sha256:
                yield f"content {row.sha256}: has been changed"


def _in_batches() -> Iterator[list[str]]:
    """The hashes of all that is there, in their order, by so many as are not too many bytes; one at least."""
    batch: list[str] = []
    left = _BATCH_BYTES
    for sha256, size in _sizes():
        if batch and size > left:
            yield batch
            batch, left = [], _BATCH_BYTES
        batch.append(sha256)
        left -= size
    if batch:
        yield batch


def _sizes() -> Iterator[tuple[str, int]]:
    return _paged(_in_rows(Content.select(Content.sha256, fn.COALESCE(fn.LENGTH(Content.data), 0))))


def _in_rows(query: Any) -> Any:
    """Of the contents of a query those whose bytes are in their row, or should be."""
    expected = Content.purged_at.is_null() & ~Content.in_file & ~Content.in_parts
    return query.where(expected | Content.data.is_null(False))


def _paged(there: Any) -> Iterator[Any]:
    after = ""
    while page := stored_rows(there.where(Content.sha256 > after).order_by(Content.sha256).limit(_PAGE)):
        yield from page
        after = page[-1][0]
