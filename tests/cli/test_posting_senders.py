"""`opus-soap postings senders`: agreements made, brought up to date, stopped; what they let in."""

from __future__ import annotations

import re

import pytest
from click.testing import CliRunner

from opus_soap.cli.main import main
from opus_soap.database import disconnect
from opus_soap.store.audit import trail
from opus_soap.store.models import PostingSender, System

ADD = ("add", "KY01", "--short=KY01", "--name=Ydelse")
ALL = (
    *("--company-code=0020", "--document-type=SA", "--release-above=SA=100000", "--release-above=*=5"),
    *("--booked-receipts", "--system=Sag"),
)


@pytest.fixture
def run(sqlite_url, monkeypatch):
    """Run `postings senders …`; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("COLUMNS", "300")

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, ["postings", "senders", *arguments])
        assert result.exit_code == status, result.output
        return result.output

    yield invoke
    disconnect()


@pytest.fixture
def system(run):
    """A system that may sign."""
    system = ["systems", "add", "Sag", "--municipality=999", "--cvr=44444449"]
    assert CliRunner().invoke(main, system).exit_code == 0


def facts() -> tuple[object, ...]:
    row = PostingSender.get()
    system: System | None = row.system
    return (
        row.short,
        row.name,
        row.company_codes,
        row.document_types,
        row.release_above,
        row.booked_receipts,
        system.name if system else None,
    )


EVERYTHING = ("KY01", "Ydelse", ["0020"], ["SA"], {"SA": 10000000, "*": 500}, True, "Sag")


def test_what_is_not_given_stays_as_it_is(run, system):
    run(*ADD, *ALL)
    assert facts() == EVERYTHING
    run(*ADD)
    assert facts() == EVERYTHING, "the same again takes nothing away"
    said = run("add", "KY01", "--name=Kommunens Ydelse")
    assert "name: Ydelse → Kommunens Ydelse" in said
    assert facts() == (EVERYTHING[0], "Kommunens Ydelse", *EVERYTHING[2:])


def test_what_is_to_go_is_said(run, system):
    run(*ADD, *ALL)
    run("add", "KY01", "--release-above=*=")
    assert facts()[4] == {"SA": 10000000}, "one limit"
    run("add", "KY01", "--release-above=KR=1.000,50")
    assert facts()[4] == {"SA": 10000000, "KR": 100050}, "one more"
    run("add", "KY01", "--release-above=", "--company-code=", "--document-type=", "--system=")
    run("add", "KY01", "--no-booked-receipts")
    assert facts() == ("KY01", "Ydelse", [], [], {}, False, None)


def test_a_new_sender_has_a_name_and_four_characters(run):
    assert "--short" in run("add", "KY01", "--name=Ydelse", status=1)
    assert "--name" in run("add", "KY01", "--short=KY01", status=1)
    run(*ADD)
    assert "--name" in run("add", "KY01", "--name= ", status=1)


def test_the_trail_tells_who_changed_what(run, system):
    run(*ADD, "--release-above=SA=100000")
    run(*ADD)
    run("add", "KY01", "--release-above=SA=")
    run("stop", "KY01")
    run("add", "KY01")
    entries = trail("KY01")
    assert [entry.event.partition(".")[2] for entry in entries] == ["added", "changed", "stopped", "changed"]
    assert entries[1].detail == {"release_above": "SA > 100.000,00 → no limit"}
    assert entries[3].detail == {"active": "no → yes"}
    assert all(entry.actor.startswith("cli:") and entry.municipality == "999" for entry in entries)


def test_the_list_tells_all_of_it(run, system):
    run(*ADD, *ALL)
    run("add", "AB12", "--short=AB12", "--name=Løn")
    run("stop", "AB12")
    ours, other = sorted(
        (line for line in run("list").splitlines() if re.search("KY01|AB12", line)),
        key=lambda line: "AB12" in line,
    )
    for told in ("0020", "SA > 100.000,00, * > 5,00", "yes", "Sag"):
        assert told in ours
    assert "stopped" not in ours
    assert "stopped" in other


@pytest.mark.parametrize("limit", ["SA=100.000", "SA=1.000.000", "SA=1,5", "SA", "SAX=1", "SA=x", "=1"])
def test_a_limit_that_can_be_misread_is_refused(run, limit):
    said = run(*ADD, f"--release-above={limit}", status=2)
    assert limit.partition("=")[2] or limit in said
    assert "100.000,00" in said or "TYPE=KRONER" in said


def test_a_company_code_is_one_of_the_books(run):
    run(*ADD, "--company-code=20")
    assert facts()[2] == ["0020"]
    assert "LED-031" in run(*ADD, "--company-code=0021", status=1)
    assert facts()[2] == ["0020"]


@pytest.mark.parametrize("option", ["--release-above=QQ=5", "--document-type=QQ"])
def test_a_document_type_is_one_of_the_books(run, option):
    assert "LED-023" in run(*ADD, option, status=1)
    assert PostingSender.select().count() == 0
    run(*ADD, option.replace("QQ", "sa"))
    assert "SA" in [*facts()[3], *facts()[4]]


def test_four_characters_are_one_active_sender_s(run):
    run(*ADD)
    other = ("add", "AB12", "--short=ky01", "--name=Løn")
    assert "KY01" in run(*other, status=1)
    run("stop", "KY01")
    run(*other)
    assert "AB12" in run("add", "KY01", status=1), "nor when it is taken back"


def test_a_private_key_is_told_and_not_shown(run, tmp_path):
    run(*ADD)
    file = tmp_path / "id_ed25519"
    file.write_text("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n")
    said = run("key", "KY01", str(file), status=1)
    assert "private key" in said
    assert ".pub" in said
    assert "c2Vj" not in said


@pytest.mark.parametrize("short", ["KY0", "KY-1", "KØ01", ""])
def test_the_remedy_names_commands_for_senders(run, short):
    said = run("add", "KY01", f"--short={short}", "--name=x", status=1)
    assert "postings senders" in said
    assert "systems change" not in said


def test_the_remedy_of_a_password(run, tmp_path):
    run(*ADD)
    (tmp_path / "password").write_text("kort\n")
    said = run("password", "KY01", "--file", str(tmp_path / "password"), status=1)
    assert "systems change" not in said
    assert "postings senders" in said
