"""The regular expressions that a rule of accounts may have: those that cannot hang.

The engine tries every way in which an expression may match. Where repetitions stand within each other, or
many beside each other, that outlasts any patience, and a voucher waits for it with the books held. So an
expression is a choice (`|`) of pieces in a row, each a character, `.`, `\\d` or a set `[…]`, repeated or not;
there are no groups, and few repetitions beside each other. On a number of ten characters that is some
thousand steps at most.
"""

from __future__ import annotations

import re

from opus_soap.errors import Both

MOST_REPETITIONS = 3  # in each choice, of those that may be of several lengths
_LETTER = "[0-9A-Za-zÆØÅæøå_]"  # no digits of other scripts: numbers have none
_SET = rf"\[\^?(?:{_LETTER}(?:-{_LETTER})?|[ .])+\]"
_PIECE = rf"(?:{_LETTER}|[ /.-]|\\[d.]|{_SET})"
_REPEATED = r"[*+?]|\{[0-9]{0,2},[0-9]{0,2}\}"
_CHOICE = re.compile(rf"(?:{_PIECE}(?:{_REPEATED}|\{{[0-9]{{1,2}}\}})?)+")
_REPETITION = re.compile(_REPEATED)
FORM = Both(
    "et regulært udtryk uden grupper (tegn, ., [0-9], \\d; * + ? {n,m}; | imellem valg), med højst "
    f"{MOST_REPETITIONS} gentagelser i hvert valg",
    "a regular expression without groups (characters, ., [0-9], \\d; * + ? {n,m}; | between choices), with "
    f"{MOST_REPETITIONS} repetitions at most in each choice",
)


def is_bounded(pattern: str) -> bool:
    """Whether it is one of those."""
    return all(map(_is_bounded, pattern.split("|"))) and _compiles(pattern)


def _is_bounded(choice: str) -> bool:
    return _CHOICE.fullmatch(choice) is not None and len(_REPETITION.findall(choice)) <= MOST_REPETITIONS


def _compiles(pattern: str) -> bool:
    """Ranges and counts may be the wrong way round."""
    try:
        re.compile(pattern)
    except re.error:
        return False
    return True
