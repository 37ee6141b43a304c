"""The Java peer: an endpoint with WSS4J that verifies a request and signs a reply, and does nothing else.

It is made with javac from Debian's jars, has the core that our server has, and is sent the same signed
messages; neither replay nor dispatch nor a database is in its way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.peers import cores
from bench.peers.driving import Endpoint

SOURCES = Path(__file__).parent / "wss4j"
JARS = Path("/usr/share/java")
CLASS_PATH = [
    JARS / f"{name}.jar"
    for name in ("wss4j", "xmlsec", "commons-logging", "commons-codec", "slf4j-api", "slf4j-nop")
]
PACKAGES = "libwss4j-java libxml-security-java openjdk-17-jdk-headless"
PASSWORD = "opus-soap"  # of the example PKI's PKCS#12 files
QUIET = ["-Dorg.apache.commons.logging.Log=org.apache.commons.logging.impl.NoOpLog"]  # or it warns each time
OPTIONS = ["-Xmx2g", "-Dsun.net.httpserver.nodelay=true", *QUIET]


class PeerFailed(Exception):
    """The peer cannot be made, or does not start."""


def missing() -> str:
    """What the peer needs and does not find, or nothing."""
    programs = [name for name in ("java", "javac", "keytool") if not shutil.which(name)]
    return ", ".join([*programs, *(str(jar) for jar in CLASS_PATH if not jar.exists())])


@contextmanager
def running(keys: Path, folder: Path) -> Iterator[Endpoint]:
    """The endpoint in a JVM on the core of servers; the key `opus` signs, of an example PKI in `keys`.

    Raises `PeerFailed`.
    """
    folder.mkdir()
    store = _made(keys, folder)
    authorities = folder / "authorities.pem"  # WSS4J wants the whole chain
    authorities.write_bytes(b"".join((keys / f"{name}.crt.pem").read_bytes() for name in ("issuing", "root")))
    class_path = os.pathsep.join(map(str, [folder, *CLASS_PATH]))
    command: list[str | Path] = [
        "java",
        *OPTIONS,
        "-cp",
        class_path,
        "Endpoint",
        store,
        PASSWORD,
        authorities,
    ]
    with cores.on(cores.SERVER):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True)
    try:
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        if not port.isdecimal():
            raise PeerFailed(f"the endpoint did not start: {port}")
        yield Endpoint(int(port), "/", process.pid, lambda reply: b"modtaget" in reply)
    finally:
        process.kill()
        process.wait()


def _made(keys: Path, folder: Path) -> Path:
    """The endpoint compiled into the folder; the key store that it signs with."""
    class_path = os.pathsep.join(map(str, CLASS_PATH))
    _run("javac", "-encoding", "UTF-8", "-cp", class_path, "-d", folder, *SOURCES.glob("*.java"))
    store = folder / "opus.jks"
    _run(
        *("keytool", "-importkeystore", "-noprompt", "-srckeystore", keys / "opus.p12"),
        *("-srcstoretype", "pkcs12", "-srcstorepass", PASSWORD),
        *("-destkeystore", store, "-deststoretype", "jks", "-deststorepass", PASSWORD),
    )
    return store


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    if done.returncode:
        raise PeerFailed(f"{command[0]}: {done.stderr[-2000:]}{done.stdout[-500:]}")
