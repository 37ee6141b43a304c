"""UdtraekHent: a system fetches the extracts of the subscriptions whose receiver it is.

Those are the subscriptions of the calling municipality whose target is the calling system; what is another's
looks as if it were not there.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

from opus_soap.errors import ExtractUnknown, PartInvalid, SubscriptionUnknown
from opus_soap.extracts import manifest
from opus_soap.extracts.delivering import Deliverer
from opus_soap.extracts.fetching import MADE, confirm, find_produced, open_file
from opus_soap.extracts.ordering import order
from opus_soap.interfaces.extract_fetching import contract
from opus_soap.settings import Settings
from opus_soap.soap.contracts import entity_id
from opus_soap.soap.models import answer_header
from opus_soap.soap.service import CallContext, SoapService, operation
from opus_soap.store.extract_models import Extract, Subscription

from spyne import Service  # isort: skip

NAME = "UdtraekHent"


def extract_service(deliverer: Deliverer, settings: Settings) -> SoapService:
    """The service at its path, ready for the front."""
    desk = _Desk(deliverer, settings.max_extract_part_bytes)

    class UdtraekHentService(Service):  # type: ignore[misc]
        """The Spyne service; refusals are faults."""

        @operation(contract.HentAbonnementer_I, contract.HentAbonnementer_O)
        def HentAbonnementer(ctx: Any, besked: Any) -> Any:
            """The subscriptions that the caller may see."""
            found = [_subscription(row) for row in own(ctx.udc)]
            return contract.HentAbonnementer_O(HovedOplysningerSvar=answer_header(besked), Abonnement=found)

        @operation(contract.BestilUdtraek_I, contract.BestilUdtraek_O)
        def BestilUdtraek(ctx: Any, besked: Any) -> Any:
            """Order the next extract of one."""
            made = desk.order(ctx.udc, besked)
            return contract.BestilUdtraek_O(HovedOplysningerSvar=answer_header(besked), Udtræk=made)

        @operation(contract.HentUdtraek_I, contract.HentUdtraek_O)
        def HentUdtraek(ctx: Any, besked: Any) -> Any:
            """How its extracts are, or one with its files."""
            found = desk.extracts(ctx.udc, besked)
            return contract.HentUdtraek_O(HovedOplysningerSvar=answer_header(besked), Udtræk=found)

        @operation(contract.HentUdtraekFil_I, contract.HentUdtraekFil_O)
        def HentUdtraekFil(ctx: Any, besked: Any) -> Any:
            """A part of a file."""
            return desk.part(ctx.udc, besked)

        @operation(contract.KvitterUdtraek_I, contract.KvitterUdtraek_O)
        def KvitterUdtraek(ctx: Any, besked: Any) -> Any:
            """The receipt for a whole extract."""
            done = desk.confirmed(ctx.udc, besked)
            return contract.KvitterUdtraek_O(HovedOplysningerSvar=answer_header(besked), Udtræk=done)

    return SoapService(
        name=NAME,
        path=f"/service/Udtraek/{NAME}/1",
        entity_id=entity_id(NAME),
        services=[UdtraekHentService],
    )


def own(context: CallContext) -> Iterator[Subscription]:
    """The subscriptions that a system may see, by name: not those that have ended."""
    mine = Subscription.municipality == context.municipality, Subscription.ended_at.is_null()
    rows = Subscription.select().where(*mine)
    for row in rows.order_by(Subscription.name):
        if row.target.get("system") == str(context.system.uuid):
            yield row


def find_own(context: CallContext, name: str) -> Subscription:
    """One of them; raises `SubscriptionUnknown`."""
    for row in own(context):
        if row.name == name:
            return row
    raise SubscriptionUnknown(value=name[:40], expected=context.municipality)


class _Desk:
    """The operations, apart from how they are called."""

    def __init__(self, deliverer: Deliverer, most_bytes: int) -> None:
        self._deliverer, self._producer, self._most_bytes = deliverer, deliverer.producer, most_bytes

    def order(self, context: CallContext, asked: Any) -> contract.Udtræk:
        """Raises `SubscriptionUnknown`, `SubscriptionPaused`, `ExtractKeyMissing`."""
        extract = order(
            find_own(context, asked.AbonnementNavn),
            self._producer.kinds,
            self._producer.key_file,
            actor=_actor(context),
            clock=self._deliverer.clock,
            full=bool(asked.UdtrækFuldt),
        )
        return _extract(extract)

    def extracts(self, context: CallContext, asked: Any) -> list[contract.Udtræk]:
        """Raises `SubscriptionUnknown`, `ExtractUnknown`."""
        subscription = find_own(context, asked.AbonnementNavn)
        rows = Extract.select().where(Extract.subscription == subscription).order_by(Extract.sequence)
        if asked.UdtrækNavn is None:
            return [_extract(row) for row in rows]
        row = rows.where(Extract.name == asked.UdtrækNavn).first()
        if row is None:
            raise ExtractUnknown(value=asked.UdtrækNavn)
        return [_extract(row, self._files(row) if row.state in MADE else [])]

    def part(self, context: CallContext, asked: Any) -> contract.HentUdtraekFil_O:
        """Raises `SubscriptionUnknown`, `DownloadMissing`, `PartInvalid`, and what `open_file` raises."""
        first = _whole("FilFra", asked.FilFra, 0)
        length = self._most_bytes
        if asked.FilLængde is not None:
            length = min(length, _whole("FilLængde", asked.FilLængde, 1))
        extract = find_produced(find_own(context, asked.AbonnementNavn), asked.UdtrækNavn)
        found = open_file(self._producer, extract, asked.FilNavn)
        with found.file as file:
            if first > found.size:
                raise PartInvalid(element="FilFra", value=first, expected=f"0–{found.size}")
            file.seek(first)
            data = file.read(length)
        return contract.HentUdtraekFil_O(
            HovedOplysningerSvar=answer_header(asked),
            FilStørrelse=Decimal(found.size),
            FilSha256=found.sha256,
            FilFra=Decimal(first),
            FilIndhold=[data],
        )

    def confirmed(self, context: CallContext, asked: Any) -> contract.Udtræk:
        """Raises `SubscriptionUnknown`, `DownloadMissing`, and what `confirm` raises."""
        extract = find_produced(find_own(context, asked.AbonnementNavn), asked.UdtrækNavn)
        said = asked.FølgeseddelSha256.lower()
        return _extract(confirm(self._deliverer, extract, said, _actor(context)))

    def _files(self, extract: Extract) -> list[contract.Fil]:
        """As the manifest names them, and the manifest."""
        data, name = self._producer.manifest_of(extract), f"{extract.name}{manifest.ENDING}"
        files = [(file["name"], file["bytes"], file["sha256"]) for file in manifest.read(data, name)["files"]]
        return [
            contract.Fil(FilNavn=name, FilStørrelse=Decimal(size), FilSha256=sha256)
            for name, size, sha256 in [*files, (name, len(data), extract.manifest_sha256)]
        ]


def _actor(context: CallContext) -> str:
    return f"soap:{context.system.uuid}"


def _whole(element: str, value: Decimal, least: int) -> int:
    """A number of bytes; raises `PartInvalid`."""
    if value != value.to_integral_value() or value < least:
        raise PartInvalid(element=element, value=value, expected=f"≥ {least}")
    return int(value)


def _subscription(row: Subscription) -> contract.Abonnement:
    return contract.Abonnement(
        AbonnementNavn=row.name,
        UdtrækArt=row.kind,
        AbonnementModtager=row.receiver,
        AbonnementKalender=row.calendar,
        AbonnementNæsteDato=date.fromisoformat(row.due_on) if row.due_on else None,
        AbonnementAktiv=row.active,
    )


def _extract(row: Extract, files: list[contract.Fil] | None = None) -> contract.Udtræk:
    return contract.Udtræk(
        UdtrækNavn=row.name,
        UdtrækNummer=Decimal(row.sequence),
        UdtrækFuldt=row.full,
        UdtrækTilstand=contract.STATES[row.state],
        BestiltTid=row.ordered_at,
        DannetTid=row.produced_at,
        AfleveretTid=row.delivered_at,
        FølgeseddelSha256=row.manifest_sha256,
        Fil=files or [],
    )
