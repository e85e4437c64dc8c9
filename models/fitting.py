"""Limits from released batches: each is judged by a trajectory, sizes and widths learnt from the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray, IntArray
from models.calibration import limit_for, local_sums, local_width
from models.learner import LearnerLimits, learn_learner_limits
from models.persistence import Persistence
from models.residuals import Residual, Residuals, at_position
from models.statistics import KINDS, Statistics
from models.trajectory import Learning, Trajectory

Progress = Callable[[str, int, int], None]

_REACH = 0.022  # maturity to either side over which widths are taken together
_NEVER = 1e12  # the limit of what no batch could be judged by
_LEARNER_SHARE = 0.2  # of the budget; the frozen champion has the rest
_LEAST_TAIL = 0.1  # of log maxima
_PRIOR_BATCHES = 10  # the tail of one statistic is shrunk towards the usual one with the weight of so many batches


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that is learnt from released batches besides their own recordings."""

    trajectory: Trajectory
    size: FloatArray  # (G, p) usual ratio of innovations to their predicted size
    limits: FloatArray  # (G, k) of the statistics
    tail: FloatArray  # (k,) spread of each statistic's log maximum over good batches
    learner: LearnerLimits


@dataclass(frozen=True, slots=True)
class _LeftOut:
    """One batch as the others see it."""

    position: FloatArray  # (n,)
    residuals: Residuals
    scheduled: IntArray  # positions of schedule tags


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
        left_out.append(_LeftOut(position, residuals, trajectory.schedule.columns))
        progress("left-out batches", own + 1, len(course))
    trajectory = learning.all_but(None)
    sizes, size = _widths([(one.position, _surprise(one.residuals)) for one in left_out], len(trajectory.mean))
    statistics = [
        Statistics(own, one.scheduled).advance(one.position, one.residuals)
        for own, one in zip(sizes, left_out, strict=True)
    ]
    positions = [one.position for one in left_out]
    limits, tail = _limits(positions, statistics, trajectory, (1 - _LEARNER_SHARE) * budget)
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
    """Which statistics count from the first scan over their limit: the residuals of schedule tags; shape (5p + 2,)."""
    at_once = np.zeros(len(KINDS) * tags + 2, dtype=bool)
    at_once[scheduled] = True
    return at_once


def _limits(
    positions: Sequence[FloatArray], statistics: Sequence[FloatArray], trajectory: Trajectory, budget: float
) -> tuple[FloatArray, FloatArray]:
    """Limits (G, k): local width x usual batch maximum x (joint limit) ** tail; and tails (k,)."""
    points, tags = trajectory.mean.shape
    widths, width = _widths(list(zip(positions, statistics, strict=True)), points)
    at_once = immediate(tags, trajectory.schedule.columns)
    maxima = np.array(
        [
            Persistence(at_once).advance(values / at_position(own, position)).max(axis=0)
            for own, position, values in zip(widths, positions, statistics, strict=True)
        ]
    )
    logs = np.log(np.maximum(maxima, 1e-9))
    usual = np.median(logs, axis=0)
    judged: BoolArray = np.any(maxima > 0, axis=0)
    tail = _tails(logs, judged)
    joint = ((logs - usual) / tail).max(axis=1)  # in units of each statistic's own tail
    limit = np.log(limit_for(np.exp(joint), budget))
    limits: FloatArray = width * np.exp(usual + tail * limit)
    limits[:, ~judged] = _NEVER
    return limits, tail


def _tails(logs: FloatArray, judged: BoolArray) -> FloatArray:
    """Upward spread of each statistic's log maxima, shrunk towards the usual one when batches are few."""
    above = np.maximum(logs - np.median(logs, axis=0), 0.0)  # what is small says nothing of how large maxima get
    own = np.sqrt(2 * (above**2).mean(axis=0))
    usual = float(np.median(own[judged])) if judged.any() else 1.0
    batches = len(logs)
    squared = (batches * own**2 + _PRIOR_BATCHES * usual**2) / (batches + _PRIOR_BATCHES)
    return np.where(judged, np.maximum(np.sqrt(squared), _LEAST_TAIL), 1.0)


def _widths(values: Sequence[tuple[FloatArray, FloatArray]], points: int) -> tuple[list[FloatArray], FloatArray]:
    """Local widths without each batch, and with all; each (G, k)."""
    reach = max(2, round(_REACH * points))
    parts = [local_sums(value, position, points) for position, value in values]
    sums = np.sum([part[0] for part in parts], axis=0)
    counts = np.sum([part[1] for part in parts], axis=0)
    without = [local_width(sums - part[0], counts - part[1], reach) for part in parts]
    return without, local_width(sums, counts, reach)
