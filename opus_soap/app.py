"""The one place where the parts are put together."""

from __future__ import annotations
