"""What the doctor tells of rules of accounts."""

from __future__ import annotations

from opus_soap.doctor.finding import BAD
from opus_soap.doctor.rules import findings
from opus_soap.ledger.models import AccountRule


def test_a_rule_from_before_that_could_hang_is_told(company):
    assert list(findings()) == []
    AccountRule.update(pattern="(.*)*x").where(AccountRule.priority == 20).execute()
    (found,) = findings()
    assert (found.state, found.check) == (BAD, "rule of accounts: 999/0020 20")
    assert "(.*)*x" in found.text
    assert "without groups" in found.remedy
