"""A query whose text has been made: how values come into it, and models out of what it finds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from peewee import ModelObjectCursorWrapper, Node

Reader = Callable[[Sequence[object]], Any]  # what makes of a row what was asked for


@dataclass
class Written:
    """The text, for one engine."""

    query: Any  # knows what its rows are
    text: str
    values: Sequence[object]
    _reader: Reader | None = None

    def with_values(self, given: Sequence[object]) -> list[object]:
        """All the values of the text, those that are given among them."""
        return [value.of(given) if isinstance(value, Later) else value for value in self.values]

    def reader(self, cursor: Any) -> Reader:
        """What reads a row as the library would, which looks its columns up again with every answer."""
        if self._reader is None:
            wrapper = self.query._get_cursor_wrapper(cursor)
            wrapper.initialize()
            wrapper.cursor = None  # done with
            self._reader = _reader_of_models(wrapper) or wrapper.process_row
        return self._reader


def _reader_of_models(wrapper: Any) -> Reader | None:
    """Where a row is one model and nothing besides, the model is made of it whole, not field by field."""
    if type(wrapper) is not ModelObjectCursorWrapper:
        return None
    model, names = wrapper.model, wrapper.unique_columns
    if not model._meta.fields.keys() >= {*names}:
        return None
    converted = [(place, wrapper.converters[place]) for place in wrapper.convert]

    def read(row: Sequence[object]) -> Any:
        values = [*row]
        for place, python_value in converted:
            values[place] = python_value(values[place])
        found = model.__new__(model)
        found.__data__, found.__rel__, found._dirty = dict(zip(names, values, strict=True)), {}, set()
        return found

    return read


@dataclass(frozen=True)
class Later:
    """A value of a prepared query: which of those that are given, and how it is stored."""

    place: int
    adapt: Callable[[Any], object] | None

    def of(self, given: Sequence[object]) -> object:
        """The value as the database holds it."""
        value = given[self.place]
        return self.adapt(value) if self.adapt is not None else value


class StandIn(Node):
    """Where a value will be in a prepared query."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __sql__(self, ctx: Any) -> Any:
        return ctx.value(Later(self.place, ctx.state.converter), converter=False)
