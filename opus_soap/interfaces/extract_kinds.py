"""Every kind of extract, by its name."""

from __future__ import annotations

from opus_soap.extracts.kinds import Kind, Kinds
from opus_soap.interfaces.master_data.organisation.kind import OrganisationOut
from opus_soap.interfaces.postings_out.kind import PostingsOut
from opus_soap.interfaces.purchase_analysis.kind import PurchaseAnalysis

_ALL: tuple[Kind, ...] = (PostingsOut(), OrganisationOut(), PurchaseAnalysis())
KINDS: Kinds = {kind.name: kind for kind in _ALL}
