"""Our whole server beside WSS4J's verifying and signing: size by size, in turns, with the same messages.

Each size is measured in rounds. In a round the messages are signed first, then one side answers them, then
the other; who begins changes, so that a slow moment of the machine hits both. A side's rate is the median of
its rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from lxml import etree

from bench.peers import ours, wss4j
from bench.peers.driving import Endpoint, Spent
from bench.peers.messages import SIZES, Size, Writer
from bench.peers.ours import OurServer
from opus_soap.wss.signing import load_signer

Row = dict[str, Any]
_LEAST, _MOST_WARMING = 2, 512  # messages


@dataclass(frozen=True)
class Pace:
    """How long is measured: the seconds of each side in a round, and how many rounds.

    `singly` is the number of messages of which the parts are told, `warming` how often fifty small ones
    are sent to WSS4J before anything is measured: its code is compiled by then, most of it.
    """

    seconds: float
    rounds: int
    singly: int
    warming: int


FULL = Pace(seconds=2.0, rounds=5, singly=15, warming=40)
SHORT = Pace(seconds=0.2, rounds=1, singly=2, warming=2)


@dataclass(frozen=True)
class Sides:
    """Both servers, running; WSS4J only where it is installed."""

    ours: OurServer
    wss4j: Endpoint | None
    writer: Writer
    pace: Pace


def measure(*, short: bool, tell: Callable[[str], None]) -> Iterator[Row]:
    """One row for each size; `tell` hears what is being measured."""
    with TemporaryDirectory(prefix="opus-soap-bench-") as name, ExitStack() as running:
        folder = Path(name)
        server = running.enter_context(ours.running(folder))
        peer = None
        if not wss4j.missing():
            peer = running.enter_context(wss4j.running(server.scene.keys, folder / "wss4j"))
        sides = Sides(server, peer, _writer(server), SHORT if short else FULL)
        if peer is not None:
            tell("WSS4J is warmed up")
            first = [sent.data for sent in sides.writer.write(SIZES[0].make(SIZES[0].body_bytes), 50)]
            for _ in range(sides.pace.warming):
                peer.send(first)
        for size in SIZES:
            tell(size.name)
            yield _measured(size, sides)


def _writer(server: OurServer) -> Writer:
    key, certificate = (server.scene.keys / f"case-system.{kind}.pem" for kind in ("key", "crt"))
    return Writer(load_signer(key, certificate, timedelta(seconds=ours.LIFETIME_SECONDS)))


def _measured(size: Size, sides: Sides) -> Row:
    template = size.make(size.body_bytes)
    rounds = list(_rounds(template, sides))
    row: Row = {"name": size.name, "goal": size.goal, "ratio": None, "held": None}
    for side in rounds[0]:
        row[f"{side}_per_second"] = round(median(one[side].per_second for one in rounds), 2)
        row[f"{side}_worked_ms"] = round(median(one[side].worked_ms for one in rounds), 2)
    if sides.wss4j is not None:
        row["ratio"] = round(row["ours_per_second"] / row["wss4j_per_second"], 2)
        row["held"] = row["ratio"] >= size.goal
    row["rounds"] = [{side: asdict(spent) for side, spent in one.items()} for one in rounds]
    return row | _parts(template, sides)


def _rounds(template: etree._Element, sides: Sides) -> Iterator[dict[str, Spent]]:
    """What was sent to whom, round by round; as many messages as each answers in a round's time."""
    wanted, peer = sides.pace.seconds, sides.wss4j
    of_ours = _count(lambda number: sides.ours.send(sides.writer.write(template, number)), wanted)
    if peer is not None:
        few = [sent.data for sent in sides.writer.write(template, _LEAST)]
        of_peer = _count(lambda number: peer.send(_repeated(few, number)), wanted)
    for number in range(sides.pace.rounds):
        messages = sides.writer.write(template, of_ours)
        spent: dict[str, Spent] = {}
        for side in ("wss4j", "ours") if number % 2 else ("ours", "wss4j"):
            if side == "ours":
                spent[side] = sides.ours.send(messages)
            elif peer is not None:
                spent[side] = peer.send(_repeated([sent.data for sent in messages], of_peer))
        yield spent


def _repeated(messages: Sequence[bytes], how_many: int) -> list[bytes]:
    return list(islice(cycle(messages), how_many))


def _count(send: Callable[[int], Spent], seconds: float) -> int:
    """How many messages take about so many seconds, of a side that is warm by then."""
    number = _LEAST
    while (spent := send(number)).seconds < seconds / 2 and number < _MOST_WARMING:
        number *= 2
    return max(_LEAST, round(spent.per_second * seconds))


def _parts(template: etree._Element, sides: Sides) -> Row:
    """Where each millisecond of our request goes.

    Of one caller alone: of two at a time, the parts of one would count the other's work.
    """
    messages = sides.writer.write(template, sides.pace.singly)
    took, logged = sides.ours.send_singly(messages)
    assert len(logged) == len(messages)
    parts = {part: median(ms[part] for ms in logged) for part in logged[0]}
    rest = median(whole - sum(ms.values()) for whole, ms in zip(took, logged, strict=True))
    return {
        "bytes": round(median(len(message.data) for message in messages)),
        "vouchers": messages[0].vouchers,
        "ms": round(median(took), 2),
        "parts_ms": {part: round(ms, 2) for part, ms in {**parts, "rest": rest}.items()},
    }
