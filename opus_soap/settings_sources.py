"""Where settings stand besides the environment: a TOML file, and a folder of secrets."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Any

from opus_soap.errors import Both, SettingsInvalid

PREFIX = "OPUS_SOAP_"
CONFIG, SECRETS_DIR = f"{PREFIX}CONFIG", f"{PREFIX}SECRETS_DIR"


def config() -> dict[str, Any]:
    """What the TOML file says; nothing when none is named. Raises `SettingsInvalid`."""
    named = os.environ.get(CONFIG)
    if not named:
        return {}
    try:
        return tomllib.loads(Path(named).read_text("utf-8"))
    except OSError as error:
        raise SettingsInvalid(value=f"{CONFIG}: {named}: {error.strerror}") from None
    except ValueError as error:  # not TOML, not UTF-8
        raise SettingsInvalid(value=f"{CONFIG}: {named}: {error}") from None


def secrets(names: Collection[str]) -> dict[str, str]:
    """The files of the secrets folder that are called like a setting; nothing when none is named.

    Raises `SettingsInvalid`.
    """
    named = os.environ.get(SECRETS_DIR)
    if not named:
        return {}
    try:
        present = {path.name: path for path in Path(named).iterdir()}
        return {name: present[name].read_text("utf-8").strip() for name in names if name in present}
    except OSError as error:
        raise SettingsInvalid(value=f"{SECRETS_DIR}: {error.filename}: {error.strerror}") from None
    except UnicodeDecodeError:
        place = f"{SECRETS_DIR}: {named}"
        raise SettingsInvalid(
            value=Both(f"{place}: en hemmelighed er ikke UTF-8", f"{place}: a secret is not UTF-8")
        ) from None
