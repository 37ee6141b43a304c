"""The first schema: the books and the store."""

from opus_soap.ledger.models import MODELS as LEDGER_MODELS
from opus_soap.store.models import MODELS as STORE_MODELS


def up(migrator, db):
    db.create_tables((*STORE_MODELS, *LEDGER_MODELS))
