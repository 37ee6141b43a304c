"""FinansbilagModtag: a message is the file that it stands for, and its answer is the receipt."""

from __future__ import annotations

import textwrap
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

import pytest
from lxml import etree

from opus_soap.database import transaction
from opus_soap.errors import BodyInvalid, SystemHasNoSender, TooManyAtOnce, TooManyVouchers, ValueUnreadable
from opus_soap.interfaces.postings_in import receiving, soap_service
from opus_soap.interfaces.postings_in import soap_contract as contract
from opus_soap.ledger.models import Voucher
from opus_soap.settings import Settings
from opus_soap.soap.models import KOMBIT_NS, HovedOplysninger
from opus_soap.soap.service import CallContext, ContractProtocol
from opus_soap.store import agreements, content
from opus_soap.store.models import PostingFile, PostingSender

SYSTEM = UUID("c0ffee00-1590-4d00-8000-000000000009")
NOW = datetime(2026, 11, 23, 11, 0, tzinfo=UTC)
HEADER = {
    "PosteringsbilagFirmakode": "0020",
    "PosteringsbilagBilagsart": "SA",
    "PosteringsbilagBilagsdato": date(2026, 11, 23),
    "PosteringsbilagBogføringsdato": date(2026, 11, 23),
    "PosteringsbilagNummer": "1",
    "PosteringsbilagHovedtekst": "Ydelser",
    "PosteringsbilagReference": "november",
}
DEBIT = {
    "DebetKreditIndikator": "Debet",
    "PosteringslinjeBeløb": Decimal("100.00"),
    "PosteringslinjeTekst": "kontanthjælp",
    "PosteringslinjeOmkostningssted": "1101",
    "PosteringslinjeArtskonto": "52000200",
    "PosteringslinjeNummer": "1",
    "PosteringslinjeAfsendersystem": "KY01",
}
CREDIT = {
    "DebetKreditIndikator": "Kredit",
    "PosteringslinjeBeløb": Decimal("100.00"),
    "PosteringslinjeArtskonto": "90540100",
    "PosteringslinjeNummer": "2",
    "PosteringslinjeAfsendersystem": "KY01",
}


def voucher(*lines, files=(), **change):
    return contract.Posteringsbilag(
        **{**HEADER, **change},
        OirBase64Container=[contract.OirBase64Container(**file) for file in files] or None,
        Posteringslinje=[contract.Posteringslinje(**line) for line in lines or (DEBIT, CREDIT)],
    )


def message(*vouchers, at="2026-11-23T12:00:00+01:00"):
    header = HovedOplysninger(TransaktionsId="1", TransaktionsTid=at)
    return contract.ModtagFinansbilag_I(HovedOplysninger=header, Posteringsbilag=list(vouchers))


@pytest.fixture
def system(sender):
    made = agreements.register_system(
        uuid=SYSTEM, municipality="999", name="Ydelser", cvr="44444449", services=["FinansbilagModtag"]
    )
    PostingSender.update(system=made).execute()
    return made


@pytest.fixture
def send(system, clock, tmp_path):
    settings = Settings(files_folder=tmp_path / "files", max_message_vouchers=3)
    service = soap_service.voucher_service(clock, settings)

    def once(sent):
        body = sent if isinstance(sent, etree._Element) else written(sent)
        lifted = service.contract.accept(body, {})
        with transaction():
            return service.dispatch(body, CallContext(system, "999", "m", SYSTEM, NOW, lifted))

    return once


def written(sent):
    parent = etree.Element("parent")
    kind = contract.ModtagFinansbilag_I
    ContractProtocol().to_parent(None, kind, sent, parent, KOMBIT_NS, kind.get_type_name())
    return deepcopy(parent[0])


def said(answer):
    """Each voucher's verdict and numbers, and whether the whole was accepted."""
    name = f"{{{KOMBIT_NS}}}"
    receipts = [
        (
            receipt.findtext(f"{name}PosteringskvitteringResultat"),
            [number.text for number in receipt.iter(f"{name}PosteringsmeddelelseNummer")],
        )
        for receipt in answer.iter(f"{name}Posteringskvittering")
    ]
    return receipts, answer.find(f"{name}AcceptStruktur") is not None


def codes(answer):
    return [node.text for node in answer.iter(f"{{{KOMBIT_NS}}}LokalÅrsagKode")]


def test_vouchers_are_booked_and_receipted_each_for_itself(send):
    answer = send(
        message(
            voucher(), voucher(DEBIT | {"PosteringslinjeArtskonto": "1"}, CREDIT, PosteringsbilagNummer="2")
        )
    )
    assert said(answer) == ([("Modtaget", ["305"]), ("Afvist", ["510"])], True)
    assert codes(answer) == ["PIN-473"]
    assert Voucher.get().reference == "1"


def test_all_good_is_said_without_remarks(send):
    answer = send(message(voucher()))
    assert answer.find(f".//{{{KOMBIT_NS}}}AccepteretUdenBemærkninger") is not None
    file = PostingFile.get()
    assert answer.findtext(f"{{{KOMBIT_NS}}}PosteringsfilNavn") == file.name
    assert file.name.endswith("_999_KY01_20261123_120000.xml")


def test_nothing_good_is_refused(send):
    answer = send(message(voucher(PosteringsbilagBilagsart="XX")))
    assert said(answer)[1] is False
    assert codes(answer) == ["PIN-473"]


def test_sent_again_it_is_the_same(send):
    first = send(message(voucher()))
    again = send(message(voucher()))
    assert etree.tostring(first) == etree.tostring(again)
    assert (Voucher.select().count(), PostingFile.select().count()) == (1, 1)


def test_two_of_the_same_second_are_two_files(send):
    send(message(voucher()))
    send(message(voucher(PosteringsbilagNummer="2")))
    assert [file.name[-10:] for file in PostingFile.select().order_by(PostingFile.id)] == [
        "120000.xml",
        "120001.xml",
    ]
    send(message(voucher(PosteringsbilagNummer="2")))
    assert Voucher.select().count() == 2


def test_a_voucher_in_another_message_was_received_before(send):
    send(message(voucher()))
    answer = send(message(voucher(), at="2026-11-23T12:00:07Z"))
    ((result, numbers),) = said(answer)[0]
    assert (result, numbers[0], len(numbers)) == ("Afvist", "301", 2)  # and whether it is the same


@pytest.mark.parametrize(
    ("line", "number"),
    [
        ({"PosteringslinjeBeløb": Decimal("-100.00")}, "444"),
        ({"PosteringslinjeBeløb": Decimal("0.00")}, "445"),
        ({"PosteringslinjeTekst": "x" * 51}, "425"),
        ({"PosteringslinjeTekst": "010190-1234"}, "449"),
    ],
)
def test_what_is_wrong_is_told_as_of_a_file(send, line, number):
    answer = send(message(voucher(DEBIT | line, CREDIT)))
    assert number in said(answer)[0][0][1]
    assert b"010190" not in etree.tostring(answer)


def attached(data):
    return {"FilNavn": "bilag.pdf", "Medietype": "application/pdf", "Rolle": "BILAG", "Indhold": [data]}


def long_text(body):
    (element,) = body.iter("{*}Indhold")
    return element


@pytest.mark.parametrize("size", [7, 4096, 100_000])
def test_an_attachment_comes_through(send, size):
    data = b"%PDF-1." * (size // 7)
    answer = send(message(voucher(files=[attached(data)])))
    assert said(answer)[1]
    (kept,) = Voucher.get().details["FILES"]
    assert (kept["FILE_NAME"], kept["FILE_TYPE"]) == ("bilag.pdf", "PDF")
    assert kept["FILE_LENGTH"] == str(len(data))
    assert content.get(kept["sha256"]) == data


def test_a_long_attachment_in_lines_is_the_same(send):
    data = b"%PDF-1." * 10_000
    sent = written(message(voucher(files=[attached(data)])))
    text = long_text(sent)
    text.text = "\n".join(textwrap.wrap(text.text, 76))
    send(sent)
    assert content.get(Voucher.get().details["FILES"][0]["sha256"]) == data


@pytest.mark.parametrize("place", [5000, None])
@pytest.mark.parametrize("wrong", ["*", "=", "===", "Q", "å"])
def test_a_long_attachment_that_is_no_base64_is_refused(send, wrong, place):
    sent = written(message(voucher(files=[attached(b"xxx" * 10_000)])))
    text = long_text(sent)
    text.text = text.text[:place] + wrong + text.text[place or len(text.text) :]
    with pytest.raises(BodyInvalid) as refused:
        send(sent)
    assert "Indhold" in refused.value.element
    assert Voucher.select().count() == 0


def test_a_system_that_is_nobodys_sender_is_told(send):
    PostingSender.update(system=None).execute()
    with pytest.raises(SystemHasNoSender):
        send(message(voucher()))


def test_a_stopped_sender_is_none(send):
    PostingSender.update(active=False).execute()
    with pytest.raises(SystemHasNoSender):
        send(message(voucher()))


def test_limits_are_told(send, monkeypatch):
    with pytest.raises(TooManyVouchers):
        send(message(*[voucher(PosteringsbilagNummer=str(number)) for number in range(4)]))
    monkeypatch.setattr(receiving, "_MOST_AT_ONCE", 1)
    send(message(voucher()))
    with pytest.raises(TooManyAtOnce):
        send(message(voucher(PosteringsbilagNummer="2")))
    assert Voucher.select().count() == 1


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "2026-11-23T24:00:00"])
def test_a_time_that_is_none_is_told(send, at):
    with pytest.raises((ValueUnreadable, BodyInvalid)):
        send(message(voucher(), at=at))
    assert PostingFile.select().count() == 0


def test_a_year_far_away_is_refused_as_a_file(send):
    answer = send(message(voucher(), at="2070-11-23T12:00:00Z"))
    assert said(answer) == ([], False)
    assert codes(answer)
