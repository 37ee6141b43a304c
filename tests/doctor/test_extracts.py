"""What the doctor and the metrics tell of extracts that do not come out."""

from __future__ import annotations

from datetime import timedelta

import pytest

from opus_soap.doctor.extracts import findings
from opus_soap.doctor.finding import BAD, GOOD, WARNING
from opus_soap.errors import ExtractTargetUnreachable
from opus_soap.extracts.leasing import leased
from opus_soap.extracts.schedule import run_due
from opus_soap.settings import Settings
from opus_soap.soap.front import SoapFront
from opus_soap.store.extract_models import Extract
from tests.extracts.doors import Doors

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture
def doors(company, clock, tmp_path):
    return Doors(tmp_path, clock)


def told(doors) -> list[tuple[str, str, str]]:
    return [(found.state, found.check, found.text) for found in findings(doors.clock)]


FINE = [(GOOD, "extracts", "nothing is overdue, nothing waits for long")]


def test_all_is_well(doors):
    doors.subscribe(calendar="weekdays")
    doors.clock.advance(-DAY)  # a Sunday
    assert told(doors) == FINE


def test_a_subscription_that_nobody_ran(doors, tmp_path):
    doors.subscribe(calendar="weekdays", folder=str(tmp_path))
    assert told(doors) == FINE  # it has just been made
    doors.clock.advance(16 * MINUTE)
    assert told(doors) == [
        (BAD, "extracts: 999 SUB1", "due since 2026-11-23 12:00, and not ordered"),
    ]
    run_due(doors.producer, doors.deliverer)
    assert told(doors) == FINE
    doors.clock.advance(18 * timedelta(hours=1) - 2 * MINUTE)
    assert told(doors) == FINE  # the worker may be about to
    doors.clock.advance(2 * MINUTE)
    assert told(doors)[0][0] == BAD


def test_a_receiver_that_is_down_since_when_and_why(doors, tmp_path):
    subscription = doors.subscribe(folder=str(tmp_path / "missing"))
    extract = doors.produced(subscription)
    doors.clock.advance(MINUTE)
    for _ in range(2):
        with pytest.raises(ExtractTargetUnreachable):
            doors.deliverer.deliver(extract, at_once=True)
        doors.clock.advance(DAY)
    doors.produced(subscription)
    ((state, _, text),) = told(doors)
    assert state == BAD
    assert text == (
        f"{extract.name} cannot be handed over since 2026-11-23 12:01: No such file or directory; "
        "1 more wait for it"
    )


def test_an_extract_that_cannot_be_produced(doors):
    doors.subscribe(calendar="weekdays")
    doors.producer.folder.write_text("in the way")
    run_due(doors.producer, doors.deliverer)
    ((state, _, text),) = told(doors)
    assert state == BAD
    assert "cannot be produced since 2026-11-23 12:00: EXT-015" in text


def test_an_extract_that_nobody_goes_on_with(doors):
    extract = doors.ordered(doors.subscribe())
    assert told(doors) == FINE
    doors.clock.advance(16 * MINUTE)
    ((state, _, text),) = told(doors)
    assert (state, text) == (
        BAD,
        f"{extract.name} is ordered since 2026-11-23 12:00, and nobody has gone on with it",
    )
    with leased(extract, doors.clock):
        assert told(doors) == FINE
    Extract.update(leased_until=doors.clock.now() - MINUTE).execute()  # of one that has died
    assert told(doors) != FINE


def test_an_extract_that_waits_for_people(doors):
    doors.kind.approval = True
    extract = doors.ordered(doors.subscribe())
    assert told(doors) == FINE
    doors.clock.advance(DAY + MINUTE)
    ((state, _, text),) = told(doors)
    assert (state, text) == (WARNING, f"{extract.name} waits for approval since 2026-11-23 12:00")


def test_an_extract_that_nobody_fetches(doors):
    extract = doors.produced(doors.subscribe())
    doors.clock.advance(3 * DAY)
    assert told(doors) == FINE
    doors.clock.advance(MINUTE)
    ((state, _, text),) = told(doors)
    assert (state, text) == (
        WARNING,
        f"{extract.name} has not been fetched and confirmed since 2026-11-23 12:00",
    )


def test_the_metrics_tell_it_in_seconds(doors, monkeypatch):
    from opus_soap.doctor import metrics

    monkeypatch.setattr(metrics, "in_files", lambda settings: [])
    doors.subscribe("LATE", calendar="weekdays")
    doors.subscribe("SOON", calendar="weekly:FRI")
    doors.clock.advance(DAY)
    doors.produced(doors.subscribe("FETCH"))
    Extract.update(produced_at=doors.clock.now() - MINUTE).execute()
    settings = Settings()
    front = SoapFront(
        [], settings, doors.clock, None, None, resources=[metrics.Metrics(settings, doors.clock)]
    )
    asked = {"REQUEST_METHOD": "GET", "PATH_INFO": "/metrics", "wsgi.url_scheme": "http"}
    lines = b"".join(front(asked, lambda *_: None)).decode().splitlines()
    assert {line for line in lines if not line.startswith("#")} == {
        'opus_soap_subscription_overdue_seconds{municipality="999",subscription="LATE"} 86400.0',
        'opus_soap_extract_waiting_seconds{municipality="999",state="produced",subscription="FETCH"} 60.0',
    }
