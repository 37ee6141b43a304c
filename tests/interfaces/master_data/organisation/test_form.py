"""A text that goes out is the text that is read."""

from __future__ import annotations

import pytest
from lxml import etree

from opus_soap.interfaces.master_data.organisation.form import Person, employee_text, unit_text

AWKWARD = ("a & b", "<b>", "a\rb", "a\r\nb", "'\"", "a]]>b")


@pytest.mark.parametrize("text", AWKWARD)
def test_it_is_as_it_was_in_elements_and_attributes(text):
    unit = etree.fromstring(unit_text({"id": text}, {"longName": text}))
    employee = etree.fromstring(employee_text({"id": text}, {"lastName": text}, Person("0101901234", text)))
    assert (unit.get("id"), unit.findtext("longName")) == (text, text)
    assert (employee.get("id"), employee.findtext("lastName")) == (text, text)
    assert employee.find("cpr").get("suppId") == text
