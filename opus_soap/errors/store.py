"""STO: what must survive: archive, inbox, outbox, agreements."""

from __future__ import annotations

from opus_soap.errors.base import OpusSoapError


class StoreError(OpusSoapError):
    """Messages, agreements, approvals."""


class ContentMissing(StoreError):
    """Bytes that are asked for by hash were never stored, or have been purged."""

    code = "STO-001"
    danish = "Indholdet {value} findes ikke: {expected}"
    english = "The content {value} is not there: {expected}"
    remedy_danish = (
        "Er det slettet efter opbevaringsreglerne, findes kun dets hash; ellers gendan en sikkerhedskopi."
    )
    remedy_english = (
        "If it was purged under the retention rules, only its hash is left; else restore a backup."
    )


class ContentNotKept(ContentMissing):
    """Of a refused message of an unknown sender that is larger than a setting says only the hash is kept."""

    code = "STO-004"
    danish = "Indholdet {value} blev aldrig gemt: kun dets hash og størrelse ({expected} byte)"
    english = "The content {value} was never kept: only its hash and size ({expected} bytes)"
    remedy_danish = (
        "Forklar den fil, der blev sendt (`opus-soap explain FIL`), eller hæv "
        "OPUS_SOAP_MAX_UNKNOWN_SENDER_BYTES, og send igen."
    )
    remedy_english = (
        "Explain the file that was sent (`opus-soap explain FILE`), or raise "
        "OPUS_SOAP_MAX_UNKNOWN_SENDER_BYTES, and send again."
    )


class ContentDamaged(StoreError):
    """Stored bytes no longer have the hash they were stored under."""

    code = "STO-002"
    danish = "Indholdet {expected} er beskadiget: det har nu hash {value}"
    english = "The content {expected} is damaged: it now has the hash {value}"
    remedy_danish = "Gendan indholdet fra en sikkerhedskopi, og undersøg lageret."
    remedy_english = "Restore the content from a backup, and examine the storage."


class ContentLost(StoreError):
    """A content in a file cannot be read, though it was not purged: the folder, its disk, its rights."""

    code = "STO-003"
    danish = "Indholdet {value} ligger i en fil, der ikke kan læses: {expected}"
    english = "The content {value} is in a file that cannot be read: {expected}"
    remedy_danish = (
        "Se efter, at OPUS_SOAP_FILES_FOLDER er den mappe, som serveren skriver i, og at den kan læses; "
        "ellers gendan den fra en sikkerhedskopi."
    )
    remedy_english = (
        "See that OPUS_SOAP_FILES_FOLDER is the folder that the server writes to, and that it can be read; "
        "else restore it from the backup."
    )


class CertificateUnknown(StoreError):
    """No agreement knows the certificate that a message is signed with."""

    code = "STO-010"
    danish = "Certifikatet er ikke knyttet til nogen aftale (SHA-256 {value})"
    english = "No agreement knows this certificate (SHA-256 {value})"
    remedy_danish = (
        "Send certifikatet til økonomisystemets drift, som kører `opus-soap systems certificate add`."
    )
    remedy_english = "Give the certificate to the operator, who runs `opus-soap systems certificate add`."


class CertificateRevoked(StoreError):
    """The certificate was taken out of the agreement."""

    code = "STO-011"
    danish = "Certifikatet er spærret i aftalen (SHA-256 {value})"
    english = "The certificate is revoked in the agreement (SHA-256 {value})"
    remedy_danish = "Brug systemets andet certifikat, eller få et nyt knyttet til aftalen."
    remedy_english = "Use the system's other certificate, or have a new one added to the agreement."


class CertificateOutOfDate(StoreError):
    """The certificate is expired or not valid yet."""

    code = "STO-012"
    danish = "Certifikatet gælder ikke på tidspunktet {value}: {expected}"
    english = "The certificate is not valid at {value}: {expected}"
    remedy_danish = "Forny certifikatet, og få det nye knyttet til aftalen."
    remedy_english = "Renew the certificate and have the new one added to the agreement."


class SystemInactive(StoreError):
    """The agreement has been stopped."""

    code = "STO-013"
    danish = "Aftalen med systemet {value} er ikke aktiv"
    english = "The agreement with the system {value} is not active"
    remedy_danish = "Kontakt kommunens økonomisystem-ansvarlige."
    remedy_english = "Contact whoever runs the municipality's finance system."


class ServiceNotGranted(StoreError):
    """The agreement does not cover the service that is called."""

    code = "STO-014"
    danish = "Systemet {element} har ikke ret til servicen {value}; aftalen dækker: {expected}"
    english = "The system {element} has no right to the service {value}; the agreement covers: {expected}"
    remedy_danish = "Få servicen med i aftalen; `opus-soap systems change --service` nævner dem alle."
    remedy_english = "Have the agreement name it too; `opus-soap systems change --service` names them all."


class TooManyCertificates(StoreError):
    """A system already has two certificates that are valid at the same time."""

    code = "STO-015"
    danish = "Systemet {element} har allerede {value} certifikater, der gælder samtidig; højst {expected}"
    english = (
        "The system {element} already has {value} certificates valid at the same time; at most {expected}"
    )
    remedy_danish = "Spær det gamle certifikat først (`opus-soap systems certificate revoke`)."
    remedy_english = "Revoke the old certificate first (`opus-soap systems certificate revoke`)."


class CertificateUnreadable(StoreError):
    """What was given as a certificate is not one, or belongs to another system."""

    code = "STO-016"
    danish = "Certifikatet kan ikke bruges: {value}"
    english = "The certificate cannot be used: {value}"
    remedy_danish = "Giv ét X.509-certifikat i PEM-format, som ikke hører til et andet system."
    remedy_english = "Give one X.509 certificate in PEM that does not belong to another system."


class SystemUnknown(StoreError):
    """No agreement has this name or UUID."""

    code = "STO-017"
    danish = "Systemet {value} er ukendt"
    english = "The system {value} is not known"
    remedy_danish = "Se `opus-soap systems list`."
    remedy_english = "See `opus-soap systems list`."


class SystemAmbiguous(StoreError):
    """Systems in several municipalities have this name."""

    code = "STO-018"
    danish = "Flere systemer hedder {value}: {expected}"
    english = "Several systems are called {value}: {expected}"
    remedy_danish = "Angiv systemets UUID i stedet for navnet (`opus-soap systems list`)."
    remedy_english = "Give the system's UUID instead of its name (`opus-soap systems list`)."


class AgreementInvalid(StoreError):
    """A fact of an agreement has the wrong shape, or belongs to another agreement already."""

    code = "STO-019"
    danish = "Aftalen kan ikke bruges: {element} er {value}; forventet {expected}"
    english = "The agreement cannot be used: {element} is {value}; expected {expected}"
    remedy_danish = "Ret oplysningen; en bestående aftale ændres med `opus-soap systems change`."
    remedy_english = "Correct the fact; an existing agreement is changed with `opus-soap systems change`."


class PostingAgreementInvalid(AgreementInvalid):
    """A fact of an agreement with a sender of postings has the wrong shape, or is another sender's."""

    code = "STO-050"
    remedy_danish = (
        "Ret oplysningen, og kør kommandoen igen; `opus-soap postings senders list` viser aftalerne."
    )
    remedy_english = (
        "Correct the fact and run the command again; `opus-soap postings senders list` shows the agreements."
    )


class PrivateKeyGiven(PostingAgreementInvalid):
    """A private key where its public half is asked for. Nothing of it is kept or shown."""

    code = "STO-051"
    danish = "{element} er en privat nøgle; den hører kun til hos afsenderen"
    english = "{element} is a private key; it belongs to the sender alone"
    remedy_danish = "Giv den offentlige nøgle ved siden af (`….pub`), som `ssh-keygen` lavede sammen med den."
    remedy_english = "Give the public key beside it (`….pub`), which `ssh-keygen` made together with it."


class MessageReplayed(StoreError):
    """The very same signed message has been accepted before."""

    code = "STO-020"
    danish = "Meddelelsen er modtaget før"
    english = "The message has been received before"
    remedy_danish = "Underskriv en ny meddelelse; med samme indhold får den samme svar som den første."
    remedy_english = "Make and sign a new message; with the same content it gets the first one's answer."


class OutboxEntryUnknown(StoreError):
    """No waiting message has this UUID."""

    code = "STO-030"
    danish = "Der er ingen afsendelse {value}"
    english = "There is no outbox entry {value}"
    remedy_danish = "Se `opus-soap messages outbox`."
    remedy_english = "See `opus-soap messages outbox`."


class OutboxStateWrong(StoreError):
    """A message in this state cannot be parked, released or cancelled."""

    code = "STO-031"
    danish = "Afsendelsen {element} er {value}; det kræver {expected}"
    english = "The outbox entry {element} is {value}; this needs {expected}"
    remedy_danish = "Vent til den er færdig, eller vælg en anden handling."
    remedy_english = "Wait until it has finished, or choose another action."


class ArchivedMessageUnknown(StoreError):
    """No archived message has this id."""

    code = "STO-040"
    danish = "Der er ingen meddelelse {value} i arkivet"
    english = "There is no message {value} in the archive"
    remedy_danish = "Se `opus-soap messages list`."
    remedy_english = "See `opus-soap messages list`."


class FileTooLarge(StoreError):
    """A file is larger than what is taken; nothing of it was kept."""

    code = "STO-041"
    danish = "Filen er på {value} byte; højst {expected}"
    english = "The file has {value} bytes; at most {expected}"
    remedy_danish = "Del filen i flere."
    remedy_english = "Split the file."


class FileStoreFailed(StoreError):
    """The folder of files cannot be written to; nothing was acknowledged."""

    code = "STO-042"
    danish = "Mappen {element} kan ikke skrives: {value}"
    english = "The folder {element} cannot be written to: {value}"
    remedy_danish = "Se efter plads og rettigheder, og levér igen."
    remedy_english = "Look at space and permissions, and deliver again."


class ContentFolderGone(FileStoreFailed):
    """The folder that earlier contents are in is not there: made anew, it would hide them or be hidden."""

    code = "STO-046"
    danish = "Mappen {element} med indhold er der ikke længere"
    english = "The folder of contents {element} is no longer there"
    remedy_danish = "Montér den, eller læg den tilbage fra sikkerhedskopien; er den tabt, så opret den tom."
    remedy_english = "Mount it, or put it back from the backup; if it is lost, make it, empty."


class ReadingInterrupted(StoreError):
    """The process that reads a large file ended before the file did."""

    code = "STO-044"
    danish = "Læsningen af filen blev afbrudt: {value} af {expected} byte"
    english = "Reading the file was interrupted: {value} of {expected} bytes"
    remedy_danish = "Levér filen igen; den går videre, hvor den slap. Se efter hukommelse på maskinen."
    remedy_english = "Deliver the file again; it goes on where it stopped. Look at the machine's memory."


class CredentialUnknown(StoreError):
    """A sender has no credential of this number."""

    code = "STO-045"
    danish = "Afsenderen {expected} har ingen adgang nr. {value}"
    english = "The sender {expected} has no credential no. {value}"
    remedy_danish = "Se `opus-soap postings senders credentials`."
    remedy_english = "See `opus-soap postings senders credentials`."


class FolderFailed(StoreError):
    """A folder of a sender cannot be made."""

    code = "STO-043"
    danish = "Mappen {element} kan ikke oprettes: {value}"
    english = "The folder {element} cannot be made: {value}"
    remedy_danish = "Se efter sti og rettigheder (OPUS_SOAP_POSTINGS_FOLDER)."
    remedy_english = "Look at path and permissions (OPUS_SOAP_POSTINGS_FOLDER)."
