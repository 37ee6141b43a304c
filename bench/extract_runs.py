"""One measured run of extracts, in a process of its own.

`python -m bench.extract_runs TASK NAME=VALUE …` → JSON.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path
from time import perf_counter
from typing import Any

from lxml import etree

from bench.posting_runs import peak_mb
from opus_soap.clock import ManualClock
from opus_soap.database import analyze, connect
from opus_soap.demo.scene import definition
from opus_soap.extracts import ordering, subscribing
from opus_soap.extracts.output import Form
from opus_soap.extracts.producing import Producer
from opus_soap.interfaces.extract_kinds import KINDS
from opus_soap.ledger.loading import load_municipality
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import Posting, Voucher
from opus_soap.ledger.seals import create_seal_key, load_seal_key
from opus_soap.simulate.books import Order, generate
from opus_soap.store.extract_models import Extract
from opus_soap.store.schema import migrate

CLOCK = ManualClock(datetime(2026, 11, 30, 11, 0, tzinfo=UTC))
MUNICIPALITY, COMPANY = "999", "0020"
_SAMPLE = 20_000  # postings whose texts the bare loop writes again and again
_NAMESPACE = "{urn:opus-soap:udtraek:posteringer:1}"

Found = dict[str, Any]


def books(database: str, folder: str, postings: str) -> Found:
    """Books of so many made-up postings, sealed, and a subscription to all of them."""
    connect(database)
    migrate()
    load_municipality(definition())
    create_seal_key(_key(folder))
    company = company_code(MUNICIPALITY, COMPANY)
    seconds = _generate(folder, int(postings))
    subscribing.add(
        KINDS,
        municipality=MUNICIPALITY,
        company=company.code,
        name="BENCH",
        kind="posteringer-ud",
        receiver="bench",
        options={},
        calendar="manual",
        at="06:00",
        target={},
        delta=True,
        starts_on=date(2026, 11, 30),
        actor="bench",
        clock=CLOCK,
    )
    analyze(Voucher, Posting)
    return {"seconds": seconds}


def more(database: str, folder: str, postings: str) -> Found:
    """So many postings more."""
    connect(database)
    return {"seconds": _generate(folder, int(postings))}


def extract(database: str, folder: str, full: str) -> Found:
    """The next extract, or all there is: produced, and how much of it was the schema's pass."""
    connect(database).connect(reuse_if_open=True)
    producer = Producer(KINDS, Path(folder) / "extracts", _key(folder), CLOCK)
    subscription = ordering.find_subscription(MUNICIPALITY, "BENCH")
    passes: list[float] = []
    validate = Form.validate

    def watched(self: Form, parts: bytes) -> None:
        start = perf_counter()
        validate(self, parts)
        passes.append(perf_counter() - start)

    Form.validate = watched  # type: ignore[method-assign]
    start = perf_counter()
    ordered = ordering.order(
        subscription, KINDS, producer.key_file, full=bool(full), actor="bench", clock=CLOCK
    )
    in_order = perf_counter() - start
    producer.produce(ordered, actor="bench")
    seconds = perf_counter() - start
    made = Extract.get_by_id(ordered.id)
    place = producer.place(made)
    told = json.loads((place / f"{made.name}.manifest.json").read_bytes())
    return {
        "seconds": seconds,
        "order_seconds": in_order,
        "schema_seconds": sum(passes),
        "postings": told["totals"]["postings"],
        "bytes": sum(file["bytes"] for file in told["files"]),
        "xml": str(place / f"{made.name}.xml"),
    }


def bare(xml: str, postings: str) -> Found:
    """The same elements with the same texts by nothing but `lxml.etree.xmlfile`, from memory to a file."""
    vouchers = _sample(Path(xml))
    rows = sum(len(lines) for _, lines in vouchers)
    times = max(int(postings) // rows, 1)
    place = Path(xml).with_name("bare.xml")
    start = perf_counter()
    with place.open("wb") as out, etree.xmlfile(out, encoding="utf-8") as file, file.element("PosteringerUd"):
        for _ in range(times):
            for header, lines in vouchers:
                _write(file, header, lines)
    seconds = perf_counter() - start
    place.unlink()
    fields = sum(len(header) + sum(map(len, lines)) for header, lines in vouchers)
    return {"seconds": seconds, "postings": times * rows, "fields_per_posting": round(fields / rows, 1)}


def _write(file: Any, header: list[tuple[str, str]], lines: list[list[tuple[str, str]]]) -> None:
    """One element a posting, the voucher's before its own: as the orientation's loop, and as our files."""
    with file.element("POSTING_DOCUMENT"):
        _fields(file, "HEADER", header)
        for line in lines:
            _fields(file, "LINE", line)


def _fields(file: Any, name: str, fields: list[tuple[str, str]]) -> None:
    with file.element(name):
        for field, text in fields:
            with file.element(field):
                file.write(text)


def _sample(xml: Path) -> list[tuple[list[tuple[str, str]], list[list[tuple[str, str]]]]]:
    vouchers, rows = [], 0
    for _, node in etree.iterparse(xml, tag=f"{_NAMESPACE}POSTING_DOCUMENT"):
        header = node.find(f"{_NAMESPACE}HEADER")
        lines = [_texts(line) for line in node.iter(f"{_NAMESPACE}LINE")]
        vouchers.append((_texts(header), lines))
        rows += len(lines)
        if rows >= _SAMPLE:
            break
    return vouchers


def _texts(node: Any) -> list[tuple[str, str]]:
    return [(etree.QName(child).localname, child.text or "") for child in node if not len(child)]


def _generate(folder: str, postings: int) -> float:
    company, key = company_code(MUNICIPALITY, COMPANY), load_seal_key(_key(folder))
    order = Order(postings, date(2026, 1, 1), date(2026, 11, 30))
    start = perf_counter()
    generate(company, order, clock=CLOCK, actor="bench", seal_key=key)
    return perf_counter() - start


def _key(folder: str) -> Path:
    return Path(folder) / "seal.key.pem"


TASKS: dict[str, Callable[..., Found]] = {task.__name__: task for task in (books, more, extract, bare)}


def main(arguments: list[str]) -> int:
    """Run the task, print what it found."""
    task, *options = arguments
    found = TASKS[task](**dict(option.split("=", 1) for option in options))
    print(json.dumps({**found, "peak_mb": round(peak_mb(), 1)}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
