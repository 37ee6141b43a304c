"""FakturaInformationSvarAfsend, exposed by us: the case system's answers come in here."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from uuid import UUID, uuid5

from opus_soap.clock import Clock
from opus_soap.errors import MoreReasons, OpusSoapError
from opus_soap.interfaces.invoice_approval.answers import MOST_LINES, AnswerReceipt, receive_answer
from opus_soap.interfaces.invoice_approval.contract import (
    AcceptStruktur,
    AfsendFakturaInformationSvar_I,
    AfsendFakturaInformationSvar_O,
    AfvisningStruktur,
    ResultatÅrsag,
)
from opus_soap.interfaces.invoice_approval.messages import read_answer
from opus_soap.soap.models import answer_header
from opus_soap.soap.service import CallContext, PingService, SoapService, operation

from spyne import Service  # isort: skip

# a code always has the same ÅrsagIdentifikation, so that a receiver can tell reasons apart by it
MOST_REASONS = 50  # more nobody reads, and the first ones mostly explain the others
_REASONS = UUID("9d5b2f0e-7a53-5c55-8c57-15900d000001")


def reason(error: OpusSoapError) -> ResultatÅrsag:
    """An error as the contract tells it: element, value, Danish text with the remedy, code."""
    return ResultatÅrsag(
        ÅrsagIdentifikation=uuid5(_REASONS, error.code),
        ElementNavn=_fit(error.element, 255),
        ElementVærdi=_fit(error.value, 255),
        LokalÅrsagTekst=_fit(f"{error.text_danish}. {error.remedy_danish}", 1000),
        LokalÅrsagKode=error.code,
    )


def _fit(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _reply(request: Any, receipt: AnswerReceipt) -> Any:
    return AfsendFakturaInformationSvar_O(
        HovedOplysningerSvar=answer_header(request),
        FakturaInformationSvarIdentifikation=receipt.answer,
        BehandlingDatoTid=receipt.at,
        AcceptStruktur=AcceptStruktur(AccepteretUdenBemærkninger=True) if receipt.accepted else None,
        AfvisningStruktur=None
        if receipt.accepted
        else AfvisningStruktur(ResultatÅrsagStruktur=list(_reasons(receipt.errors))),
    )


def _reasons(errors: Sequence[OpusSoapError]) -> Iterator[ResultatÅrsag]:
    """The first reasons, each once; the last one says how many more there are."""
    for error in errors[:MOST_REASONS]:
        yield reason(error)
    if len(errors) > MOST_REASONS:
        yield reason(MoreReasons(value=len(errors) - MOST_REASONS))


def answer_service(
    clock: Clock, own_system: UUID | None = None, *, most_lines: int = MOST_LINES
) -> SoapService:
    """The service at its path, ready for the front; `own_system` is our it-systeminstans."""

    class FakturaInformationSvarAfsendService(Service):  # type: ignore[misc]
        """The Spyne service."""

        @operation(AfsendFakturaInformationSvar_I, AfsendFakturaInformationSvar_O)
        def AfsendFakturaInformationSvar(ctx: Any, besked: Any) -> Any:
            """Book the answer, or say everything that is wrong with it."""
            context: CallContext = ctx.udc
            receipt = receive_answer(read_answer(besked), context, clock, own_system, most_lines=most_lines)
            return _reply(besked, receipt)

    return SoapService(
        name="FakturaInformationSvarAfsend",
        path="/service/OIR/FakturaInformationSvarAfsend/1",
        entity_id="http://oir.serviceplatformen.dk/service/fakturainformationsvarafsend/1",
        services=[PingService, FakturaInformationSvarAfsendService],
    )
