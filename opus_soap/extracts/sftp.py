"""The door to a receiver's SFTP server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from opus_soap.errors import SftpMissing

if TYPE_CHECKING:
    from opus_soap.transport.sftp import Session


@contextmanager
def sftp_door(terms: Mapping[str, Any]) -> Iterator[SftpFolder]:
    """Log in by the terms of a subscription, and leave when the body is over.

    What goes wrong with the server is an OSError. Raises `SftpMissing`.
    """
    try:
        from opus_soap.transport.sftp import Account, Session
    except ImportError:
        raise SftpMissing from None
    account = Account(
        terms["host"],
        int(terms["port"]),
        terms["user"],
        Path(terms["known_hosts"]),
        *(Path(terms[name]) if terms.get(name) else None for name in ("key", "password_file")),
    )
    with Session(account) as session:
        yield SftpFolder(session, terms["folder"])


@dataclass(frozen=True)
class SftpFolder:
    """A folder on a server that we have logged in to."""

    session: Session
    folder: str

    def put(self, source: Path) -> None:
        """As `Door.put`: beside its name first, renamed; what is there already, byte for byte, is left."""
        place = f"{self.folder}/{source.name}"
        with source.open("rb") as local:
            if self.session.size(place) == source.stat().st_size:
                actual = hashlib.file_digest(local, "sha256").hexdigest()
                if self.session.sha256(place) == actual:
                    return
                local.seek(0)
            self.session.put(local, f"{self.folder}/.{source.name}.part", place)
