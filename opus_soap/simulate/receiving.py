"""FakturaInformationAfsend, exposed by the simulated case system: invoices come in here."""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from opus_soap.clock import Clock, isoformat
from opus_soap.database import new_uuid, transaction
from opus_soap.errors import SimulatedFault
from opus_soap.interfaces.invoice_approval.contract import (
    AfsendFakturaInformation_I,
    AfsendFakturaInformation_O,
)
from opus_soap.money import ore_from_kroner
from opus_soap.simulate.behaviours import Choice
from opus_soap.soap.contracts import entity_id
from opus_soap.soap.models import answer_header
from opus_soap.soap.results import AcceptStruktur
from opus_soap.soap.service import CallContext, PingService, SoapService, operation
from opus_soap.store import content, inbox, outbox
from opus_soap.store.models import InboxEntry

from spyne import Service  # isort: skip

INTERFACE, KIND = "case_system.invoice", "case_system.answer"
PATH = "/service/OIR/FakturaInformationAfsend/1"
# the first answer of each behaviour, and what follows it when it was accepted, or refused
FIRST_STEP = {
    "approve": ("approve", None, None),
    "split": ("split", None, None),
    "reject": ("reject", None, None),
    "wrong_sum": ("wrong_sum", None, "approve"),
    "account_error": ("account_error", None, "approve"),
    "corrected": ("approve", "split", None),
    "duplicate": ("approve", "again", None),
    "lost_ack": ("approve", None, None),
    "slow": ("approve", None, None),
}


@dataclass(frozen=True)
class Reception:
    """What the service works with; `lost` marks, in a thread, that the reply is to be thrown away."""

    choice: Choice
    clock: Clock
    answer_delay_seconds: float = 0.0
    slow_seconds: float = 2.0
    lost: threading.local = field(default_factory=threading.local)

    def receive(self, message: Any, context: CallContext) -> None:
        """Take an invoice once, and plan its answer; the same invoice again changes nothing."""
        information = message.FakturaInformation
        behaviour = self.choice.for_invoice(information.FakturaInformationNummer)
        if behaviour == "fault":
            raise SimulatedFault(value=information.FakturaInformationNummer)
        if behaviour == "slow":
            time.sleep(self.slow_seconds)
        with transaction():
            sender, key = str(context.system.uuid), str(message.FakturaInformationIdentifikation)
            if inbox.find(INTERFACE, sender, key) is not None:
                return
            self._keep(message, context, behaviour)
        self.lost.reply = behaviour == "lost_ack"

    def _keep(self, message: Any, context: CallContext, behaviour: str) -> None:
        information, now = message.FakturaInformation, context.now
        key = str(message.FakturaInformationIdentifikation)
        sign = -1 if information.FakturaInformationDokumenttype == "Kreditnota" else 1
        pages = [file for file in message.OirBase64Container if file.Rolle == "HTML"]
        page = content.put(pages[0].Indhold.content, "text/html", at=now) if pages else None
        facts = {
            "number": information.FakturaInformationNummer,
            "type": information.FakturaInformationDokumenttype,
            "supplier": information.FakturaInformationLeverandørNavn,
            "amount": str(information.FakturaInformationBeløb),
            "behaviour": behaviour,
            "page": page.sha256 if page else None,
        }
        inbox.record(
            INTERFACE,
            str(context.system.uuid),
            key,
            body=json.dumps(facts, ensure_ascii=False).encode("utf-8"),
            answer=b"{}",
            at=now,
        )
        if message.FakturaSvarPåkrævetMarkering and behaviour in FIRST_STEP:
            step, then, otherwise = FIRST_STEP[behaviour]
            delay = self.answer_delay_seconds + (self.slow_seconds if behaviour == "slow" else 0)
            outbox.enqueue(
                KIND,
                subject=key,
                system=context.system,
                payload={
                    "answer": str(new_uuid()),
                    "decided_at": isoformat(now),
                    "transaction_id": message.HovedOplysninger.TransaktionsId,
                    "step": step,
                    "then": then,
                    "otherwise": otherwise,
                    "behaviour": behaviour,
                    "amount_ore": sign * ore_from_kroner(information.FakturaInformationBeløb),
                    "number": information.FakturaInformationNummer,
                },
                at=now,
                not_before=now + timedelta(seconds=delay),
            )


def invoice_service(reception: Reception) -> SoapService:
    """The service at its path, ready for the front."""

    class FakturaInformationAfsendService(Service):  # type: ignore[misc]
        """The Spyne service."""

        @operation(AfsendFakturaInformation_I, AfsendFakturaInformation_O)
        def AfsendFakturaInformation(ctx: Any, besked: Any) -> Any:
            """Take the invoice; the reply is the receipt."""
            context: CallContext = ctx.udc
            reception.receive(besked, context)
            return AfsendFakturaInformation_O(
                HovedOplysningerSvar=answer_header(besked),
                FakturaInformationIdentifikation=besked.FakturaInformationIdentifikation,
                BehandlingDatoTid=context.now,
                AcceptStruktur=AcceptStruktur(AccepteretUdenBemærkninger=True),
            )

    return SoapService(
        name="FakturaInformationAfsend",
        path=PATH,
        entity_id=entity_id("FakturaInformationAfsend"),
        services=[PingService, FakturaInformationAfsendService],
    )


def received(entry: InboxEntry) -> dict[str, Any]:
    """The facts kept of an invoice."""
    facts: dict[str, Any] = json.loads(content.get(entry.body.sha256))
    return {**facts, "lending": UUID(entry.business_key), "at": entry.received_at}
