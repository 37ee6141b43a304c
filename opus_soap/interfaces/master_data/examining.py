"""The texts of a record: held against the form of its table, and brought into that of the books."""

from __future__ import annotations

from collections.abc import Mapping

from opus_soap.errors import Both, ImportValueMissing, ImportValueWrong
from opus_soap.identifiers import canonical
from opus_soap.interfaces.master_data.books import PERSONAL
from opus_soap.interfaces.master_data.form import (
    ACTION,
    CHANGED,
    DELETED,
    NEW,
    Column,
    joined,
    split,
)
from opus_soap.interfaces.master_data.mistakes import Mistakes
from opus_soap.interfaces.master_data.reading import Delivered
from opus_soap.ledger.checks import normalised_wbs

_IDENTIFIERS = Both("ART:VÆRDI|ART:VÆRDI…, fx GLN:5798009900012", "SCHEME:VALUE|SCHEME:VALUE…")
_ACTIONS = (NEW, CHANGED, DELETED)


def examined(delivered: Delivered, mistakes: Mistakes) -> Mapping[str, str] | None:
    """Its texts as the books would tell them; None, and in `mistakes` what is wrong, when they are not good.

    Of what is to be taken away the key alone counts.
    """
    table, good = delivered.table, len(mistakes.found)
    said = "/".join(delivered.texts.get(column.name, "")[:40] for column in table.columns[: table.keys])
    place = delivered.file, delivered.line, table.name, said.strip("/")
    with mistakes.of(*place):
        if delivered.action not in ("", *_ACTIONS):
            raise ImportValueWrong(element=ACTION, value=delivered.action[:40], expected=", ".join(_ACTIONS))
    found: dict[str, str] = {}
    for number, column in enumerate(table.columns):
        is_key = number < table.keys
        if column.name not in delivered.texts or (delivered.action == DELETED and not is_key):
            continue
        with mistakes.of(*place):
            text = delivered.texts[column.name]
            found[column.name] = _text(table.name, column, text, is_key) if text else _nothing(column)
    return found if len(mistakes.found) == good else None


def _nothing(column: Column) -> str:
    if column.required:
        raise ImportValueMissing(element=column.name)
    return ""


def _text(table: str, column: Column, text: str, is_key: bool) -> str:
    padded = is_key and text != text.strip()
    if padded or not column.type.is_met(text):
        raise ImportValueWrong(element=column.name, value=repr(text[:60]), expected=column.type.expected)
    if table == "WBS_ELEMENT" and column.name in ("WBS_ELEMENT", "PARENT"):
        return normalised_wbs(text)
    if column.name == "USERNAME":
        return text.casefold()
    if column.name == "IDENTIFIERS":
        return joined([_identifier(column, one) for one in split(text)])
    return text


def _identifier(column: Column, text: str) -> str:
    scheme, _, value = text.rpartition(":")
    known = canonical(scheme, value)
    if known is None:
        raise ImportValueWrong(element=column.name, value=text[:60], expected=_IDENTIFIERS)
    if known.startswith(PERSONAL):
        raise ImportValueWrong(
            element=column.name,
            value=text[:60],
            sensitive=True,
            expected=Both("intet personnummer", "no number of a person"),
        )
    return known
