"""Every error this package raises on purpose, as one tree.

An error class carries a stable code, a Danish and an English sentence, and a remedy in both
languages. An instance adds the facts: the element at fault, its value, what was expected.
Sentences are `str.format` templates over `element`, `value`, `expected` and the keyword details; a fact
that is words, and not a name or a number, is given in `Both` languages.
A value may be personal: give `sensitive=True` and it never appears in a text, a log or a fault.

Codes: three letters for the room, three digits. They never change meaning; docs/reference/errors.md
lists them all. The WS-Security profile (`opus_soap.wss`) has its own tree, mapped to faults in
`opus_soap.soap`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import ClassVar

from opus_soap.languages import Both as Both

# An identifier or a hash is kept whole: six of its digits may look like a date by chance.
_KEPT = r"(?<!\w)(?P<kept>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}|[0-9A-Fa-f]{64})(?!\w)"
# day 01–31 (or +60: a replacement number), month 01–12; voucher numbers are ten digits too
_DATE = r"(?<!\d)(?:0[1-9]|[12]\d|3[01]|6[1-9]|[78]\d|9[01])(?:0[1-9]|1[0-2])\d{2}"
# hyphens and dashes of every kind, a full stop; white space (also one that does not break) at either side
_CPR = re.compile(rf"{_KEPT}|{_DATE}\s?[.\-\u2010-\u2015\u2212]?\s?\d{{4}}(?!\d)")
_ISO_DATE = re.compile(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])", re.ASCII)
_SIX_DIGITS = re.compile(r"\d{6}")
MASK = "••••••"


def mask_cpr(text: str) -> str:
    """Replace whatever is shaped like a CPR number: a date, 4 digits, at most a separator between them."""
    if _SIX_DIGITS.search(text) is None:  # most texts: told in a fifth of the time
        return text
    return _CPR.sub(lambda found: found["kept"] or f"{MASK}-••••", text)


def danish_dates(text: str) -> str:
    """`2026-11-20` → `20.11.2026`, wherever it stands by itself."""
    return _ISO_DATE.sub(r"\3.\2.\1", text)


class OpusSoapError(Exception):
    """Root of the tree. Only subclasses with a code are raised."""

    code: ClassVar[str] = ""
    danish: ClassVar[str] = ""
    english: ClassVar[str] = ""
    remedy_danish: ClassVar[str] = ""
    remedy_english: ClassVar[str] = ""

    def __init__(
        self,
        *,
        element: str | Both = "",
        value: object = "",
        expected: object = "",
        sensitive: bool = False,
        **details: object,
    ) -> None:
        self.element = mask_cpr(str(element))
        self.value = MASK if sensitive and value not in ("", None) else mask_cpr(str(value))
        self.expected = mask_cpr(str(expected))
        self.details = {name: mask_cpr(str(detail)) for name, detail in details.items()}
        given = {"element": element, "value": "" if sensitive else value, "expected": expected, **details}
        self._danish = {name: mask_cpr(it.danish) for name, it in given.items() if isinstance(it, Both)}
        super().__init__(self.text_english)

    def _filled(self, template: str, said: Mapping[str, str] = MappingProxyType({})) -> str:
        """The template with the facts, those of them as they are `said` in its language."""
        facts = {"element": self.element, "value": self.value, "expected": self.expected, **self.details}
        return template.format(**{**facts, **said})

    @property
    def text_danish(self) -> str:
        """The Danish sentence with the facts filled in."""
        return self._filled(self.danish, self._danish)

    @property
    def text_english(self) -> str:
        """The English sentence with the facts filled in."""
        return self._filled(self.english)

    def __str__(self) -> str:
        return f"{self.code}: {self.text_english}"

    def __reduce__(self) -> tuple[object, ...]:
        """For pickle, which would call the class with what the sentence was made of."""
        return _restored, (type(self), self.args, self.__dict__)


def _restored(kind: type[OpusSoapError], args: tuple[object, ...], facts: dict[str, object]) -> OpusSoapError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(facts)
    return error


def concrete_errors(root: type[OpusSoapError] = OpusSoapError) -> Iterator[type[OpusSoapError]]:
    """Every class below `root` that has a code of its own, in order of definition."""
    for child in root.__subclasses__():
        if "code" in child.__dict__:
            yield child
        yield from concrete_errors(child)
