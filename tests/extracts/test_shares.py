"""Downloads have so many places, and so many of each subscription, whatever it is called."""

from __future__ import annotations

import pytest

from opus_soap.errors import DownloadsBusy
from opus_soap.extracts.shares import Shares


def test_another_municipalitys_subscription_of_the_same_name_has_places_of_its_own() -> None:
    shares = Shares(most=3, most_of_one=1)
    with shares.one(1, "LIS"):
        with shares.one(2, "LIS"):
            pass
        with pytest.raises(DownloadsBusy, match="LIS"), shares.one(1, "LIS"):
            pass
    with shares.one(1, "LIS"):
        pass


def test_there_are_so_many_places_in_all() -> None:
    shares = Shares(most=1, most_of_one=1)
    with shares.one(1, "LIS"), pytest.raises(DownloadsBusy, match="in all"), shares.one(2, "FIR"):
        pass
