"""`opus-soap extracts` and `schedule`: subscribed, run, shown, verified, by people."""

from __future__ import annotations

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner

from opus_soap.cli import extracts as extracts_module
from opus_soap.cli.main import main
from opus_soap.clock import SystemClock, business_date
from opus_soap.database import disconnect
from opus_soap.extracts.ordering import find_subscription, order
from opus_soap.store.extract_models import Extract, Subscription


@pytest.fixture
def run(sqlite_url, tmp_path, monkeypatch):
    """Run a command; its exit status must be as said."""
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", sqlite_url)
    monkeypatch.setenv("OPUS_SOAP_EXTRACTS_FOLDER", str(tmp_path / "extracts"))
    monkeypatch.setenv("OPUS_SOAP_SEAL_KEY_FILE", str(tmp_path / "seal.key.pem"))
    monkeypatch.setenv("COLUMNS", "250")

    def invoke(*arguments: str, status: int = 0) -> str:
        result = CliRunner().invoke(main, list(arguments))
        assert result.exit_code == status, result.output
        return result.output

    invoke("ledger", "seal", "--create-key")
    invoke("generate", "--postings", "50")
    yield invoke
    disconnect()


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    return folder


@pytest.fixture
def subscribe(run):
    """Subscribe to postings."""

    def make(name: str, *options: str, status: int = 0) -> str:
        kind = ("--kind", "posteringer-ud", "--receiver", name)
        return run("extracts", "subscribe", name, *kind, *options, status=status)

    return make


def manifest_in(folder: Path) -> Path:
    (found,) = folder.glob("*.manifest.json")
    return found


def test_from_subscription_to_a_verified_file(run, subscribe, inbox):
    today = business_date(extracts_module.Runtime().clock.now())
    said = subscribe("lis", "--folder", str(inbox), "--calendar", f"once:{today}")
    assert f"LIS: posteringer-ud to lis, delta, once:{today} 06:00, folder:{inbox}; next {today}" in said
    said = run("extracts", "run", "lis")
    assert "50 postings" in said
    assert "handed over" in said
    assert "holds, 2 files" in run("extracts", "verify", str(inbox))
    name = manifest_in(inbox).name.removesuffix(".manifest.json")
    shown = run("extracts", "show", name)
    assert f"{name}: delivered" in shown
    assert f"folder:{inbox}  delivered" in shown
    listed = run("extracts", "list")
    assert name in listed
    assert "LIS" in listed


def test_an_extracts_own_name_produces_it_again(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "run", "lis")
    name = manifest_in(inbox).name.removesuffix(".manifest.json")
    assert "50 postings" in run("extracts", "run", name)
    assert len(list(inbox.glob("*.json"))) == 1


def test_everything_again_between_deltas(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "run", "lis")
    assert "delta: 0 vouchers" in run("extracts", "run", "lis")
    assert "full: " in run("extracts", "run", "lis", "--full")


def test_a_file_that_no_manifest_names_is_told(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "run", "lis")
    assert "no manifest names it" not in run("extracts", "verify", str(inbox))
    (inbox / "stray.csv").write_text("DOC_ID\n")
    (inbox / ".aside.state").write_text("")
    told = run("extracts", "verify", str(inbox))
    assert told.count("no manifest names it") == 1
    assert "stray.csv: no manifest names it: it is no part of an extract" in told
    assert "holds" in told
    assert "no manifest names it" not in run("extracts", "verify", str(manifest_in(inbox)))


def test_a_changed_file_is_found_without_any_database(run, subscribe, inbox, monkeypatch):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "run", "lis")
    monkeypatch.setenv("OPUS_SOAP_DATABASE_URL", "sqlite:////nowhere/at/all")
    (xml,) = inbox.glob("*.xml")
    xml.write_bytes(xml.read_bytes().replace(b"D</DEB", b"K</DEB", 1))
    assert "SHA-256" in run("extracts", "verify", str(inbox), status=1)


def test_the_key_may_be_held_against_those_that_are_trusted(run, subscribe, inbox, tmp_path):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "run", "lis")
    keys = tmp_path / "keys"
    keys.write_text("0" * 64)
    path = str(manifest_in(inbox))
    assert "not one of those trusted" in run(
        "extracts", "verify", path, "--trusted-keys", str(keys), status=1
    )
    assert "not compared" in run("extracts", "verify", path)


def test_a_folder_without_a_manifest_proves_nothing(run, inbox):
    assert "no manifest" in run("extracts", "verify", str(inbox), status=1)


def test_a_receiver_that_is_down_is_told_and_tried_again(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox))
    shutil.rmtree(inbox)
    assert "EXT-020" in run("extracts", "run", "lis", status=1)
    inbox.mkdir()
    listed = run("extracts", "list")
    name = next(word for word in listed.split() if word.startswith("POSTERINGER_UD_"))
    assert "handed over" in run("extracts", "deliver", name)


def test_what_is_to_be_downloaded_is_not_handed_over(run, subscribe):
    subscribe("lis")
    said = run("extracts", "run", "lis")
    assert "not handed over: its receiver fetches it" in said
    name = Path(said.splitlines()[0]).name
    assert "its receiver fetches it" in run("extracts", "deliver", name, status=1)


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (("--where", "COLOUR=red"), "EXT-008"),
        (("--where", "COSTCENTER"), "EXT-005"),
        (("--without", "XX"), "EXT-006"),
        (("--calendar", "daily"), "EXT-002"),
        (("--option", "colour=red"), "EXT-002"),
        (("--company-code", "0099"), "LED-"),
        (("--calendar", "once:2020-01-01"), "EXT-002"),
        (("--sftp", "me@host"), "EXT-002"),
    ],
)
def test_what_cannot_be_is_told(subscribe, options, code):
    assert code in subscribe("lis", *options, status=1)


@pytest.mark.parametrize("options", [("--sftp", "host"), ("--sftp", "me@host:x"), ("--option", "colour")])
def test_what_cannot_be_read_is_told(subscribe, options):
    assert "Invalid value" in subscribe("lis", *options, status=2)


def test_the_calendar_is_listed_and_run(run, subscribe, inbox):
    today = business_date(extracts_module.Runtime().clock.now())
    subscribe("now", "--folder", str(inbox), "--calendar", f"once:{today}", "--at", "00:00")
    subscribe("later", "--calendar", "weekly:SUN", "--at", "23:59")
    subscribe("released", "--kind", "revisorudtraek", "--option", "year=2026", "--calendar", "weekdays")
    listed = run("schedule", "list")
    assert "weekly:SUN" in listed
    said = {line.split()[2]: line for line in run("schedule", "next").splitlines()}
    assert "somebody else approves" in said["RELEASED"]
    assert "approves" not in said["NOW"]
    assert "NOW" in run("schedule", "next")
    assert ": delivered" in run("schedule", "run-due")
    assert run("schedule", "run-due") == ""
    assert len(list(inbox.glob("*.json"))) == 1


def test_what_another_is_at_work_on_is_told_as_that(run, subscribe):
    subscribe("lis")
    run("extracts", "list")  # binds the database
    clock, key = SystemClock(), Path(os.environ["OPUS_SOAP_SEAL_KEY_FILE"])
    order(find_subscription("999", "LIS"), extracts_module.KINDS, key, actor="other", clock=clock)
    Extract.update(leased_until=clock.now() + timedelta(minutes=5)).execute()
    told = run("schedule", "run-due", status=1)
    assert "not produced: EXT-046" in told


def test_what_an_extract_follows_on_is_told_when_it_is_not_here(run, subscribe, inbox, tmp_path):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "run", "lis")
    run("extracts", "run", "lis")
    assert "follows on" not in run("extracts", "verify", str(inbox))
    alone = tmp_path / "alone"
    alone.mkdir()
    for path in inbox.glob("*_000002*"):
        shutil.copy(path, alone)
    assert ", follows on POSTERINGER_UD_999_0020_LIS_" in run("extracts", "verify", str(alone))


def test_paused_and_resumed(run, subscribe):
    subscribe("lis")
    assert "LIS is paused" in run("schedule", "pause", "lis")
    assert "EXT-004" in run("extracts", "run", "lis", status=1)
    subscribe("lis", "--calendar", "weekdays")
    assert "next" not in subscribe("lis").splitlines()[0]
    assert run("schedule", "next") == ""
    listed = run("schedule", "list")
    assert "paused" in listed
    assert str(Subscription.get().due_on) not in listed
    assert "LIS goes on" in run("schedule", "resume", "lis")
    run("extracts", "run", "lis")


def test_who_requested_does_not_approve(run, subscribe, monkeypatch):
    kind = extracts_module.KINDS["posteringer-ud"]
    object.__setattr__(kind, "approval", True)
    try:
        subscribe("lis")
        said = run("extracts", "run", "lis")
        name = said.split(":")[0]
        assert "EXT-016" in run("extracts", "approve", name, status=1)
        monkeypatch.setattr(extracts_module, "actor", lambda: "cli:another")
        assert "approved by cli:another" in run("extracts", "approve", name)
        assert "50 postings" in run("extracts", "run", name)
        said = run("extracts", "run", "lis")
        assert "cancelled" in run("extracts", "cancel", said.split(":")[0])
    finally:
        object.__setattr__(kind, "approval", False)


@pytest.mark.parametrize(
    "command", [("run", "nobody"), ("show", "nothing"), ("deliver", "nothing"), ("approve", "nothing")]
)
def test_names_that_lead_nowhere_are_told(run, command):
    assert "EXT-0" in run("extracts", *command, status=1)


def test_a_system_that_fetches_is_named_by_its_agreement(run, subscribe, inbox):
    agreement = ("--municipality", "999", "--cvr", "44444449", "--service", "UdtraekHent")
    run("systems", "add", "Sagssystem", *agreement)
    assert "SYS" in subscribe("sys", "--system", "Sagssystem")
    assert "│ system" in run("extracts", "list")
    subscribe("sys", "--system", "Nobody", status=1)
    assert "say one of" in subscribe("sys", "--system", "Sagssystem", "--folder", str(inbox), status=2)


def test_what_is_not_said_again_stays(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox), "--calendar", "weekdays", "--where", "DOC_TYPE=SA")
    said = run("extracts", "subscribe", "lis", "--at", "07:00")
    assert f"LIS: posteringer-ud to lis, delta, weekdays 07:00, folder:{inbox}; next" in said
    assert "full" in run("extracts", "subscribe", "lis", "--full")
    run("extracts", "run", "lis")
    assert b"DOC_TYPE=SA" in manifest_in(inbox).read_bytes()


def test_a_new_one_needs_a_kind_and_a_receiver(run):
    assert "needs --kind, --receiver" in run("extracts", "subscribe", "new", status=2)


def test_a_folder_that_is_not_there_is_told(subscribe, tmp_path):
    assert "is not there yet" in subscribe("lis", "--folder", str(tmp_path / "missing"))


def test_an_extract_that_is_missing_among_others_is_found(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox))
    for _ in range(4):
        run("extracts", "run", "lis")
    second, third = sorted(inbox.glob("*.manifest.json"))[1:3]
    second.unlink()
    assert f"{third.name}: follows on {second.name[:-14]}, which is not here" in run(
        "extracts", "verify", str(inbox), status=1
    )


def test_a_later_one_says_what_it_waits_for(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox))
    shutil.rmtree(inbox)
    run("extracts", "run", "lis", status=1)
    assert "not handed over: it waits for POSTERINGER_UD_" in run("extracts", "run", "lis")


def test_the_public_key_is_what_verify_trusts(run, subscribe, inbox, tmp_path):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "run", "lis")
    keys = tmp_path / "keys.pem"
    keys.write_text(run("ledger", "key"))
    assert "holds" in run("extracts", "verify", str(inbox), "--trusted-keys", str(keys))


def test_a_key_that_is_there_is_kept(run):
    assert "is there already" in run("ledger", "seal", "--create-key")


def test_what_was_left_unfinished_is_finished_first(run, subscribe, inbox):
    subscribe("lis", "--folder", str(inbox))
    run("extracts", "list")  # binds the database
    subscription = find_subscription("999", "LIS")
    clock, key = SystemClock(), Path(os.environ["OPUS_SOAP_SEAL_KEY_FILE"])
    order(subscription, extracts_module.KINDS, key, actor="killed", clock=clock)
    assert run("extracts", "run", "lis").count("handed over") == 2
    assert len(list(inbox.glob("*.manifest.json"))) == 2


def test_a_folder_of_other_books_is_told(run, subscribe, tmp_path):
    subscribe("lis")
    place = Path(run("extracts", "run", "lis").splitlines()[0])
    later = place.with_name(place.name.replace("_000001", "_000002"))
    shutil.copytree(place, later)
    (later / f"{place.name}.manifest.json").rename(later / f"{later.name}.manifest.json")
    assert "EXT-018" in run("extracts", "run", "lis", status=1)


def test_a_subscription_is_ended(run, subscribe, inbox):
    subscribe("LIS", "--folder", str(inbox), "--calendar", "weekdays")
    run("extracts", "run", "LIS")
    inbox.rename(inbox.with_name("away"))
    assert "EXT-020" in run("extracts", "run", "LIS", status=1)
    said = run("extracts", "unsubscribe", "lis", status=1)
    assert "EXT-019" in said
    assert "Let the receiver confirm what it fetches" in said
    assert "`opus-soap extracts run EXTRACT`" in said
    assert "(produced)" in said
    said = run("extracts", "unsubscribe", "LIS", "--give-up").splitlines()
    assert said[0].startswith("POSTERINGER_UD_999_0020_LIS_")
    assert said[0].endswith(": given up")
    assert said[1] == "LIS has ended; what it gave out stays in `opus-soap extracts list`"
    listed = run("extracts", "list")
    assert "ended" in listed
    assert "delivered" in listed
    assert "LIS" not in run("schedule", "list")
    assert "EXT-009" in run("extracts", "run", "LIS", status=1)
    assert "EXT-009" in run("schedule", "resume", "LIS", status=1)
    assert "EXT-009" in run("extracts", "token", "LIS", "--name", "x", status=1)
    assert "EXT-009" in subscribe("LIS", status=1)
    assert "LIS has ended" in run("extracts", "unsubscribe", "LIS")
