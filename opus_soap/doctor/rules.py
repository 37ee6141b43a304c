"""Rules of accounts that could hang: older books may hold what is no longer loaded."""

from __future__ import annotations

from collections.abc import Iterator

from opus_soap.doctor.finding import BAD, Finding
from opus_soap.ledger.account_patterns import FORM, is_bounded
from opus_soap.ledger.models import AccountRule, CompanyCode


def findings() -> Iterator[Finding]:
    """Those of all books."""
    rules = AccountRule.select(AccountRule, CompanyCode).join(CompanyCode)
    for rule in rules.order_by(CompanyCode.municipality, CompanyCode.code, AccountRule.priority):
        if not is_bounded(rule.pattern):
            books = f"{rule.company_code.municipality_id}/{rule.company_code.code}"
            yield Finding(
                BAD,
                f"rule of accounts: {books} {rule.priority}",
                f"its expression could take very long: {rule.pattern[:60]}",
                f"Load the rule again (ACCOUNT_RULE) with {FORM.english}.",
            )
