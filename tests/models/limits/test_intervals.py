"""Exact intervals agree with published tables, and hold the true value as often as they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.limits.intervals import rate_interval, share_interval


def test_they_agree_with_published_tables() -> None:
    assert share_interval(10, 20) == pytest.approx((0.2720, 0.7280), abs=1e-4)  # Clopper & Pearson
    assert rate_interval(10, 1) == pytest.approx((4.795, 18.390), abs=1e-3)  # Garwood
    assert rate_interval(0, 74)[1] == pytest.approx(3.689 / 74, abs=1e-4)


@given(st.integers(1, 200), st.data())
def test_they_hold_what_was_seen(of: int, data: st.DataObject) -> None:
    hits = data.draw(st.integers(0, of))
    low, high = share_interval(hits, of)
    assert 0 <= low <= hits / of <= high <= 1
    low, high = rate_interval(hits, of)
    assert 0 <= low <= hits / of <= high


@pytest.mark.parametrize("rate", [0.02, 0.05, 0.3])
def test_they_miss_the_true_value_no_more_often_than_they_say(rate: float) -> None:
    rng = np.random.default_rng(1)
    intervals = [rate_interval(int(count), 40) for count in rng.poisson(40 * rate, 2000)]
    assert np.mean([low <= rate <= high for low, high in intervals]) >= 0.94


def test_counts_that_contradict_each_other_are_refused() -> None:
    with pytest.raises(ValueError, match="wanted 0 <= hits <= of"):
        share_interval(3, 2)
    with pytest.raises(ValueError, match="over > 0"):
        rate_interval(1, 0)
