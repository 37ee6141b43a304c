"""GET /metrics."""

from __future__ import annotations

import io

import pytest

from opus_soap.app import build_server
from opus_soap.database import connect, disconnect, proxy
from opus_soap.store import agreements
from tests.soap.conftest import call


@pytest.fixture
def ask(settings, database_url, clock, keys):
    """A server over the example's keys, with one agreement."""
    bound = connect(database_url)
    bound.connect(reuse_if_open=True)
    row = agreements.register_system(
        uuid="c0ffee00-1590-4d00-8000-000000000002",
        municipality="999",
        name='S "1"',
        cvr="44444449",
        services=(),
    )
    agreements.add_certificate(row, (keys / "case-system.crt.pem").read_bytes())
    disconnect()

    def get(path: str = "/metrics", method: str = "GET", **more):
        front = build_server(settings(database_url=database_url, **more), clock)
        return call(front, {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO()})

    yield get
    disconnect()
    proxy.initialize(None)


def test_days_until_certificates_end(ask):
    reply = ask(metrics=True, revocation="crl")
    assert reply.status == 200
    assert reply.headers["Content-Type"].startswith("text/plain; version=")
    lines = [line for line in reply.body.decode().splitlines() if not line.startswith("#")]
    name = "opus_soap_certificate_expires_in_days"
    assert f'{name}{{kind="agreement",name="999 S \\"1\\""}} 1094.0' in lines
    assert {line.partition('kind="')[2].partition('"')[0] for line in lines} == {
        "own", "issuer", "agreement", "revocation list",
    }  # fmt: skip
    assert ask(method="HEAD", metrics=True).body == b""


def test_off_unless_it_is_switched_on(ask):
    assert ask().status == 404


def test_what_is_not_there(ask, keys):
    assert ask("/metrics/x", metrics=True).status == 404
    assert ask(method="POST", metrics=True).status == 405
