"""Limits hold their budget: the tail against SciPy's, and by drawing many sets of batches."""

import numpy as np
import pytest
from scipy import stats

from models.limits.local_widths import local_sums, local_widths
from models.limits.tails import limit_for


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


POSITION = np.arange(100.0)


def widths(*batches: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    return local_widths([local_sums(values[:, None], POSITION, 100) for values in batches], reach=5)


def test_a_width_follows_its_surroundings_and_never_vanishes():
    values = np.where(POSITION < 50, 1.0, 2.0)
    _, width = widths(values, values)
    assert width[20, 0] == pytest.approx(1.0)
    assert width[80, 0] == pytest.approx(2.0)
    assert (widths(0 * values, 0 * values)[1] > 0).all()


def test_a_width_without_a_batch_knows_nothing_of_it():
    calm, wild = np.ones(100), np.full(100, 1.9)
    others, width = widths(calm, calm, wild)
    assert others[2] == pytest.approx(np.ones((100, 1)))
    assert (width > 1.3).all()


def test_one_odd_batch_is_not_what_is_usual():
    calm = np.ones(100)
    _, width = widths(*[calm] * 9, 50 * calm)
    _, twice = widths(*[calm] * 9, 2 * calm)
    assert width == pytest.approx(twice)


def test_a_batch_that_ended_early_says_nothing_of_what_follows():
    short = np.where(POSITION < 50, 1.0, np.nan)
    _, width = widths(short, short, np.full(100, 3.0))
    assert width[90, 0] == pytest.approx(3.0)


def test_scans_without_position_or_value_count_nothing():
    sums, counts = local_sums(np.array([[1.0], [np.nan], [2.0]]), np.array([0.0, 1.0, np.nan]), 3)
    assert counts.ravel().tolist() == [1, 0, 0]
    assert sums.ravel().tolist() == [1, 0, 0]
