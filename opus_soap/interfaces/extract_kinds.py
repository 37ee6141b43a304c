"""Every kind of extract, by its name."""

from __future__ import annotations

from opus_soap.extracts.kinds import Kind, Kinds
from opus_soap.interfaces.audit_extract.kind import AuditExtract
from opus_soap.interfaces.master_data.kind import KREDITORER_KIND, STAMDATA_KIND
from opus_soap.interfaces.master_data.organisation.kind import OrganisationOut
from opus_soap.interfaces.postings_out.kind import PostingsOut
from opus_soap.interfaces.purchase_analysis.kind import PurchaseAnalysis
from opus_soap.settings import Settings

_ALL: tuple[Kind, ...] = (
    PostingsOut(),
    STAMDATA_KIND,
    KREDITORER_KIND,
    OrganisationOut(),
    PurchaseAnalysis(),
    AuditExtract(),
)
KINDS: Kinds = {kind.name: kind for kind in _ALL}


def kinds_of(settings: Settings) -> Kinds:
    """The same, with what the operator supplies."""
    audit = AuditExtract(schema_file=settings.saft_schema_file)
    return {**KINDS, audit.name: audit}
