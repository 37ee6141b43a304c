"""The house's own rules: size of modules and functions, errors complete, generated pages fresh."""

from __future__ import annotations

import ast
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


def test_every_setting_says_what_it_means():
    assert all(field.description for field in Settings.model_fields.values())


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_generated_pages_are_fresh(path: Path):
    assert path.exists(), "run `make docs`"
    assert path.read_text("utf-8") == PAGES[path](), "run `make docs`"
