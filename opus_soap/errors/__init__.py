"""Every error this package raises on purpose, as one tree; a module per room, its codes in one family."""

from opus_soap.errors.audit_extract import *  # noqa: F403
from opus_soap.errors.base import *  # noqa: F403
from opus_soap.errors.configuration import *  # noqa: F403
from opus_soap.errors.database import *  # noqa: F403
from opus_soap.errors.declaration import *  # noqa: F403
from opus_soap.errors.documents import *  # noqa: F403
from opus_soap.errors.extract_doors import *  # noqa: F403
from opus_soap.errors.extracts import *  # noqa: F403
from opus_soap.errors.invoice_approval import *  # noqa: F403
from opus_soap.errors.ledger import *  # noqa: F403
from opus_soap.errors.master_data import *  # noqa: F403
from opus_soap.errors.organisation import *  # noqa: F403
from opus_soap.errors.postings_doors import *  # noqa: F403
from opus_soap.errors.postings_in import *  # noqa: F403
from opus_soap.errors.purchase_analysis import *  # noqa: F403
from opus_soap.errors.simulation import *  # noqa: F403
from opus_soap.errors.soap import *  # noqa: F403
from opus_soap.errors.stamdata import *  # noqa: F403
from opus_soap.errors.store import *  # noqa: F403
from opus_soap.errors.transport import *  # noqa: F403
