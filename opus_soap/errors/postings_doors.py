"""PIN-460 and on: what goes wrong at the doors by which postings come, before a file is looked at."""

from __future__ import annotations

from opus_soap.errors.postings_in import PostingsInError


class DeliveryUnauthorized(PostingsInError):
    """Who delivers over HTTP shows no token, or one that nobody is let in with."""

    code = "PIN-460"
    danish = "Der mangler et gyldigt token"
    english = "A valid token is missing"
    remedy_danish = "Send Authorization: Bearer med et token fra `opus-soap postings senders token`."
    remedy_english = "Send Authorization: Bearer with a token of `opus-soap postings senders token`."


class DeliveryForbidden(PostingsInError):
    """A sender asks for what is another's."""

    code = "PIN-461"
    danish = "Afsenderen har ikke adgang til {value}"
    english = "The sender may not reach {value}"
    remedy_danish = "Stien skal nævne det SENDERID, som dit token hører til."
    remedy_english = "The path must name the SENDERID that your token belongs to."


class ReceiptUnknown(PostingsInError):
    """There is no receipt of this name, or not yet."""

    code = "PIN-462"
    danish = "Der er ingen kvittering for {value}"
    english = "There is no receipt for {value}"
    remedy_danish = "Aflever filen med PUT; _BOGFOERT kommer efter aftale, når alt er afgjort og forseglet."
    remedy_english = "Deliver the file with PUT; _BOGFOERT comes, if agreed, once all is decided and sealed."


class SftpUnusable(PostingsInError):
    """The SFTP server cannot start, or an SFTP server cannot be reached."""

    code = "PIN-466"
    danish = "SFTP på {element} kan ikke bruges: {value}"
    english = "SFTP at {element} cannot be used: {value}"
    remedy_danish = "Se efter adresse, nøgle og rettigheder."
    remedy_english = "Look at address, key and permissions."


class SftpMissing(PostingsInError):
    """The library for SFTP is not installed."""

    code = "PIN-467"
    danish = "Biblioteket til SFTP er ikke installeret"
    english = "The library for SFTP is not installed"
    remedy_danish = "Installér det: pip install 'opus-soap[sftp]'."
    remedy_english = "Install it: pip install 'opus-soap[sftp]'."


class SftpFolderMissing(PostingsInError):
    """A folder that a sender's files are fetched from is not on the SFTP server."""

    code = "PIN-468"
    danish = "Mappen {element} findes ikke på SFTP-serveren"
    english = "There is no folder {element} on the SFTP server"
    remedy_danish = "Opret den, eller ret --folder; i den skal request, response, archive og quarantine være."
    remedy_english = "Make it, or correct --folder. In it must be request, response, archive and quarantine."


class SystemHasNoSender(PostingsInError):
    """A system that signs messages is nobody's sender of postings."""

    code = "PIN-470"
    danish = "Systemet {value} er ikke knyttet til en afsender af posteringer"
    english = "The system {value} belongs to no sender of postings"
    remedy_danish = "Knyt det: `opus-soap postings senders add … --system UUID`."
    remedy_english = "Bind it: `opus-soap postings senders add … --system UUID`."


class TooManyVouchers(PostingsInError):
    """A message has more vouchers than one may."""

    code = "PIN-471"
    danish = "Beskeden har {value} bilag; højst {expected}"
    english = "The message has {value} vouchers; at most {expected}"
    remedy_danish = "Del den, eller aflevér bilagene som fil."
    remedy_english = "Divide it, or deliver the vouchers as a file."


class TooManyAtOnce(PostingsInError):
    """Too many messages state the same second."""

    code = "PIN-472"
    danish = "{expected} beskeder er allerede modtaget med TransaktionsTid {value}"
    english = "{expected} messages have been received with TransaktionsTid {value}"
    remedy_danish = "Angiv i TransaktionsTid, hvornår beskeden er lavet."
    remedy_english = "State in TransaktionsTid when the message was made."


class VouchersNotTaken(PostingsInError):
    """Some vouchers of a message were refused; each receipt says why."""

    code = "PIN-473"
    danish = "{value} af {expected} bilag er afvist"
    english = "{value} of {expected} vouchers were refused"
    remedy_danish = "Se kvitteringen for hvert bilag."
    remedy_english = "See the receipt of each voucher."


class UploadsBusy(PostingsInError):
    """As many uploads as there may be are under way: of a sender, or of all."""

    code = "PIN-474"
    danish = "Der er allerede {value} afleveringer {element}; højst {expected}"
    english = "There are {value} deliveries {element} already; at most {expected}"
    remedy_danish = "Aflevér færre filer ad gangen, og prøv igen efter de sekunder, som Retry-After siger."
    remedy_english = "Deliver fewer files at a time, and try again after as many seconds as Retry-After says."


class CsvEncodingWrong(PostingsInError):
    """A CSV file is not in the encoding that was said."""

    code = "PIN-480"
    danish = "Byte {value} findes ikke i {expected}; måske er filen {other}"
    english = "Byte {value} is not in {expected}; perhaps the file is {other}"
    remedy_danish = "Sig med --encoding, hvad filen er; det gættes der ikke på."
    remedy_english = "Say with --encoding what the file is; nobody guesses."


class CsvHeaderWrong(PostingsInError):
    """A CSV file's heading is another."""

    code = "PIN-481"
    danish = "Overskriften er {value}; skal være {expected}"
    english = "The heading is {value}; it must be {expected}"
    remedy_danish = "Brug Opus' skabelon med alle 25 kolonner i rækkefølge, adskilt af semikolon."
    remedy_english = "Use Opus' template with all 25 columns in order, separated by semicolons."


class CsvSeparatorWrong(PostingsInError):
    """The columns of a CSV file are separated by something else than semicolons."""

    code = "PIN-491"
    danish = "Kolonnerne er adskilt af „{value}”; skal være „{expected}”"
    english = "The columns are separated by “{value}”; it must be “{expected}”"
    remedy_danish = "Gem filen med semikolon som skilletegn (dansk CSV)."
    remedy_english = "Save the file with semicolons as separators (Danish CSV)."


class CsvColumnsWrong(PostingsInError):
    """A row has more or fewer columns than the headings."""

    code = "PIN-482"
    danish = "Rækken har {value} kolonner; skal have {expected}"
    english = "The row has {value} columns; it must have {expected}"
    remedy_danish = "Et semikolon i en tekst skal stå i anførselstegn."
    remedy_english = "A semicolon in a text must stand in quotation marks."


class CsvAmountWrong(PostingsInError):
    """An amount is not written as 1234,56."""

    code = "PIN-483"
    danish = "Beløbet {value} kan ikke læses; skriv som {expected}"
    english = "The amount {value} cannot be read; write it as {expected}"
    remedy_danish = "Komma før ører, uden fortegn; siden står i Debet/kredit."
    remedy_english = "A comma before the øre, no sign; the side stands in Debet/kredit."


class CsvSideWrong(PostingsInError):
    """A side is neither Debet nor Kredit."""

    code = "PIN-484"
    danish = "Debet/kredit er {value}; skal være {expected}"
    english = "Debet/kredit is {value}; it must be {expected}"
    remedy_danish = "Skriv ordet helt ud."
    remedy_english = "Write the whole word."


class CsvDateWrong(PostingsInError):
    """A date is not written as dd.mm.yyyy, or no day."""

    code = "PIN-485"
    danish = "Datoen {value} kan ikke læses; skriv {expected}"
    english = "The date {value} cannot be read; write dd.mm.yyyy"
    remedy_danish = "Ret datoen."
    remedy_english = "Correct the date."


class CsvCharacterWrong(PostingsInError):
    """A value has a character that is none."""

    code = "PIN-486"
    danish = "Feltet har styretegnet {value}"
    english = "The field has the control character {value}"
    remedy_danish = "Fjern tegnet; det kommer ofte med fra et andet program."
    remedy_english = "Remove the character; it often comes along from another program."


class CsvRowEmpty(PostingsInError):
    """A row has nothing in it, or there is none."""

    code = "PIN-487"
    danish = "Række {element} er tom"
    english = "Row {element} is empty"
    remedy_danish = "Slet rækken, eller udfyld den."
    remedy_english = "Delete the row, or fill it in."


class CsvTooLarge(PostingsInError):
    """A CSV file is larger than one may be."""

    code = "PIN-488"
    danish = "Filen er for stor: {value}; højst {expected}"
    english = "The file is too large: {value}; at most {expected}"
    remedy_danish = "Del den i flere bilag."
    remedy_english = "Divide it into several vouchers."


class CsvUnreadable(PostingsInError):
    """A file is no CSV."""

    code = "PIN-489"
    danish = "Filen kan ikke læses som CSV: {value}"
    english = "The file cannot be read as CSV: {value}"
    remedy_danish = "Et anførselstegn i en tekst skal stå dobbelt."
    remedy_english = "A quotation mark in a text must stand twice."
