"""Limits follow the recipe: wide where released batches are wild, narrow where they are quiet; one budget for all."""

import numpy as np
import pytest

from models.limits.joint import joint_limits

POINTS, BATCHES, KINDS = 400, 40, 6  # the last two statistics stand for T² and SPE


def released(seed: int, batches: int = BATCHES) -> list[np.ndarray]:
    """Statistics five times as large in the second half of the recipe, and wild in one batch in eight there."""
    noise = np.random.default_rng(seed)
    found = []
    for batch in range(batches):
        values = np.abs(noise.normal(size=(POINTS, KINDS)))
        values[POINTS // 2 :] *= 5.0 * (6.0 if batch % 8 == 0 else 1.0)
        found.append(values)
    return found


def limits(persisted: list[np.ndarray], budget: float = 0.05) -> np.ndarray:
    return joint_limits(persisted, [np.arange(POINTS, dtype=float)] * len(persisted), POINTS, budget)[0]


def test_a_limit_is_narrow_where_released_batches_are_quiet():
    found = limits(released(1))
    assert 3.0 < found[50:150, 0].mean() < 10.0
    assert found[250:350, 0].mean() > 30.0


def test_quiet_new_batches_rarely_pass_any_limit():
    persisted = limits(released(2))[:, :-2]
    passed = [(values[:, :-2] > persisted).any() for values in released(3, 200)]
    assert np.mean(passed) <= 0.15


def test_a_smaller_budget_gives_wider_limits():
    persisted = released(4)
    assert (limits(persisted, 0.01) > limits(persisted, 0.1)).all()


def test_what_no_batch_could_be_judged_by_has_no_limit():
    persisted = released(5)
    for values in persisted:
        values[:, 1] = 0.0
    assert limits(persisted)[:, 1] == pytest.approx(1e12)


def test_what_happens_now_and_then_is_allowed_for_further_around_when_few_batches_are_known():
    """A wild scan in a few batches: how wide the recipe's wild part is taken to be."""

    def wild(batches: int) -> int:
        persisted = released(6, batches)
        for values in persisted:
            values[:] = np.abs(np.random.default_rng(len(values)).normal(size=values.shape))
            values[POINTS // 2] = 50.0
        found = limits(persisted)[:, 0]
        return int((found > 3 * np.median(found)).sum())

    assert wild(8) > wild(40)
