"""What is not sealed may change behind an extract: it is written again as it was, or not at all."""

from __future__ import annotations

import tracemalloc
from datetime import timedelta

import pytest

from opus_soap.database import is_postgresql, proxy
from opus_soap.errors import (
    ExtractDiffers,
    KeptUnreadable,
    OriginalDamaged,
    OriginalPurgedSince,
    ProfitCenterLoop,
)
from opus_soap.extracts import producing
from opus_soap.extracts.verifying import verify
from opus_soap.interfaces.purchase_analysis.profit_centers import COLUMNS as OF_PROFIT_CENTER
from opus_soap.interfaces.purchase_analysis.profit_centers import profit_centers
from opus_soap.ledger.models import DimensionValue
from opus_soap.store import content, purging
from opus_soap.store.extract_models import Extract
from opus_soap.store.models import Content, Invoice
from tests.interfaces.purchase_analysis.conftest import NS, texts

NOTHING = timedelta(0)


def purge(clock):
    """Forget whatever may be."""
    clock.advance(timedelta(days=2))
    assert purging.purge(now=clock.now(), retention=NOTHING)


def centers(read):
    return [one.findtext(f"{NS}PATH") for one in read.xml.findall(f"{NS}PROFIT_CENTER")]


def test_the_hierarchy_of_profit_centres_comes_with_each(subscribe, extract):
    subscribe()
    read = extract()
    rows = [[one.findtext(f"{NS}{name}") for name in OF_PROFIT_CENTER] for one in read.xml[1:]]
    assert ["P210", "Skoler", "P200", "2", "P200/P210", None, None, None] in rows
    assert ["P200", "Børn og unge", None, "1", "P200", None, None, None] in rows
    assert rows == sorted(rows, key=lambda row: row[0])
    text = (read.folder / f"{read.name}_PROFITCENTRE.csv").read_text("utf-8").splitlines()
    assert text[0] == ";".join(OF_PROFIT_CENTER)
    assert text[1:] == [";".join(value or "" for value in row) for row in rows]


def test_a_parent_without_a_record_is_the_top(company):
    DimensionValue.update(parent_code="GRUPPE").where(DimensionValue.code == "P200").execute()
    assert ["P210", "3", "GRUPPE/P200/P210"] in [[row[0], *row[3:5]] for row in profit_centers(company)]


def test_a_profit_centre_under_itself_stops_the_extract(subscribe, extract):
    DimensionValue.update(parent_code="P210").where(DimensionValue.code == "P200").execute()
    subscribe()
    with pytest.raises(ProfitCenterLoop):
        extract()
    assert Extract.get().state == Extract.ORDERED


def test_written_again_it_is_the_same_whatever_became_of_the_master_data(house, subscribe, extract, again):
    house.approve(house.lend())
    subscribe()
    read = extract()
    before, paths = read.bytes(), centers(read)
    DimensionValue.update(parent_code=None, name="Andet").where(
        DimensionValue.kind == "profit_center"
    ).execute()
    Invoice.update(supplier_number=None, exchange_rate="1", payable_ore=1).execute()
    again(read)
    assert read.bytes() == before
    assert centers(extract()) != paths


def test_the_process_may_die_between_the_folder_and_its_note(house, subscribe, extract, again, monkeypatch):
    house.approve(house.lend())
    subscribe()

    def die(name):
        if name == "extracts.renamed":
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(producing, "failpoint", die)
        with pytest.raises(KeyboardInterrupt):
            extract()
    ordered = Extract.get()
    assert ordered.state == Extract.ORDERED
    DimensionValue.update(name="Andet").where(DimensionValue.kind == "profit_center").execute()
    again(ordered)
    assert Extract.get().state == Extract.PRODUCED


def test_a_purged_original_is_marked_and_its_hash_stays(house, subscribe, extract, again, clock):
    house.approve(house.lend())
    purge(clock)
    house.approve(house.lend())
    subscribe()
    read = extract()
    gone, there = read.invoices
    assert texts(gone, "ORIGINAL", "FILE", "PURGED") == [None, "X"]
    assert texts(gone, "ORIGINAL", "FILE_SHA256") == [
        Invoice.get(Invoice.number == house.documents[0].number).original_id
    ]
    assert texts(there, "ORIGINAL", "PURGED") == [None]
    again(read)


def test_what_was_gone_then_is_left_out_again_though_it_is_back(house, subscribe, extract, again, clock):
    lent = [house.lend() for _ in range(3)]
    for one in lent:
        house.approve(one)
    purge(clock)
    house.approve(lent[0])  # corrected: of each of its vouchers the original is gone
    assert content.put_back(house.documents[1].data, at=clock.now())
    subscribe()
    read = extract()
    marks = [texts(one, "ORIGINAL", "PURGED")[0] for one in read.invoices]
    assert marks == ["X", None, "X", "X", "X"]
    for document in house.documents[:3]:
        content.put_back(document.data, at=clock.now())
    again(read)


def test_what_was_purged_since_it_is_not_written_without(house, subscribe, extract, again, clock):
    for _ in range(2):
        house.approve(house.lend())
    subscribe()
    read = extract()
    before = read.bytes()
    purge(clock)
    with pytest.raises(OriginalPurgedSince) as raised:
        again(read)
    assert raised.value.element == house.documents[0].number
    assert read.bytes() == before
    assert verify(read.folder / f"{read.name}.manifest.json").ok


def test_without_originals_purging_changes_nothing(house, subscribe, extract, again, clock):
    house.approve(house.lend())
    subscribe(originals=False)
    read = extract()
    purge(clock)
    again(read)


def test_a_damaged_original_stops_the_extract(house, subscribe, extract):
    house.approve(house.lend())
    on = " ON content" if is_postgresql() else ""
    proxy.obj.execute_sql(f"DROP TRIGGER content_no_change{on}")
    Content.update(data=b"x").where(Content.sha256 == Invoice.get().original_id).execute()
    subscribe()
    with pytest.raises(OriginalDamaged) as raised:
        extract()
    assert raised.value.element == house.documents[0].number


@pytest.mark.parametrize(
    "kept", [None, b"", b"{", b"{}\n", b"1\n"], ids=["missing", "empty", "cut", "other", "id"]
)
def test_what_was_kept_and_is_not_as_it_was_is_told(subscribe, extract, again, kept):
    subscribe()
    read = extract()
    path = read.folder / f".{read.name}.kept"
    path.unlink()
    if kept is not None:
        path.write_bytes(kept)
    with pytest.raises(KeptUnreadable):
        again(read)


def test_another_hierarchy_in_what_was_kept_is_seen(subscribe, extract, again):
    subscribe()
    read = extract()
    path = read.folder / f".{read.name}.kept"
    path.write_bytes(path.read_bytes().replace(b"Skoler", b"Andre!"))
    with pytest.raises(ExtractDiffers):
        again(read)


def test_memory_does_not_grow_with_the_originals(house, subscribe, extract):
    size = 4 * 1024 * 1024
    for document in house.documents[:8]:
        house.approve(house.lend(document.data + b"\n" * size))
    subscribe()
    house.documents.clear()
    tracemalloc.start()
    try:
        read = extract()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert (read.folder / f"{read.name}.xml").stat().st_size > 8 * size * 4 / 3
    assert peak < 4 * size
