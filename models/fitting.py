"""Limits from released batches: each is judged by a trajectory, sizes and widths learnt from the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray, IntArray
from models.calibration import local_sums, local_width
from models.learner import LearnerLimits, learn_learner_limits
from models.limits import joint_limits, reach
from models.persistence import Persistence
from models.residuals import Residual, Residuals, at_position
from models.statistics import KINDS, Statistics
from models.trajectory import Learning, Trajectory

Progress = Callable[[str, int, int], None]

_LEARNER_SHARE = 0.02  # of the budget: it is advisory; the frozen champion has the rest


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that is learnt from released batches besides their own recordings."""

    trajectory: Trajectory
    size: FloatArray  # (G, p) usual ratio of innovations to their predicted size
    limits: FloatArray  # (G, k) of the statistics
    tail: FloatArray  # (G, k) upward spread of each statistic's log maximum over good batches
    learner: LearnerLimits


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """One batch as the others see it."""

    position: FloatArray  # (n,)
    residuals: Residuals
    scheduled: IntArray  # positions of schedule tags
    loops: IntArray


def fit(
    learning: Learning,
    course: Sequence[tuple[FloatArray, FloatArray]],  # each batch's position (n,) and values (n, p)
    budget: float,
    progress: Progress,
) -> Fitted:
    """Trajectory of all batches, and limits that a good batch exceeds with probability ``budget``."""
    left_out = []
    for own, (position, values) in enumerate(course):
        trajectory = learning.all_but(own)
        residuals = Residual(trajectory).advance(position, values)
        left_out.append(_LeftOut(position, residuals, trajectory.schedule.columns, trajectory.one_step.scaling.loops))
        progress("left-out batches", own + 1, len(course))
    trajectory = learning.all_but(None)
    sizes, size = _widths([(one.position, _surprise(one.residuals)) for one in left_out], len(trajectory.mean))
    statistics = [
        Statistics(own, one.scheduled, one.loops).advance(one.position, one.residuals)
        for own, one in zip(sizes, left_out, strict=True)
    ]
    positions = [one.position for one in left_out]
    at_once = immediate(trajectory.mean.shape[1], trajectory.schedule.columns)
    held = [Persistence(at_once).advance(values) for values in statistics]
    limits, tail = joint_limits(held, positions, len(trajectory.mean), (1 - _LEARNER_SHARE) * budget)
    progress("limits", 1, 2)
    seen = [
        learner_input(one.residuals, at_position(own, one.position), at_position(limits, one.position))
        for own, one in zip(sizes, left_out, strict=True)
    ]
    learner = learn_learner_limits(seen, _LEARNER_SHARE * budget)
    progress("limits", 2, 2)
    return Fitted(trajectory, size, limits, tail, learner)


def learner_input(
    residuals: Residuals, size: FloatArray, limits: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """What the learner hears: innovations (n, p) in their usual sizes, T² and SPE (n,) over their limits."""
    scaled = residuals.innovation / (residuals.size * size)
    return scaled, residuals.t2 / limits[:, -2], residuals.spe / limits[:, -1]


def _surprise(residuals: Residuals) -> FloatArray:
    surprise: FloatArray = np.abs(residuals.innovation / residuals.size)
    return surprise


def immediate(tags: int, scheduled: IntArray) -> BoolArray:
    """Which statistics count from the first scan over their limit: the residuals of schedule tags; shape (6p + 2,)."""
    at_once = np.zeros(len(KINDS) * tags + 2, dtype=bool)
    at_once[scheduled] = True
    return at_once


def _widths(values: Sequence[tuple[FloatArray, FloatArray]], points: int) -> tuple[list[FloatArray], FloatArray]:
    """Local widths without each batch, and with all; each (G, k)."""
    parts = [local_sums(value, position, points) for position, value in values]
    sums = np.sum([part[0] for part in parts], axis=0)
    counts = np.sum([part[1] for part in parts], axis=0)
    without = [local_width(sums - part[0], counts - part[1], reach(points)) for part in parts]
    return without, local_width(sums, counts, reach(points))
