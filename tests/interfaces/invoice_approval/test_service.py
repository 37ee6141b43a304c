"""The answer on the wire: read from the contract's element, and answered in its words."""

from __future__ import annotations

from uuid import UUID, uuid4

import pytest
from lxml import etree

from opus_soap.interfaces.invoice_approval.answers import content_of
from opus_soap.interfaces.invoice_approval.booking import due_ore
from opus_soap.interfaces.invoice_approval.service import answer_service
from opus_soap.ledger.models import Account, Posting, Voucher
from opus_soap.money import kroner_from_ore
from opus_soap.soap.contracts import load_contract
from opus_soap.soap.service import CallContext
from opus_soap.store.models import Answer, Invoice
from tests.interfaces.invoice_approval.conftest import OURS, center

K, C = "http://www.kombit.dk/2017/01/01/", "http://kombit.dk/xml/schemas/kontekst/2017/01/01/"
ANSWER = f"""
<AfsendFakturaInformationSvar_I xmlns="{K}" xmlns:c="{C}">
  <c:HovedOplysninger><c:TransaktionsId>{{transaction}}</c:TransaktionsId>
    <c:TransaktionsTid>2026-11-23T12:00:00+01:00</c:TransaktionsTid></c:HovedOplysninger>
  <FakturaInformationSvarIdentifikation>{{answer}}</FakturaInformationSvarIdentifikation>
  <FakturaInformationIdentifikation>{{lending}}</FakturaInformationIdentifikation>
  <FakturaInformationBehandling>
    <FakturaInformationBehandlingDatoTid>2026-11-23T12:00:00+01:00</FakturaInformationBehandlingDatoTid>
    <FakturaInformationBehandlingResultat>Godkendt</FakturaInformationBehandlingResultat>
  </FakturaInformationBehandling>
  <Korrespondance><KorrespondanceIdentifikation>{UUID(int=3)}</KorrespondanceIdentifikation>
    <KorrespondanceDato>2026-11-23</KorrespondanceDato><KorrespondanceTekst>set</KorrespondanceTekst>
  </Korrespondance>
  <Kontering>
    <Finansbilag><FinansbilagIdentifikation>{UUID(int=4)}</FinansbilagIdentifikation>
      <FinansbilagTekst>Papir</FinansbilagTekst><FinansbilagDato>2026-11-23</FinansbilagDato>
      <FinansbilagReference>SAG-7</FinansbilagReference>
      <FinansbilagSupplerendeTekst>til skolen</FinansbilagSupplerendeTekst></Finansbilag>
    {{lines}}
  </Kontering>
  <AcceptStruktur><AccepteretUdenBemærkninger>true</AccepteretUdenBemærkninger></AcceptStruktur>
</AfsendFakturaInformationSvar_I>"""
LINE = f"""<Postering><Posteringsdata>
  <PosteringsdataIdentifikation>{UUID(int=5)}</PosteringsdataIdentifikation>
  <PosteringsdataBeløb>{{amount}}</PosteringsdataBeløb>
  <DebetKreditIndikator>Debet</DebetKreditIndikator>
  <PosteringsdataDato>2026-11-23</PosteringsdataDato><PosteringsdataTekst>{{text}}</PosteringsdataTekst>
  <PosteringsdataSupplerendeTekst>klasse 7</PosteringsdataSupplerendeTekst></Posteringsdata>
  <Referencenøgle><ReferencenøgleIdentifikation>{UUID(int=6)}</ReferencenøgleIdentifikation>
    <ReferencenøgleTekst>2026/77</ReferencenøgleTekst></Referencenøgle>
  <PrimæreDimensioner><ArtskontoIdentifikation>{{account}}</ArtskontoIdentifikation>
    <OmkostningsstedIdentifikation>{{center}}</OmkostningsstedIdentifikation></PrimæreDimensioner>
</Postering>"""


@pytest.fixture
def lent(lend):
    """An invoice lent out."""
    return lend()


@pytest.fixture
def answer(lent):
    """An approval in the contract's XML; the first line takes what the second leaves."""
    due = due_ore(Invoice.get_by_id(lent.invoice.id))
    facts = {"answer": uuid4(), "lending": lent.uuid, "transaction": "t1"}

    def line(number: str, ore: int, text: str) -> str:
        account = Account.get(Account.number == number).uuid
        return LINE.format(amount=kroner_from_ore(ore), text=text, account=account, center=center("1101"))

    def make(*, second: str = "22000400", text: str = "papir", **change: object) -> str:
        lines = line("22000300", due - 100, text) + line(second, 100, "klips")
        return ANSWER.format(**{**facts, **change}, lines=lines)

    return make


@pytest.fixture
def give(system, clock):
    """The service's answer to a message."""
    service = answer_service(clock, OURS)

    def call(xml: str) -> etree._Element:
        body = etree.fromstring(xml)
        load_contract("FakturaInformationSvarAfsend").validate(body)
        return service.dispatch(
            body, CallContext(system, system.municipality, "urn:uuid:x", uuid4(), clock.now())
        )

    return call


def reasons(reply: etree._Element) -> list[tuple[str, str, str]]:
    """(code, element, value) of every reason for a refusal."""
    return [
        tuple(
            row.findtext(f"{{{K}}}{name}", "") for name in ("LokalÅrsagKode", "ElementNavn", "ElementVærdi")
        )
        for row in reply.iter(f"{{{K}}}ResultatÅrsagStruktur")
    ]


def accepted(reply: etree._Element) -> bool:
    return reply.find(f"{{{K}}}AcceptStruktur") is not None


def test_an_approval_is_booked_with_all_its_texts(answer, give, lent):
    reply = give(answer())
    assert accepted(reply)
    assert reply.findtext(f".//{{{C}}}TransaktionsId") == "t1"
    rows = list(Posting.select().order_by(Posting.line))
    assert rows[0].text == "papir · klasse 7"
    assert rows[0].allocation == "2026/77"
    assert rows[-1].text.endswith(" · SAG-7 · til skolen")
    assert content_of(Answer.get())["Korrespondance"][0]["KorrespondanceTekst"] == "set"


def test_the_same_content_in_another_message_gets_the_stored_answer(answer, give, clock):
    first = give(answer())
    same = answer(transaction="t2").replace("12:00:00+01:00", "11:00:00Z").replace("Debet\n", "Debet")
    again = give(same.replace("<PosteringsdataBeløb>1.00<", "<PosteringsdataBeløb>1.0<"))
    assert accepted(again)
    for name in ("BehandlingDatoTid", "FakturaInformationSvarIdentifikation"):
        assert again.findtext(f"{{{K}}}{name}") == first.findtext(f"{{{K}}}{name}")
    assert Voucher.select().count() == 1


@pytest.mark.parametrize(
    ("before", "after", "element", "shown"),
    [
        (">papir<", ">noget andet<", "Kontering/Postering[1]/Posteringsdata/PosteringsdataTekst", False),
        (">1.00<", ">2.00<", "Kontering/Postering[2]/Posteringsdata/PosteringsdataBeløb", True),
        (">set<", ">læst<", "Korrespondance[1]/KorrespondanceTekst", False),
        (
            "<AccepteretUdenBemærkninger>true</AccepteretUdenBemærkninger>",
            f"<ResultatÅrsagStruktur><ÅrsagIdentifikation>{UUID(int=9)}</ÅrsagIdentifikation>"
            "<LokalÅrsagTekst>under forbehold</LokalÅrsagTekst></ResultatÅrsagStruktur>",
            "AcceptStruktur/AccepteretUdenBemærkninger",
            True,
        ),
    ],
)
def test_other_content_is_refused_by_naming_the_difference(answer, give, before, after, element, shown):
    assert accepted(give(answer()))
    other = answer().replace(before, after)
    assert other != answer()
    told = {name: (code, value) for code, name, value in reasons(give(other))}
    assert told[element][0] == "FAK-004"
    assert (told[element][1] not in ("", "••••••")) == shown
    assert Voucher.select().count() == 1


def test_a_refusal_names_the_elements_of_the_message(answer, give):
    assert reasons(give(answer(second="22009900"))) == [
        ("LED-011", "Postering[2]/ArtskontoIdentifikation", "22009900")
    ]
    late = answer().replace("Dato>2026-11-23<", "Dato>2031-11-23<")
    assert [row[:2] for row in reasons(give(late))] == [("LED-020", "FinansbilagDato")]


def test_a_long_reference_goes_into_the_text(answer, give):
    assert accepted(give(answer().replace("2026/77", "x" * 19)))
    row = Posting.select().order_by(Posting.line).first()
    assert (row.allocation, row.text) == ("", f"papir · klasse 7 · {'x' * 19}")


def test_remarks_on_an_approval_are_kept(answer, give):
    reserved = answer().replace(
        "<AccepteretUdenBemærkninger>true</AccepteretUdenBemærkninger>",
        f"<ResultatÅrsagStruktur><ÅrsagIdentifikation>{UUID(int=9)}</ÅrsagIdentifikation>"
        "<LokalÅrsagTekst>under forbehold</LokalÅrsagTekst></ResultatÅrsagStruktur>",
    )
    assert accepted(give(reserved))
    kept = content_of(Answer.get())["AcceptStruktur"]["ResultatÅrsagStruktur"]
    assert kept[0]["LokalÅrsagTekst"] == "under forbehold"


def test_a_refusal_tells_fifty_reasons_and_how_many_more(lent, answer, give):
    many = answer()
    start, end = many.index("<Postering>"), many.rindex("</Postering>") + len("</Postering>")
    line = many[start : many.index("</Postering>", start) + len("</Postering>")]
    unknown = line.replace(str(center("1101")), str(UUID(int=3)))
    refused = reasons(give(many[:start] + unknown * 80 + many[end:]))
    assert len(refused) == 51
    assert refused[-1][0] == "FAK-034"
    assert int(refused[-1][2]) >= 30
