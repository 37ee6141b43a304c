"""What every command starts from: settings, a clock, a checked database."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, NoReturn, ParamSpec, TypeVar

import click
from peewee import PeeweeException
from rich.console import Console

from opus_soap.cli.shown import PlainConsole, shown
from opus_soap.clock import Clock, SystemClock
from opus_soap.database import connect, first_line
from opus_soap.errors import ArgumentUnreadable, DatabaseFailed, FileFailed, OpusSoapError
from opus_soap.settings import Settings, load
from opus_soap.store.schema import check_schema

P = ParamSpec("P")
R = TypeVar("R")


@dataclass
class Runtime:
    """Passed to commands by `click.pass_obj`."""

    overrides: dict[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    console: Console = field(default_factory=PlainConsole)
    _settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """The settings, read once; raises `SettingsInvalid`."""
        if self._settings is None:
            self._settings = load(**self.overrides)
        return self._settings

    def open_database(self) -> None:
        """Connect, and refuse a schema that is not this version's."""
        connect(self.settings.database_url, files=self.settings.files_folder).connect(reuse_if_open=True)
        check_schema()


def address(_context: click.Context, _option: click.Parameter, bind: str) -> str:
    """A callback of `--bind`: HOST:PORT that nobody listens to yet."""
    host, colon, port = bind.rpartition(":")
    if not (host and colon and port.isascii() and port.isdecimal() and 0 < int(port) < 2**16):
        raise click.BadParameter(f"{bind} is not HOST:PORT, such as 127.0.0.1:8080")
    bare = host.strip("[]")
    try:
        family, *_ = socket.getaddrinfo(bare, int(port), type=socket.SOCK_STREAM)[0]
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((bare, int(port)))
    except OSError as error:
        raise click.BadParameter(f"{bind}: {error.strerror}") from None
    return bind


def actor() -> str:
    """Who is at the keyboard, for the audit trail."""
    try:
        return f"cli:{getpass.getuser()}"
    except (KeyError, OSError, ImportError):  # a user without a name, as in a container
        return f"cli:{os.getuid()}"


def reports_errors(command: Callable[P, R]) -> Callable[P, R]:
    """Turn an error of ours or of the database into text and remedy on stderr, exit status 1."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except OpusSoapError as error:
            _report(error)
        except PeeweeException as error:
            _report(DatabaseFailed(value=first_line(error)))
        except BrokenPipeError:  # who reads has read enough
            raise
        except OSError as error:
            _report(FileFailed(element=error.filename or "output", value=error.strerror or "?"))
        except UnicodeEncodeError:
            _report(ArgumentUnreadable())

    return wrapped


def _report(error: OpusSoapError) -> NoReturn:
    said = f"{error.code}  {error.text_english}\n         {error.text_danish}"
    click.echo(shown(f"{said}\n      →  {error.remedy_english}"), err=True)
    raise SystemExit(1) from None
