"""A server for tests: database URL, folder with keys, port, seconds for a request, more settings (JSON)."""

from __future__ import annotations

import json
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

from cryptography import x509

from opus_soap.clock import SystemClock
from opus_soap.database import connect
from opus_soap.interfaces.invoice_approval import contract
from opus_soap.settings import Settings
from opus_soap.soap import results
from opus_soap.soap.front import SoapFront
from opus_soap.soap.models import answer_header
from opus_soap.soap.service import PingService, SoapService, operation
from opus_soap.soap.serving import WsgiServer
from opus_soap.wss.certificates import TrustStore
from opus_soap.wss.saml import TokenTrust
from opus_soap.wss.signing import load_signer
from opus_soap.wss.verification import Verifier
from tests.soap.conftest import STS, build_service

from spyne import Service  # isort: skip


SETTINGS = Settings(
    header_timeout_seconds=1,
    read_timeout_seconds=max(1, int(sys.argv[4]) // 5),
    request_timeout_seconds=int(sys.argv[4]),
    max_request_bytes=1_000_000,
    **json.loads(sys.argv[5]),
)


class Lending(Service):  # type: ignore[misc]
    """A case system that takes every invoice."""

    @operation(contract.AfsendFakturaInformation_I, contract.AfsendFakturaInformation_O)
    def AfsendFakturaInformation(ctx: Any, besked: Any) -> Any:
        return contract.AfsendFakturaInformation_O(
            HovedOplysningerSvar=answer_header(besked),
            FakturaInformationIdentifikation=besked.FakturaInformationIdentifikation,
            BehandlingDatoTid=ctx.udc.now,
            AcceptStruktur=results.AcceptStruktur(AccepteretUdenBemærkninger=True),
        )


def build() -> SoapFront:
    connect(sys.argv[1])
    folder = Path(sys.argv[2])
    lending = SoapService(
        "FakturaInformationAfsend",
        "/service/OIR/FakturaInformationAfsend/1",
        "http://oir.serviceplatformen.dk/service/fakturainformationafsend/1",
        [Lending, PingService],
    )
    ca, sts = (
        x509.load_pem_x509_certificate((folder / f"{name}.crt.pem").read_bytes()) for name in ("ca", "sts")
    )
    return SoapFront(
        [build_service()[0], lending],
        SETTINGS,
        SystemClock(),
        Verifier(TrustStore(issuers=(ca,)), tokens=TokenTrust({STS: [sts]})),
        load_signer(folder / "server.key.pem", folder / "server.crt.pem", timedelta(minutes=5)),
    )


if __name__ == "__main__":
    WsgiServer(build, SETTINGS, bind=f"127.0.0.1:{sys.argv[3]}", workers=2, threads=4).run()
