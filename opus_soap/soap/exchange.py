"""What is known of one request so far; the access log and the archive read it."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from opus_soap.encoded import Piece
from opus_soap.soap.access_log import Timings
from opus_soap.store.models import System
from opus_soap.wss.names import SOAP11


@dataclass
class Exchange:
    """One request and what becomes of it."""

    endpoint: str
    now: datetime
    correlation_id: uuid.UUID = field(default_factory=uuid.uuid4)
    timings: Timings = field(default_factory=Timings)
    request: bytes | None = None
    request_pieces: Sequence[Piece] = ()  # the same, cut at long contents, once they are known
    system: System | None = None
    by_connection: bool = False  # the caller showed TLS a certificate, and signed nothing
    message_id: str = ""
    action: str = ""
    outcome: str = ""
    status: int = 200
    soap_namespace: str = SOAP11  # as the Content-Type says

    @property
    def unsigned(self) -> bool:
        """Whether the caller looks for no signature: it is of the Context model, and gives none."""
        return self.by_connection and (self.system is None or self.system.security_model == "context")
