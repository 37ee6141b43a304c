"""The Java peer: an endpoint with WSS4J that verifies a request and signs a reply, and does nothing else.

It is made with javac from Debian's jars, pinned to one core where `taskset` is, warmed up, and sent the same
signed requests as our server is; neither replay nor age of a message is in its way.
"""

from __future__ import annotations

import http.client
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

from lxml import etree

from bench.bodies import BENCH
from opus_soap.wss import pki
from opus_soap.wss.addressing import Addressing
from opus_soap.wss.signing import Signer, load_signer

SOURCES = Path(__file__).parent / "wss4j"
JARS = Path("/usr/share/java")
CLASS_PATH = [
    JARS / f"{name}.jar"
    for name in ("wss4j", "xmlsec", "commons-logging", "commons-codec", "slf4j-api", "slf4j-nop")
]
PACKAGES = "libwss4j-java libxml-security-java openjdk-17-jdk-headless"
PASSWORD = "opus-soap"  # of the example PKI's PKCS#12 files
LIFETIME = timedelta(hours=1)
QUIET = ["-Dorg.apache.commons.logging.Log=org.apache.commons.logging.impl.NoOpLog"]  # or it warns each time
CLIENTS = 2  # one waits for the peer while the other writes and reads, so that its core is never idle


class PeerFailed(Exception):
    """The peer is not there, or does not answer as it must."""


def missing() -> str:
    """What the peer needs and does not find, or nothing."""
    programs = [name for name in ("java", "javac", "keytool") if not shutil.which(name)]
    return ", ".join([*programs, *(str(jar) for jar in CLASS_PATH if not jar.exists())])


def measure(bodies: Mapping[str, bytes], seconds: float) -> Mapping[str, float]:
    """Requests per second on one core, by name of the body; each for `seconds` after as long a warm-up.

    A body is the XML of the Body's one child. Raises `PeerFailed`.
    """
    if lacking := missing():
        raise PeerFailed(f"not installed: {lacking} (apt-get install {PACKAGES})")
    with tempfile.TemporaryDirectory() as name, _running(Path(name)) as (port, signer):
        first = signed(signer, next(iter(bodies.values())))
        drive(port, "/", iter(lambda: first, None), 2 * seconds)  # compiled by then, most of it
        return {title: _measured(port, signed(signer, body), seconds) for title, body in bodies.items()}


def signed(signer: Signer, body: bytes) -> bytes:
    """A request as the profile `kombit` has it."""
    addressing = Addressing(action=f"{BENCH}#Svar", message_id=f"urn:uuid:{uuid4()}")
    parser = etree.XMLParser(huge_tree=True, resolve_entities=False)
    return signer.sign(etree.fromstring(body, parser), addressing, now=datetime.now(UTC))


def drive(port: int, path: str, messages: Iterator[bytes], seconds: float) -> float:
    """Requests answered with 200 per second, through `CLIENTS` connections that stay open."""
    until = time.perf_counter() + seconds

    def send() -> int:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        count = 0
        while time.perf_counter() < until:
            connection.request("POST", path, next(messages), {"Content-Type": "text/xml; charset=utf-8"})
            reply = connection.getresponse()
            content = reply.read()
            if reply.status != 200:
                raise PeerFailed(content[:2000].decode("utf-8", "replace"))
            count += 1
        connection.close()
        return count

    start = time.perf_counter()
    with ThreadPoolExecutor(CLIENTS) as pool:
        counts = [pool.submit(send) for _ in range(CLIENTS)]
        total = sum(count.result() for count in counts)
    return total / (time.perf_counter() - start)


def _measured(port: int, message: bytes, seconds: float) -> float:
    same = iter(lambda: message, None)
    drive(port, "/", same, seconds)
    return round(drive(port, "/", same, seconds), 1)


@contextmanager
def _running(folder: Path) -> Iterator[tuple[int, Signer]]:
    """The endpoint in a JVM of its own: its port, and who may call it."""
    pki.create(pki.example(), folder, now=datetime.now(UTC))
    class_path = os.pathsep.join(map(str, CLASS_PATH))
    _run("javac", "-encoding", "UTF-8", "-cp", class_path, "-d", folder, *SOURCES.glob("*.java"))
    _run(
        *("keytool", "-importkeystore", "-noprompt", "-srckeystore", folder / "opus.p12"),
        *("-srcstoretype", "pkcs12", "-srcstorepass", PASSWORD),
        *("-destkeystore", folder / "opus.jks", "-deststoretype", "jks", "-deststorepass", PASSWORD),
    )
    authorities = folder / "authorities.pem"  # WSS4J wants the whole chain
    authorities.write_bytes(
        b"".join((folder / f"{name}.crt.pem").read_bytes() for name in ("issuing", "root"))
    )
    pinned = ["taskset", "-c", str(max(os.sched_getaffinity(0)))] if shutil.which("taskset") else []
    java = [
        "java",
        "-Xmx2g",
        "-Dsun.net.httpserver.nodelay=true",
        *QUIET,
        "-cp",
        f"{folder}{os.pathsep}{class_path}",
        "Endpoint",
    ]
    arguments: list[str | Path] = [folder / "opus.jks", PASSWORD, authorities]
    process = subprocess.Popen([*pinned, *java, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port.isdecimal():
            raise PeerFailed(f"the endpoint did not start: {port}")
        yield (
            int(port),
            load_signer(folder / "case-system.key.pem", folder / "case-system.crt.pem", LIFETIME),
        )
    finally:
        process.kill()
        process.wait()


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise PeerFailed(f"{command[0]}: {done.stderr[-2000:]}{done.stdout[-500:]}")
