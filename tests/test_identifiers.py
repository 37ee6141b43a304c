"""Canonical identifiers: the same party, and nobody else."""

from __future__ import annotations

import pytest

from opus_soap.identifiers import canonical


@pytest.mark.parametrize(
    ("scheme", "value", "expected"),
    [
        ("DK:CVR", "DK12345678", "CVR:12345678"),
        ("0184", "12345678", "CVR:12345678"),
        ("", "dk 12345678", "CVR:12345678"),
        ("FI:OVT", "12345678", "FI:OVT:12345678"),
        ("", "FI12345678", None),
        ("GLN", "5798002000023", "GLN:5798002000023"),
        ("DUNS", "ab-1", "DUNS:AB-1"),
        ("DUNS", " ", None),
        ("DK:CPR", "x", None),
    ],
)
def test_canonical(scheme, value, expected):
    assert canonical(scheme, value) == expected


def test_a_persons_number_is_recognised_but_not_kept():
    one = canonical("DK:CPR", "010190-1234")
    assert one == canonical("9901", "0101901234") == canonical("", "010190-1234")
    assert one.startswith("CPR#")
    assert "0101901234" not in one
    assert one != canonical("DK:CPR", "0101901235")
