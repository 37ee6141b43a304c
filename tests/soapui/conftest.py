"""Projects exported once for each profile, over the example's keys."""

from __future__ import annotations

from pathlib import Path

import pytest
from lxml import etree

from opus_soap.app import services
from opus_soap.clock import SystemClock
from opus_soap.settings import load
from opus_soap.soapui.export import export
from opus_soap.wss import pki

CON = {"con": "http://eviware.com/soapui/config"}
URL = "http://127.0.0.1:8080"


def find(node, path):
    """XPath with SoapUI's prefix."""
    return node.xpath(path, namespaces=CON)


def export_from(offered, keys: Path, out: Path, profile: str, **other) -> list[Path]:
    """The example's way to export."""
    chosen = {
        "url": f"{URL}/",
        "keystore": keys / "case-system.p12",
        "password": "opus-soap",
        "trusted": (keys / "opus.crt.pem", keys / "ca.pem"),
        "profile": profile,
    }
    return export(offered, out, **{**chosen, **other})


@pytest.fixture(scope="session")
def offered():
    """The services of the finance system."""
    return services(load(), SystemClock())


@pytest.fixture(scope="session")
def keys(tmp_path_factory) -> Path:
    """The example PKI."""
    folder = tmp_path_factory.mktemp("pki") / "keys"
    pki.create(pki.example(), folder, now=SystemClock().now())
    return folder


@pytest.fixture(scope="session", params=["basic", "kombit"])
def exported(request, keys, offered, tmp_path_factory) -> tuple[Path, str]:
    """The folder of projects, and their profile."""
    out = tmp_path_factory.mktemp("export") / "soapui"
    written = export_from(offered, keys, out, request.param)
    assert sorted(written) == sorted(out.iterdir())
    return out, request.param


@pytest.fixture
def projects(exported):
    """The root of each project, by the name of its service."""
    return {
        path.name.removesuffix("-soapui-project.xml"): etree.parse(path).getroot()
        for path in exported[0].glob("*.xml")
    }
