"""FakturaInformationSvarAfsend, exposed by us: the case system's answers come in here."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from opus_soap.clock import Clock
from opus_soap.interfaces.invoice_approval.answers import MOST_LINES, AnswerReceipt, receive_answer
from opus_soap.interfaces.invoice_approval.contract import (
    AfsendFakturaInformationSvar_I,
    AfsendFakturaInformationSvar_O,
)
from opus_soap.interfaces.invoice_approval.messages import read_answer
from opus_soap.soap.contracts import entity_id
from opus_soap.soap.models import answer_header
from opus_soap.soap.results import AcceptStruktur, AfvisningStruktur, reasons
from opus_soap.soap.service import CallContext, PingService, SoapService, operation

from spyne import Service  # isort: skip


def _reply(request: Any, receipt: AnswerReceipt) -> Any:
    return AfsendFakturaInformationSvar_O(
        HovedOplysningerSvar=answer_header(request),
        FakturaInformationSvarIdentifikation=receipt.answer,
        BehandlingDatoTid=receipt.at,
        AcceptStruktur=AcceptStruktur(AccepteretUdenBemærkninger=True) if receipt.accepted else None,
        AfvisningStruktur=None
        if receipt.accepted
        else AfvisningStruktur(ResultatÅrsagStruktur=list(reasons(receipt.errors))),
    )


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
        entity_id=entity_id("FakturaInformationSvarAfsend"),
        services=[PingService, FakturaInformationSvarAfsendService],
    )
