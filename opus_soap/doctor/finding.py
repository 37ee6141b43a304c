"""What one check of the doctor found."""

from __future__ import annotations

from dataclasses import dataclass

GOOD, WARNING, BAD = "ok", "warning", "FAILED"


@dataclass(frozen=True)
class Finding:
    """What one check found. `remedy` is empty when all is well."""

    state: str
    check: str
    text: str
    remedy: str = ""
