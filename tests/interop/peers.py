"""Other people's stacks: what each needs, how its client in `peers/` is made and run.

python -m tests.interop.peers        # as root: install from Debian what is missing
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from tests.interop.stacks import SOURCES, Peer, debian, programs, run

JARS = Path("/usr/share/java")
CLASS_PATH = [
    JARS / f"{name}.jar"
    for name in ("wss4j", "xmlsec", "commons-logging", "commons-codec", "slf4j-api", "slf4j-nop")
]


def _make_wss4j(folder: Path, _url: str) -> None:
    sources = sorted((SOURCES / "wss4j").glob("*.java"))
    run("javac", "-encoding", "UTF-8", "-cp", os.pathsep.join(map(str, CLASS_PATH)), "-d", folder, *sources)


def _make_java(folder: Path, _url: str) -> None:
    shared = [SOURCES / "wss4j" / f"{name}.java" for name in ("Messages", "Xml")]
    run("javac", "-encoding", "UTF-8", "-d", folder, SOURCES / "java" / "ContextCall.java", *shared)


def _java() -> str:
    lines = run("java", "-XshowSettings:properties", "-XshowSettings:none", "--version").splitlines()
    return f"Java {lines[0].split()[1].split('.')[0]}"


def _php_missing() -> str:
    if not shutil.which("php"):
        return "php"
    modules = run("php", "-m").split()
    return ", ".join(name for name in ("soap", "dom", "openssl") if name not in modules)


def _make_node(folder: Path, _url: str) -> None:
    for source in (SOURCES / "node").iterdir():
        if source.is_file():
            shutil.copy(source, folder)
    run("npm", "install", "--no-package-lock", "--no-audit", "--no-fund", "--loglevel=error", folder=folder)


def _make_gsoap(folder: Path, url: str) -> None:
    run("sh", SOURCES / "gsoap" / "build.sh", url, folder)


def _node_version(folder: Path) -> str:
    told = json.loads((folder / "node_modules" / "soap" / "package.json").read_text("utf-8"))
    return f"{told['version']}, Node {run('node', '--version').strip().lstrip('v').split('.')[0]}"


WSS4J = Peer(
    "WSS4J",
    "wss4j",
    "Java",
    ("libwss4j-java", "libxml-security-java", "openjdk-17-jdk-headless"),
    missing=programs("javac", *map(str, CLASS_PATH)),
    version=debian("libwss4j-java", lambda: f", {_java()}"),
    command=lambda folder: ["java", "-cp", os.pathsep.join(map(str, (folder, *CLASS_PATH))), "Call"],
    make=_make_wss4j,
    forms={
        "bst": "BinarySecurityToken",
        "bst-str-transform": "BinarySecurityToken, signed by STR-Transform",
        "issuer-serial": "issuer and serial number",
        "ski": "subject key identifier",
        "thumbprint": "thumbprint",
    },
)
SOAP_CLIENT = Peer(
    "SoapClient",
    "php",
    "PHP",
    ("php-cli", "php-soap", "php-xml"),
    missing=_php_missing,
    version=lambda _: run("php", "-r", "echo PHP_VERSION;"),
    command=lambda _: ["php", SOURCES / "php" / "call.php"],
)
NODE_SOAP = Peer(
    "node-soap",
    "node",
    "Node",
    ("nodejs", "npm"),
    missing=programs("node", "npm"),
    version=_node_version,
    command=lambda folder: ["node", "--no-deprecation", folder / "call.js"],
    make=_make_node,
    forms={
        "default": "BinarySecurityToken; plain Id, enveloped and exc-c14n",
        "wssecurity": "BinarySecurityToken; wsu:Id",
    },
)
GSOAP = Peer(
    "gSOAP wsse",
    "gsoap",
    "C",
    ("gsoap", "libgsoap-dev", "libssl-dev", "gcc", "pkg-config"),
    missing=programs("wsdl2h", "soapcpp2", "cc", "pkg-config", "/usr/share/gsoap/plugin/wsseapi.c"),
    version=debian("gsoap"),
    command=lambda folder: [folder / "call"],
    make=_make_gsoap,
)
XMLSEC1 = Peer(
    "xmlsec1",
    "xmlsec1",
    "shell",
    ("xmlsec1", "libxml2-utils", "curl"),
    missing=programs("xmlsec1", "xmllint", "curl"),
    version=debian("xmlsec1"),
    command=lambda _: ["sh", SOURCES / "xmlsec1" / "call.sh"],
)
ZEEP = Peer(
    "zeep",
    "zeep",
    "Python",
    (),
    missing=lambda: "" if find_spec("xmlsec") else "the Python package xmlsec (pip install -e '.[interop]')",
    version=lambda _: version("zeep"),
    command=lambda _: [sys.executable, SOURCES / "zeep" / "call.py"],
)

PEERS = (WSS4J, SOAP_CLIENT, NODE_SOAP, GSOAP, XMLSEC1, ZEEP)
"""They sign with a certificate."""

TOKEN_PEERS = tuple(
    replace(peer, forms={"": "the assertion, by KeyIdentifier"}) for peer in (WSS4J, XMLSEC1, ZEEP)
)
"""They sign with the key that a token is bound to; the file of the token is their last argument."""

CONTEXT_PEERS = (
    replace(
        SOAP_CLIENT,
        command=lambda _: ["php", SOURCES / "php" / "context.php"],
        forms={"": "`local_cert` of a stream context"},
    ),
    replace(
        NODE_SOAP,
        command=lambda folder: ["node", "--no-deprecation", folder / "context.js"],
        forms={"": "`ClientSSLSecurity`"},
    ),
    Peer(
        "HttpsURLConnection",
        "java",
        "Java",
        ("openjdk-17-jdk-headless",),
        missing=programs("javac"),
        version=lambda _: f"of {_java()}",
        command=lambda folder: ["java", "-cp", folder, "ContextCall"],
        make=_make_java,
        forms={"": "PKCS#12 keystore"},
    ),
    replace(
        GSOAP,
        name="gSOAP",
        command=lambda folder: [folder / "context"],
        forms={"": "`SSL_CTX` of `soap_ssl_client_context`"},
    ),
    Peer(
        "curl",
        "curl",
        "shell",
        ("curl", "libxml2-utils"),
        missing=programs("curl", "xmllint"),
        version=debian("curl"),
        command=lambda _: ["sh", SOURCES / "curl" / "context.sh"],
        forms={"": "`--cert` and `--key`"},
    ),
    replace(
        ZEEP,
        missing=lambda: "",
        command=lambda _: [sys.executable, SOURCES / "zeep" / "context.py"],
        forms={"": "`cert` of a requests session"},
    ),
)
"""They sign nothing; the name of a certificate, or `none`, may be their last argument."""

ALL = (*PEERS, *TOKEN_PEERS, *CONTEXT_PEERS)


def install(folders: Sequence[str]) -> None:
    """Install what these peers miss, or all of them when none is named, where that is possible.

    What stays missing is skipped with its reason.
    """
    asked = [peer for peer in ALL if not folders or peer.folder in folders]
    wanted = sorted({package for peer in asked if peer.missing() for package in peer.packages})
    if not wanted:
        return
    if os.geteuid() or not shutil.which("apt-get"):
        print(f"not root on a Debian: not installed: {' '.join(wanted)}")
        return
    os.environ["DEBIAN_FRONTEND"] = "noninteractive"
    print(f"installing {' '.join(wanted)} …", flush=True)
    subprocess.run(["apt-get", "update", "-qq"], check=False)
    for package in wanted:  # one by one: what Debian does not have stops nothing else
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package],
            check=False,
            stdout=subprocess.DEVNULL,
        )


if __name__ == "__main__":
    install(sys.argv[1:])
