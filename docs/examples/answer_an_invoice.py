"""A case system's client in Python: learn the dimensions, approve an invoice on one line.

    python answer_an_invoice.py http://127.0.0.1:8080 var/secrets LENDING AMOUNT ACCOUNT [COST_CENTRE]

LENDING is the FakturaInformationIdentifikation that the invoice came with, AMOUNT what is to be paid, in
kroner (a credit note's with a minus). Exit status 1 when the answer is refused. Each run is an answer of its
own: a second one corrects the first. zeep makes the messages from the contract; the signature is the
part that it does not know, and opus_soap.wss is used for that alone.
"""

import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from uuid import uuid4

import zeep
from lxml import etree

from opus_soap.wss.addressing import Addressing
from opus_soap.wss.certificates import load_pem
from opus_soap.wss.replies import verify_reply
from opus_soap.wss.signing import load_signer


class SignedMessages:
    """zeep's `wsse`: signs what goes out (profile kombit), takes only a reply that opus-soap signed."""

    def __init__(self, keys: Path) -> None:
        files = keys / "case-system.key.pem", keys / "case-system.crt.pem"
        self.signer = load_signer(*files, timedelta(minutes=5))
        self.opus = load_pem(keys / "opus.crt.pem")
        self.action = self.message_id = ""

    def apply(self, envelope, headers):
        self.message_id = f"urn:uuid:{uuid4()}"
        addressing = Addressing(action=self.action, message_id=self.message_id)
        body = envelope.find("{*}Body")
        return etree.fromstring(self.signer.sign(body[0], addressing, now=datetime.now(UTC))), headers

    def verify(self, envelope):
        verify_reply(
            etree.tostring(envelope, encoding="UTF-8"),
            request_message_id=self.message_id,
            pinned=self.opus,
            now=datetime.now(UTC),
        )


def call(url: str, keys: Path, path: str, operation: str, **content):
    messages = SignedMessages(keys)
    client = zeep.Client(f"{url}/service/{path}?wsdl", wsse=messages)
    messages.action = client.service._binding.get(operation).soapaction
    header = {"TransaktionsId": str(uuid4()), "TransaktionsTid": datetime.now(UTC)}
    return client.service[operation](HovedOplysninger=header, **content)


def main(url: str, folder: str, lending: str, amount: str, account: str, cost_centre: str = "") -> None:
    keys, kroner, today = Path(folder), Decimal(amount), datetime.now().astimezone().date()
    found = call(url, keys, "Stamdata/DimensionHent/1", "DimensionHent", Firmakode="0020")
    uuids = {row.DimensionKode: row.DimensionIdentifikation for row in found.Dimension}
    if unknown := {account, cost_centre} - {"", *uuids}:
        sys.exit(f"there is no dimension {', '.join(unknown)}")
    where = {"ArtskontoIdentifikation": uuids[account]}
    if cost_centre:
        where["OmkostningsstedIdentifikation"] = uuids[cost_centre]
    line = {
        "PosteringsdataIdentifikation": str(uuid4()),
        "PosteringsdataBeløb": abs(kroner),
        "DebetKreditIndikator": "Debet" if kroner > 0 else "Kredit",
        "PosteringsdataDato": today,
        "PosteringsdataTekst": "Kontorartikler",
    }
    answer = call(
        url,
        keys,
        "OIR/FakturaInformationSvarAfsend/1",
        "AfsendFakturaInformationSvar",
        FakturaInformationSvarIdentifikation=str(uuid4()),
        FakturaInformationIdentifikation=lending,
        FakturaInformationBehandling={
            "FakturaInformationBehandlingDatoTid": datetime.now(UTC),
            "FakturaInformationBehandlingResultat": "Godkendt",
        },
        Kontering={
            "Finansbilag": {
                "FinansbilagIdentifikation": str(uuid4()),
                "FinansbilagTekst": "Godkendt i sagssystemet",
                "FinansbilagDato": today,
            },
            "Postering": [{"Posteringsdata": line, "PrimæreDimensioner": where}],
        },
        AcceptStruktur={"AccepteretUdenBemærkninger": True},
    )
    if answer.AcceptStruktur is not None:
        print("booked")
        return
    for reason in answer.AfvisningStruktur.ResultatÅrsagStruktur:
        print(f"{reason.LokalÅrsagKode}: {reason.LokalÅrsagTekst}")
    sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
