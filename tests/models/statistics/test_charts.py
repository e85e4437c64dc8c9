"""What accumulates, what persists, and what is predicted, against the formulae written out."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays.grid import at_position
from models.arrays.products import product
from models.statistics.accumulate import Ewma, Roughness
from models.statistics.persistence import Persistence

NO_BOUND = np.full((200, 1), np.nan)


def noise(n: int = 200, tags: int = 1, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(n, tags))


def test_an_ewma_is_the_weighted_sum_of_all_that_was():
    z, weight = noise(), 2 / 6
    sums = [weight * sum((1 - weight) ** (k - i) * z[i, 0] for i in range(k + 1)) for k in range(200)]
    oracle = np.array(sums) / np.sqrt(weight / (2 - weight))  # Roberts (1959): its standard deviation
    np.testing.assert_allclose(Ewma(1, 5).advance(z, NO_BOUND, NO_BOUND)[:, 0], oracle, atol=1e-12)


def test_an_ewma_of_white_residuals_has_unit_variance():
    z = noise(20_000, 3)
    assert Ewma(3, 20).advance(z, *[np.full_like(z, np.nan)] * 2).std() == pytest.approx(1.0, abs=0.05)


def test_what_was_far_over_its_limit_is_soon_forgotten():
    z = np.concatenate([np.full((100, 1), 8.0), np.zeros((100, 1))])
    bounded = Ewma(1, 50).advance(z, *[np.full((200, 1), 5.0)] * 2)
    assert bounded.max() == pytest.approx(5.0)
    assert bounded[112, 0] < 4.0 < Ewma(1, 50).advance(z, NO_BOUND, NO_BOUND)[130, 0]


def test_roughness_is_the_mean_size_of_jumps():
    z = noise(20_000)
    assert Roughness(1, 8).advance(z, np.full_like(z, np.nan)).mean() == pytest.approx(2 / np.sqrt(np.pi), abs=0.02)


def test_an_absent_residual_leaves_what_accumulates_finite():
    z = noise(200, 2)
    z[50:60] = np.nan
    none = np.full_like(z, np.nan)
    assert np.isfinite(Ewma(2, 5).advance(z, none, none)).all()
    assert np.isfinite(Roughness(2, 5).advance(z, none)).all()


@settings(max_examples=30)
@given(st.lists(st.floats(0, 5), min_size=1, max_size=30), st.floats(0.1, 3))
def test_a_level_is_held_exactly_when_two_scans_in_a_row_or_one_far_over_are(values, limit):
    persisted = Persistence(np.array([False])).advance(np.array(values)[:, None])[:, 0]
    before = [0.0, *values[:-1]]
    far = [value / 1.5 > limit or (value > limit and last > limit) for value, last in zip(values, before, strict=True)]
    assert (persisted > limit).tolist() == far


def test_a_schedule_tag_counts_at_once():
    assert Persistence(np.array([True])).advance(np.array([[1.0], [2.0]]))[:, 0].tolist() == [1.0, 2.0]


@settings(max_examples=20)
@given(st.integers(1, 150))
def test_what_is_foretold_has_the_same_bits_however_scans_are_cut(cut):
    features, weights = noise(150, 37), noise(37, 5, seed=5)
    whole = product(features, weights)
    parts = [product(part, weights) for part in (features[:cut], features[cut:]) if len(part)]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    np.testing.assert_allclose(whole, features @ weights, atol=1e-12)


def test_between_grid_points_values_are_interpolated():
    grid, place = noise(20)[:, :1], np.linspace(0, 19, 50)
    np.testing.assert_allclose(at_position(grid, place)[:, 0], np.interp(place, np.arange(20), grid[:, 0]), atol=1e-12)


def test_above_and_below_have_bounds_of_their_own():
    z = np.concatenate([np.full((60, 1), 8.0), np.full((200, 1), -8.0)])
    averages = Ewma(1, 25).advance(z, np.full((260, 1), 3.0), np.full((260, 1), 6.0))
    assert averages.max() == pytest.approx(3.0)
    assert averages.min() == pytest.approx(-6.0)
