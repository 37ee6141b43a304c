"""FakturaInformationSvarAfsend, called by the simulated case system: its answers go out here."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid5

from opus_soap.clock import business_date, from_isoformat, isoformat
from opus_soap.database import new_uuid, transaction
from opus_soap.errors import Both, ReceiverUnreachable, TransportError
from opus_soap.money import kroner_from_ore
from opus_soap.simulate.receiving import KIND
from opus_soap.store import content, outbox
from opus_soap.store.models import OutboxEntry, System
from opus_soap.transport.handlers import Delivery, Handler, Handlers

CONTRACT, OPERATION = "FakturaInformationSvarAfsend", "AfsendFakturaInformationSvar"
DIMENSION_PATH = "/service/Stamdata/DimensionHent/1"
ANSWER_PATH = "/service/OIR/FakturaInformationSvarAfsend/1"
_LOST = Both("kvitteringen blev tabt med vilje", "receipt lost on purpose")


@dataclass
class Answering:
    """Makes and sends answers. The dimensions are fetched once, from the finance system itself."""

    opus_url: str
    company_code: str = "0020"
    next_step_seconds: float = 0.0
    _dimensions: dict[str, list[tuple[str, str]]] = field(default_factory=dict)

    def register(self, handlers: Handlers) -> None:
        """Make the simulator's worker send answers."""
        handlers[KIND] = Handler(send=self.send, given_up=_given_up)

    def send(self, entry: OutboxEntry, delivery: Delivery) -> None:
        """Deliver one answer and plan what follows it; raises a `TransportError`."""
        plan = entry.payload
        message = self._message(entry, delivery)
        address = f"{self.opus_url}{ANSWER_PATH}"
        answer = delivery.caller.call(CONTRACT, OPERATION, entry.system, message, address=address)
        if plan["behaviour"] == "lost_ack" and entry.attempts == 1:
            raise ReceiverUnreachable(element=entry.system.name, value=_LOST)
        accepted = answer["AfvisningStruktur"] is None
        now = delivery.clock.now()
        reasons = (
            []
            if accepted
            else [_reason(item) for item in answer["AfvisningStruktur"]["ResultatÅrsagStruktur"]]
        )
        with transaction():
            receipt = content.put(
                json.dumps(
                    {"answer": plan["answer"], "accepted": accepted, "reasons": reasons}, ensure_ascii=False
                ).encode("utf-8"),
                "application/json",
                at=now,
            )
            following = plan["then"] if accepted else plan["otherwise"]
            if outbox.delivered(entry, receipt, at=now) and following:
                outbox.enqueue(
                    KIND,
                    subject=entry.subject,
                    system=entry.system,
                    payload=_following(plan, following, now),
                    at=now,
                    not_before=now + timedelta(seconds=self.next_step_seconds),
                )

    def _message(self, entry: OutboxEntry, delivery: Delivery) -> dict[str, Any]:
        """AfsendFakturaInformationSvar_I, the same every time for the same entry."""
        plan = entry.payload
        answer, at = UUID(plan["answer"]), from_isoformat(plan["decided_at"])
        rejects = plan["step"] == "reject"
        message: dict[str, Any] = {
            "HovedOplysninger": {
                "TransaktionsId": plan["transaction_id"],
                "TransaktionsTid": isoformat(at),
                "AuthorityContext": {"MunicipalityCVR": entry.system.cvr},
            },
            "FakturaInformationSvarIdentifikation": str(answer),
            "FakturaInformationIdentifikation": entry.subject,
            "FakturaInformationBehandling": {
                "FakturaInformationBehandlingDatoTid": at,
                "FakturaInformationBehandlingResultat": "Afvist" if rejects else "Godkendt",
            },
            "Korrespondance": [
                {
                    "KorrespondanceIdentifikation": str(uuid5(answer, "remark")),
                    "KorrespondanceDato": business_date(at),
                    "KorrespondanceTekst": "Varen er ikke modtaget" if rejects else "Set og i orden",
                }
            ],
            "Medarbejder": {"MedarbejderNavn": "Mona Hansen (simuleret)"},
        }
        if rejects:
            message["AfvisningStruktur"] = {
                "ResultatÅrsagStruktur": [
                    {
                        "ÅrsagIdentifikation": str(uuid5(answer, "reason")),
                        "LokalÅrsagTekst": "Varen er ikke modtaget",
                        "LokalÅrsagKode": "IKKE-MODTAGET",
                    }
                ]
            }
        else:
            message["Kontering"] = self._accounting(entry, answer, delivery)
            message["AcceptStruktur"] = {"AccepteretUdenBemærkninger": True}
        return message

    def _accounting(self, entry: OutboxEntry, answer: UUID, delivery: Delivery) -> dict[str, Any]:
        plan = entry.payload
        on = business_date(from_isoformat(plan["decided_at"]))
        known = self._known_dimensions(entry.system, delivery)
        return {
            "Finansbilag": {
                "FinansbilagIdentifikation": str(uuid5(answer, "voucher")),
                "FinansbilagTekst": f"Faktura {plan['number']}"[:70],
                "FinansbilagDato": on,
            },
            "Postering": [
                {
                    "Posteringsdata": {
                        "PosteringsdataIdentifikation": str(uuid5(answer, f"line-{number}")),
                        "PosteringsdataBeløb": abs(amount),
                        "DebetKreditIndikator": "Debet" if amount >= 0 else "Kredit",
                        "PosteringsdataDato": on,
                        "PosteringsdataTekst": f"Faktura {plan['number']}, linje {number}",
                    },
                    "PrimæreDimensioner": self._assignment(plan, number, known),
                }
                for number, amount in enumerate(_amounts(plan), start=1)
            ],
        }

    def _assignment(
        self, plan: Mapping[str, Any], number: int, known: dict[str, list[tuple[str, str]]]
    ) -> dict[str, str]:
        seed = int(UUID(plan["answer"])) + number
        costs = [uuid for code, uuid in known["Artskonto"] if code.startswith(("22", "40"))]
        centers = [uuid for _, uuid in known["Omkostningssted"]]
        account = costs[seed % len(costs)]
        if plan["step"] == "account_error":
            account = str(uuid5(UUID(plan["answer"]), "no such account"))
        return {
            "ArtskontoIdentifikation": account,
            "OmkostningsstedIdentifikation": centers[seed // 7 % len(centers)],
        }

    def _known_dimensions(self, opus: System, delivery: Delivery) -> dict[str, list[tuple[str, str]]]:
        """(code, UUID) by kind, of what may be posted on."""
        if not self._dimensions:
            request = {
                "HovedOplysninger": {
                    "TransaktionsId": str(new_uuid()),
                    "TransaktionsTid": isoformat(delivery.clock.now()),
                    "AuthorityContext": {"MunicipalityCVR": opus.cvr},
                },
                "Firmakode": self.company_code,
            }
            answer = delivery.caller.call(
                "DimensionHent", "DimensionHent", opus, request, address=f"{self.opus_url}{DIMENSION_PATH}"
            )
            found: dict[str, list[tuple[str, str]]] = {}
            for item in answer["Dimension"]:
                if not item["DimensionSpærret"]:
                    found.setdefault(item["DimensionArt"], []).append(
                        (item["DimensionKode"], item["DimensionIdentifikation"])
                    )
            self._dimensions = found
        return self._dimensions


def _following(plan: Mapping[str, Any], step: str, now: datetime) -> dict[str, Any]:
    """The plan of the next answer: the very same once more, or another one."""
    last = {**plan, "then": None, "otherwise": None}
    if step == "again":
        return last
    return {**last, "answer": str(new_uuid()), "decided_at": isoformat(now), "step": step}


def _amounts(plan: Mapping[str, Any]) -> Iterator[Decimal]:
    """Kroner per line, credit notes negative; only `wrong_sum` does not give the invoice's amount."""
    total: int = plan["amount_ore"]
    if plan["step"] == "wrong_sum":
        yield kroner_from_ore(total + 100)
    elif plan["step"] == "split" and abs(total) >= 3:
        third = int(total / 3)
        yield from (kroner_from_ore(third), kroner_from_ore(third), kroner_from_ore(total - 2 * third))
    else:
        yield kroner_from_ore(total)


def _reason(item: Any) -> dict[str, str]:
    return {"code": str(item["LokalÅrsagKode"]), "text": str(item["LokalÅrsagTekst"])}


def _given_up(entry: OutboxEntry, error: TransportError, delivery: Delivery) -> None:
    """The answer stays parked in the simulator's outbox."""
