"""EXT: master data as extracts, and back into the books."""

from __future__ import annotations

from opus_soap.errors.extracts import ExtractError


class MasterDataBeforeUnusable(ExtractError):
    """What the extract before held is not there, or is not as it was written: nothing can be compared."""

    code = "EXT-100"
    danish = "Det forrige udtræks liste {element} mangler eller kan ikke bruges; ændringer kan ikke findes"
    english = "The list {element} of the extract before is missing or unusable; changes cannot be found"
    remedy_danish = "Giv modtageren det hele på ny: `opus-soap extracts run NAVN --full`."
    remedy_english = "Give the receiver everything anew: `opus-soap extracts run NAME --full`."
