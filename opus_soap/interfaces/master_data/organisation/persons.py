"""Numbers of persons: kept apart from the tables, salted, in content that can be purged."""

from __future__ import annotations

import json
import os
from datetime import datetime

import orjson

from opus_soap.errors import ContentMissing
from opus_soap.interfaces.master_data.organisation.form import CPR, SUPP_ID, Person
from opus_soap.store import content


def keep(person: Person, at: datetime) -> str:
    """Store who an employee is; returns the hash, from which nobody can tell the number."""
    facts = {"salt": os.urandom(16).hex(), CPR: person.cpr, SUPP_ID: person.supp_id}
    return str(content.put(json.dumps(facts, sort_keys=True).encode(), "application/json", at=at).sha256)


def find(sha256: str | None) -> Person | None:
    """Who it is; None when nobody told, or it has been purged. Raises `ContentDamaged`."""
    if sha256 is None:
        return None
    try:
        facts = orjson.loads(content.get(sha256))
    except ContentMissing:
        return None
    return Person(facts[CPR], facts[SUPP_ID])
