"""An ordered extract is produced: its files and their manifest, in a folder, whole or not at all.

What is produced again is the same, byte for byte: nothing of it comes from the clock, and the books behind
a seal do not change. A process that dies has left an order, which the next one produces.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from opus_soap.clock import Clock, business_date, isoformat
from opus_soap.database import transaction
from opus_soap.errors import Both, ExtractDiffers, ExtractFolderFailed, ExtractFolderTaken, ExtractNotReady
from opus_soap.extracts import manifest
from opus_soap.extracts.folders import finish, working
from opus_soap.extracts.kinds import Job, Kind, Kinds, Tell
from opus_soap.extracts.leasing import alone
from opus_soap.extracts.output import Output
from opus_soap.failpoints import failpoint
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import Seal, SealKey, Voucher
from opus_soap.ledger.seals import load_seal_key
from opus_soap.store import audit
from opus_soap.store.extract_models import Extract, Subscription

PRODUCED = "extract.produced"
_MADE = (Extract.PRODUCED, Extract.DELIVERED)
_OTHER_BYTES = Both("andre byte end i sin mappe", "other bytes than in its folder")


@dataclass(frozen=True)
class Producer:
    """Where extracts are kept, and what they are signed with."""

    kinds: Kinds
    folder: Path
    key_file: Path
    clock: Clock

    def place(self, extract: Extract) -> Path:
        """The folder of an extract."""
        subscription = extract.subscription
        return self.folder / subscription.municipality / subscription.name / extract.name

    def alone(self, extract: Extract) -> AbstractContextManager[None]:
        """Nobody else produces or hands over extracts of its subscription meanwhile, on this disk.

        Raises `ExtractBusy`, `ExtractFolderFailed`.
        """
        subscription = extract.subscription
        lock_file = self.folder / ".locks" / f"{subscription.municipality}.{subscription.name}"
        return alone(lock_file, extract.name)

    def produce(self, extract: Extract, *, actor: str, tell: Tell = lambda done, of: None) -> Extract:
        """Write an ordered extract; one that has been written is written again where it can be, and compared.

        Raises `ExtractNotReady`, `ExtractBusy`, `ExtractDiffers`, `ExtractFolderFailed`, `SealKeyUnusable`,
        and what its kind raises.
        """
        with self.alone(extract):
            return self._produce(extract, actor, tell)

    def _produce(self, extract: Extract, actor: str, tell: Tell) -> Extract:
        extract = Extract.get_by_id(extract.id)
        kind = self.kinds[extract.subscription.kind]
        if extract.state not in (Extract.ORDERED, *_MADE):
            raise ExtractNotReady(element=extract.name, value=extract.state, expected=Extract.ORDERED)
        if extract.state in _MADE and (self.place(extract).exists() or not kind.repeatable):
            self.files(extract)
            if not kind.repeatable:
                return extract
        before = extract.follows
        if before is not None and before.manifest_sha256 is None:
            raise ExtractNotReady(element=before.name, value=before.state, expected=Extract.PRODUCED)
        if not kind.repeatable and self.place(extract).exists():
            # whoever wrote it died before it was noted; what it was made of may have changed since
            written = self._stored(extract)
            manifest.read(written, extract.name)
        else:
            written = self._written(extract, kind, tell)
        self._note(extract, hashlib.sha256(written).hexdigest(), actor)
        failpoint("extracts.noted")
        return extract

    def _written(self, extract: Extract, kind: Kind, tell: Tell) -> bytes:
        """The manifest, once its folder is there; one that is there already must be the same."""
        place = self.place(extract)
        with working(place) as part:
            written = self._write(extract, kind, part, tell)
            failpoint("extracts.written")
            if place.exists():
                kept = self.manifest_of(extract)
                if manifest.facts(kept) != manifest.facts(written):
                    if extract.manifest_sha256 is None:
                        raise ExtractFolderTaken(element=place.name)
                    raise ExtractDiffers(element=extract.name, value=_OTHER_BYTES)
                written = kept  # signed with the key of its time
            else:
                finish(part, place)
            failpoint("extracts.renamed")
        return written

    def manifest_of(self, extract: Extract) -> bytes:
        """The manifest of an extract that has been produced, as it was noted; raises `ExtractDiffers`."""
        stored = self._stored(extract)
        self._compare(extract, stored)
        return stored

    def files(self, extract: Extract) -> list[Path]:
        """The files of a produced extract as its manifest names them, the manifest last.

        Raises `ExtractDiffers` for what was damaged since it was written, `ExtractFolderFailed`.
        """
        place = self.place(extract)
        name = f"{extract.name}{manifest.ENDING}"
        told = manifest.read(self.manifest_of(extract), name)
        for file in told["files"]:
            _check(place / file["name"], file["sha256"])
        return [*(place / file["name"] for file in told["files"]), place / name]

    def _stored(self, extract: Extract) -> bytes:
        path = self.place(extract) / f"{extract.name}{manifest.ENDING}"
        try:
            return path.read_bytes()
        except OSError as error:
            raise ExtractFolderFailed(element=path.name, value=error.strerror or "?") from None

    def _compare(self, extract: Extract, written: bytes) -> None:
        noted, actual = extract.manifest_sha256, hashlib.sha256(written).hexdigest()
        if noted not in (None, actual):
            raise ExtractDiffers(
                element=extract.name,
                value=Both(f"følgeseddel {actual}, noteret {noted}", f"manifest {actual}, noted {noted}"),
            )

    def _write(self, extract: Extract, kind: Kind, part: Path, tell: Tell) -> bytes:
        job = self._job(extract, tell)
        output = Output(part, extract.name)
        kind.write(job, output)
        written = manifest.signed(_facts(extract, job, output), load_seal_key(self.key_file))
        with (part / f"{extract.name}{manifest.ENDING}").open("xb") as out:
            out.write(written)
        return written

    def _job(self, extract: Extract, tell: Tell) -> Job:
        subscription, place = extract.subscription, self.place(extract)
        return Job(
            company=company_code(subscription.municipality, subscription.company_code),
            name=extract.name,
            receiver=subscription.receiver,
            sequence=extract.sequence,
            options=extract.options,
            full=extract.full,
            after=0 if extract.full else extract.after,
            until=extract.until,
            business_date=_date_of(extract),
            ordered_at=extract.ordered_at,
            uuid=extract.uuid,
            previous=self.place(extract.follows) if extract.follows_id else None,
            made=place if place.exists() else None,
            tell=tell,
        )

    def _note(self, extract: Extract, sha256: str, actor: str) -> None:
        """That it is there; whoever comes second finds that."""
        now = self.clock.now()
        with transaction():
            changed = (
                Extract.update(state=Extract.PRODUCED, produced_at=now, manifest_sha256=sha256, last_error="")
                .where(Extract.id == extract.id, Extract.state == Extract.ORDERED)
                .execute()
            )
            if changed:
                municipality = extract.subscription.municipality
                audit.record(
                    PRODUCED,
                    extract.uuid,
                    actor=actor,
                    at=now,
                    municipality=municipality,
                    extract=extract.name,
                    manifest=sha256,
                )
        fresh = Extract.get_by_id(extract.id)
        extract.state, extract.manifest_sha256 = fresh.state, fresh.manifest_sha256
        extract.produced_at = fresh.produced_at


def _check(path: Path, sha256: str) -> None:
    try:
        with path.open("rb") as data:
            actual = hashlib.file_digest(data, "sha256").hexdigest()
    except OSError as error:
        raise ExtractFolderFailed(element=path.name, value=error.strerror or "?") from None
    if actual != sha256:
        value = Both(f"SHA-256 {actual}, noteret {sha256}", f"SHA-256 {actual}, noted {sha256}")
        raise ExtractDiffers(element=path.name, value=value)


def _date_of(extract: Extract) -> date:
    return date.fromisoformat(extract.due_on) if extract.due_on else business_date(extract.ordered_at)


def _facts(extract: Extract, job: Job, output: Output) -> dict[str, Any]:
    subscription: Subscription = extract.subscription
    totals = output.totals
    seals, keys = _seals(job)
    return {
        "kind": subscription.kind,
        "municipality": subscription.municipality,
        "company_code": subscription.company_code,
        "currency": job.company.currency,
        "subscription": subscription.name,
        "receiver": subscription.receiver,
        "extract": extract.name,
        "sequence": extract.sequence,
        "mode": "full" if extract.full else "delta",
        "business_date": job.business_date.isoformat(),
        "ordered_at": isoformat(extract.ordered_at),
        "ordered_by": extract.ordered_by,
        "approved_by": extract.approved_by,
        "options": extract.options,
        "follows": _followed(extract),
        "from_voucher": seals[0]["first_voucher"] if seals else None,
        "to_voucher": seals[-1]["last_voucher"] if seals else None,
        "seals": seals,
        "seal_keys": keys,
        "totals": {
            "vouchers": totals.vouchers,
            "postings": totals.postings,
            "debit_ore": totals.debit_ore,
            "credit_ore": totals.credit_ore,
            "records": totals.records,
            "vouchers_left_out": totals.left_out,
        },
        "findings": output.findings,
        "files": [{"name": file.name, "bytes": file.size, "sha256": file.sha256} for file in output.files],
    }


def _followed(extract: Extract) -> dict[str, Any] | None:
    before = extract.follows
    if before is None:
        return None
    return {"extract": before.name, "sequence": before.sequence, "manifest_sha256": before.manifest_sha256}


def _seals(job: Job) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The seals of the extract's range, each with all that it signs, and the public keys."""
    first, last = Voucher.alias(), Voucher.alias()
    rows = (
        Seal.select(Seal, first.uuid.alias("first_uuid"), last.uuid.alias("last_uuid"))
        .join(first, on=(Seal.first_voucher == first.id))
        .switch(Seal)
        .join(last, on=(Seal.last_voucher == last.id))
        .where(
            Seal.company_code == job.company,
            Seal.last_voucher > job.after,
            Seal.last_voucher <= job.until,
        )
        .order_by(Seal.sequence)
        .objects()
    )
    seals = [_seal(row) for row in rows]
    named = {row["key_id"] for row in seals}
    keys = {row.key_id: bytes(row.public_key).hex() for row in SealKey.select() if row.key_id in named}
    return seals, keys


def _seal(row: Any) -> dict[str, Any]:
    return {
        "sequence": row.sequence,
        "first_voucher": str(row.first_uuid),
        "last_voucher": str(row.last_uuid),
        "vouchers": row.voucher_count,
        "previous": bytes(row.previous).hex(),
        "root": bytes(row.root).hex(),
        "key_id": row.key_id,
        "sealed_at": isoformat(row.sealed_at),
        "signature": bytes(row.signature).hex(),
    }
