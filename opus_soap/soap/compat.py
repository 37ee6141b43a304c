"""Makes Spyne 2.14.0 importable, quietly, on Python 3.11 to 3.13. Imported before `spyne`, always.

Spyne carries an old copy of `six` whose lazy `six.moves` uses an import protocol that Python 3.12
dropped. The real `six` takes its place here. `cgi`, gone in 3.13, comes from `legacy-cgi` (setup.cfg).
"""

from __future__ import annotations

import logging
import sys
import warnings
from importlib import import_module
from types import FunctionType

import six

_VENDORED = "spyne.util.six"
_MOVES = (
    "collections_abc",
    "http_cookies",
    "urllib",
    "urllib.error",
    "urllib.parse",
    "urllib.request",
)


def _function_name(function: FunctionType) -> str:
    return function.__name__


def install() -> None:
    """Put the real `six` where Spyne looks for its own, and import Spyne with its warnings held back."""
    if _VENDORED not in sys.modules:
        six.get_function_name = _function_name  # the one addition in Spyne's copy
        sys.modules[_VENDORED] = six
        sys.modules[f"{_VENDORED}.moves"] = six.moves
        for name in _MOVES:
            sys.modules[f"{_VENDORED}.moves.{name}"] = import_module(f"six.moves.{name}")
    # Spyne logs what it could not read, value and all; the front logs for it, without values
    logging.getLogger("spyne").propagate = False
    logging.getLogger("spyne").addHandler(logging.NullHandler())
    with warnings.catch_warnings():
        # only while these modules are imported: `import cgi`, and invalid escapes in old literals
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=SyntaxWarning)
        for module in ("spyne.application", "spyne.protocol.soap", "spyne.server", "spyne.service"):
            import_module(module)


install()
