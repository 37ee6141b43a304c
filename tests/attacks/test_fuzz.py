"""For as long as one likes: messages changed in many places at once, and bytes that are none.

`make fuzz` (FUZZ_SECONDS=120). Every round has another seed; a failure prints how to see it again. Nothing
but a `WssError` may come out, nothing that was changed may be believed, and memory may not grow.
"""

from __future__ import annotations

import os
import resource
import time
from contextlib import suppress
from functools import lru_cache
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st
from lxml import etree

from opus_soap.errors import SoapError
from opus_soap.soap.contexts import check_contexts
from opus_soap.wss.errors import WssError
from opus_soap.wss.parsing import ParseLimits
from opus_soap.wss.unsigned import read_unsigned
from tests.attacks.test_mutations import KINDS, MUTATIONS, Meaning, messages, names, read, words

SECONDS = int(os.environ.get("OPUS_SOAP_TEST_FUZZ_SECONDS", "0"))
EXAMPLES = 200  # of each kind, a round
MOST_GROWTH_MB = 150
pytestmark = pytest.mark.skipif(not SECONDS, reason="run `make fuzz` to change messages for longer")

changes = st.lists(
    st.tuples(st.sampled_from(MUTATIONS), st.integers(0, 300), st.integers(0, 300), names, words),
    min_size=1,
    max_size=6,
)
pieces = st.lists(
    st.tuples(st.integers(0, 40_000), st.integers(0, 200), st.binary(max_size=40)), min_size=1, max_size=4
)
UNSIGNED = (
    '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header>'
    '<a:MessageID xmlns:a="http://www.w3.org/2005/08/addressing">urn:uuid:1</a:MessageID></s:Header><s:Body>'
    '<k:Send xmlns:k="urn:test">'
    '<InvocationContext xmlns="http://serviceplatformen.dk/xml/schemas/InvocationContext/1/">'
    + "".join(
        f"<{name}>{UUID(int=1)}</{name}>"
        for name in ("ServiceAgreementUUID", "UserSystemUUID", "UserUUID", "ServiceUUID")
    )
    + '</InvocationContext><HovedOplysninger xmlns="http://kombit.dk/xml/schemas/kontekst/2017/01/01/">'
    "<AuthorityContext><MunicipalityCVR>29189846</MunicipalityCVR></AuthorityContext></HovedOplysninger>"
    "</k:Send></s:Body></s:Envelope>"
).encode()
quick = settings(max_examples=EXAMPLES, deadline=None, database=None, suppress_health_check=list(HealthCheck))


def check(data: bytes, which: str) -> None:
    """Refused, or the very message that it was (or, put together, another good one)."""
    try:
        found = read(which, data)
    except WssError:
        return
    assert found in believed(which)


@lru_cache(maxsize=len(KINDS))
def believed(which: str) -> list[Meaning]:
    """What the good messages mean to the reader of one kind, of those that it takes."""
    found = []
    for good in messages().values():
        with suppress(WssError):
            found.append(read(which, good))
    return found


@quick
@given(which=st.sampled_from(KINDS), change=changes)
def trees(which, change):
    root = etree.fromstring(messages()[which])
    for mutate, position, target, name, word in change:
        elements = list(root.iter("*"))
        mutate(elements[position % len(elements)], elements[target % len(elements)], name, word)
    check(etree.tostring(root, encoding="UTF-8"), which)


@quick
@given(which=st.sampled_from(KINDS), change=pieces)
def bytes_changed(which, change):
    data = messages()[which]
    for position, length, new in change:
        position %= len(data) or 1
        data = data[:position] + new + data[position + length :]
    check(data, which)


@quick
@given(which=st.sampled_from(KINDS), other=st.sampled_from(KINDS), cut=st.integers(0, 40_000))
def crossed(which, other, cut):
    """The beginning of one and the end of another."""
    one, two = messages()[which], messages()[other]
    check(one[: cut % len(one)] + two[cut % len(two) :], which)


@quick
@given(data=st.binary(max_size=3000), which=st.sampled_from(KINDS))
def anything(data, which):
    check(data, which)


@quick
@given(change=pieces)
def unsigned_bytes(change):
    """The Context model: bytes in place of others, read or refused, and the contexts in it looked at."""
    data = UNSIGNED
    for position, length, new in change:
        position %= len(data)
        data = data[:position] + new + data[position + length :]
    try:
        message = read_unsigned(data, ParseLimits())
        for request in message.body:
            check_contexts(request, authority="29189846", system=UUID(int=1), supported="")
    except (WssError, SoapError):
        return


def peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def test_nothing_gets_through_for_as_long_as_it_takes():
    until, rounds, before = time.monotonic() + SECONDS, 0, 0.0
    while time.monotonic() < until or rounds < 2:
        for run in (trees, bytes_changed, crossed, anything, unsigned_bytes):
            seed(rounds)(run)()
        rounds += 1
        before = before or peak_mb()  # after the first round everything is loaded
    assert peak_mb() < before + MOST_GROWTH_MB
    print(f"{rounds} rounds of {5 * EXAMPLES} messages; {peak_mb():.0f} MB at most")


def test_canary_who_believes_what_was_changed_is_caught(monkeypatch):
    """A verifier that takes whatever it is given."""

    def gullible(which: str, data: bytes) -> bytes:
        return data

    believed.cache_clear()
    monkeypatch.setattr("tests.attacks.test_fuzz.read", gullible)
    with pytest.raises(AssertionError):
        trees()
    believed.cache_clear()


def test_the_unsigned_message_that_is_changed_is_good():
    [request] = read_unsigned(UNSIGNED, ParseLimits()).body
    check_contexts(request, authority="29189846", system=UUID(int=1), supported="")
    assert len(request) == 1
