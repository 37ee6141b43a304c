"""What a declaration must be, in words for people: the library that checks it speaks English, of inputs."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic_core import ErrorDetails

from opus_soap.errors import Both

OWN_RULE = "own_rule"  # the type of an error of `ledger.definition`'s own; `danish` is in its context
_WORDS: Mapping[str, Both] = {
    "missing": Both("en værdi", "a value"),
    "extra_forbidden": Both("intet af det navn", "nothing of that name"),
    "string_type": Both("en tekst", "a text"),
    "string_too_short": Both("mindst {min_length} tegn", "≥ {min_length} characters"),
    "string_too_long": Both("højst {max_length} tegn", "≤ {max_length} characters"),
    "too_long": Both("højst {max_length} tegn i alt", "≤ {max_length} characters in all"),
    "string_pattern_mismatch": Both("formen {pattern}", "the form {pattern}"),
    "int_type": Both("et helt tal", "a whole number"),
    "bool_type": Both("true eller false", "true or false"),
    "list_type": Both("en liste", "a list"),
    "dict_type": Both("en tabel", "a table"),
    "model_type": Both("en tabel", "a table"),
    "greater_than_equal": Both("mindst {ge}", "at least {ge}"),
    "less_than_equal": Both("højst {le}", "at most {le}"),
    "uuid_parsing": Both("et UUID", "a UUID"),
    "uuid_type": Both("et UUID", "a UUID"),
    "date_type": Both("en dato", "a date"),
}


def expected(error: ErrorDetails) -> Both:
    """What was expected where something else stood."""
    facts = error.get("ctx", {})
    if error["type"] == OWN_RULE:
        return Both(facts["danish"], error["msg"])
    if error["type"] not in _WORDS:
        return Both(error["msg"], error["msg"])
    words = _WORDS[error["type"]]
    return Both(words.danish.format(**facts), words.english.format(**facts))
