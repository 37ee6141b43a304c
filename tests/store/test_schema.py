"""The schema keeps its promises on both engines."""

from __future__ import annotations

import pytest
from peewee import PeeweeException

from opus_soap.database import transaction
from opus_soap.store.models import AuditEntry
from opus_soap.store.schema import check_schema


@pytest.mark.usefixtures("database")
def test_append_only_tables_refuse_update_and_delete(clock):
    check_schema()
    AuditEntry.create(at=clock.now(), actor="test", event="test", subject="1")
    for change in (AuditEntry.update(actor="other"), AuditEntry.delete()):
        with pytest.raises(PeeweeException, match="append-only"), transaction():
            change.execute()
    assert AuditEntry.select().count() == 1
