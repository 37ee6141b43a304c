"""Every error of both trees is mapped to a fault, and every fault keeps to its schema."""

from __future__ import annotations

import string
from typing import Any
from uuid import UUID, uuid4

import pytest
from lxml import etree

from docs.generate import concrete_wss_errors
from opus_soap.errors import (
    ConfigurationError,
    DatabaseError,
    DocumentRefused,
    ImportRefused,
    ImportWouldBeUndone,
    OperationUnknown,
    OpusSoapError,
    PostingFileRefused,
    PostingRootWrong,
    TotalWrong,
    VoucherRefused,
    VoucherUnbalanced,
    concrete_errors,
)
from opus_soap.soap.contracts import ROOT
from opus_soap.soap.faults import FAULT_NS, RULES, SERVICEPLATFORM_NS, fault_element, fault_for, rule_for
from opus_soap.wss.errors import HeaderNotUnderstood
from opus_soap.wss.names import SOAP11, SOAP12, WSSE, WSU

ERRORS = [*concrete_errors(OpusSoapError), *concrete_wss_errors()]
SECRET = "010170-1234"


def raised(kind: type[Any]) -> Any:
    """An instance with every fact that its sentences ask for, each holding a CPR number."""
    if issubclass(kind, VoucherRefused):
        return kind([raised(VoucherUnbalanced)])
    if kind is DocumentRefused:
        return DocumentRefused([raised(TotalWrong)])
    if kind is PostingFileRefused:
        return PostingFileRefused([raised(PostingRootWrong)])
    if kind in (ImportRefused, ImportWouldBeUndone):
        return kind([SECRET])
    asked = {
        name.split(".")[0]
        for template in (kind.danish, kind.english)
        for _, name, _, _ in string.Formatter().parse(template)
        if name
    }
    return kind(**dict.fromkeys(asked | {"element"}, f"fact {SECRET}"))


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.code)
def test_every_error_becomes_a_fault(kind: type[Any]):
    fault = fault_for(raised(kind))
    assert fault.code == kind.code
    assert etree.QName(fault.faultcode).namespace in (SOAP11, WSSE, WSU)
    assert fault.status in (400, 401, 403, 404, 405, 408, 413, 415, 500, 503)
    element = fault_element(fault, uuid4())
    text = etree.tostring(element, encoding="unicode")
    assert SECRET not in text
    ours = element.find(f"detail/{{{FAULT_NS}}}OpusSoapFejl")
    theirs = element.find(f"detail/{{{SERVICEPLATFORM_NS}}}ServiceplatformFault")
    assert ours is not None
    assert theirs is not None
    etree.XMLSchema(file=str(ROOT / "common/fejl/OpusSoapFejl.xsd")).assertValid(ours)
    etree.XMLSchema(file=str(ROOT / "common/fejl/ServiceplatformFault.xsd")).assertValid(theirs)


def test_a_new_error_is_answered_as_its_parent():
    class Newcomer(ConfigurationError):
        """Not in the table."""

    assert rule_for(Newcomer) is RULES[ConfigurationError]


def test_a_foreign_exception_has_no_rule():
    with pytest.raises(StopIteration):
        rule_for(ValueError)


@pytest.mark.parametrize("kind", [k for k in ERRORS if issubclass(k, ConfigurationError | DatabaseError)])
def test_what_is_ours_to_mend_tells_the_caller_nothing_but_the_code(kind: type[Any]):
    element = fault_element(fault_for(kind(element="pragma", value="/srv/hemmelig.sqlite3")), uuid4())
    text = etree.tostring(element, encoding="unicode")
    assert kind.code in text
    assert "hemmelig" not in text
    assert "pragma" not in text


def test_control_characters_and_endless_names_make_a_legal_fault():
    element = fault_element(fault_for(OperationUnknown(element="a\x00b\x1b" + "x" * 5000)), uuid4())
    text = etree.tostring(element, encoding="unicode")
    assert len(text) < 10_000
    assert "\x00" not in text


def test_a_header_that_is_not_understood_in_soap_12():
    """SOAP 1.2, part 1, 5.4.6: a code of its own, and not the sender's."""
    fault = fault_for(HeaderNotUnderstood(element="x"))
    element = fault_element(fault, UUID(int=1), SOAP12)
    assert element.findtext(f"{{{SOAP12}}}Code/{{{SOAP12}}}Value") == "soap:MustUnderstand"
    assert element.find(f"{{{SOAP12}}}Code/{{{SOAP12}}}Subcode") is None
