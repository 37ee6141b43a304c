"""What waits for its caller has so many places, and so many of each caller, whatever it is called."""

from __future__ import annotations

import pytest

from opus_soap.errors import Both, DownloadsBusy
from opus_soap.soap.shares import Shares

LIS, FIR = Both("for LIS", "of LIS"), Both("for FIR", "of FIR")


def test_another_municipalitys_subscription_of_the_same_name_has_places_of_its_own() -> None:
    shares = Shares(3, 1, DownloadsBusy)
    with shares.one(1, LIS):
        with shares.one(2, LIS):
            pass
        with pytest.raises(DownloadsBusy, match="LIS"), shares.one(1, LIS):
            pass
    with shares.one(1, LIS):
        pass


def test_there_are_so_many_places_in_all() -> None:
    shares = Shares(1, 1, DownloadsBusy)
    with shares.one(1, LIS), pytest.raises(DownloadsBusy, match="in all"), shares.one(2, FIR):
        pass
