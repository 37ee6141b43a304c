"""What ends on a day, and how early that is told."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest
import structlog

from opus_soap.clock import ManualClock
from opus_soap.doctor import dates
from opus_soap.doctor.dates import (
    AGREEMENT,
    ISSUER,
    LIST,
    OWN,
    TLS,
    Dated,
    in_files,
    log_ending,
    of_agreements,
)
from opus_soap.errors import CertificateFileInvalid
from opus_soap.store import agreements
from opus_soap.store.models import SystemCertificate
from tests.conftest import NOON

DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("left", "level"),
    [
        (60 * DAY, None),
        (60 * DAY - DAY / 86400, 60),
        (30 * DAY, 60),
        (29 * DAY, 30),
        (7 * DAY, 30),
        (6 * DAY, 7),
        (0 * DAY, 7),
        (-DAY / 86400, 0),
    ],
)
def test_levels(left: timedelta, level: int | None):
    assert Dated(OWN, "x", NOON - DAY, NOON + left).level(NOON) == level


def test_files(settings):
    plain = list(in_files(settings()))
    assert [one.kind for one in plain] == [OWN, ISSUER]
    assert [one.days_left(NOON) for one in plain] == [1094, 3650]
    with_lists = list(in_files(settings(revocation="crl")))
    # two CAs have the name of the trusted one; the root is not trusted here
    assert [one.kind for one in with_lists] == [OWN, ISSUER, LIST, LIST]
    assert {one.ends for one in with_lists[2:]} == {NOON + 365 * DAY}


def test_the_certificate_of_tls_of_our_own(settings, keys):
    files = {"tls_certificate_file": keys / "opus.chain.pem", "tls_key_file": keys / "opus.key.pem"}
    assert [one.kind for one in in_files(settings(**files))] == [OWN, TLS, ISSUER]


def test_a_file_that_cannot_be_read_is_named(settings, keys):
    (keys / "ca.pem").write_text("nothing")
    with pytest.raises(CertificateFileInvalid, match=r"ca\.pem"):
        list(in_files(settings()))


def system(name: str, *pems: bytes, active: bool = True):
    row = agreements.register_system(uuid=uuid4(), municipality="999", name=name, cvr="44444449", services=())
    for pem in pems:
        agreements.add_certificate(row, pem)
    agreements.set_active(row, active)
    return row


def test_the_newest_of_each_running_agreement(database, keys):
    pem = {name: (keys / f"{name}.crt.pem").read_bytes() for name in
           ("case-system", "case-system-next", "other-case-system", "stranger", "revoked")}  # fmt: skip
    renewed = system("Fornyet", pem["case-system"], pem["case-system-next"])
    old, new = SystemCertificate.select().order_by(SystemCertificate.id)
    SystemCertificate.update(valid_to=NOON + 3 * DAY).where(SystemCertificate.id == old.id).execute()
    system("Stoppet", pem["other-case-system"], active=False)
    gone = system("Udskiftet", pem["stranger"])
    SystemCertificate.update(revoked_at=NOON).where(SystemCertificate.system == gone).execute()
    assert list(of_agreements()) == [Dated(AGREEMENT, f"999 {renewed.name}", new.valid_from, new.valid_to)]


@pytest.fixture(autouse=True)
def _log(monkeypatch):
    """A log of its own: another test may have set the process's up, for an output that is gone."""
    structlog.reset_defaults()
    monkeypatch.setattr(dates, "log", structlog.get_logger("opus_soap.doctor"))


def logged(settings, now, capsys) -> str:
    log_ending(settings, ManualClock(now))
    return capsys.readouterr().out


def test_the_log_tells_what_ends(database, settings, made, keys, capsys):
    system("Sag", (keys / "case-system.crt.pem").read_bytes())
    ends = made.certificates["opus"].certificate.not_valid_after_utc
    assert logged(settings(revocation="crl"), NOON, capsys) == ""
    said = logged(settings(), ends - 20 * DAY, capsys)
    assert said.count("ends soon") == 2
    assert "warning" in said
    assert "error" not in said
    assert "999 Sag" in said
    assert "error" in logged(settings(), ends - 3 * DAY, capsys)
    assert "over" in logged(settings(), ends + DAY, capsys)


def test_lists_are_renewed_all_the_time_and_told_of_when_they_are_over(database, settings, capsys):
    chosen = settings(revocation="crl")
    assert "revocation list" not in logged(chosen, NOON + 364 * DAY, capsys)
    assert "revocation list" in logged(chosen, NOON + 366 * DAY, capsys)


def test_the_log_tells_that_nothing_could_be_read(database, settings, keys, capsys):
    (keys / "opus.crt.pem").unlink()
    assert "certificates not read" in logged(settings(), NOON, capsys)
