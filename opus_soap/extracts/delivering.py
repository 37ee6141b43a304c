"""Produced extracts are handed over: put into a folder or onto an SFTP server, the manifest last.

In the order of their numbers: while one of a subscription cannot be handed over, those behind it wait. Each
attempt is noted. What is to be downloaded is handed over when its receiver confirms it (`downloading`).
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Protocol

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import (
    ExtractNotReady,
    ExtractTargetUnreachable,
    SftpMissing,
)
from opus_soap.extracts.producing import Producer
from opus_soap.failpoints import failpoint
from opus_soap.store import audit
from opus_soap.store.extract_models import Extract, ExtractDelivery
from opus_soap.store.files import sync_folder

DELIVERED = "extract.delivered"
_FIRST_WAIT, _LONGEST_WAIT = timedelta(minutes=1), timedelta(hours=1)


class Door(Protocol):
    """A place that files are put into; what goes wrong is an OSError."""

    def put(self, source: Path) -> None:
        """Put a file there under its own name, whole or not at all; the same again is the same."""


@dataclass(frozen=True)
class Deliverer:
    """Hands over what a producer has made."""

    producer: Producer
    clock: Clock

    def deliver(self, extract: Extract, *, at_once: bool = False) -> bool:
        """Hand a produced extract over, if its turn has come, and (but for `at_once`) its time.

        False when it has not been: it waits for another, for its next attempt, or to be downloaded. Raises
        `ExtractNotReady`, `ExtractBusy`, `ExtractTargetUnreachable`, `SftpMissing`.
        """
        extract = Extract.get_by_id(extract.id)
        if extract.state not in (Extract.PRODUCED, Extract.DELIVERED):
            raise ExtractNotReady(element=extract.name, value=extract.state, expected=Extract.PRODUCED)
        with self.producer.alone(extract):  # or two would write into one file
            return self._deliver(Extract.get_by_id(extract.id), at_once)

    def _deliver(self, extract: Extract, at_once: bool) -> bool:
        if extract.state == Extract.DELIVERED:
            return True
        target = extract.subscription.target
        if is_fetched(target) or waiting_before(extract) is not None:
            return False
        if not at_once and extract.next_attempt_at is not None and extract.next_attempt_at > self.clock.now():
            return False
        files = self.producer.files(extract)
        where = shown_target(target)
        try:
            with _door(target) as door:
                for path in files:
                    door.put(path)
                    failpoint("extracts.copied")
        except SftpMissing as error:
            self._failed(extract, where, str(error))
            raise
        except OSError as error:
            reason = error.strerror or str(error) or type(error).__name__
            self._failed(extract, where, reason)
            raise ExtractTargetUnreachable(element=where, value=reason) from None
        failpoint("extracts.handed_over")
        self.note(extract, where, files)
        failpoint("extracts.receipt_noted")
        return True

    def note(self, extract: Extract, where: str, files: Sequence[Path]) -> None:
        """That an extract has been handed over, once, with the receipt."""
        now = self.clock.now()
        size = sum(path.stat().st_size for path in files)
        with transaction():
            changed = (
                Extract.update(state=Extract.DELIVERED, delivered_at=now, last_error="", next_attempt_at=None)
                .where(Extract.id == extract.id, Extract.state == Extract.PRODUCED)
                .execute()
            )
            if not changed:
                return
            ExtractDelivery.create(
                extract=extract, at=now, door=where, outcome="delivered", files=len(files), bytes=size
            )
            audit.record(
                DELIVERED,
                extract.uuid,
                actor=where,
                at=now,
                municipality=extract.subscription.municipality,
                extract=extract.name,
                manifest=extract.manifest_sha256,
            )

    def _failed(self, extract: Extract, where: str, reason: str) -> None:
        now, attempts = self.clock.now(), extract.attempts + 1
        wait = min(_FIRST_WAIT * 2 ** min(attempts - 1, 10), _LONGEST_WAIT)
        with transaction():
            Extract.update(attempts=attempts, next_attempt_at=now + wait, last_error=reason[:1000]).where(
                Extract.id == extract.id
            ).execute()
            ExtractDelivery.create(
                extract=extract, at=now, door=where, outcome=reason[:1000], files=0, bytes=0
            )


def is_fetched(target: Mapping[str, Any]) -> bool:
    """Whether a receiver comes for its extracts, over HTTP or SOAP."""
    return not target or "system" in target


def waiting_before(extract: Extract) -> Extract | None:
    """The first with a lower number that has not been handed over: receivers get them in their order."""
    found: Extract | None = (
        Extract.select()
        .where(
            Extract.subscription == extract.subscription,
            Extract.sequence < extract.sequence,
            Extract.state.not_in((Extract.DELIVERED, Extract.CANCELLED)),
        )
        .order_by(Extract.sequence)
        .first()
    )
    return found


def shown_target(target: Mapping[str, Any]) -> str:
    """Where a folder or an SFTP server is, as receipts say it."""
    if is_fetched(target):
        return "fetched by its receiver"
    if "folder" in target:
        return f"folder:{target['folder']}"
    sftp = target["sftp"]
    return f"sftp:{sftp['user']}@{sftp['host']}:{sftp['port']}/{sftp['folder']}"


@contextmanager
def _door(target: dict[str, Any]) -> Iterator[Door]:
    if "folder" in target:
        yield Folder(Path(target["folder"]))
        return
    from opus_soap.extracts.sftp import sftp_door

    with sftp_door(target["sftp"]) as door:
        yield door


@dataclass(frozen=True)
class Folder:
    """A folder of this machine (or of one whose disk is here)."""

    folder: Path

    def put(self, source: Path) -> None:
        """As `Door.put`: beside its name first, synced, renamed."""
        part = self.folder / f".{source.name}.part"
        try:
            with source.open("rb") as read, part.open("wb") as out:
                shutil.copyfileobj(read, out, 1024 * 1024)
                out.flush()
                os.fsync(out.fileno())
            part.replace(self.folder / source.name)
            sync_folder(self.folder)
        finally:
            with suppress(OSError):
                part.unlink()
