"""FIR Revisorudtræk as the engine sees it: requested, approved by somebody else, produced, handed over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stdnum import iban
from stdnum.exceptions import ValidationError

from opus_soap.database import snapshot
from opus_soap.errors import Both, ExtractYearUnknown, SubscriptionInvalid
from opus_soap.extracts.kinds import Job, Options, as_given, check_names
from opus_soap.extracts.output import Output
from opus_soap.interfaces.audit_extract.writing import Writing
from opus_soap.ledger.models import CompanyCode, FiscalYear

_TEXTS = ("street", "postal_code", "city", "iban")
_LONGEST = 70
_TEXT = Both(f"1–{_LONGEST} tegn", f"1–{_LONGEST} characters")
_ADDRESS = Both("street, postal_code og city sammen", "street, postal_code and city together")


@dataclass(frozen=True)
class AuditExtract:
    """A fiscal year for the auditor.

    Not written again once it is there: master data, rights and periods may have changed since, and what was
    produced first counts.
    """

    schema_file: Path | None = None  # the official SAF-T schema, where the operator has it
    name: str = "revisorudtraek"
    prefix: str = "REVISORUDTRAEK"
    approval: bool = True
    deltas: bool = False
    repeatable: bool = False

    def check(self, company: CompanyCode, options: Options) -> dict[str, Any]:
        """`year`; for SAF-T's header, of the municipality: `street`, `postal_code`, `city`, `iban`.

        Raises `ExtractYearUnknown`, `SubscriptionInvalid`.
        """
        check_names(options, ("year", *_TEXTS))
        if "year" not in options:
            raise SubscriptionInvalid(
                element="options", value=Both("ingen", "none"), expected=as_given(["year=2026"])
            )
        return {"year": _year(company, options["year"]), **_said(options)}

    def write(self, job: Job, output: Output) -> None:
        """Tables, SAF-T and report, all of one moment; raises `SaftSchemaUnusable`."""
        assert job.full  # there is no delta of it
        with snapshot():
            Writing(job, output, self.schema_file).write()


def _year(company: CompanyCode, said: object) -> int:
    text = str(said)
    known = {str(row.year): row.year for row in FiscalYear.select().where(FiscalYear.company_code == company)}
    if text not in known:
        raise ExtractYearUnknown(value=text[:20], expected=company.code)
    found: int = known[text]
    return found


def _said(options: Mapping[str, Any]) -> dict[str, str]:
    said = {key: str(options[key]).strip() for key in _TEXTS if options.get(key)}
    for key, text in said.items():
        if not 0 < len(text) <= _LONGEST or not text.isprintable():
            raise SubscriptionInvalid(element=key, value=text[:20], expected=_TEXT)
    if 0 < sum(key in said for key in _TEXTS[:3]) < 3:
        raise SubscriptionInvalid(element="options", value=", ".join(said), expected=_ADDRESS)
    if "iban" in said:
        try:
            said["iban"] = iban.validate(said["iban"])
        except ValidationError:
            raise SubscriptionInvalid(
                element="iban", value=said["iban"], expected=Both("et IBAN", "an IBAN")
            ) from None
    return said
