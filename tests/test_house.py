"""The house's own rules: size of modules and functions, errors complete, generated pages fresh."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.generate import PAGES, concrete_wss_errors
from opus_soap.errors import OpusSoapError, concrete_errors
from opus_soap.settings import Settings

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for path in (ROOT / "opus_soap").rglob("*.py") if "migrations" not in path.parts)
# where foreign exceptions are turned into faults and receipts, and nowhere else
BROAD_EXCEPT_ALLOWED = {
    "opus_soap/soap/front.py",
    "opus_soap/interfaces/postings_in/sweeping.py",
    "opus_soap/extracts/schedule.py",
    "opus_soap/wss/verification.py",
    "opus_soap/transport/queue.py",
    "opus_soap/transport/worker.py",
}
# words of a language beside each other, or beside a fact; and what only looks so: names, the same in both
WORDS = re.compile(r"\b(?:a|[A-Za-z]{2,}),? [A-Za-z]{2,}")
PHRASE = re.compile(rf"{WORDS.pattern}|… (?!bit|byte)[A-Za-z]{{2,}}|[A-Za-z]{{2,}},? …")
NAMES = {"Finansbilag, Postering", "Invoice, CreditNote", "EAN, personreference, ordrenummer", "true, false"}
NAMES |= {
    "GET, HEAD",
    "Peppol BIS 2 (…)",
    "CustomizationID …",
    "TransaktionsId …",
    "UBL …",
    "HTTP …, …",
    "HTTP …",
    "URI …",
    "Method …",
}
# places in a voucher, for which each interface has names of its own
NAMES |= {"posting date", "document type", "… tax code"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_and_functions_stay_small(path: Path):
    text = path.read_text("utf-8")
    assert text.count("\n") <= 500
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            assert node.end_lineno - node.lineno < 70, node.name


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_broad_except_only_where_faults_are_made(path: Path):
    broad = [
        node.lineno
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ExceptHandler)
        and (node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException"))
    ]
    assert not broad or str(path.relative_to(ROOT)) in BROAD_EXCEPT_ALLOWED


def test_what_is_fed_to_a_parser_is_fed_to_one_that_is_safe():
    made = [path.name for path in SOURCES if "etree.XMLPullParser(" in path.read_text("utf-8")]
    assert made == ["xml.py"]


def test_every_public_function_and_class_has_a_docstring():
    missing = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.parse(path.read_text("utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and not node.name.startswith("_")
        and not ast.get_docstring(node)
    ]
    assert missing == []


def test_every_error_has_a_code_of_its_own_and_texts_in_both_languages():
    errors = [*concrete_errors(OpusSoapError), *concrete_wss_errors()]
    codes = [error.code for error in errors]
    assert len(codes) == len(set(codes))
    for error in errors:
        assert error.danish, error
        assert error.english, error
        assert error.remedy_danish, error
        assert error.remedy_english, error


def _texts(node: ast.AST) -> Iterator[str]:
    """What a fact says in one language: `Both` says it in two."""
    if isinstance(node, ast.JoinedStr):
        yield "".join(part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
    elif isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not isinstance(node, ast.Call):
        for child in ast.iter_child_nodes(node):
            yield from _texts(child)


def _facts(source: str) -> Iterator[tuple[str, ast.expr]]:
    """What is given to errors of ours, also by way of a variable."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            given = {keyword.arg: keyword.value for keyword in node.keywords if keyword.arg is not None}
            if "english" not in given:  # beside the Danish, in some of postings_in
                yield from given.items()
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value


def phrases(source: str) -> list[str]:
    """Facts in words, which would stand untranslated in the text of the other language."""
    return [
        f"{fact.lineno} {name}={text!r}"
        for name, fact in _facts(source)
        if name in ("element", "value", "expected")
        for text in _texts(fact)
        if (WORDS if name == "element" else PHRASE).search(text) and text not in NAMES
    ]


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_error_says_words_of_one_language_in_both(path: Path):
    assert phrases(path.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "fact",
    [
        "'no key'",
        "f'{name}: not ours'",
        "f'{most} times'",
        "found or 'not one'",
        "'a folder' if found else 0",
    ],
)
def test_words_of_one_language_are_found(fact):
    assert phrases(f"raise FileFailed(element=name, value={fact})")
    assert phrases(f"expected = {fact}")
    assert not phrases(f"raise FileFailed(element=name, value=Both('noget andet', {fact}))")


def test_every_setting_says_what_it_means():
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_pages_are_fresh(path: Path):
    assert path.exists(), "run `make docs`"
    assert path.read_text("utf-8") == PAGES[path](), "run `make docs`"
