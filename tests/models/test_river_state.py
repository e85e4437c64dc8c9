"""River models put back from their numbers go on bit for bit as the ones these were taken from."""

import numpy as np
import pytest
from river import covariance, drift, stats

from models.river_state import (
    covariance_from,
    covariance_numbers,
    page_hinkley_numbers,
    put_page_hinkley,
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


@pytest.mark.parametrize("cut", [0, 1, 57, 205, 399])
def test_a_page_hinkley_test_that_signals_and_starts_anew(cut: int) -> None:
    def signals(cut: int) -> list[int]:
        model, found = drift.PageHinkley(threshold=8, delta=0.1), []
        for row, x in enumerate(SERIES):
            if row == cut:
                model = put_page_hinkley(drift.PageHinkley(threshold=8, delta=0.1), page_hinkley_numbers(model))
            model.update(x + 3 * (row > 200))
            found += [row] * model.drift_detected
        return found

    assert signals(-1)
    assert signals(cut) == signals(-1)


def test_a_page_hinkley_test_put_back_right_after_its_signal_starts_anew_as_it_would_have() -> None:
    model = drift.PageHinkley(min_instances=5, threshold=3, delta=0.1)
    for x in SERIES:
        model.update(x)
        if model.drift_detected:
            break
    again = put_page_hinkley(drift.PageHinkley(min_instances=5, threshold=3, delta=0.1), page_hinkley_numbers(model))
    model.update(1.0)
    again.update(1.0)
    assert model._x_mean.n == 1
    assert page_hinkley_numbers(again).tolist() == page_hinkley_numbers(model).tolist()


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
