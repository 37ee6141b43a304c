"""LED: what a declaration of master data, or a record of them, must be to come into the books."""

from __future__ import annotations

from opus_soap.errors.ledger import LedgerError


class MasterDataInvalid(LedgerError):
    """A definition of master data does not hold."""

    code = "LED-030"
    danish = "Stamdata: {element}: {value} (forventet: {expected})"
    english = "Master data: {element}: {value} (expected: {expected})"
    remedy_danish = "Ret definitionen, og indlæs igen."
    remedy_english = "Correct the definition and load it again."


class MasterDataTwin(LedgerError):
    """A new number is one that there is, but for zeros in front: the same to SAP, two to everybody else."""

    code = "LED-048"
    danish = "{element} {value} findes som {expected}: kun foranstillede nuller skiller dem"
    english = "{element} {value} is there as {expected}: zeros in front are all that differs"
    remedy_danish = (
        "Brug nummeret, som det står i bøgerne. Regneark fjerner foranstillede nuller: lad kolonnen "
        "være tekst. Er det bøgernes nummer, der er forkert, så spær det først."
    )
    remedy_english = (
        "Use the number as it stands in the books. Spreadsheets drop zeros in front: let the column be text. "
        "If it is the books' number that is wrong, block it first."
    )
