"""DOC: other people's documents."""

from __future__ import annotations

from collections.abc import Sequence

from opus_soap.errors.base import OpusSoapError


class DocumentError(OpusSoapError):
    """An invoice file cannot be taken as it is."""


class NotXml(DocumentError):
    """The file is not well-formed XML."""

    code = "DOC-001"
    danish = "Filen er ikke velformet XML: {value}"
    english = "The file is not well-formed XML: {value}"
    remedy_danish = "Få filen sendt igen som XML i UTF-8."
    remedy_english = "Have the file sent again as XML in UTF-8."


class DocumentTypeForbidden(DocumentError):
    """The file has a DOCTYPE."""

    code = "DOC-002"
    danish = "Filen har en DOCTYPE, som ikke er tilladt"
    english = "The file has a DOCTYPE, which is not allowed"
    remedy_danish = "Fjern DOCTYPE-erklæringen."
    remedy_english = "Remove the DOCTYPE declaration."


class DocumentTooLarge(DocumentError):
    """The file is beyond a limit: bytes, depth, lines, attachments."""

    code = "DOC-003"
    danish = "{element}: {value} er over grænsen {expected}"
    english = "{element}: {value} is beyond the limit of {expected}"
    remedy_danish = "Del dokumentet, eller hæv grænsen i indstillingerne."
    remedy_english = "Split the document, or raise the limit in the settings."


class FormatUnsupported(DocumentError):
    """A format that is known by name, but is not taken."""

    code = "DOC-004"
    danish = "Formatet {value} understøttes ikke"
    english = "The format {value} is not supported"
    remedy_danish = "Send OIOUBL 2.01, 2.02 eller 2.1 eller Peppol BIS 3 (faktura eller kreditnota)."
    remedy_english = "Send OIOUBL 2.01, 2.02 or 2.1 or Peppol BIS 3 (invoice or credit note)."


class DocumentUnknown(DocumentError):
    """The file is no document of a kind that we know."""

    code = "DOC-005"
    danish = "Rodelementet {value} er ikke en faktura eller kreditnota"
    english = "The root element {value} is no invoice or credit note"
    remedy_danish = "Send OIOUBL 2.01, 2.02 eller 2.1 eller Peppol BIS 3."
    remedy_english = "Send OIOUBL 2.01, 2.02 or 2.1 or Peppol BIS 3."


class ElementMissing(DocumentError):
    """A required element is missing or empty."""

    code = "DOC-010"
    danish = "{element} mangler eller er tomt"
    english = "{element} is missing or empty"
    remedy_danish = "Udfyld elementet."
    remedy_english = "Fill the element in."


class ElementMisplaced(DocumentError):
    """An element that does not belong where it stands."""

    code = "DOC-011"
    danish = "{element}: {value} hører ikke til her"
    english = "{element}: {value} does not belong here"
    remedy_danish = "Ret rækkefølgen efter UBL 2.1."
    remedy_english = "Correct the order as in UBL 2.1."


class ValueInvalid(DocumentError):
    """A value that cannot be read."""

    code = "DOC-012"
    danish = "{element}: {value} er ugyldig, forventet {expected}"
    english = "{element}: {value} is not valid, expected {expected}"
    remedy_danish = "Ret værdien."
    remedy_english = "Correct the value."


class TotalWrong(DocumentError):
    """A total does not follow from its parts."""

    code = "DOC-020"
    danish = "{element} er {value}, men delene giver {expected}"
    english = "{element} is {value}, but its parts give {expected}"
    remedy_danish = "Få leverandøren til at sende en rettet faktura."
    remedy_english = "Have the supplier send a corrected invoice."


class DocumentRefused(DocumentError):
    """A document is refused; `errors` holds every reason."""

    code = "DOC-030"
    danish = "Dokumentet er afvist: {value}"
    english = "The document was refused: {value}"
    remedy_danish = "Ret de nævnte fejl, og send igen."
    remedy_english = "Correct the errors named and send again."

    def __init__(self, errors: Sequence[DocumentError]) -> None:
        self.errors = tuple(errors)
        super().__init__(value="; ".join(error.text_danish for error in self.errors))

    @property
    def text_english(self) -> str:
        """The English sentence, with the reasons in English."""
        return self.english.format(value="; ".join(error.text_english for error in self.errors))
