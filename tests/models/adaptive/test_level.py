"""The level of a tag: an independent implementation, wander forgiven, gaps survived."""

import numpy as np
import pytest
from river import stats

from models.adaptive.level import LevelModel, Levels, learn_level_model


def test_a_level_that_is_always_learnt_is_rivers_exponentially_weighted_mean() -> None:
    values = np.random.default_rng(1).normal(size=(200, 1)) + 5
    levels = Levels(LevelModel(np.array([0.2]), np.array([1.0]), values[0].copy()))
    oracle = stats.EWMean(fading_factor=0.2)
    oracle.update(float(values[0, 0]))
    for seen in values[1:]:
        levels.learn(seen, np.array([True]))
        oracle.update(float(seen[0]))
        assert levels.level[0] == pytest.approx(oracle.get(), rel=1e-12)


def test_innovations_of_the_process_learnt_have_variance_one() -> None:
    rng = np.random.default_rng(2)
    noisy = rng.normal(size=4000) * 3 + np.cumsum(rng.normal(size=4000)) * 0.3
    level_model, innovations = learn_level_model(noisy[:, None], np.array([1e-6]))
    levels, found = Levels(level_model), []
    for seen in noisy[::-1]:  # wanders alike backwards
        found.append(levels.innovations(np.array([seen]))[0])
        levels.learn(np.array([seen]), np.array([True]))
    assert innovations.std() == pytest.approx(1, abs=0.05)
    assert np.std(found[100:]) == pytest.approx(1, abs=0.05)
    assert 0.05 < level_model.gain[0] < 0.2  # theory: q = K² s², q / R = 0.01, K = 0.095


@pytest.mark.parametrize(("walk", "low", "high"), [(0.0, 0.0, 0.03), (1.0, 0.7, 1.0)])
def test_noise_is_told_from_a_random_walk(walk: float, low: float, high: float) -> None:
    steps = np.random.default_rng(5).normal(size=(400, 1))
    level_model, _ = learn_level_model(np.cumsum(steps, axis=0) if walk else steps, np.array([1e-6]))
    assert low <= level_model.gain[0] <= high


def test_a_wandering_tag_that_was_not_learnt_for_long_is_forgiven_more() -> None:
    levels = Levels(LevelModel(np.array([0.5]), np.array([1.0]), np.array([0.0])))
    before = levels.innovations(np.array([4.0]))[0]
    levels.wait(100)
    assert before == pytest.approx(4.0)
    assert levels.innovations(np.array([4.0]))[0] < 1
    levels.learn(np.array([4.0]), np.array([True]))
    assert levels.level[0] == pytest.approx(4.0, abs=0.1)  # and its next reading is believed


def test_a_tag_without_readings_is_never_judged() -> None:
    values = np.column_stack([np.random.default_rng(6).normal(size=50), np.full(50, np.nan)])
    level_model, _ = learn_level_model(values, np.array([1e-6, 1e-6]))
    assert np.isnan(Levels(level_model).innovations(np.array([0.0, 1.0]))).tolist() == [False, True]
