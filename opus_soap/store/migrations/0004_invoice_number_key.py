"""Duplicates are judged by the invoice number as people read it, not by its characters."""

from peewee import Table

from opus_soap.identifiers import number_key

_OWNER = ("municipality", "supplier_key", "document_type")
_INDEX = "invoice_municipality_supplier_key_document_type_number"


def up(migrator, db):
    db.execute_sql("ALTER TABLE invoice ADD COLUMN number_key VARCHAR(64) NOT NULL DEFAULT ''")
    invoice = Table("invoice", ("id", *_OWNER, "number", "number_key")).bind(db)
    taken = set()
    columns = [getattr(invoice, name) for name in ("id", *_OWNER, "number")]
    for identity, *owner, number in list(invoice.select(*columns).order_by(invoice.id).tuples()):
        key = number_key(number)
        if (*owner, key) in taken:  # came in as an invoice of its own before: it stays one
            key = f"{key[:40]} #{identity}"  # no key has a space by itself
        taken.add((*owner, key))
        invoice.update({invoice.number_key: key}).where(invoice.id == identity).execute()
    db.execute_sql(f"DROP INDEX {_INDEX}")
    db.execute_sql(
        f"CREATE UNIQUE INDEX {_INDEX}_key ON invoice (municipality, supplier_key, document_type, number_key)"
    )
