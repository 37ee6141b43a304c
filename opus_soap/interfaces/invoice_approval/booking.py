"""From an approved answer to a voucher: cost lines as approved, VAT to its refund account, the supplier.

The amounts of the answer are gross. An answer that posts on the VAT refund account itself decides
about VAT; otherwise a line whose account has a tax code gives up its share, never more in total than
the VAT on the invoice. All lines sum to exactly zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from opus_soap.errors import (
    AnswerCurrencyWrong,
    CompanyCodeWrong,
    DimensionUuidUnknown,
    ElementNotSupported,
    OpusSoapError,
    SumDiffers,
)
from opus_soap.interfaces.invoice_approval.messages import DIMENSION_ELEMENTS, AnswerLine, AnswerVoucher
from opus_soap.ledger.checks import check
from opus_soap.ledger.master_data import account_by_uuid, company_code_uuid, dimension_by_uuid
from opus_soap.ledger.models import Account, CompanyCode
from opus_soap.ledger.posting import PostingLine, VoucherDraft
from opus_soap.money import kroner_from_ore, ore_from_kroner
from opus_soap.store.models import Invoice

INVOICE_TYPE, CREDIT_NOTE_TYPE = "KR", "KG"
VAT_TEXT = "Købsmoms"
CREDIT_NOTE = "credit_note"


@dataclass(frozen=True)
class Assigned:
    """A posting line of the answer with its account found: what VAT is reckoned from."""

    line: PostingLine
    rate_basis_points: int = 0


def draft_voucher(
    voucher: AnswerVoucher, invoice: Invoice, company: CompanyCode, *, entered_by: str, source: str
) -> tuple[VoucherDraft | None, list[OpusSoapError]]:
    """The voucher of an approval, and every error that keeps it from being posted."""
    errors = [*_check_head(voucher, company)]
    assigned: list[Assigned] = []
    for number, answer_line in enumerate(voucher.lines, start=1):
        result, found = _assign(f"Postering[{number}]", answer_line, company)
        errors += found
        if result is not None:
            assigned.append(result)
    due = due_ore(invoice)
    total = sum(ore_from_kroner(line.amount) for line in voucher.lines)
    if total != due:
        errors.append(
            SumDiffers(
                element="PosteringsdataBeløb", value=kroner_from_ore(total), expected=kroner_from_ore(due)
            )
        )
    if len(assigned) < len(voucher.lines):
        return None, errors
    draft = VoucherDraft(
        company_code=company,
        document_type=voucher.document_type or document_type(invoice),
        document_date=voucher.document_date or date.fromisoformat(invoice.issue_date),
        posting_date=voucher.posting_date,
        header_text=voucher.text,
        reference=invoice.number,
        lines=tuple(voucher_lines(assigned, invoice, company)),
        entered_by=entered_by,
        source=source,
    )
    # a sum that differs from the invoice's is told once, not again as a voucher out of balance
    ledger_errors = [error for error in check(draft) if error.code != "LED-002" or total == due]
    return draft, [*errors, *ledger_errors]


def document_type(invoice: Invoice) -> str:
    """KR for an invoice, KG for a credit note."""
    return CREDIT_NOTE_TYPE if invoice.document_type == CREDIT_NOTE else INVOICE_TYPE


def due_ore(invoice: Invoice) -> int:
    """What the answer's lines sum to: the payable amount, negative for a credit note."""
    amount = invoice.payable_ore
    assert amount is not None  # without a rate it is parked, and never lent
    return -amount if invoice.document_type == CREDIT_NOTE else amount


def _tax_due_ore(invoice: Invoice) -> int:
    amount = invoice.tax_ore
    assert amount is not None
    return -amount if invoice.document_type == CREDIT_NOTE else amount


def voucher_lines(
    assigned: Sequence[Assigned], invoice: Invoice, company: CompanyCode
) -> Iterator[PostingLine]:
    """Cost lines and their VAT, then the supplier."""
    vat = vat_shares(assigned, _tax_due_ore(invoice), company.vat_refund_account)
    for item, share in zip(assigned, vat, strict=True):
        yield replace(item.line, amount_ore=item.line.amount_ore - share)
        if share:
            yield PostingLine(
                account=company.vat_refund_account,
                amount_ore=share,
                tax_code=item.line.tax_code,
                text=VAT_TEXT,
            )
    due = due_ore(invoice)
    if due:
        yield PostingLine(
            account=company.supplier_account,
            amount_ore=-due,
            supplier=invoice.supplier_number,
            text=invoice.supplier_name[:255],
        )


def vat_shares(assigned: Sequence[Assigned], tax_ore: int, vat_account: str) -> list[int]:
    """The VAT inside each gross amount, in øre; in total never beyond the invoice's, `tax_ore` (signed).

    `gross × rate / (1 + rate)`, rounded half away from zero; what is too much comes off the last lines.
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
    return shares


def _vat_inside(gross_ore: int, rate_basis_points: int) -> int:
    numerator, denominator = abs(gross_ore) * rate_basis_points, 10_000 + rate_basis_points
    share = (2 * numerator + denominator) // (2 * denominator)
    return share if gross_ore >= 0 else -share


def _check_head(voucher: AnswerVoucher, company: CompanyCode) -> Iterator[OpusSoapError]:
    if voucher.company_code is not None and voucher.company_code != company_code_uuid(company):
        yield CompanyCodeWrong(
            element="FinansbilagFirmaIdentifikation", value=voucher.company_code, expected=company.code
        )
    advice = "a correction is a new answer; the reversal follows by itself"
    if voucher.reversal is not None:
        yield ElementNotSupported(element="FinansbilagTilbageførselMarkering", expected=advice)
    if voucher.original is not None:
        yield ElementNotSupported(element="FinansbilagOprindeligIdentifikation", expected=advice)


def _assign(
    where: str, line: AnswerLine, company: CompanyCode
) -> tuple[Assigned | None, list[OpusSoapError]]:
    """A line with its UUIDs as codes, or the errors that keep it from that."""
    errors: list[OpusSoapError] = []
    if line.currency not in (None, company.currency):
        errors.append(
            AnswerCurrencyWrong(
                element=f"{where}/Valuta/ValutaKode", value=line.currency, expected=company.currency
            )
        )
    account: Account | None = account_by_uuid(company, line.account)
    if account is None:
        errors.append(_unknown(f"{where}/ArtskontoIdentifikation", line.account, company))
    codes: dict[str, str] = {}
    for element, uuid in line.dimensions.items():
        kind = DIMENSION_ELEMENTS[element]
        value = dimension_by_uuid(company, kind, uuid)
        if value is None:
            errors.append(_unknown(f"{where}/{element}", uuid, company))
        else:
            codes[kind] = value.code
    for uuid in line.secondary:
        area = dimension_by_uuid(company, "functional_area", uuid)
        if area is None or "functional_area" in codes:
            errors.append(_unknown(f"{where}/SekundærDimensionVærdiIdentifikation", uuid, company))
        else:
            codes["functional_area"] = area.code
    if account is None or len(errors) > (line.currency not in (None, company.currency)):
        return None, errors
    posting = PostingLine(
        account=account.number,
        amount_ore=ore_from_kroner(line.amount),
        tax_code=account.tax_code.code if account.tax_code else None,
        value_date=line.value_date,
        text=line.text,
        **codes,
    )
    rate = account.tax_code.rate_basis_points if account.tax_code else 0
    return Assigned(posting, rate), errors


def _unknown(element: str, uuid: object, company: CompanyCode) -> DimensionUuidUnknown:
    return DimensionUuidUnknown(element=element, value=uuid, expected=company.code)
