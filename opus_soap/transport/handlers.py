"""Who sends which kind of message: interfaces register their handlers here, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from opus_soap.clock import Clock
from opus_soap.errors import TransportError
from opus_soap.settings import Settings
from opus_soap.store.models import OutboxEntry
from opus_soap.transport.client import Caller


@dataclass(frozen=True)
class Delivery:
    """What a handler works with."""

    caller: Caller
    clock: Clock
    settings: Settings


Send = Callable[[OutboxEntry, Delivery], None]
Hold = Callable[[OutboxEntry], None]
GivenUp = Callable[[OutboxEntry, TransportError, Delivery], None]


@dataclass(frozen=True)
class Handler:
    """`send` delivers and records the effect, or raises a `TransportError`.

    It ends in one transaction that marks the entry delivered together with whatever follows from
    that. `given_up` runs in the transaction that parks the entry; `hold`, when there is one, runs first in
    it, and locks what the entry is about before the entry itself, as everybody else does.
    """

    send: Send
    given_up: GivenUp
    hold: Hold | None = None


Handlers = dict[str, Handler]
