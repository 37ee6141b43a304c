"""SIM: the simulated case system."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class SimulationError(OpusSoapError):
    """What the simulated case system does on purpose, or cannot do."""


class SimulatedFault(SimulationError):
    """The behaviour `fault`: the simulated case system refuses an invoice."""

    code = "SIM-001"
    danish = "Det simulerede fagsystem afviser fakturaen {value} med vilje"
    english = "The simulated case system refuses the invoice {value} on purpose"
    remedy_danish = "Vælg en anden adfærd for fakturaen."
    remedy_english = "Choose another behaviour for the invoice."


class BehaviourUnknown(SimulationError):
    """No behaviour has this name."""

    code = "SIM-002"
    danish = "Adfærden {value} findes ikke; vælg mellem {expected}"
    english = "There is no behaviour {value}; choose from {expected}"
    remedy_danish = "Se `opus-soap simulate case-system --help`."
    remedy_english = "See `opus-soap simulate case-system --help`."


class ProcessFailed(SimulationError):
    """A process of the demo did not start."""

    code = "SIM-003"
    danish = "{element} startede ikke: {value}"
    english = "{element} did not start: {value}"
    remedy_danish = "Læs loggen ovenfor; kør med --keep for at beholde den."
    remedy_english = "Read the log above; run with --keep to keep it."


class DemoFolderInUse(SimulationError):
    """The demo was told to keep its files in a folder that holds something."""

    code = "SIM-005"
    danish = "Mappen {value} er ikke tom"
    english = "The folder {value} is not empty"
    remedy_danish = "Angiv en tom mappe, eller en der ikke findes endnu."
    remedy_english = "Name an empty folder, or one that is not there yet."


class DatabaseHoldsBooks(SimulationError):
    """The simulator was given a database that has company codes: the finance system's own."""

    code = "SIM-004"
    danish = "Simulatoren må ikke bruge en database med et regnskab: {value}"
    english = "The simulator may not use a database that holds books: {value}"
    remedy_danish = (
        "Giv den sin egen: fjern OPUS_SOAP_DATABASE_URL, eller `opus-soap --database-url … simulate`."
    )
    remedy_english = (
        "Give it one of its own: unset OPUS_SOAP_DATABASE_URL, or `opus-soap --database-url … simulate`."
    )


class MunicipalityTooBare(SimulationError):
    """The master data lacks what made-up postings are made of."""

    code = "SIM-006"
    danish = "Firmakode {value} kan ikke fyldes: {element} mangler ({expected})"
    english = "Company code {value} cannot be filled: {element} is missing ({expected})"
    remedy_danish = "Indlæs flere stamdata (`opus-soap master-data load`), eller åbn det der er spærret."
    remedy_english = "Load more master data (`opus-soap master-data load`), or open what is blocked."


class GeneratedDatesReversed(SimulationError):
    """The last day of made-up postings lies before the first."""

    code = "SIM-007"
    danish = "Sidste dag {value} ligger før første dag {expected}"
    english = "The last day {value} lies before the first, {expected}"
    remedy_danish = "Byt om på --from og --to."
    remedy_english = "Exchange --from and --to."


class BooksNotMadeUp(SimulationError):
    """Made-up vouchers would come among others, and stay: nothing is ever taken out of the books."""

    code = "SIM-008"
    danish = "Firmakode {value} har bilag der ikke er opdigtede, senest {element}"
    english = "Company code {value} has vouchers that are not made up, the latest of them {element}"
    remedy_danish = "Brug en database for sig; eller --among-others, hvis ingen har brug for disse bøger."
    remedy_english = "Use a database of its own; or --among-others, if nobody needs these books."


class GeneratedTooFew(SimulationError):
    """A voucher has two postings at least."""

    code = "SIM-009"
    danish = "{value} postering(er) kan ikke blive til bilag; der skal mindst {expected} til"
    english = "{value} posting(s) cannot become vouchers; it takes {expected} at least"
    remedy_danish = "Bed om flere posteringer."
    remedy_english = "Ask for more postings."


class BooksBeingFilled(SimulationError):
    """Another process fills this database with made-up vouchers: both would make the same ones."""

    code = "SIM-010"
    danish = "Databasen fyldes allerede af en anden `opus-soap generate`"
    english = "The database is being filled by another `opus-soap generate`"
    remedy_danish = "Vent til den er færdig, eller stop den; låsen slipper med dens proces."
    remedy_english = "Wait until it is done, or stop it; the lock ends with its process."
