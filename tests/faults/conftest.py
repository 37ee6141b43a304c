"""A sender's folders, the files that it puts there, and what must hold of them however often one dies."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lxml import etree
from peewee import fn

from opus_soap.interfaces.postings_in.schema import FOLDER
from opus_soap.ledger.balance import trial_balance
from opus_soap.ledger.models import CompanyCode, ParkedVoucher, Posting, Voucher
from opus_soap.ledger.verification import verify
from opus_soap.store.models import PostingDocument, PostingFile, PostingSender
from tests.faults.nursery import Nursery, Order
from tests.interfaces.postings_in.conftest import CONTROL, CREDIT, DEBIT, document, request

RESPONSE = etree.XMLSchema(file=str(FOLDER / "FinancePostingResponse.xsd"))
SENDER = "KY01"
BATCH, VOUCHERS = 20, 90  # the last of five transactions is not full
KILLED = -9
TIMES = 5  # a process that is started so often without being killed gets there
PAID = {**CREDIT, "PAYEE_NO_CODE": "02", "PAYEE_NO": "9900000001"}
PAID["ZZCSYSIDN"] = PAID.pop("ZZCSYSIDN")  # after them, as the contract has it


@dataclass
class Delivery:
    """A file that a sender puts into its folder, and what must become of it."""

    name: str
    data: bytes
    good: set[str]  # numbers of the vouchers that belong into the books
    parked: set[str]  # of those that wait for a second person
    vouchers: int
    receipt: bytes | None = None  # as the sender saw it first


def delivery(number: int, vouchers: int = VOUCHERS) -> Delivery:
    """The sender's file of that number: most vouchers good, some parked, some refused, one repeated."""
    time = f"{number // 3600:02d}{number // 60 % 60:02d}{number % 60:02d}"
    name = f"ZFIR_KMD_Opus_Posteringer_IND_999_{SENDER}_20261123_{time}.xml"
    texts, good, parked = [], set[str](), set[str]()
    for place in range(vouchers):
        reference = f"{number:06d}{place:06d}"
        credit = PAID if place % 5 == 0 else CREDIT
        text = document(lines=[DEBIT, credit], RECEIV_DOC=reference)
        if place % 7 == 3:
            text = text.replace(DEBIT["GL_ACCOUNT"], "12345678")  # against the ledger's rules
        elif place % 11 == 5:
            text = text.replace("<DEB_CRED_IND>D", "<DEB_CRED_IND>K")  # against the receiver's
        elif place % 13 == 7:
            text = text.replace("100.00", "200.00")
            parked.add(reference)
        else:
            good.add(reference)
        texts.append(text)
    texts.append(document(RECEIV_DOC=min(good)))  # in another transaction than the first
    data = request(*texts, control={**CONTROL, "FILE_NAME": name, "SEND_TIME": time})
    return Delivery(name, data, good, parked, len(texts))


def refused_delivery(number: int) -> Delivery:
    """A file that is refused as a whole."""
    made = delivery(number, 3)
    made.data = made.data.replace(b"T02CLNT999", b"T02CLNT998")
    made.good, made.parked, made.vouchers = set(), set(), 0
    return made


@dataclass
class Desk:
    """The sender's folders, and the process that deals with them."""

    nursery: Nursery
    folder: Path
    database_url: str
    company: CompanyCode
    deliveries: list[Delivery] = field(default_factory=list)
    runs: int = 0

    @property
    def home(self) -> Path:
        """Where the sender's four folders are."""
        return self.folder / "senders" / SENDER

    @property
    def environment(self) -> dict[str, str]:
        """What the process has to know."""
        return {
            "OPUS_SOAP_DATABASE_URL": self.database_url,
            "OPUS_SOAP_POSTINGS_FOLDER": str(self.folder / "senders"),
            "OPUS_SOAP_FILES_FOLDER": str(self.folder / "files"),
            "OPUS_SOAP_POSTINGS_SETTLE_SECONDS": "0",
            "OPUS_SOAP_MAX_POSTING_BATCH": str(BATCH),
        }

    def put(self, made: Delivery) -> None:
        """The sender puts a file into its folder."""
        for name in ("request", "response", "archive", "quarantine"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
        place = self.home / "request" / made.name
        place.write_bytes(made.data)
        os.utime(place, (1, 1))
        self.deliveries.append(made)

    def run(self, *, failpoint: str = "", kill_after: float | None = None, torn: bool = False) -> int:
        """Start the process, an hour after the one before; what is seen of it then is looked at."""
        self.runs += 1
        order = Order(
            ["postings", "watch", "--once"],
            self.environment,
            str(self.folder / "log"),
            ahead=self.runs % 4 == 3,
            failpoint=failpoint,
            torn=torn,
            later=60 * self.runs,
            **({} if kill_after is None else {"kill_after": kill_after}),
        )
        status = self.nursery.run(order)
        assert status in (0, KILLED), self.log()
        self.look()
        return status

    def run_until_done(self, *, torn: bool = False) -> None:
        """Start it again until nothing is left to do."""
        for _ in range(TIMES):
            self.run(torn=torn)
            if not [*(self.home / "request").iterdir(), *(self.home / "work").glob("*.xml")]:
                return
        pytest.fail(f"never done: {self.log()}")

    def position(self) -> int:
        """How far the last file has come."""
        file = PostingFile.get_or_none(PostingFile.name == self.deliveries[-1].name)
        return file.position if file is not None else 0

    def log(self) -> str:
        """The end of what the processes said."""
        return (self.folder / "log").read_text("utf-8")[-4000:]

    def look(self) -> None:
        """What holds at any moment: a receipt that was seen stays, its vouchers are booked; books balance."""
        for made in self.deliveries:
            path = self.home / "response" / made.name
            seen = path.read_bytes() if path.exists() else None
            if made.receipt is not None:
                assert seen == made.receipt, "a receipt that was seen became another"
            elif seen is not None:
                made.receipt = seen
                assert accepted(seen) <= set(booked(made)) | set(parked(made))
        total = Posting.select(fn.SUM(Posting.amount_ore)).scalar()
        assert total in (None, 0), total

    def finish(self, *, torn: bool = False) -> None:
        """Start it until all is done, and see that everything is as it must be."""
        self.run_until_done(torn=torn)
        self.look()
        for made in self.deliveries:
            self.check_folders(made)
            check_books(made)
        visible = sorted(path.name for path in (self.home / "response").glob("[!.]*"))
        assert visible == sorted(made.name for made in self.deliveries), "one receipt of each file"
        check_balance(self.company)
        assert verify().problems == ()

    def check_folders(self, made: Delivery) -> None:
        """The request lies where it belongs, as it was sent."""
        place, other = ("archive", "quarantine") if made.good else ("quarantine", "archive")
        assert (self.home / place / made.name).read_bytes() == made.data
        for name in ("request", "work", other):
            assert not (self.home / name / made.name).exists(), name


def accepted(receipt: bytes) -> set[str]:
    """The vouchers that a receipt says were taken; every receipt is what the contract says."""
    root = etree.fromstring(receipt)
    RESPONSE.assertValid(root)
    rows = [row for row in root.iter("RETURN") if row.findtext("MESSAGE_NUM") == "305"]
    numbers = [row.findtext("RECEIV_DOC") or "" for row in rows]
    assert len(numbers) == len(set(numbers))
    return set(numbers)


def booked(made: Delivery) -> Counter[str]:
    """The vouchers of a file that are in the books, and how often."""
    vouchers = Voucher.select(Voucher.reference).where(Voucher.source.startswith(f"{made.name}#"))
    return Counter(voucher.reference for voucher in vouchers)


def parked(made: Delivery) -> Counter[str]:
    """Those that wait for a second person, and how often."""
    rows = ParkedVoucher.select(ParkedVoucher.reference).where(
        ParkedVoucher.source.startswith(f"{made.name}#")
    )
    return Counter(row.reference for row in rows)


def check_books(made: Delivery) -> None:
    """Each good voucher is there once, none of the others, and the receipt says just so."""
    assert booked(made) == Counter(made.good), "every good voucher once"
    assert parked(made) == Counter(made.parked), "every large voucher once"
    assert made.receipt is not None
    assert accepted(made.receipt) == made.good | made.parked
    rows = PostingDocument.select().join(PostingFile).where(PostingFile.name == made.name)
    assert sorted(row.position for row in rows) == list(range(1, made.vouchers + 1))
    numbers = Counter(row.findtext("MESSAGE_NUM") for row in etree.fromstring(made.receipt).iter("RETURN"))
    assert (numbers["301"], numbers["305"]) == ((1, len(made.good | made.parked)) if made.good else (0, 0))


def check_balance(company: CompanyCode) -> None:
    """The trial balance is the fold of the postings, and sums to nothing."""
    fold = Counter[str]()
    for posting in Posting.select(Posting.account, Posting.amount_ore):
        fold[posting.account] += posting.amount_ore
    rows = trial_balance(company, 2026)
    assert {row.account: row.closing_ore for row in rows} == dict(fold)
    assert sum(fold.values()) == 0


@pytest.fixture(scope="session")
def nursery() -> Iterator[Nursery]:
    """Made once: it takes a second to import everything."""
    made = Nursery()
    yield made
    made.close()


@pytest.fixture
def desk(nursery: Nursery, company: CompanyCode, database_url: str, tmp_path: Path) -> Desk:
    """KY01's, whose vouchers of more than 150 kroner wait for a second person; on each engine."""
    PostingSender.create(
        municipality="999", sender_id=SENDER, short=SENDER, name="Ydelse", release_above={"*": 15_000}
    )
    return Desk(nursery, tmp_path, database_url, company)
