"""A house to export for: keys, a database with an agreement, and the folder of projects."""

from __future__ import annotations

import pytest
from lxml import etree

from opus_soap.app import services
from opus_soap.clock import SystemClock
from opus_soap.database import disconnect, proxy
from opus_soap.demo.scene import prepare
from opus_soap.settings import load
from opus_soap.soapui.export import export

CON = {"con": "http://eviware.com/soapui/config"}


@pytest.fixture(scope="session")
def offered():
    """The services of the finance system."""
    return services(load(), SystemClock())


@pytest.fixture
def scene(tmp_path):
    """The demo's keys, database and agreement; this process is connected."""
    yield prepare(_made(tmp_path / "scene"), SystemClock(), opus_port=0, case_port=0)
    disconnect()
    proxy.initialize(None)


@pytest.fixture(params=["basic", "kombit"])
def exported(request, scene, offered, tmp_path):
    """The folder of projects, with either profile."""
    settings = scene.settings("opus")
    out = tmp_path / "soapui"
    written = export(
        offered,
        out,
        url=f"{scene.opus_url}/",
        keystore=scene.keys / "case-system.p12",
        password="opus-soap",
        trusted=(settings.signing_certificate_file, settings.trusted_ca_file),
        profile=request.param,
    )
    assert sorted(written) == sorted(out.iterdir())
    return out


@pytest.fixture
def projects(exported):
    """The root of each project, by the name of its service."""
    return {
        path.name.removesuffix("-soapui-project.xml"): etree.parse(path).getroot()
        for path in exported.glob("*.xml")
    }


def find(node, path):
    """XPath with SoapUI's prefix."""
    return node.xpath(path, namespaces=CON)


def _made(folder):
    folder.mkdir()
    return folder
