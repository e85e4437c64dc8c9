"""Limits hold their budget: the tail against SciPy's, and by drawing many sets of batches."""

import numpy as np
import pytest
from scipy import stats

from models.calibration import limit_for, local_sums, local_width


def test_with_many_batches_the_limit_is_the_quantile_of_a_gumbel_tail():
    maxima = np.exp(stats.gumbel_r.rvs(loc=1.0, scale=0.2, size=4000, random_state=1))
    assert limit_for(maxima, 0.05) == pytest.approx(np.exp(stats.gumbel_r.ppf(0.95, 1.0, 0.2)), rel=0.03)


@pytest.mark.parametrize("batches", [5, 10, 40])
def test_a_further_batch_passes_the_limit_no_more_often_than_the_budget(batches):
    draws = np.exp(stats.gumbel_r.rvs(scale=0.2, size=(2000, batches + 1), random_state=2))
    passed = [draw[-1] > limit_for(draw[:-1], 0.05) for draw in draws]
    assert np.mean(passed) < 0.065


def test_a_smaller_budget_gives_a_higher_limit():
    maxima = np.array([1.0, 1.2, 0.9, 1.4, 1.1])
    assert limit_for(maxima, 0.01) > limit_for(maxima, 0.05) > limit_for(maxima, 0.5)


@pytest.mark.parametrize("maxima", [[1.0], [1.0, 0.0], [1.0, np.nan], [1.0, np.inf]])
def test_maxima_that_say_nothing_are_refused(maxima):
    with pytest.raises(ValueError, match="maxima"):
        limit_for(np.array(maxima), 0.05)


def test_a_width_follows_its_surroundings_and_never_vanishes():
    position = np.arange(100.0)
    values = np.where(position[:, None] < 50, 1.0, 2.0)
    width = local_width(*local_sums(values, position, 100), reach=5)
    assert width[20, 0] == pytest.approx(1.0)
    assert width[80, 0] == pytest.approx(2.0)
    assert (local_width(*local_sums(0 * values, position, 100), reach=5) > 0).all()


def test_scans_without_position_or_value_count_nothing():
    sums, counts = local_sums(np.array([[1.0], [np.nan], [2.0]]), np.array([0.0, 1.0, np.nan]), 3)
    assert counts.ravel().tolist() == [1, 0, 0]
    assert sums.ravel().tolist() == [1, 0, 0]
