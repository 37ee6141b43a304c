"""What tests of doors share: a kind of extract whose files are known, a subscription, orders of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from opus_soap.clock import Clock
from opus_soap.extracts import ordering, subscribing
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.kinds import Job
from opus_soap.extracts.output import Output
from opus_soap.extracts.producing import Producer
from opus_soap.ledger.seals import create_seal_key
from opus_soap.store.extract_models import Extract, Subscription


@dataclass
class Known:
    """A kind whose one file has so many bytes, which tell the number of the extract."""

    size: int = 700_000
    name: str = "known"
    prefix: str = "KNOWN"
    approval: bool = False
    deltas: bool = True
    repeatable: bool = True

    def check(self, company: Any, options: Mapping[str, Any]) -> dict[str, Any]:
        """Whatever."""
        return dict(options)

    def write(self, job: Job, output: Output) -> None:
        """NAME.txt."""
        step = f"{job.sequence:09d}\n".encode() * 100_000
        with output.file(".txt") as out:
            for done in range(0, self.size, len(step)):
                out.write(step[: self.size - done])


class Doors:
    """A producer, a deliverer, and subscriptions."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock, self.kind = folder, clock, Known()
        self.key_file = folder / "seal.key.pem"
        create_seal_key(self.key_file)
        self.producer = Producer({"known": self.kind}, folder / "extracts", self.key_file, clock)
        self.deliverer = Deliverer(self.producer, clock)

    def subscribe(self, name: str = "SUB1", calendar: str = "manual", **target: Any) -> Subscription:
        """A subscription to `Known`."""
        return subscribing.add(
            self.producer.kinds,
            municipality="999",
            company="0020",
            name=name,
            kind="known",
            receiver=f"Receiver of {name}",
            options={},
            calendar=calendar,
            at="06:00",
            target=target,
            delta=True,
            starts_on=date(2026, 11, 23),
            actor="test",
            clock=self.clock,
        )

    def ordered(self, subscription: Subscription) -> Extract:
        """The next extract of it, ordered."""
        return ordering.order(
            subscription, self.producer.kinds, self.key_file, actor="test", clock=self.clock
        )

    def produced(self, subscription: Subscription) -> Extract:
        """The next extract of it, produced."""
        return self.producer.produce(self.ordered(subscription), actor="test")

    def files(self, extract: Extract) -> dict[str, bytes]:
        """Its files as they must arrive, the manifest last."""
        return {path.name: path.read_bytes() for path in self.deliverer.producer.files(extract)}


def in_folder(folder: Path) -> dict[str, bytes]:
    """What lies in a folder, whatever it is called."""
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
