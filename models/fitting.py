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

_REACH = float(__import__('os').environ.get('REACH','0.022'))  # maturity to either side over which widths are taken together
import os
PRIOR_OWN=int(os.environ.get('PO','2'))
_NEVER = 1e12  # the limit of what no batch could be judged by
_LEARNER_SHARE = 0.02  # of the budget: it is advisory; the frozen champion has the rest
_LEAST_TAIL = 0.1  # of log maxima
_LEAST_SHARE = 0.2  # of a statistic's usual maximum: smaller ones are all equally small
_PRIOR_BATCHES = float(os.environ.get('PB','20'))  # the tail of one statistic is shrunk towards the usual one with the weight of so many batches


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
    """Limits (G, k): usual maximum around a grid point x (joint limit) ** tail there; and tails (G, k)."""
    points, tags = trajectory.mean.shape
    at_once = immediate(tags, trajectory.schedule.columns)
    held = [Persistence(at_once).advance(values) for values in statistics]
    windows = np.array([_window_maxima(values, at, points) for values, at in zip(held, positions, strict=True)])
    joint = np.array([_joint(values, at, _without(windows, own), _step(points)) for own, (values, at) in enumerate(zip(held, positions, strict=True))])
    usual, tail = (_between(part, points) for part in _usual(windows))
    limit = np.array([np.log(limit_for(np.exp(column), budget, odd=False)) for column in joint.T]) * float(os.environ.get('LS','1'))
    limits: FloatArray = np.exp(usual + tail * np.concatenate([np.full(usual.shape[1] - 2, limit[0]), limit[1:]]))
    limits[:, ~(windows > 0).any(axis=(0, 1))] = _NEVER
    if DEBUG is not None: DEBUG.update(joint=joint, limit=limit, usual=usual, tail=tail, held=held)
    return limits, tail


DEBUG = None

def _without(windows: FloatArray, own: int) -> FloatArray:
    return np.delete(windows, own, axis=0)


def _joint(held: FloatArray, position: FloatArray, others: FloatArray, step: int) -> FloatArray:
    """How far a batch goes, in tails above what is usual of the others: over all tags' statistics, by T² and by SPE."""
    usual, tail = _usual(others)
    place = np.minimum(position / step, len(usual) - 1.0)
    far = (np.log(np.maximum(held, 1e-12)) - at_position(usual, place)) / at_position(tail, place)
    return np.array([np.nanmax(far[:, :-2]), np.nanmax(far[:, -2]), np.nanmax(far[:, -1])])


def _window_maxima(held: FloatArray, position: FloatArray, points: int) -> FloatArray:
    """Each statistic's largest value around every few grid points, shape (windows, k); 0: never judged there."""
    at = np.clip(np.rint(np.nan_to_num(position, nan=-1.0)), -1, points - 1).astype(int)
    on_grid = np.zeros((points, held.shape[1]))
    known = at >= 0
    np.maximum.at(on_grid, at[known], held[known])
    return np.array([on_grid[max(c - _reach(points), 0) : c + _reach(points) + 1].max(axis=0) for c in _centres(points)])


def _usual(maxima: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Usual log maximum and its upward spread around each grid point, (G, k) each, from (B, windows, k)."""
    least = np.where((maxima > 0).any(axis=(0, 1)), _positive_median(maxima), 1.0)
    logs = np.log(np.maximum(maxima, _LEAST_SHARE * least))
    usual = np.median(logs, axis=0)
    above = np.maximum(logs - usual, 0.0)  # what is small says nothing of how large maxima get
    own = np.sqrt(2 * (above**2).mean(axis=0))
    batches = len(maxima)
    pooled = np.sqrt((own**2).mean(axis=0))
    prior = np.maximum(np.median(own, axis=0), np.median(own)) if PRIOR_OWN==1 else np.maximum(pooled, np.median(own))
    shrunk = np.sqrt((batches * own**2 + _PRIOR_BATCHES * prior**2) / (batches + _PRIOR_BATCHES))
    return usual, np.maximum(shrunk, _LEAST_TAIL)


def _positive_median(maxima: FloatArray) -> FloatArray:
    """Median of what is above 0, (k,); NaN where nothing is."""
    flat = maxima.reshape(-1, maxima.shape[2])
    return np.array([np.median(column[column > 0]) if (column > 0).any() else np.nan for column in flat.T])


def _reach(points: int) -> int:
    return max(2, round(_REACH * points))


def _step(points: int) -> int:
    """Grid points between two windows' centres."""
    return max(1, _reach(points) // 2)


def _centres(points: int) -> list[int]:
    return list(range(0, points, _step(points)))


def _between(values: FloatArray, points: int) -> FloatArray:
    """Values (windows, k) at every grid point, (G, k)."""
    place = np.arange(points) / _step(points)
    return at_position(values, np.minimum(place, len(values) - 1.0))


def _widths(values: Sequence[tuple[FloatArray, FloatArray]], points: int) -> tuple[list[FloatArray], FloatArray]:
    """Local widths without each batch, and with all; each (G, k)."""
    reach = _reach(points)
    parts = [local_sums(value, position, points) for position, value in values]
    sums = np.sum([part[0] for part in parts], axis=0)
    counts = np.sum([part[1] for part in parts], axis=0)
    without = [local_width(sums - part[0], counts - part[1], reach) for part in parts]
    return without, local_width(sums, counts, reach)
