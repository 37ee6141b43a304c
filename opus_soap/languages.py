"""What is said in Danish and in English."""

from __future__ import annotations

from typing import NamedTuple


class Both(NamedTuple):
    """A fact that is said in another way in each language; by itself, in English."""

    danish: str
    english: str

    def __str__(self) -> str:
        return self.english
