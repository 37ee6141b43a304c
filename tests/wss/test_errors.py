"""The tree of refusals: complete, in both languages, without personal data."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from opus_soap.languages import Both
from opus_soap.wss import errors, errors_revocation, errors_tokens
from opus_soap.wss.errors import HeaderNotUnderstood, MessageExpired, NotWellFormed, SignatureWrong, WssError
from opus_soap.wss.names import SOAP11, SOAP12, WSSE, WSU


def concrete(root: type[WssError] = WssError) -> Iterator[type[WssError]]:
    for child in root.__subclasses__():
        if "code" in child.__dict__:
            yield child
        yield from concrete(child)


@pytest.mark.parametrize("error", list(concrete()), ids=lambda error: error.__name__)
def test_every_error_is_complete(error: type[WssError]):
    made = error(element="E", value="V", expected="X")
    assert re.fullmatch(r"WSS-\d{3}", error.code)
    assert "{" not in made.text_danish + made.text_english
    assert made.remedy_danish
    assert made.remedy_english
    assert str(made).startswith(error.code)
    assert error.__doc__
    assert made.fault_qname().startswith("{")


def test_codes_are_unique():
    codes = [error.code for error in concrete()]
    assert len(codes) == len(set(codes)) > 30


def test_no_error_is_defined_elsewhere():
    homes = {module.__name__ for module in (errors, errors_revocation, errors_tokens)}
    assert all(error.__module__ in homes for error in concrete())


@pytest.mark.parametrize(
    ("error", "soap", "name"),
    [
        (SignatureWrong, SOAP11, f"{{{WSSE}}}FailedCheck"),
        (MessageExpired, SOAP12, f"{{{WSU}}}MessageExpired"),
        (HeaderNotUnderstood, SOAP12, f"{{{SOAP12}}}MustUnderstand"),
        (NotWellFormed, SOAP11, f"{{{SOAP11}}}Client"),
        (NotWellFormed, SOAP12, f"{{{SOAP12}}}Sender"),
    ],
)
def test_fault_codes(error: type[WssError], soap: str, name: str):
    assert error().fault_qname(soap) == name


@pytest.mark.parametrize("number", ["0101701234", "010170-1234"])
def test_a_cpr_number_never_shows(number: str):
    made = SignatureWrong(value=f"x {number} y", element=number, expected=number)
    assert number not in f"{made} {made.text_danish} {made.value} {made.element} {made.expected}"


def test_a_long_value_is_shortened_and_says_so():
    assert "(5000 characters)" in SignatureWrong(value="x" * 5000).text_english


def test_a_fact_in_words_is_said_in_the_language_of_its_sentence():
    error = errors.CertificateOutOfDate(element="x", value=Both("udløbet", "expired"), expected="x" * 5000)
    assert error.value == "expired"
    assert "expired" in error.text_english
    assert "udløbet" not in error.text_english
    assert "udløbet" in error.text_danish
    assert "expired" not in error.text_danish
    assert "(5000 tegn)" in error.text_danish


def test_no_number_of_a_person_is_shown_in_either():
    error = SignatureWrong(value=Both("0101011234 mangler", "0101011234 is missing"))
    assert "010101" not in error.text_danish + error.text_english
