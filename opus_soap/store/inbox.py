"""Business messages that had their effect, and the answer that each got. Rows never expire in retention.

Key: interface, sender and the sender's own identifier. The hash of the content tells a repetition
(same answer again) from another message under the same identifier (refused, naming the difference).
"""

from __future__ import annotations

from datetime import datetime

from opus_soap.database import transaction
from opus_soap.store import content
from opus_soap.store.models import InboxEntry


def find(interface: str, sender: str, business_key: str) -> InboxEntry | None:
    """The message under this key that had its effect, or None."""
    found: InboxEntry | None = InboxEntry.get_or_none(
        InboxEntry.interface == interface,
        InboxEntry.sender == sender,
        InboxEntry.business_key == business_key,
    )
    return found


def record(
    interface: str,
    sender: str,
    business_key: str,
    *,
    body: bytes,
    answer: bytes,
    at: datetime,
    media_type: str = "application/json",
) -> InboxEntry:
    """Keep a message and its answer, in the transaction of its effect.

    `body` is the canonical business content, without what differs between two sendings of the same.
    `media_type` is that of both.
    """
    with transaction():
        stored = content.put(body, media_type, at=at)
        return InboxEntry.create(
            interface=interface,
            sender=sender,
            business_key=business_key,
            body_sha256=stored.sha256,
            body=stored,
            answer=content.put(answer, media_type, at=at),
            received_at=at,
        )
