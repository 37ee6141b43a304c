"""Who a party is: the same number under any of the schemes that documents name it by, and no other.

A number means nothing without its scheme: eight digits are a Danish company under DK:CVR, and somebody
else under a foreign one.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache

from opus_soap.errors import mask_cpr
from opus_soap.texts import comparable

CVR_SCHEMES = frozenset({"DK:CVR", "DK:SE", "DK:VAT", "CVR", "0184", "0198", "9902"})
GLN_SCHEMES = frozenset({"GLN", "EAN", "EAN-13", "0088"})
PERSONAL_SCHEMES = frozenset({"DK:CPR", "CPR", "9901"})
_CVR = re.compile(r"(?:DK)?[ :-]?([0-9]{8})", re.IGNORECASE)
_GLN = re.compile(r"[0-9]{13}")


def canonical(scheme: str, value: str) -> str | None:
    """`CVR:12345678`, `GLN:5790…`, `SCHEME:VALUE`, or a person's `CPR#` and a digest; None for nothing.

    Without a scheme a Danish VAT number (with or without DK) and a GLN are known by their form; anything
    else without one is not an identity.
    """
    kind, number = scheme.strip().upper(), value.strip()
    cvr, gln = _CVR.fullmatch(number), _GLN.fullmatch(number)
    if kind in PERSONAL_SCHEMES or mask_cpr(number) != number:
        return _personal(number)
    if cvr and (kind in CVR_SCHEMES or not kind):
        return f"CVR:{cvr[1]}"
    if gln and (kind in GLN_SCHEMES or not kind):
        return f"GLN:{number}"
    return f"{kind}:{number.upper()}" if kind and number else None


def opus_user(user: str) -> str:
    """A user as Opus writes it, in capitals, where that is the same user: who is who is told casefolded."""
    capitals = user.upper()
    return capitals if len(capitals) == len(user) and capitals.casefold() == user.casefold() else user


def number_key(number: str) -> str:
    """An invoice number as duplicates are judged by: what people read, at most 64 characters."""
    key = comparable(number)
    return key if len(key) <= 64 else hashlib.sha256(key.encode("utf-8")).hexdigest()


@lru_cache(maxsize=1024)
def _personal(number: str) -> str | None:
    """A person's number, recognised again but not kept: a slow digest, so that guessing all takes years."""
    digits = re.sub("[^0-9]", "", number)
    if not digits:
        return None
    digest = hashlib.scrypt(digits.encode("ascii"), salt=b"opus-soap", n=2**14, r=8, p=1, dklen=16)
    return f"CPR#{digest.hex()}"
