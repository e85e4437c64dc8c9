"""River models put back from their numbers go on bit for bit as the ones these were taken from."""

import numpy as np
import pytest
from river import covariance, stats

from models.river_state import (
    covariance_from,
    covariance_numbers,
    ewmean_from,
    var_from,
    var_numbers,
)

SERIES = np.random.default_rng(3).normal(size=400).tolist()


@pytest.mark.parametrize("cut", [0, 1, 57, 399])
def test_a_running_variance(cut: int) -> None:
    whole, before = stats.Var(), stats.Var()
    for x in SERIES[:cut]:
        before.update(x)
    after = var_from(var_numbers(before))
    for x in SERIES[cut:]:
        after.update(x)
    for x in SERIES:
        whole.update(x)
    assert (after.get(), after.mean.get(), after.n) == (whole.get(), whole.mean.get(), whole.n)


@pytest.mark.parametrize("cut", [1, 57, 399])
def test_an_exponentially_weighted_mean(cut: int) -> None:
    whole = stats.EWMean(0.05)
    for x in SERIES[:cut]:
        whole.update(x)
    again = ewmean_from(0.05, whole.get())
    for x in SERIES[cut:]:
        whole.update(x)
        again.update(x)
        assert again.get() == whole.get()


def test_a_shrunk_covariance() -> None:
    scans = [dict(zip("abc", row, strict=True)) for row in np.random.default_rng(4).normal(size=(200, 3)).tolist()]
    whole = covariance.OASCovariance(0.05)
    for scan in scans[:80]:
        whole.update(scan)
    again = covariance_from(("a", "b", "c"), 0.05, covariance_numbers(whole))
    for scan in scans[80:]:
        whole.update(scan)
        again.update(scan)
    assert again.matrix == whole.matrix
