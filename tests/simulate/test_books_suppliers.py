"""Made-up suppliers: the same again, like others in form, in nobody's place."""

from __future__ import annotations

from collections import Counter

from peewee import fn
from stdnum import ean, iban
from stdnum.dk import cvr

from opus_soap.ledger.models import Posting, Supplier
from opus_soap.simulate.books_suppliers import add_suppliers


def made() -> dict[str, Supplier]:
    return {row.number: row for row in Supplier.select().where(Supplier.number.startswith("88"))}


def test_the_first_are_the_same_whoever_asks(company):
    assert add_suppliers(company.municipality, 10) == 10
    first = {number: row.__data__ for number, row in made().items()}
    assert add_suppliers(company.municipality, 30) == 20
    assert add_suppliers(company.municipality, 30) == 0
    assert {number: row.__data__ for number, row in made().items() if number in first} == first
    assert len(made()) == 30


def test_their_numbers_are_good_and_nobodys(company):
    add_suppliers(company.municipality, 300)
    for row in made().values():
        assert row.person == (row.cvr is None)
        assert row.cvr is None or (cvr.is_valid(row.cvr) and row.cvr.startswith("99"))
        assert ean.is_valid(row.identifiers[0].removeprefix("GLN:"))
        assert (row.iban == "") == (row.bank_account == "")
        assert row.iban == "" or (iban.is_valid(row.iban) and row.bank_registration == "9999")
    assert len({row.cvr for row in Supplier.select() if row.cvr}) == 300 - 5 + 13
    assert len({row.name for row in made().values() if not row.person}) == 295


def test_most_have_a_bank_and_some_are_for_purchasing(company):
    add_suppliers(company.municipality, 300)
    rows = made().values()
    assert 250 < sum(bool(row.iban) for row in rows) < 300
    assert 80 < sum(row.purchasing for row in rows) < 160
    assert not any(row.purchasing for row in rows if row.person)
    assert sum(not row.active for row in rows) == 8


def test_who_has_such_a_number_already_is_left_alone(company):
    Supplier.update(number="88000002").where(Supplier.number == "200001").execute()
    assert add_suppliers(company.municipality, 5) == 4
    assert Supplier.get(Supplier.number == "88000002").name == "Æbleby Grønt ApS"


def test_few_of_them_get_most_of_the_vouchers(fill):
    done = fill(postings=6000, suppliers=100)
    assert done.suppliers == 100
    query = Posting.select(Posting.supplier, fn.COUNT(Posting.id)).where(Posting.supplier.is_null(False))
    counts = Counter(dict(query.group_by(Posting.supplier).tuples()))
    assert len(counts) > 80
    assert sum(number for _, number in counts.most_common(10)) > 0.45 * sum(counts.values())
