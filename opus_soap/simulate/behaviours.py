"""How the simulated case system treats an invoice: named behaviours, chosen per invoice or by seed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from opus_soap.errors import BehaviourUnknown

BEHAVIOURS: dict[str, str] = {
    "approve": "approves on one line",
    "split": "approves on three lines",
    "reject": "rejects, with a reason and a remark",
    "wrong_sum": "answers with a sum that is 1.00 too high, then with the right one",
    "account_error": "answers with an account that does not exist, then with one that does",
    "corrected": "approves, and later corrects the account assignment",
    "duplicate": "sends the same answer twice",
    "lost_ack": "takes the invoice but loses the receipt; loses our receipt for its answer too",
    "slow": "takes its time to reply and to answer",
    "silence": "never answers",
    "fault": "refuses the invoice with a SOAP fault",
}


@dataclass(frozen=True)
class Choice:
    """Which behaviour an invoice gets: its own, or one drawn by weight; always the same for a seed."""

    seed: int = 0
    weights: Mapping[str, int] = field(default_factory=lambda: {"approve": 1})
    by_number: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in (*self.weights, *self.by_number.values()):
            if name not in BEHAVIOURS:
                raise BehaviourUnknown(value=name, expected=", ".join(BEHAVIOURS))

    def for_invoice(self, number: str) -> str:
        """The behaviour for an invoice number."""
        if number in self.by_number:
            return self.by_number[number]
        digest = hashlib.sha256(f"{self.seed}/{number}".encode()).digest()
        place = int.from_bytes(digest[:8], "big") % sum(self.weights.values())
        for name, weight in self.weights.items():
            if place < weight:
                return name
            place -= weight
        raise AssertionError  # the weights sum to more than any place
