"""From an approved answer to a voucher: cost lines as approved, VAT to its refund account, the supplier.

The amounts of the answer are gross. An answer that posts on the VAT refund account itself decides
about VAT; otherwise a line whose account has a tax code gives up its share, never more in total than
the VAT on the invoice. All lines sum to exactly zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from typing import Any
from uuid import UUID

from opus_soap.clock import Clock
from opus_soap.errors import (
    AccountNotAssignable,
    AmountNegative,
    AnswerCurrencyWrong,
    CompanyCodeWrong,
    DateDiffers,
    DimensionForbidden,
    DimensionRequired,
    DimensionUuidUnknown,
    DocumentTypeWrong,
    ElementNotSupported,
    LedgerError,
    OpusSoapError,
    RateMissing,
    ReconciliationAccount,
    SumDiffers,
    VatTooHigh,
    VoucherUnbalanced,
)
from opus_soap.interfaces.invoice_approval.messages import DIMENSION_ELEMENTS, AnswerLine, AnswerVoucher
from opus_soap.ledger.checks import check
from opus_soap.ledger.master_data import accounts_by_uuid, company_code_uuid, dimensions_by_uuid
from opus_soap.ledger.models import Account, CompanyCode, Posting
from opus_soap.ledger.periods import told_period
from opus_soap.ledger.posting import PostingLine, VoucherDraft
from opus_soap.money import kroner_from_ore, ore_from_kroner
from opus_soap.store.models import Invoice

INVOICE_TYPE, CREDIT_NOTE_TYPE = "KR", "KG"
VAT_TEXT = "Købsmoms"
CREDIT_NOTE = "credit_note"
LONGEST_TEXT, LONGEST_ALLOCATION = Posting.text.max_length, Posting.allocation.max_length
SECONDARY = "SekundærDimensionVærdiIdentifikation"
LINE_ELEMENTS = {
    **{kind: element for element, kind in DIMENSION_ELEMENTS.items()},
    "account": "ArtskontoIdentifikation",
    "functional_area": SECONDARY,
    "amount": "PosteringsdataBeløb",
    "value_date": "PosteringsdataValørDato",
    "text": "PosteringsdataTekst",
}
HEAD_ELEMENTS = {
    "posting date": "FinansbilagDato",
    "document date": "FinansbilagBilagDato",
    "document type": "FinansbilagBilagsart",
    "voucher header_text": "FinansbilagTekst",
    "lines": "Postering",
}


@dataclass(frozen=True)
class Assigned:
    """A posting line of the answer with its account found: what VAT is reckoned from."""

    line: PostingLine
    rate_basis_points: int = 0
    assignable: bool = True  # by a case system


def draft_voucher(
    voucher: AnswerVoucher,
    invoice: Invoice,
    company: CompanyCode,
    *,
    entered_by: str,
    source: str,
    clock: Clock,
) -> tuple[VoucherDraft | None, list[OpusSoapError]]:
    """The voucher of an approval, and every error of the answer that keeps it from being posted.

    A draft without errors has not been held against the ledger's rules yet: `post()` does that.
    """
    errors = [*_check_head(voucher, invoice, company)]
    known = Known(voucher, company)
    assigned: list[Assigned] = []
    for number, answer_line in enumerate(voucher.lines, start=1):
        where = f"Postering[{number}]"
        errors += _check_line(where, answer_line, voucher, invoice, company)
        result, unknown = known.assign(where, answer_line)
        errors += unknown
        if result is not None:
            assigned.append(result)
    errors += _check_sums(voucher, assigned, invoice, company)
    errors += _check_accounts(assigned, company)
    if len(assigned) < len(voucher.lines):
        return None, errors
    year, period = told_period(company, voucher.posting_date, clock=clock)
    draft = VoucherDraft(
        company_code=company,
        document_type=document_type(invoice),
        document_date=voucher.document_date or date.fromisoformat(invoice.issue_date),
        posting_date=voucher.posting_date,
        header_text=voucher.text,
        reference=invoice.number,
        lines=tuple(voucher_lines(assigned, voucher, invoice, company)),
        entered_by=entered_by,
        source=source,
        year=year,
        period=period,
    )
    if errors:  # all that is wrong in one answer; without errors so far, post() checks
        # a sum that differs from the invoice's is told once, not again as a voucher out of balance
        told = any(isinstance(error, SumDiffers) for error in errors)
        ledger = [error for error in check(draft) if not (told and isinstance(error, VoucherUnbalanced))]
        errors += in_contract_terms(ledger)
    return draft, errors


def in_contract_terms(errors: Sequence[LedgerError]) -> Sequence[LedgerError]:
    """The ledger's errors, each naming the element of the answer that it comes from."""
    for error in errors:
        where, _, field = error.element.rpartition(" ")
        if where.startswith("Postering["):
            error.element = f"{where}/{LINE_ELEMENTS.get(field, field)}"
        else:
            error.element = HEAD_ELEMENTS.get(error.element, where or error.element)
        if isinstance(error, (DimensionRequired, DimensionForbidden)):
            kinds = error.expected.split(", ")
            error.expected = ", ".join(LINE_ELEMENTS.get(kind, kind) for kind in kinds)
    return errors


def document_type(invoice: Invoice) -> str:
    """KR for an invoice, KG for a credit note."""
    return CREDIT_NOTE_TYPE if invoice.document_type == CREDIT_NOTE else INVOICE_TYPE


def due_ore(invoice: Invoice) -> int:
    """What the answer's lines sum to: the payable amount, negative for a credit note."""
    amount = _known(invoice, invoice.payable_ore)
    return -amount if invoice.document_type == CREDIT_NOTE else amount


def _tax_due_ore(invoice: Invoice) -> int:
    amount = _known(invoice, invoice.tax_ore)
    return -amount if invoice.document_type == CREDIT_NOTE else amount


def _known(invoice: Invoice, amount: int | None) -> int:
    if amount is None:  # without a rate it is parked, and never lent
        raise RateMissing(element="DocumentCurrencyCode", value=invoice.currency, expected=invoice.issue_date)
    return amount


def voucher_lines(
    assigned: Sequence[Assigned], voucher: AnswerVoucher, invoice: Invoice, company: CompanyCode
) -> Iterator[PostingLine]:
    """Cost lines and their VAT, then the supplier."""
    vat = vat_shares(assigned, _tax_due_ore(invoice), company.vat_refund_account)
    for item, share in zip(assigned, vat, strict=True):
        yield item.line._replace(amount_ore=item.line.amount_ore - share)
        if share:
            yield PostingLine(
                account=company.vat_refund_account,
                amount_ore=share,
                tax_code=item.line.tax_code,
                text=VAT_TEXT,
                origin=item.line.origin,
            )
    due = due_ore(invoice)
    if due:
        yield PostingLine(
            account=company.supplier_account,
            amount_ore=-due,
            supplier=invoice.supplier_number,
            text=_supplier_text(voucher, invoice),
            origin="LeverandørAktør",
        )


def _supplier_text(voucher: AnswerVoucher, invoice: Invoice) -> str:
    """The head's own reference and further text, whole, after as much of the supplier's name as fits."""
    told = "".join(f" · {text}" for text in (voucher.reference, voucher.supplementary_text) if text)
    room, name = LONGEST_TEXT - len(told), invoice.supplier_name
    return (name if len(name) <= room else f"{name[: room - 1]}…") + told


def vat_shares(assigned: Sequence[Assigned], tax_ore: int, vat_account: str) -> list[int]:
    """The VAT inside each gross amount, in øre; in total never beyond the invoice's, `tax_ore` (signed).

    `gross × rate / (1 + rate)`, rounded half away from zero; what is too much comes off the last lines.
    What rounding alone lost (at most an øre a line, every line with VAT) goes to the largest.
    """
    if any(item.line.account == vat_account for item in assigned):
        return [0] * len(assigned)
    shares = [_vat_inside(item.line.amount_ore, item.rate_basis_points) for item in assigned]
    direction = -1 if tax_ore < 0 or (tax_ore == 0 and sum(shares) < 0) else 1
    excess = direction * (sum(shares) - tax_ore)
    for index in range(len(shares) - 1, -1, -1):
        cut = min(max(excess, 0), max(direction * shares[index], 0))
        shares[index] -= direction * cut
        excess -= cut
    if -len(shares) <= excess < 0 and all(direction * share > 0 for share in shares):
        largest = max(range(len(shares)), key=lambda index: direction * shares[index])
        shares[largest] -= direction * excess
    return shares


def _vat_inside(gross_ore: int, rate_basis_points: int) -> int:
    numerator, denominator = abs(gross_ore) * rate_basis_points, 10_000 + rate_basis_points
    share = (2 * numerator + denominator) // (2 * denominator)
    return share if gross_ore >= 0 else -share


def _check_head(voucher: AnswerVoucher, invoice: Invoice, company: CompanyCode) -> Iterator[OpusSoapError]:
    if voucher.company_code is not None and voucher.company_code != company_code_uuid(company):
        yield CompanyCodeWrong(
            element="FinansbilagFirmaIdentifikation", value=voucher.company_code, expected=company.code
        )
    if voucher.document_type not in (None, document_type(invoice)):
        yield DocumentTypeWrong(
            element="FinansbilagBilagsart", value=voucher.document_type, expected=document_type(invoice)
        )
    advice = "a correction is a new answer; the reversal follows by itself"
    if voucher.reversal is not None:
        yield ElementNotSupported(element="FinansbilagTilbageførselMarkering", expected=advice)
    if voucher.original is not None:
        yield ElementNotSupported(element="FinansbilagOprindeligIdentifikation", expected=advice)


def _check_line(
    where: str, line: AnswerLine, voucher: AnswerVoucher, invoice: Invoice, company: CompanyCode
) -> Iterator[OpusSoapError]:
    """What a line says agrees with the voucher's head, the invoice and itself."""
    if line.amount < 0:
        yield AmountNegative(
            element=f"{where}/PosteringsdataBeløb",
            value=line.amount,
            expected="Debet" if line.debit else "Kredit",
        )
    if line.currency not in (None, company.currency):
        yield AnswerCurrencyWrong(
            element=f"{where}/Valuta/ValutaKode", value=line.currency, expected=company.currency
        )
    due = date.fromisoformat(invoice.due_date) if invoice.due_date else None
    for element, value, expected in (
        ("PosteringsdataDato", line.posting_date, voucher.posting_date),
        ("PosteringsdataForfaldDato", line.due_date or due, due),
    ):
        if value != expected:
            yield DateDiffers(element=f"{where}/{element}", value=value, expected=expected or "-")


def _check_sums(
    voucher: AnswerVoucher, assigned: Sequence[Assigned], invoice: Invoice, company: CompanyCode
) -> Iterator[OpusSoapError]:
    """The lines are the invoice's amount, and those on the VAT account no more than its VAT."""
    due, tax = due_ore(invoice), _tax_due_ore(invoice)
    total = sum(ore_from_kroner(line.signed) for line in voucher.lines)
    if total != due:
        yield SumDiffers(
            element="PosteringsdataBeløb", value=kroner_from_ore(total), expected=kroner_from_ore(due)
        )
    vat = sum(item.line.amount_ore for item in assigned if item.line.account == company.vat_refund_account)
    if not min(0, tax) <= vat <= max(0, tax):
        yield VatTooHigh(
            element="PosteringsdataBeløb", value=kroner_from_ore(vat), expected=kroner_from_ore(tax)
        )


def _check_accounts(assigned: Sequence[Assigned], company: CompanyCode) -> Iterator[OpusSoapError]:
    """What is booked by itself, and the bank, the equity and their like, are not a case system's."""
    for item in assigned:
        element, account = f"{item.line.origin}/ArtskontoIdentifikation", item.line.account
        if account == company.supplier_account:
            yield ReconciliationAccount(element=element, value=account)
        elif not item.assignable:
            yield AccountNotAssignable(element=element, value=account)


class Known:
    """The accounts and dimension values that an answer names, read once for all of its lines."""

    def __init__(self, voucher: AnswerVoucher, company: CompanyCode) -> None:
        self._company = company
        self._accounts = accounts_by_uuid(company, (line.account for line in voucher.lines))
        named = ([*line.dimensions.values(), *line.secondary] for line in voucher.lines)
        self._values = dimensions_by_uuid(company, chain.from_iterable(named))

    def _code(self, kind: str, uuid: UUID) -> str | None:
        value = self._values.get(uuid)
        return value.code if value is not None and value.kind == kind else None

    def assign(self, where: str, line: AnswerLine) -> tuple[Assigned | None, list[OpusSoapError]]:
        """A line with its UUIDs as codes, or those that are not known."""
        errors: list[OpusSoapError] = []
        account = self._accounts.get(line.account)
        if account is None:
            errors.append(_unknown(f"{where}/ArtskontoIdentifikation", line.account, self._company))
        codes: dict[str, Any] = {}
        named = [(element, DIMENSION_ELEMENTS[element], uuid) for element, uuid in line.dimensions.items()]
        named += [
            ("SekundærDimensionVærdiIdentifikation", "functional_area", uuid) for uuid in line.secondary
        ]
        for element, kind, uuid in named:
            code = self._code(kind, uuid)
            if code is None or kind in codes:
                errors.append(_unknown(f"{where}/{element}", uuid, self._company))
            else:
                codes[kind] = code
        if account is None or errors:
            return None, errors
        rate = account.tax_code.rate_basis_points if account.tax_code else 0
        return Assigned(_posting_line(where, line, account, codes), rate, account.assignable), errors


def _posting_line(where: str, line: AnswerLine, account: Account, codes: dict[str, Any]) -> PostingLine:
    reference = line.reference or ""
    fits = len(reference) <= LONGEST_ALLOCATION
    return PostingLine(
        account=account.number,
        amount_ore=ore_from_kroner(line.signed),
        tax_code=account.tax_code.code if account.tax_code else None,
        value_date=line.value_date,
        text=" · ".join(filter(None, (line.text, line.supplementary_text, "" if fits else reference))),
        allocation=reference if fits else "",
        origin=where,
        **codes,
    )


def _unknown(element: str, uuid: object, company: CompanyCode) -> DimensionUuidUnknown:
    return DimensionUuidUnknown(element=element, value=uuid, expected=company.code)
