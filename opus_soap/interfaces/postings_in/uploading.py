"""Files of postings over HTTP: `PUT /posteringer-ind/<SENDERID>/<FILE_NAME>` is answered with the receipt.

`GET` of the same path gives the receipt again, and of `…_BOGFOERT.xml` the third one. Who asks shows a token.
A file that is being delivered has a place among the uploads, and none among the requests.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any, BinaryIO, cast

from opus_soap.clock import Clock
from opus_soap.errors import (
    Both,
    DeliveryForbidden,
    DeliveryUnauthorized,
    PathUnknown,
    PostingFileRefused,
    ReceiptUnknown,
    UploadsBusy,
)
from opus_soap.interfaces.postings_in import booked, receipts
from opus_soap.interfaces.postings_in.receiving import Receiver
from opus_soap.settings import Settings
from opus_soap.soap import limits
from opus_soap.soap.answers import Answer
from opus_soap.soap.front import AtWork
from opus_soap.soap.shares import Shares
from opus_soap.store.credentials import sender_of_token
from opus_soap.store.models import PostingFile, PostingSender

_XML = "application/xml"
_LONGEST_NAME = 120  # in a text
_MEDIA_TYPES = (_XML, "text/xml")


@dataclass
class PostingUploads:
    """The door for senders who deliver over HTTP."""

    settings: Settings
    clock: Clock
    prefix: str = "/posteringer-ind/"
    methods: tuple[str, ...] = ("GET", "HEAD", "PUT")
    at_once: int = 1  # files that are booked at a time: a large one has its turn at the processor for long

    def __post_init__(self) -> None:
        settings = self.settings
        self._booking = threading.BoundedSemaphore(self.at_once)
        self._shares = Shares(settings.max_pending_uploads, settings.max_uploads_of_sender, UploadsBusy)

    def answer(self, environ: dict[str, Any], path: str, method: str, at_work: AtWork) -> Answer:
        """The receipt; 422 and the receipt that refuses it when the file as a whole has no effect.

        Raises `DeliveryUnauthorized`, `DeliveryForbidden`, `PathUnknown`, `ReceiptUnknown`, `UploadsBusy`,
        and what `limits` and `Receiver` raise.
        """
        with ExitStack() as until_delivered:
            with at_work():
                sender = _authenticated(environ)
                file_name = self._file_name(sender, path)
                if method != "PUT":
                    return 200, _XML, self._receipt(sender, file_name)
                of_it = Both(f"fra afsenderen {sender.sender_id}", f"from the sender {sender.sender_id}")
                until_delivered.enter_context(self._shares.one(sender.id, of_it))
            return self._delivered(environ, sender, file_name, at_work)

    def _file_name(self, sender: PostingSender, path: str) -> str:
        sender_id, _, file_name = path.removeprefix(self.prefix).partition("/")
        if sender_id != sender.sender_id:
            raise DeliveryForbidden(value=sender_id[:40])
        if not file_name or "/" in file_name or "\0" in file_name:
            raise PathUnknown
        return file_name

    def _delivered(
        self, environ: dict[str, Any], sender: PostingSender, file_name: str, at_work: AtWork
    ) -> Answer:
        """The file is taken in while others work, and dealt with in its turn."""
        settings, receiver = self.settings, self._receiver(sender)
        most = settings.max_posting_upload_bytes
        limits.check_headers(environ, most, _MEDIA_TYPES)
        actor = f"http:{sender.sender_id}"
        try:
            with limits.body_of(environ, most, settings.upload_timeout_seconds) as body:
                stored = receiver.take(cast("BinaryIO", body), file_name, actor=actor)
            with self._turn_to_book(), at_work():
                file = receiver.deal_with(stored, file_name, actor=actor, as_sender=sender.sender_id)
        except PostingFileRefused as refused:
            out = BytesIO()
            receipts.refuse(out, refused, self.clock.now(), file_name)
            return 422, _XML, out.getvalue()
        return 200, _XML, _stored(receiver, file.receipt_sha256, file_name)

    @contextmanager
    def _turn_to_book(self) -> Iterator[None]:
        """So many files at a time, and callers of the SOAP services have the other turns."""
        if not self._booking.acquire(timeout=self.settings.upload_timeout_seconds):
            booking = Both("ved at blive bogført", "being booked")
            raise UploadsBusy(element=booking, value=self.at_once, expected=self.at_once)
        try:
            yield
        finally:
            self._booking.release()

    def _receipt(self, sender: PostingSender, file_name: str) -> bytes:
        receiver = self._receiver(sender)
        if file := _file(sender, file_name):
            return _stored(receiver, file.receipt_sha256, file_name)
        if sender.booked_receipts and (file := _file(sender, booked.file_name_of(file_name))):
            return _stored(receiver, receiver.finish_booked(file), file_name)
        raise ReceiptUnknown(value=file_name[:_LONGEST_NAME])

    def _receiver(self, sender: PostingSender) -> Receiver:
        return Receiver.of(sender.municipality, self.settings, self.clock)


def _authenticated(environ: dict[str, Any]) -> PostingSender:
    scheme, _, token = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    sender = sender_of_token(token.strip()) if scheme.lower() == "bearer" else None
    if sender is None:
        raise DeliveryUnauthorized
    return sender


def _file(sender: PostingSender, name: str) -> PostingFile | None:
    found: PostingFile | None = PostingFile.get_or_none(
        PostingFile.sender == sender, PostingFile.name_key == name.casefold()
    )
    return found


def _stored(receiver: Receiver, sha256: str | None, name: str) -> bytes:
    if sha256 is None:  # under way, or not decided and sealed yet
        raise ReceiptUnknown(value=name[:_LONGEST_NAME])
    with receiver.store.open(sha256) as stored:
        return stored.read()
