"""Which case system an invoice goes to: the lowest priority number whose every criterion matches."""

from __future__ import annotations

from opus_soap.errors import NoRoute, ReceiverInactive
from opus_soap.store.models import Invoice, RoutingRule, System


def route(invoice: Invoice) -> RoutingRule:
    """The rule for an invoice, past those of stopped systems.

    Raises `NoRoute`; `ReceiverInactive` when no rule but a stopped system's matches.
    Amounts are compared in øre, as printed (a credit note's is positive); borders are included. Texts
    are compared without regard to case.
    """
    rules = (
        RoutingRule.select(RoutingRule, System)
        .join(System)
        .where(RoutingRule.municipality == invoice.municipality)
        .order_by(RoutingRule.priority)
    )
    matching = [rule for rule in rules if _matches(rule, invoice)]
    for rule in matching:
        if rule.system.active:
            return rule
    if matching:
        raise ReceiverInactive(element=matching[0].system.name)
    raise NoRoute(
        element="EAN, personreference, ordrenummer",
        value=", ".join(
            text or "-" for text in (invoice.ean, invoice.person_reference, invoice.order_number)
        ),
    )


def _matches(rule: RoutingRule, invoice: Invoice) -> bool:
    texts = (
        (rule.ean, invoice.ean),
        (rule.person_reference, invoice.person_reference),
        (rule.order_number, invoice.order_number),
        (rule.supplier_number, invoice.supplier_number),
    )
    if any(wanted and wanted.casefold() != (actual or "").casefold() for wanted, actual in texts):
        return False
    amount = invoice.payable_ore
    if rule.min_amount_ore is not None and (amount is None or amount < rule.min_amount_ore):
        return False
    return rule.max_amount_ore is None or (amount is not None and amount <= rule.max_amount_ore)
