"""Signed round trips per second: answers of about 10 kB booked by a real server, ledger commit included.

The answers are signed beforehand by the case system's key, so that only the server works; each books
one invoice. Beside it, in the same run, the floor: the same bytes parsed and hashed, one RSA verification
and one signature, and one durable SQLite commit, in one thread.
"""

from __future__ import annotations

import http.client
import sqlite3
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import uuid4

import zeep
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from lxml import etree

from bench.limits import median_seconds, parse_and_hash, rsa_sign, rsa_verify
from opus_soap.clock import SystemClock, business_date, isoformat
from opus_soap.database import new_uuid, transaction
from opus_soap.demo.processes import Processes
from opus_soap.demo.scene import Scene, prepare, write_invoices
from opus_soap.interfaces.invoice_approval import lending
from opus_soap.interfaces.invoice_approval.importing import files, import_files
from opus_soap.ledger.master_data import company_code, dimensions
from opus_soap.money import kroner_from_ore
from opus_soap.simulate.answering import ANSWER_PATH
from opus_soap.soap.contracts import ROOT, load_contract
from opus_soap.store.models import Invoice, Lending
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.signing import Signer, load_signer

ACTION = "http://www.kombit.dk/2017/01/01/FakturaInformationSvarAfsendService_1#AfsendFakturaInformationSvar"


def measure(*, short: bool) -> dict[str, Any]:
    """Round trips per second by number of clients, and the floor's rate."""
    count, clock = (60 if short else 600), SystemClock()
    with tempfile.TemporaryDirectory() as name, Processes(Path(name)) as processes:
        scene = prepare(Path(name), clock, opus_port=0, case_port=0)
        environment = scene.environment("opus")
        processes.start(
            "server",
            environment,
            "serve",
            f"--bind=127.0.0.1:{scene.opus_port}",
            "--workers=2",
            "--threads=4",
        )
        processes.wait_for("server", f"{scene.opus_url}/health")
        messages = _answers(scene, clock, count)
        rates = {}
        share = count // 3
        for index, clients in enumerate((1, 2, 4)):
            rates[str(clients)] = round(
                _rate(scene, messages[index * share : (index + 1) * share], clients), 1
            )
        floor = _floor(scene, messages[0], Path(name))
    best = max(rates.values())
    return {
        "body_bytes": len(messages[0]),
        "messages": count,
        "round_trips_per_second": rates,
        "floor_per_second_one_thread": round(floor, 1),
        "best_to_floor": round(best / floor, 3),
    }


def _answers(scene: Scene, clock: SystemClock, count: int) -> list[bytes]:
    """Invoices lent out, and a signed approval for each."""
    company = company_code("999", "0020")
    write_invoices(scene, clock, seed=11, count=count)
    settings = scene.settings("opus")
    paths = files([scene.folder / "invoices"])
    with transaction():  # one commit for the set-up
        for result in import_files(paths, company, clock=clock, settings=settings, actor="bench"):
            assert result.invoice is not None, result.error
            lending.send(result.invoice, actor="bench", clock=clock)
    known = {(listed.kind, listed.code): str(listed.uuid) for listed in dimensions(company)}
    key = scene.settings("case-system")
    signer = load_signer(key.signing_key_file, key.signing_certificate_file, timedelta(minutes=10))
    build = _zeep_builder()
    return [
        _signed(build, signer, row, known, clock) for row in Lending.select(Lending, Invoice).join(Invoice)
    ]


def _zeep_builder() -> Any:
    client: Any = zeep.Client(
        str(ROOT / "FakturaInformationSvarAfsend" / "wsdl" / "FakturaInformationSvarAfsendService.wsdl")
    )
    return client


def _signed(client: Any, signer: Signer, row: Lending, known: dict[Any, str], clock: SystemClock) -> bytes:
    invoice = row.invoice
    sign = -1 if invoice.document_type == "credit_note" else 1
    assert invoice.payable_ore is not None
    amount = kroner_from_ore(sign * invoice.payable_ore)
    now = clock.now()
    message = {
        "HovedOplysninger": {"TransaktionsId": str(uuid4()), "TransaktionsTid": isoformat(now)},
        "FakturaInformationSvarIdentifikation": str(new_uuid()),
        "FakturaInformationIdentifikation": str(row.uuid),
        "FakturaInformationBehandling": {
            "FakturaInformationBehandlingDatoTid": now,
            "FakturaInformationBehandlingResultat": "Godkendt",
        },
        "Korrespondance": [
            {
                "KorrespondanceIdentifikation": str(uuid4()),
                "KorrespondanceDato": business_date(now),
                "KorrespondanceTekst": "x" * 700,
            }
            for _ in range(4)
        ],
        "Kontering": {
            "Finansbilag": {
                "FinansbilagIdentifikation": str(uuid4()),
                "FinansbilagTekst": f"Faktura {invoice.number}",
                "FinansbilagDato": business_date(now),
            },
            "Postering": [
                {
                    "Posteringsdata": {
                        "PosteringsdataIdentifikation": str(uuid4()),
                        "PosteringsdataBeløb": abs(Decimal(amount)),
                        "DebetKreditIndikator": "Debet" if amount >= 0 else "Kredit",
                        "PosteringsdataDato": business_date(now),
                        "PosteringsdataTekst": "Varer",
                    },
                    "PrimæreDimensioner": {
                        "ArtskontoIdentifikation": known["account", "22000300"],
                        "OmkostningsstedIdentifikation": known["cost_center", "1101"],
                    },
                }
            ],
        },
        "AcceptStruktur": {"AccepteretUdenBemærkninger": True},
    }
    envelope = client.create_message(client.service, "AfsendFakturaInformationSvar", **message)
    body = envelope[-1][0]
    load_contract("FakturaInformationSvarAfsend").validate(
        etree.fromstring(etree.tostring(body, encoding="UTF-8"))
    )
    addressing = Addressing(action=ACTION, message_id=f"urn:uuid:{uuid4()}")
    return signer.sign(body, addressing, now=now)


def _rate(scene: Scene, messages: list[bytes], clients: int) -> float:
    """Messages a second through `clients` keep-alive connections; every one must be accepted."""
    shares = [messages[index::clients] for index in range(clients)]

    def send(share: list[bytes]) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", scene.opus_port, timeout=60)
        for message in share:
            connection.request("POST", ANSWER_PATH, message, {"Content-Type": "text/xml; charset=utf-8"})
            reply = connection.getresponse()
            content = reply.read()
            assert reply.status == 200, content[:2000]
            assert b"AcceptStruktur" in content, content[:4000]
        connection.close()

    start = time.perf_counter()
    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(send, shares))
    return len(messages) / (time.perf_counter() - start)


def _floor(scene: Scene, message: bytes, folder: Path) -> float:
    """What one thread could do with nothing but the unavoidable, per second."""
    signer_settings = scene.settings("opus")
    key: Any = load_pem_private_key(signer_settings.signing_key_file.read_bytes(), None)
    database = sqlite3.connect(folder / "floor.sqlite3", isolation_level=None)
    database.execute("PRAGMA journal_mode=wal")
    database.execute("PRAGMA synchronous=full")
    database.execute("CREATE TABLE t (x BLOB)")
    verify, sign = rsa_verify(key), rsa_sign(key)

    def work() -> None:
        parse_and_hash(message)
        verify()
        sign()
        database.execute("INSERT INTO t VALUES (?)", (message,))

    return 1 / median_seconds(work, budget_seconds=1.0)
