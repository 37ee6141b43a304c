"""The projects against a running server: signed and checked by WSS4J 1.6, as SoapUI 5 does it.

This is not SoapUI. It reads the same configuration, and uses the same library with the same calls.
"""

from __future__ import annotations

import http.client
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from opus_soap.clock import SystemClock
from opus_soap.database import connect, connected, disconnect, proxy
from opus_soap.demo.scene import CASE_SYSTEM_NAME, prepare
from opus_soap.store import agreements
from tests.soapui.conftest import export_from

JARS = [Path("/usr/share/java") / f"{name}.jar" for name in
        ("wss4j", "xmlsec", "commons-logging", "commons-codec", "slf4j-api", "slf4j-nop")]  # fmt: skip
PROGRAM = Path(__file__).parent / "AsSoapUi.java"

pytestmark = pytest.mark.skipif(
    shutil.which("java") is None or not all(jar.exists() for jar in JARS),
    reason="needs Java 17 and WSS4J: apt-get install openjdk-17-jdk-headless libwss4j-java libslf4j-java",
)


@pytest.fixture
def scene(tmp_path):
    """The demo's keys, database and agreement."""
    yield prepare(tmp_path, SystemClock(), opus_port=0, case_port=0)
    disconnect()
    proxy.initialize(None)


@pytest.fixture
def answering(scene):
    """The server over it."""
    disconnect()
    log = scene.folder / "log"
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "opus_soap", "serve", "--workers=1", "--threads=2",
             f"--bind=127.0.0.1:{scene.opus_port}"],
            env={"PATH": "", **scene.environment("opus")},
            stdout=stream,
            stderr=stream,
        )  # fmt: skip
    try:
        until = time.monotonic() + 30
        while not healthy(scene.opus_port):
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield
    finally:
        process.terminate()
        process.wait(30)


def healthy(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health", headers={"Connection": "close"})
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def send(projects: list[Path]) -> dict[tuple[str, str], str]:
    """Run the test cases of projects; the verdict of each, by service and operation."""
    done = subprocess.run(
        ["java", "-cp", ":".join(map(str, JARS)), str(PROGRAM), *map(str, projects)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    lines = [line.split(" ", 2) for line in done.stdout.splitlines()]
    return {(service, operation): verdict for service, operation, verdict in lines}


@pytest.mark.slow
def test_the_cases_pass(answering, scene, offered, tmp_path):
    for profile in ("basic", "kombit"):
        connect(scene.environment("opus")["OPUS_SOAP_DATABASE_URL"])
        with connected():
            agreements.change_system(agreements.find_system(CASE_SYSTEM_NAME), profile=profile)
        out = tmp_path / profile
        export_from(offered, scene.keys, out, profile, url=scene.opus_url)
        told = send(sorted(out.glob("*.xml")))
        # switched off in the project: the demo's system has no sender of postings
        assert told.pop(("FinansbilagModtag", "ModtagFinansbilag")).startswith("500 fault PIN-")
        for operation in ("BestilUdtraek", "HentUdtraek", "HentUdtraekFil", "KvitterUdtraek"):
            assert told.pop(("UdtraekHent", operation)).startswith("500 fault EXT-")  # nor a subscription
        assert told == {
            ("UdtraekHent", "HentAbonnementer"): "200 ok",
            ("DimensionHent", "DimensionHent"): "200 ok",
            ("FakturaInformationSvarAfsend", "AfsendFakturaInformationSvar"): "200 ok",
            ("FakturaInformationSvarAfsend", "Ping"): "200 ok",
            ("FinansbilagModtag", "Ping"): "200 ok",
        }
