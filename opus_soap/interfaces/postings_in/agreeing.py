"""Agreements with senders of postings: made, brought up to date, stopped; each time with an audit entry.

What is not given stays as it is: nobody loses a limit because a name was corrected.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opus_soap.clock import Clock
from opus_soap.database import transaction
from opus_soap.errors import Both, DocumentTypeUnknown, PostingAgreementInvalid
from opus_soap.ledger.master_data import company_code
from opus_soap.ledger.models import CompanyCode, DocumentType
from opus_soap.money import danish
from opus_soap.store import audit
from opus_soap.store.models import PostingSender, System

ANY_OTHER = "*"  # of document types
_CALLED = Both("afsenderens navn", "what the sender is called")
_FACTS = {
    "short": "short",
    "name": "name",
    "company_codes": "company codes",
    "document_types": "document types",
    "release_above": "release above",
    "booked_receipts": "third receipt",
    "own_rates": "own rates",
    "system": "system",
    "active": "active",
}


@dataclass(frozen=True)
class Change:
    """A fact of an agreement that is another now, as people read it; `old` is empty for a new agreement."""

    fact: str
    old: str
    new: str


def agree(
    municipality: str, sender_id: str, given: Mapping[str, Any], *, actor: str, clock: Clock
) -> tuple[PostingSender, list[Change]]:
    """Make an agreement with a sender, or bring it up to date: `given` are columns of `PostingSender`.

    A new one needs `short` and `name`. In `release_above` None takes the limit of a type away, and no type
    at all those of every type. A sender that was stopped is taken back. Raises `PostingAgreementInvalid`,
    `CompanyCodeUnknown`, `DocumentTypeUnknown`.
    """
    with transaction():
        before = _find(municipality, sender_id)
        sender = before or _new(municipality, sender_id)
        old = {} if before is None else _told(before)
        for name, value in given.items():
            if name == "release_above":
                value = _merged(sender.release_above, value)
            setattr(sender, name, value)
        sender.active = True
        _check(sender, given)
        sender.save()
        new = _told(sender)
        changes = [
            Change(_FACTS[name], old.get(name, ""), text)
            for name, text in new.items()
            if text != old.get(name, "")
        ]
        if changes:
            _note("added" if before is None else "changed", sender, changes, actor, clock)
    return sender, changes


def stop(sender: PostingSender, *, actor: str, clock: Clock) -> None:
    """Take nothing from a sender any more; `agree` takes it back."""
    with transaction():
        PostingSender.update(active=False).where(PostingSender.id == sender.id).execute()
        _note("stopped", sender, [], actor, clock)


def limits_told(limits: Mapping[str, int]) -> str:
    """`SA > 100.000,00, * > 500.000,00`: above what vouchers wait for a second person."""
    return ", ".join(f"{kind} > {danish(ore)}" for kind, ore in sorted(limits.items(), reverse=True))


def _find(municipality: str, sender_id: str) -> PostingSender | None:
    found: PostingSender | None = PostingSender.get_or_none(
        PostingSender.municipality == municipality, PostingSender.sender_id == sender_id
    )
    return found


def _new(municipality: str, sender_id: str) -> PostingSender:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}", sender_id):  # its folder is called so
        expected = Both("1–40 bogstaver, cifre, _ eller -", "1–40 letters, digits, _ or -")
        raise PostingAgreementInvalid(element="SENDER_ID", value=sender_id[:60], expected=expected)
    return PostingSender(municipality=municipality, sender_id=sender_id, short="", name="")


def _merged(limits: Mapping[str, int], given: Mapping[str, int | None]) -> dict[str, int]:
    if not given:
        return {}
    return {kind: ore for kind, ore in {**limits, **given}.items() if ore is not None}


def _check(sender: PostingSender, given: Mapping[str, Any]) -> None:
    short = sender.short
    if len(short) != 4 or not (short.isascii() and short.isalnum()):
        expected = Both("fire bogstaver eller cifre", "four letters or digits")
        raise PostingAgreementInvalid(element="--short", value=short[:60] or "-", expected=expected)
    if not sender.name.strip():
        raise PostingAgreementInvalid(element="--name", value="-", expected=_CALLED)
    of_others = PostingSender.select().where(
        PostingSender.municipality == sender.municipality,
        PostingSender.sender_id != sender.sender_id,
        PostingSender.active,
    )
    for other in of_others:
        if other.short.casefold() == short.casefold():
            expected = _of_another(other)
            raise PostingAgreementInvalid(element="--short", value=short, expected=expected)
        if sender.system is not None and other.system == sender.system:
            expected = _of_another(other)
            raise PostingAgreementInvalid(element="--system", value=sender.system.name, expected=expected)
    if sender.system is not None and sender.system.municipality != sender.municipality:
        town = sender.municipality
        expected = Both(f"et system i {town}", f"a system of {town}")
        raise PostingAgreementInvalid(element="--system", value=sender.system.name, expected=expected)
    sender.company_codes = _company_codes(sender)
    sender.document_types = [kind.upper() for kind in sender.document_types]
    asked = [*sender.document_types] if "document_types" in given else []
    asked += [kind for kind in given.get("release_above", ()) if kind != ANY_OTHER]
    _check_types(sender, asked)


def _of_another(sender: PostingSender) -> Both:
    return Both(f"ikke {sender.sender_id}s", f"not that of {sender.sender_id}")


def _company_codes(sender: PostingSender) -> list[str]:
    """As the books know them: `20` is 0020."""
    return [
        str(company_code(sender.municipality, code.upper().zfill(4)).code) for code in sender.company_codes
    ]


def _check_types(sender: PostingSender, kinds: Sequence[str]) -> None:
    companies = CompanyCode.select(CompanyCode.id).where(CompanyCode.municipality == sender.municipality)
    if sender.company_codes:
        companies = companies.where(CompanyCode.code.in_(sender.company_codes))
    types = DocumentType.select(DocumentType.code).where(DocumentType.company_code.in_(companies))
    known = {row.code for row in types}
    for kind in kinds:
        if kind not in known:
            expected = ", ".join(sender.company_codes) or sender.municipality
            raise DocumentTypeUnknown(value=kind, expected=expected)


def _told(sender: PostingSender) -> dict[str, str]:
    """The facts of an agreement as people read them."""
    system: System | None = sender.system
    return {
        "short": sender.short,
        "name": sender.name,
        "company_codes": ", ".join(sender.company_codes) or "all",
        "document_types": ", ".join(sender.document_types) or "all",
        "release_above": limits_told(sender.release_above) or "no limit",
        "booked_receipts": "yes" if sender.booked_receipts else "no",
        "own_rates": "yes" if sender.own_rates else "no",
        "system": system.name if system is not None else "none",
        "active": "yes" if sender.active else "no",
    }


def _note(event: str, sender: PostingSender, changes: Sequence[Change], actor: str, clock: Clock) -> None:
    audit.record(
        f"posting_sender.{event}",
        sender.sender_id,
        actor=actor,
        at=clock.now(),
        municipality=sender.municipality,
        **{change.fact.replace(" ", "_"): f"{change.old} → {change.new}" for change in changes},
    )
