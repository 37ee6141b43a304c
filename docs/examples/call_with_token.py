"""Call a service in the Token model (OIO IDWS): a token from the STS, a signed request, a verified reply.

    python call_with_token.py http://127.0.0.1:8080 STS_URL var/secrets

zeep and `opus_soap.wss` alone: no database, no server, nothing else of opus-soap.
"""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import zeep

from opus_soap.wss.certificates import load_pem
from opus_soap.wss.client import KombitTransport
from opus_soap.wss.signing import load_signer
from opus_soap.wss.sts import StsClient

ENTITY_ID = "http://oir.serviceplatformen.dk/service/fakturainformationsvarafsend/1"


def main(url: str, sts_url: str, folder: str) -> None:
    keys = Path(folder)
    signer = load_signer(keys / "case-system.key.pem", keys / "case-system.crt.pem", timedelta(minutes=5))
    sts = StsClient(sts_url, signer, load_pem(keys / "sts.crt.pem"))
    transport = KombitTransport(
        signer, load_pem(keys / "opus.crt.pem"), sts=sts, audience=ENTITY_ID, cvr="90810111"
    )
    service = f"{url}/service/OIR/FakturaInformationSvarAfsend/1?wsdl"
    client = zeep.Client(service, transport=transport)
    header = {"TransaktionsId": str(uuid4()), "TransaktionsTid": datetime.now(UTC)}
    answer = client.service.Ping(HovedOplysninger=header)
    print("known, and may call:", answer["HovedOplysningerSvar"]["TransaktionsId"])


if __name__ == "__main__":
    main(*sys.argv[1:])
