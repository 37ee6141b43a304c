"""DBA: the database."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class DatabaseError(OpusSoapError):
    """The database cannot be used as it must be."""


class DatabaseUnsafe(DatabaseError):
    """The engine does not keep its promises (journal mode, synchronous, foreign keys, triggers)."""

    code = "DBA-001"
    danish = "Databasen kan ikke bruges sikkert: {element} er {value}, skal være {expected}"
    english = "The database cannot be used safely: {element} is {value}, must be {expected}"
    remedy_danish = "Brug et lokalt filsystem til SQLite, eller PostgreSQL; kør `opus-soap database migrate`."
    remedy_english = "Use a local file system for SQLite, or PostgreSQL; run `opus-soap database migrate`."


class DatabaseUrlUnknown(DatabaseError):
    """The database URL names an engine that is not supported."""

    code = "DBA-002"
    danish = "Databasens adresse er ukendt: {value}"
    english = "The database URL is not understood: {value}"
    remedy_danish = "Brug sqlite:///STI eller postgresql://BRUGER@VÆRT/DATABASE."
    remedy_english = "Use sqlite:///PATH or postgresql://USER@HOST/DATABASE."


class DatabaseNotMigrated(DatabaseError):
    """The schema is older than this version of the program."""

    code = "DBA-003"
    danish = "Databasens skema er ikke ajour; der mangler {value}"
    english = "The database schema is not up to date; missing: {value}"
    remedy_danish = "Kør `opus-soap database migrate`."
    remedy_english = "Run `opus-soap database migrate`."


class DatabaseNewer(DatabaseError):
    """The schema is newer than this version of the program."""

    code = "DBA-006"
    danish = "Databasens skema er nyere end programmet, som ikke kender {value}"
    english = "The database schema is newer than the program, which does not know {value}"
    remedy_danish = "Brug den version af opus-soap som databasen blev opdateret med, eller en nyere."
    remedy_english = "Use the version of opus-soap that the database was migrated with, or a newer one."


class DatabaseUnreachable(DatabaseError):
    """No connection: the server does not answer, or the file cannot be opened."""

    code = "DBA-004"
    danish = "Databasen {element} kan ikke nås: {value}"
    english = "The database {element} cannot be reached: {value}"
    remedy_danish = (
        "Se efter om databasen kører, om mappen findes, og om OPUS_SOAP_DATABASE_URL er rigtig; "
        "en ny database laves med `opus-soap database migrate`."
    )
    remedy_english = (
        "See whether the database runs, whether the folder exists, and OPUS_SOAP_DATABASE_URL is right; "
        "`opus-soap database migrate` makes a new one."
    )


class DatabaseFailed(DatabaseError):
    """The database did not do what it was asked: locked, full, restarting."""

    code = "DBA-005"
    danish = "Databasen kunne ikke udføre opgaven: {value}"
    english = "The database could not do it: {value}"
    remedy_danish = "Prøv igen; se ellers efter diskplads, låse og databasens egen log."
    remedy_english = "Try again; else look at disk space, locks and the database's own log."
