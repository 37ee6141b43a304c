"""What others wrote does not steer the terminal, and no person's number stands on it."""

from __future__ import annotations

import io

from rich.table import Table

from opus_soap.cli.shown import PlainConsole, shown, shown_all


def test_marks_are_text():
    console = PlainConsole(file=io.StringIO(), width=80)
    table = Table("[b]x[/b]")
    table.add_row("Firma [/b] A/S :smile:")
    console.print(table)
    console.print("se [/bilag 3]", style="red")
    said = console.file.getvalue()  # type: ignore[attr-defined]
    assert "Firma [/b] A/S :smile:" in said
    assert "se [/bilag 3]" in said


def test_nothing_steers_the_terminal():
    assert shown("a\x1b[31m\x9bb\u202ec\r\x07\n\td") == "a\ufffd[31m\ufffdb\ufffdc\ufffd\ufffd\n\td"


def test_no_cpr_number():
    assert "010190" not in shown("Borger 010190-1234")
    assert shown_all({"a": ["010190-1234", 7, None]}) == {"a": ["••••••-••••", 7, None]}
