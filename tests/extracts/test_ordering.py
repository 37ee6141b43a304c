"""What an order covers is fixed at a seal: no gap and no overlap between two of them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest

from opus_soap import errors
from opus_soap.database import proxy
from opus_soap.extracts import ending, ordering, subscribing
from opus_soap.extracts.schedule import run_due
from opus_soap.ledger.models import Seal
from opus_soap.store.audit import trail
from opus_soap.store.extract_models import Extract, Subscription


def test_a_delta_begins_where_the_one_before_ended(desk):
    subscription = desk.subscribe()
    first_vouchers = desk.post(2)
    first = desk.order(subscription)
    second_vouchers = desk.post(3)
    second = desk.order(subscription)
    assert (first.full, first.after, first.until) == (True, 0, first_vouchers[-1].id)
    assert (second.full, second.after, second.until) == (False, first.until, second_vouchers[-1].id)
    assert (first.sequence, second.sequence, second.follows_id) == (1, 2, first.id)


def test_what_was_posted_after_the_seal_comes_with_the_next(desk):
    subscription = desk.subscribe()
    desk.post()
    first = desk.order(subscription)
    later = desk.post()
    assert first.until < later[0].id
    assert Seal.select().count() == 1
    assert desk.order(subscription).until == later[0].id


def test_an_empty_delta_is_an_extract_too(desk):
    subscription = desk.subscribe()
    desk.post()
    first, second = desk.order(subscription), desk.order(subscription)
    assert (second.after, second.until) == (first.until, first.until)


def test_books_without_vouchers_have_an_extract_of_nothing(desk):
    extract = desk.order(desk.subscribe())
    assert (extract.after, extract.until) == (0, 0)


def test_a_subscription_of_everything_is_always_full(desk):
    subscription = desk.subscribe(delta=False)
    desk.post()
    assert [desk.order(subscription).full, desk.order(subscription).full] == [True, True]


def test_everything_may_be_asked_for_between_two_deltas(desk):
    subscription = desk.subscribe()
    desk.post()
    desk.order(subscription)
    full = desk.order(subscription, full=True)
    desk.post()
    after = desk.order(subscription)
    assert full.full
    assert (after.full, after.after) == (False, full.until)


def test_a_business_date_is_ordered_once(desk):
    subscription, due = desk.subscribe(), date(2026, 11, 23)
    noted = []
    first = desk.order(subscription, due_on=due, note=noted.append)
    again = desk.order(subscription, due_on=due, note=noted.append)
    assert first.id == again.id
    assert [extract.id for extract in noted] == [first.id, first.id]  # who is told twice says the same


def test_many_at_once_have_an_order_each_without_gaps(desk):
    subscription = desk.subscribe()
    desk.post(3)
    ready = threading.Barrier(4)

    def order(_: int) -> int:
        ready.wait()
        with proxy.obj.connection_context():
            return desk.order(subscription).sequence

    with ThreadPoolExecutor(4) as threads:
        found = sorted(threads.map(order, range(4)))
    assert found == [1, 2, 3, 4]
    rows = list(Extract.select().order_by(Extract.sequence))
    assert [row.after for row in rows[1:]] == [row.until for row in rows[:-1]]


def test_nothing_is_ordered_of_a_paused_subscription(desk):
    subscription = desk.subscribe()
    subscribing.set_active(subscription, False, actor="test", clock=desk.clock)
    with pytest.raises(errors.SubscriptionPaused):
        desk.order(subscription)


def test_nothing_is_ordered_without_a_key_to_prove_it(desk):
    subscription = desk.subscribe()
    desk.producer.key_file.unlink()
    with pytest.raises(errors.ExtractKeyMissing):
        desk.order(subscription)
    assert not Extract.select().exists()


def test_an_order_stands_in_the_audit_trail(desk):
    extract = desk.order(desk.subscribe())
    assert [entry.event for entry in trail(extract.uuid)] == [ordering.ORDERED]


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "no-such"},
        {"name": "l_i_s"},
        {"name": "X" * 21},
        {"receiver": " "},
        {"receiver": "a\x1b[31m"},
        {"receiver": "a\u202eb"},
        {"at": "0\u0663:00"},
        {"target": {"sftp": {"host": "h", "user": "u", "known_hosts": "k", "port": 99999}}},
        {"calendar": "daily"},
        {"calendar": "weekly:MAN"},
        {"calendar": "once:2026-02-30"},
        {"at": "24:00"},
        {"at": "6:00"},
        {"target": {"folder": "here"}},
        {"target": {"ftp": {}}},
        {"target": {"folder": "/" + "x" * 300}},
        {"target": {"sftp": {"host": "h", "user": "u"}}},
        {"target": {"sftp": {"host": "h", "user": "u", "known_hosts": "k", "shell": "sh"}}},
        {"options": {"no_such": 1}},
    ],
)
def test_terms_that_cannot_be_are_refused(desk, change):
    with pytest.raises(errors.SubscriptionInvalid):
        desk.subscribe(**change)


@pytest.mark.parametrize(
    ("change", "danish"),
    [
        ({"name": "æ"}, "name er Æ; det skal være 1–20 tegn, A–Z, 0–9 og -"),
        ({"receiver": " "}, "receiver er  ; det skal være 1–120 tegn, der kan ses"),
        ({"at": "6:00"}, "at er 6:00; det skal være TT:MM"),
        ({"target": {"folder": "here"}}, "folder er here; det skal være en absolut sti"),
        ({"target": {"ftp": {}}}, "target er ftp; det skal være én af folder, sftp, system"),
        ({"target": {"system": "x"}}, "system er x; det skal være en aftales UUID"),
    ],
)
def test_a_danish_text_is_danish_throughout(desk, change, danish):
    with pytest.raises(errors.SubscriptionInvalid) as refused:
        desk.subscribe(**change)
    assert refused.value.text_danish == danish


def test_an_option_is_told_as_it_was_given(desk):
    with pytest.raises(errors.SubscriptionInvalid) as refused:
        desk.subscribe(kind="kreditorer", options={"conditions": ["COSTCENTER=1"], "colour": "red"})
    assert refused.value.value == "--option colour, --where"
    assert refused.value.expected == "--option tables, --option bank_details, --persons"


def test_another_kind_is_refused_before_the_options_of_the_first(desk):
    desk.subscribe(options={"conditions": []})
    with pytest.raises(errors.SubscriptionFixed) as refused:
        desk.subscribe(kind="kreditorer", options={"conditions": []})
    assert refused.value.element == "kind"


def test_a_day_that_is_over_comes_no_more(desk):
    with pytest.raises(errors.SubscriptionInvalid) as refused:
        desk.subscribe(calendar="once:2026-11-22")
    assert refused.value.text_danish == "calendar er once:2026-11-22; det skal være i dag eller senere"
    made = desk.subscribe(calendar="once:2026-11-23")
    desk.clock.advance(timedelta(days=2))
    later = desk.subscribe(calendar="once:2026-11-23", starts_on=date(2026, 11, 25), at="07:00")
    assert (later.id, later.due_on) == (made.id, "2026-11-23"), "it was missed, and comes"


@pytest.mark.parametrize("calendar", ["weekly:MON", "once:2026-11-23"])
def test_what_was_missed_comes_though_other_terms_change(desk, calendar):
    desk.subscribe(calendar=calendar)
    later = desk.subscribe(calendar=calendar, starts_on=date(2026, 11, 25), at="07:00")
    assert later.due_on == "2026-11-23"


def test_of_what_has_ended_that_is_told_first(desk):
    ending.end(desk.producer, desk.subscribe("LIS"), actor="test", clock=desk.clock)
    with pytest.raises(errors.SubscriptionEnded):
        desk.subscribe("LIS", kind="kreditorer", options={})


def test_the_same_to_the_same_receiver_would_come_twice(desk):
    desk.subscribe("LIS", receiver="Ledelsesinformation")
    with pytest.raises(errors.SubscriptionOverlaps):
        desk.subscribe("LIS2", receiver="Ledelsesinformation")
    desk.subscribe("LIS2", receiver="Ledelsesinformation", allow_overlap=True)
    desk.subscribe("LIS3", receiver="En anden")


def test_terms_may_change_but_not_what_a_delta_has_left_out(desk):
    subscription = desk.subscribe()
    assert desk.subscribe(at="05:30").at == "05:30"
    desk.order(subscription)
    with pytest.raises(errors.SubscriptionFixed):
        desk.subscribe(options={"exclude_document_types": ["KR"]})


def test_the_receiver_stands_in_what_was_ordered(desk):
    subscription = desk.subscribe()
    desk.subscribe(receiver="Another")
    desk.order(subscription)
    with pytest.raises(errors.SubscriptionFixed):
        desk.subscribe(receiver="A third")


def test_what_must_be_approved_waits_for_somebody_else(desk, monkeypatch):
    kind = desk.producer.kinds["posteringer-ud"]
    object.__setattr__(kind, "approval", True)
    try:
        subscription = desk.subscribe()
        extract = desk.order(subscription)
        assert extract.state == Extract.REQUESTED
        with pytest.raises(errors.ExtractNotReady):
            desk.producer.produce(extract, actor="test")
        with pytest.raises(errors.ApprovalNeeded):
            ordering.approve(extract, actor="test", clock=desk.clock)
        ordering.approve(extract, actor="another", clock=desk.clock)
        assert desk.producer.produce(extract, actor="test").state == Extract.PRODUCED
        with pytest.raises(errors.ExtractNotReady):
            ordering.approve(extract, actor="third", clock=desk.clock)
        with pytest.raises(errors.ExtractNotReady):
            ordering.cancel(extract, actor="third", clock=desk.clock)
    finally:
        object.__setattr__(kind, "approval", False)


def test_what_is_cancelled_leaves_its_range_to_the_next(desk):
    kind = desk.producer.kinds["posteringer-ud"]
    object.__setattr__(kind, "approval", True)
    try:
        subscription = desk.subscribe()
        desk.post()
        cancelled = ordering.cancel(desk.order(subscription), actor="x", clock=desk.clock)
        following = desk.order(subscription)
    finally:
        object.__setattr__(kind, "approval", False)
    assert cancelled.state == Extract.CANCELLED
    assert (following.sequence, following.follows_id, following.after, following.full) == (2, None, 0, True)


def test_what_cannot_be_produced_may_be_given_up(desk):
    subscription = desk.subscribe()
    desk.post()
    first = desk.order(subscription)
    second = desk.order(subscription)
    with pytest.raises(errors.ExtractNotReady, match=second.name):
        ordering.cancel(first, actor="x", clock=desk.clock)  # the second rests on it
    ordering.cancel(second, actor="x", clock=desk.clock)
    ordering.cancel(first, actor="x", clock=desk.clock)
    third = desk.run(subscription)
    assert (third.full, third.follows_id, third.state) == (True, None, Extract.DELIVERED)
    assert len(desk.received()) == 1
    with pytest.raises(errors.ExtractNotReady):
        ordering.cancel(third, actor="x", clock=desk.clock)


def test_what_other_options_left_out_comes_with_the_next(desk):
    desk.post()
    desk.post(document_type="AB")
    options = {"exclude_document_types": ["AB"]}
    desk.run(desk.subscribe(delta=False, options=options))
    extract = desk.run(desk.subscribe(delta=True))
    assert extract.full
    assert len(set(desk.received())) == 2


def test_a_kind_without_deltas_is_always_everything(desk):
    subscription = desk.subscribe(kind="revisorudtraek", options={"year": 2026})
    assert not subscription.delta
    assert [desk.order(subscription).full, desk.order(subscription).full] == [True, True]


def test_terms_said_again_do_not_make_it_due_again(desk):
    subscription = desk.subscribe(calendar="once:2026-11-23")
    run_due(desk.producer, desk.deliverer)
    desk.subscribe(calendar="once:2026-11-23")
    run_due(desk.producer, desk.deliverer)
    assert Extract.select().count() == 1
    assert Subscription.get_by_id(subscription.id).due_on is None


def test_resumed_it_must_not_overlap_either(desk):
    first = desk.subscribe("AAA", receiver="r")
    subscribing.set_active(first, False, actor="t", clock=desk.clock)
    desk.subscribe("BBB", receiver="r")
    first = Subscription.get_by_id(first.id)
    with pytest.raises(errors.SubscriptionOverlaps):
        subscribing.set_active(first, True, actor="t", clock=desk.clock)


@pytest.mark.parametrize(
    "options",
    [
        {"persons": "nej"},
        {"persons": 1},
        {"attachments": None},
        {"conditions": "COSTCENTER=1101"},
        {"conditions": [1]},
        {"conditions": ["COSTCENTER=\ud800*"]},
        {"exclude_document_types": None},
        {"exclude_document_types": [["SA"]]},
        {"exclude_document_types": "SA"},
    ],
)
def test_options_are_what_they_are_and_nothing_else(desk, options):
    with pytest.raises(errors.SubscriptionInvalid):
        desk.subscribe(options=options)


def test_names_lead_to_what_they_name(desk):
    subscription = desk.subscribe()
    extract = desk.order(subscription)
    assert ordering.find_subscription("999", "lis").id == subscription.id
    assert ordering.find_extract("999", extract.name).id == extract.id
    with pytest.raises(errors.SubscriptionUnknown):
        ordering.find_subscription("998", "LIS")
    with pytest.raises(errors.ExtractUnknown):
        ordering.find_extract("998", extract.name)
