"""The policy: who is asked, in which order, and what no answer means."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from opus_soap.wss.crl import RevocationLists
from opus_soap.wss.errors import CertificateRevoked
from opus_soap.wss.errors_revocation import RevocationUnknown
from opus_soap.wss.ocsp import OcspResponders
from opus_soap.wss.revocation import Revocation, Standing, State
from tests.wss.forge import NOW
from tests.wss.revoking import CASE_SYSTEM, ISSUING, REVOKED, Answer, make_crl, responding


@dataclass
class Says:
    state: State
    detail: str = ""
    asked: int = field(default=0)

    def standing(self, certificate, issuer, now) -> Standing:
        self.asked += 1
        return Standing(self.state, self.detail)


def check(*sources, **policy) -> None:
    Revocation(sources, **policy).check(CASE_SYSTEM, ISSUING.certificate, NOW)


def test_the_first_that_knows_decides():
    good, never = Says(State.GOOD), Says(State.REVOKED)
    check(Says(State.UNKNOWN), good, never)
    assert (good.asked, never.asked) == (1, 0)
    with pytest.raises(CertificateRevoked, match="since noon"):
        check(Says(State.UNKNOWN), Says(State.REVOKED, "since noon"), good, accept_unknown=True)


def test_no_answer_is_refused_and_every_reason_told():
    with pytest.raises(RevocationUnknown, match="no list; no network"):
        check(Says(State.UNKNOWN, "no list"), Says(State.UNKNOWN, "no network"))
    with pytest.raises(RevocationUnknown, match="no source"):
        check()


def test_no_answer_may_be_accepted_but_not_in_silence():
    told = []
    check(Says(State.UNKNOWN, "no list"), accept_unknown=True, on_accepted=lambda *what: told.append(what))
    [(subject, reason)] = told
    assert "CVR:44444449" in subject
    assert reason == "no list"


def test_ocsp_then_crl():
    lists = RevocationLists([make_crl(REVOKED)])
    with responding() as responder:
        policy = Revocation((OcspResponders([responder.url]), lists))
        policy.check(CASE_SYSTEM, ISSUING.certificate, NOW)
        responder.http_status = 500
        assert policy.standing(REVOKED, ISSUING.certificate, NOW).state is State.REVOKED
        assert len(responder.asked) == 2
    down = Revocation((OcspResponders([responder.url]), RevocationLists([])))
    with pytest.raises(RevocationUnknown, match="no revocation list"):
        down.check(CASE_SYSTEM, ISSUING.certificate, NOW)


def test_what_ocsp_says_is_not_asked_of_the_list():
    with responding(Answer().to) as responder:
        policy = Revocation((OcspResponders([responder.url]), RevocationLists([make_crl(CASE_SYSTEM)])))
        policy.check(CASE_SYSTEM, ISSUING.certificate, NOW)
