"""Controllers' laws are found from recordings; a scan's numbers do not depend on its neighbours; gaps bring doubt."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.arrays.products import product
from models.reference.regression import Regressions
from models.reference.scaling import learn_scaling
from models.statistics.features import LAGS, Layout
from models.statistics.innovation import OneStep, Past, predict
from models.statistics.sizes import Sizes, predicted_size

VALVE, LEVEL, OTHER = range(3)
SCANS = 400


def tank(seed: int) -> np.ndarray:
    """A level and the valve that holds it: below 1.0 the valve opens by 8 times the error a scan; above, it halves."""
    noise = np.random.default_rng(seed)
    values = np.zeros((SCANS, 3))
    for now in range(1, SCANS):
        valve, level, _ = values[now - 1]
        given = valve + 8 * (1.0 - level) if level <= 1.0 else 0.5 * valve
        values[now, VALVE] = min(max(given, 0.0), 10.0)
        values[now, LEVEL] = 0.97 * level + 0.02 * valve + 0.05 * noise.normal()
        values[now, OTHER] = noise.normal()
    return values


@cache
def learnt() -> OneStep:
    grids = np.array([tank(seed) for seed in range(8)])
    scaling = learn_scaling(grids, np.array([VALVE]))
    mean, scale = np.zeros((SCANS, 3)), np.ones((SCANS, 3))
    return Regressions(scaling, [(grid, mean, scale) for grid in grids], np.arange(3)).all_but(None)


def past(values: np.ndarray) -> tuple[Past, object]:
    watcher = Past(learnt().scaling, learnt())
    return watcher, watcher.advance(values, np.zeros_like(values), np.ones_like(values))


def test_the_tag_and_threshold_that_switch_a_controller_are_found():
    scaling = learnt().scaling
    assert scaling.switch.tolist() == [LEVEL]
    assert scaling.threshold[0] * scaling.spread[LEVEL] + scaling.centre[LEVEL] == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("first", [0, 56])
def test_a_threshold_is_found_between_the_quantiles_tried_first(first):
    scaling = learn_scaling(np.array([tank(seed) for seed in range(first, first + 8)]), np.array([VALVE]))
    assert scaling.threshold[0] * scaling.spread[LEVEL] + scaling.centre[LEVEL] == pytest.approx(1.0, abs=0.004)


def test_a_controller_that_never_reads_does_not_hide_the_threshold_of_another():
    grids = np.array([tank(seed) for seed in range(8)])
    grids[:, :, OTHER] = np.nan
    scaling = learn_scaling(grids, np.array([VALVE, OTHER]))
    assert scaling.switch[0] == LEVEL
    assert scaling.threshold[0] == learn_scaling(grids, np.array([VALVE])).threshold[0]


def test_a_batch_left_out_is_judged_by_circumstances_that_the_others_showed():
    grids = [tank(seed) for seed in range(6)]
    grids[0][200:210, OTHER] = 40.0
    scaling = learn_scaling(np.array(grids), np.array([VALVE]))
    batches = [(grid, np.zeros_like(grid), np.ones_like(grid)) for grid in grids]
    regressions = Regressions(scaling, batches, np.arange(3))
    of_all, of_others = (regressions.all_but(own).known[1] for own in (None, 0))
    assert (of_others <= of_all).all()
    assert of_others[OTHER] < of_all[OTHER]


def test_a_valve_is_foretold_by_its_law_on_either_side_of_the_threshold():
    values = tank(99)
    _, predictors = past(values)
    scaling = learnt().scaling
    predicted = predict(predictors.features, learnt())[:, VALVE] * scaling.spread[VALVE] + scaling.centre[VALVE]
    left = np.abs(values[LAGS:, VALVE] - predicted[LAGS:])
    assert np.median(left) < 0.02 * np.ptp(values[:, VALVE])


def test_how_far_a_tag_was_is_held_over_a_gap():
    nan = float("nan")
    _, predictors = past(np.array([[1.0, 2.0, 0.0], [nan, 3.0, 0.0], [4.0, nan, 0.0], [0.0, 0.0, 0.0]]))
    assert predictors.far.tolist() == [[0, 0, 0], [1, 2, 0], [1, 3, 0], [4, 3, 0]]


def test_no_tag_is_foretold_beyond_what_it_ever_read_because_another_left_its_range():
    values = tank(97)
    values[200:, VALVE] = 500.0
    _, predictors = past(values)
    level = predict(predictors.features, learnt())[:, LEVEL]
    least, most = learnt().scaling.ends[:, LEVEL]
    assert least <= level.min()
    assert level.max() <= most


def test_a_valve_is_never_foretold_beyond_its_ends():
    values = tank(98)
    values[200:, LEVEL] -= 5.0
    _, predictors = past(values)
    given = predict(predictors.features, learnt())[:, VALVE]
    least, most = learnt().scaling.ends[:, 0]
    assert least <= given.min()
    assert given.max() <= most


@given(st.integers(1, 200), st.integers(0, 150), st.integers(1, 6))
def test_a_scan_is_multiplied_to_the_same_bits_whatever_stands_beside_it(rows, before, columns):
    draw = np.random.default_rng(rows + 1000 * before)
    own, others, weights = draw.normal(size=(rows, 30)), draw.normal(size=(before, 30)), draw.normal(size=(30, columns))
    beside = product(np.concatenate([others, own]), weights)[before:]
    assert beside.tobytes() == product(own, weights).tobytes()


def test_an_absent_reading_is_stood_in_for_and_makes_what_it_enters_uncertain():
    whole, gap = tank(97), tank(97)
    gap[200, LEVEL] = np.nan
    sizes = []
    for values in (whole, gap):
        _, predictors = past(values)
        innovations = predictors.readings - predict(predictors.features, learnt())
        sizes.append(predicted_size(Sizes(learnt()).advance(predictors, innovations), predictors, learnt()))
    assert np.isfinite(predictors.features).all()
    assert sizes[1][201, VALVE] > 1.2 * sizes[0][201, VALVE]
    np.testing.assert_allclose(sizes[1][260:], sizes[0][260:], rtol=0.05)


def test_a_tag_is_not_foretold_by_what_it_reads_now():
    layout = Layout(3, 1)
    may = layout.may_predict(learnt().scaling, LEVEL)
    assert not may[LEVEL]
    assert may[VALVE]
    assert len(may) == layout.width == learnt().weights.shape[0]
