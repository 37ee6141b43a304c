"""Write the reference pages from the code: settings, errors, command line, sample configuration.

`python -m docs.generate` writes them; `python -m docs.generate --check` exits 1 when one is stale.
"""

from __future__ import annotations

import inspect
import json
import sys
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from uuid import UUID

import click

from opus_soap.cli.main import main as command_line
from opus_soap.errors import OpusSoapError, concrete_errors
from opus_soap.settings import Settings
from opus_soap.wss import errors_revocation, errors_tokens  # noqa: F401  a part of the tree
from opus_soap.wss.errors import WssError

HERE = Path(__file__).parent
GENERATED = "<!-- Generated from the code by `make docs`. Do not edit. -->\n\n"


def settings_page() -> str:
    """A table of every setting."""
    rows = [
        f"| `OPUS_SOAP_{name.upper()}` | `{_default(field.default)}` | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return (
        "# Settings\n\n" + GENERATED + "Each is an environment variable, or a key (lower case, without the "
        "prefix) in the TOML file that `OPUS_SOAP_CONFIG` names; the environment wins. At start every "
        "error is listed at once. Sizes are in bytes, times in seconds, unless the text says otherwise. "
        "No setting holds a key: keys are files of their own. A setting that holds a password, such as a "
        "database URL, can be a file too: `OPUS_SOAP_SECRETS_DIR` names a folder, in which a file called "
        "like the key (`database_url`) holds the value; it comes after the environment and before the "
        "TOML file. A variable that begins with `OPUS_SOAP_` and is neither a setting nor an option of "
        "the command line is an error.\n\n"
        "| Environment variable | Default | Meaning |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )


def sample_configuration() -> str:
    """Every setting with its default, commented out, as TOML."""
    lines = ["# opus-soap.toml: name it in OPUS_SOAP_CONFIG. Every setting, with its default.", ""]
    for name, field in Settings.model_fields.items():
        lines += [f"# {field.description}", f"# {name} = {json.dumps(_default(field.default))}", ""]
    return "\n".join(lines)


def errors_page() -> str:
    """Every error of both trees, a heading each."""
    parts = [
        "# Error codes",
        "",
        GENERATED.strip(),
        "",
        "A code never changes its meaning. Braces stand for the facts of the case.",
        "",
    ]
    errors = sorted((*concrete_errors(OpusSoapError), *concrete_wss_errors()), key=lambda error: error.code)
    for family, members in groupby(errors, key=lambda error: error.code[:3]):
        links = ", ".join(f"[{error.code}](#{error.code.lower()})" for error in members)
        parts += [f"**{family}**: {links}", ""]
    for error in errors:
        parts += [
            f"## {error.code}",
            "",
            (error.__doc__ or "").strip().splitlines()[0],
            "",
            f"- **Dansk:** {error.danish}",
            f"- **English:** {error.english}",
            f"- **Hvad gør jeg:** {error.remedy_danish}",
            f"- **Remedy:** {error.remedy_english}",
            "",
        ]
    return "\n".join(parts)


def concrete_wss_errors(root: type[WssError] = WssError) -> Iterator[type[WssError]]:
    """Every class of the WS-Security tree that has a code of its own."""
    for child in root.__subclasses__():
        if child.__dict__.get("code"):
            yield child
        yield from concrete_wss_errors(child)


def command_line_page() -> str:
    """Every command, with its options and their environment variables."""
    parts = ["# Command line", "", GENERATED.strip(), ""]
    context = click.Context(command_line, info_name="opus-soap", auto_envvar_prefix="OPUS_SOAP")
    parts += list(_command_parts(command_line, context))
    return "\n".join(parts)


def _command_parts(command: click.Command, context: click.Context) -> Iterator[str]:
    yield f"## `{context.command_path}`"
    yield ""
    yield inspect.cleandoc(command.help or "")  # 3.13 dedents docstrings, earlier ones do not
    yield ""
    if not isinstance(command, click.Group):
        yield f"    {' '.join((context.command_path, *command.collect_usage_pieces(context)))}"
        yield ""
    options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
    if options:
        yield "| Option | Environment variable | Meaning |"
        yield "|---|---|---|"
        for option in options:
            names = ", ".join(f"`{name}`" for name in (*option.opts, *option.secondary_opts))
            variable = f"`{context.auto_envvar_prefix}_{(option.name or '').upper()}`"
            yield f"| {names} | {variable if option.allow_from_autoenv else ''} | {_meaning(option)} |"
        yield ""
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _command_parts(child, _child_context(child, name, context))


def _meaning(option: click.Option) -> str:
    """The help, what can be chosen, what it is when left out."""
    parts = [option.help or ""]
    if isinstance(option.type, click.Choice):
        parts.append("One of " + ", ".join(f"`{choice}`" for choice in option.type.choices) + ".")
    if option.required:
        parts.append("Required.")
    elif isinstance(option.default, str | int | float) and not option.is_flag:
        parts.append(f"Default: `{option.default}`.")
    return " ".join(part for part in parts if part)


def _child_context(child: click.Command, name: str, parent: click.Context) -> click.Context:
    return click.Context(child, info_name=name, parent=parent)


def _default(value: object) -> object:
    return str(value) if isinstance(value, Path | UUID) else value


PAGES = {
    HERE / "reference" / "settings.md": settings_page,
    HERE / "reference" / "errors.md": errors_page,
    HERE / "reference" / "command-line.md": command_line_page,
    HERE / "reference" / "opus-soap.example.toml": sample_configuration,
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with `--check` say which are stale."""
    stale = [path for path, page in PAGES.items() if not path.exists() or path.read_text("utf-8") != page()]
    if "--check" in arguments:
        for path in stale:
            print(f"stale: {path.relative_to(HERE.parent)} (run `make docs`)")
        return 1 if stale else 0
    for path in stale:
        path.write_text(PAGES[path](), encoding="utf-8")
        print(f"wrote {path.relative_to(HERE.parent)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
