"""The control report: a page for people, in one file, with nothing fetched and no script; it prints well."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from opus_soap.clock import COPENHAGEN
from opus_soap.errors import mask_cpr
from opus_soap.extracts.kinds import Job
from opus_soap.interfaces.audit_extract import charts
from opus_soap.interfaces.audit_extract.controls import Control, Fold, Gaps, SealSeen
from opus_soap.interfaces.audit_extract.figures import BENFORD, LATE_DAYS, NIGHT, ROUND_KRONER, Figures
from opus_soap.interfaces.audit_extract.year import Series, Year
from opus_soap.ledger.models import SealKey
from opus_soap.money import danish

_MONTHS = ("jan", "feb", "mar", "apr", "maj", "jun", "jul", "aug", "sep", "okt", "nov", "dec")
_USERS = 15  # that the report names; the table of users has all


@dataclass(frozen=True)
class Report:
    """What the report tells of."""

    job: Job
    of: Year
    figures: Figures
    controls: Sequence[Control]
    chain: Sequence[SealSeen]
    series: Sequence[Series]
    gaps: Mapping[str, Gaps]
    fold: Fold

    @property
    def wrong(self) -> int:
        """Controls that do not hold."""
        return sum(not control.holds for control in self.controls)


def render(report: Report, schema_file: Path | None) -> bytes:
    """The page, UTF-8."""
    company = report.of.company
    keys = {seen.row.key_id for seen in report.chain}
    known = {row.key_id: bytes(row.public_key).hex() for row in SealKey.select() if row.key_id in keys}
    users = sorted(report.figures.users.items(), key=lambda item: (-item[1].postings, item[0]))
    names = {row.document_type: row.name for row in report.series}
    page = _template().render(
        r=report,
        f=report.figures,
        company=company,
        municipality=company.municipality,
        year=report.of.year,
        ordered=report.job.ordered_at.astimezone(COPENHAGEN),
        schema=schema_file.name if schema_file is not None else "",
        keys=sorted(known.items()),
        months=_months(report.figures),
        users=users[:_USERS],
        more_users=max(len(users) - _USERS, 0),
        names=names,
        charts=_charts(report.figures, users),
        benford=BENFORD,
        late_days=LATE_DAYS,
        night=NIGHT,
        round_kroner=ROUND_KRONER,
        kr=danish,
        n=number,
        pct=percent,
        day=_day,
        moment=_moment,
        mask=mask_cpr,
        hexed=lambda stored: bytes(stored).hex(),
    )
    return page.encode()


def number(value: float) -> str:
    """`12345` → `12.345`."""
    return f"{value:,.0f}".replace(",", ".")


def percent(value: float) -> str:
    """`0.1234` → `12,3 %`."""
    return f"{value * 100:.1f} %".replace(".", ",")


def _day(text: str) -> str:
    return f"{date.fromisoformat(text[:10]):%d.%m.%Y}"


def _moment(text: str) -> str:
    return f"{_day(text)} {text[11:]}"


def _months(figures: Figures) -> list[tuple[str, int]]:
    """Names of periods; those of the supplement when they were posted into."""
    supplement = [(f"S{period}", period) for period in (13, 14, 15) if period in figures.periods]
    return [*((name, place) for place, name in enumerate(_MONTHS, start=1)), *supplement]


def _charts(figures: Figures, users: Sequence[tuple[str, object]]) -> dict[str, object]:
    whole = sum(figures.digits.values()) or 1
    months = [
        (name, figures.periods[period].postings if period in figures.periods else 0)
        for name, period in _months(figures)
    ]
    types = sorted(figures.types.items(), key=lambda item: (-item[1].postings, item[0]))
    return {
        "months": charts.columns("Posteringer pr. periode", months, number, ("S13", "S14", "S15")),
        "types": charts.bars("Posteringer pr. bilagsart", [(code, t.postings) for code, t in types], number),
        "users": charts.bars(
            "Posteringer pr. bruger",
            [(name, user.postings) for name, user in users[:_USERS] if user.postings],  # type: ignore[attr-defined]
            number,
        ),
        "hours": charts.hours("Bilag pr. ugedag og time for indtastning", figures.hours),
        "round": charts.bars(
            "Runde beløb",
            [(f"hele {number(kroner)} kr.", figures.round[kroner]) for kroner in ROUND_KRONER],
            number,
        ),
        "benford": charts.expected(
            "Første ciffer mod Benfords fordeling",
            [(str(digit), figures.digits[digit] / whole) for digit in BENFORD],
            [(str(digit), share) for digit, share in BENFORD.items()],
        ),
    }


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("opus_soap.interfaces.audit_extract", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html")
