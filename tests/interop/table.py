"""The tables in docs/interop.md, of what was seen: one for each security model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.interop.peers import CONTEXT_PEERS, PEERS, TOKEN_PEERS
from tests.interop.stacks import Peer

PAGE = Path(__file__).parents[2] / "docs" / "interop.md"
END = "<!-- end of table -->\n"

# (security model, peer, form) → column → what was seen
Rows = dict[tuple[str, str, str], dict[str, str]]


@dataclass(frozen=True)
class Table:
    """What is told of one security model."""

    model: str
    peers: Sequence[Peer]
    forms: str
    """What a form is."""
    columns: Mapping[str, str]

    @property
    def start(self) -> str:
        return f"<!-- table of {self.model}: written by `make interop` -->\n"

    def complete(self, rows: Rows) -> bool:
        """Whether every peer has answered for everything."""
        return all(
            set(self.columns) <= set(rows.get((self.model, peer.name, form), {}))
            for peer in self.peers
            for form in peer.forms
        )

    def lines(self, rows: Rows) -> Iterator[str]:
        """The table."""
        yield f"| Peer | {self.forms} | {' | '.join(self.columns.values())} |"
        yield "|---|---|" + "---|" * len(self.columns)
        for peer in self.peers:
            for form, told in peer.forms.items():
                row = rows[self.model, peer.name, form]
                cells = [f"{peer.name} {row['version']}", told, *(row[column] for column in self.columns)]
                yield f"| {' | '.join(cells)} |"

    def write(self, rows: Rows) -> None:
        """Put the table where the old one is."""
        page = PAGE.read_text("utf-8")
        before, found, rest = page.partition(self.start)
        assert found, f"{PAGE} has no place for the table of {self.model}"
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{self.start}{chr(10).join(self.lines(rows))}\n{END}{after}", "utf-8")


_X509 = Table(
    "x509",
    PEERS,
    "It signs, naming its key by",
    {"ping": "`Ping`", "post": "Voucher", "refused": "Refused voucher", "lies": "Changed replies"},
)
_TOKEN = Table(
    "token",
    TOKEN_PEERS,
    "It signs, naming its key by",
    {
        "ping": "`Ping`",
        "post": "Voucher",
        "expired": "Expired token",
        "another-sts": "Token of another STS",
        "another-service": "Token for another service",
        "changed": "Body changed on its way",
        "lies": "Changed replies",
    },
)
_CONTEXT = Table(
    "context",
    CONTEXT_PEERS,
    "Its certificate goes into",
    {
        "ping": "`Ping`",
        "post": "Voucher",
        "refused": "Refused voucher",
        "nobody": "No certificate",
        "untrusted": "Certificate of an untrusted CA",
    },
)
TABLES = (_X509, _TOKEN, _CONTEXT)
