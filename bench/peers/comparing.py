"""Our whole server beside WSS4J's verifying and signing: size by size, in turns, with the same messages.

Each size is measured in rounds. In a round the messages are signed first, then one side answers them, then
the other; who begins changes, so that a slow moment of the machine hits both. A side's rate is the median of
its rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle, islice
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from lxml import etree

from bench.peers import ours, wss4j
from bench.peers.driving import Endpoint
from bench.peers.messages import SIZES, Sent, Size, Writer
from bench.peers.ours import OurServer
from opus_soap.wss.signing import load_signer

Row = dict[str, Any]
_LEAST, _MOST_WARMING = 2, 512  # messages


@dataclass(frozen=True)
class Pace:
    """How long is measured: the seconds of each side in a round, and how many rounds.

    `singly` is the least number of messages of which the parts are told, `warming` how often fifty small ones
    are sent to WSS4J before anything is measured: its code is compiled by then, most of it.
    """

    seconds: float
    rounds: int
    singly: int
    warming: int


FULL = Pace(seconds=2.0, rounds=5, singly=7, warming=40)
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
    how_many = _our_count(template, sides)
    row: Row = {"name": size.name, "goal": size.goal, "wss4j_per_second": None, "ratio": None, "held": None}
    if sides.wss4j is None:
        rounds = [{"ours": _our_rate(sides.writer.write(template, how_many), sides)} for _ in _rounds(sides)]
    else:
        rounds = list(_compared(template, how_many, sides.wss4j, sides))
        row["wss4j_per_second"] = round(median(one["wss4j"] for one in rounds), 2)
    row["ours_per_second"] = round(median(one["ours"] for one in rounds), 2)
    row["rounds"] = [{side: round(rate, 2) for side, rate in one.items()} for one in rounds]
    if row["wss4j_per_second"]:
        row["ratio"] = round(row["ours_per_second"] / row["wss4j_per_second"], 2)
        row["held"] = row["ratio"] >= size.goal
    return row | _parts(template, max(how_many // 2, sides.pace.singly), sides)


def _rounds(sides: Sides) -> range:
    return range(sides.pace.rounds)


def _compared(
    template: etree._Element, how_many: int, peer: Endpoint, sides: Sides
) -> Iterator[dict[str, float]]:
    """The rates of both sides, round by round."""
    same = [sent.data for sent in sides.writer.write(template, _LEAST)]
    of_peer = _count(lambda number: peer.send(list(islice(cycle(same), number))), sides.pace.seconds)
    for number in _rounds(sides):
        messages = sides.writer.write(template, how_many)
        repeated = list(islice(cycle([sent.data for sent in messages]), of_peer))
        rates: dict[str, float] = {}
        for side in ("wss4j", "ours") if number % 2 else ("ours", "wss4j"):
            if side == "ours":
                rates[side] = _our_rate(messages, sides)
            else:
                rates[side] = len(repeated) / peer.send(repeated)
        yield rates


def _our_count(template: etree._Element, sides: Sides) -> int:
    return _count(lambda number: sides.ours.send(sides.writer.write(template, number)), sides.pace.seconds)


def _our_rate(messages: Sequence[Sent], sides: Sides) -> float:
    return len(messages) / sides.ours.send(messages)


def _count(seconds_of: Callable[[int], float], wanted: float) -> int:
    """How many messages take about so many seconds, of a side that is warm by then."""
    number = _LEAST
    while (took := seconds_of(number)) < wanted / 2 and number < _MOST_WARMING:
        number *= 2
    return max(_LEAST, round(number * wanted / took))


def _parts(template: etree._Element, how_many: int, sides: Sides) -> Row:
    """Where each millisecond of our request goes.

    Of one caller alone: of two at a time, the parts of one would count the other's work.
    """
    messages = sides.writer.write(template, how_many)
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
