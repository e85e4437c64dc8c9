"""Limits from released batches: each is judged by a trajectory, sizes and widths learnt from the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING

import numpy as np

from models.adaptive.learner import LearnerLimits, learn_learner_limits
from models.arrays.grid import at_position
from models.arrays.types import FloatArray, marked
from models.limits.joint import joint_limits, reach
from models.limits.local_widths import local_sums, local_widths
from models.records.progress import Progress, no_progress
from models.statistics.charts import KINDS, Statistics
from models.statistics.persistence import Persistence
from models.statistics.residuals import Residual, Residuals
from models.statistics.trajectory import Trajectory

if TYPE_CHECKING:
    from models.reference.learning import AlignedBatch, Learning

_LEARNER_SHARE = 0.02  # of the budget: it is advisory; the frozen champion has the rest


@dataclass(frozen=True, slots=True)
class Fitted:
    """All that is learnt from released batches besides their own recordings."""

    trajectory: Trajectory
    size: FloatArray  # (G, p) usual ratio of innovations to their predicted size
    limits: FloatArray  # (G, 6p) of the tags' statistics
    tail: FloatArray  # (G, 6p) upward spread of each statistic's log maximum over good batches
    plane_limits: FloatArray  # (G, 2) of T² and SPE, each for itself: they raise nothing
    learner: LearnerLimits


def fit(
    learning: "Learning",
    aligned_batches: "Sequence[AlignedBatch]",
    budget: float,
    progress: Progress = no_progress,
) -> Fitted:
    """Trajectory of all batches, and limits that a good batch exceeds with probability ``budget``.

    Parameters
    ----------
    learning
        The same batches, with and without each of them.
    aligned_batches
        B >= 2.
    budget
        In (0, 1), for all detectors together; 2 % of it are the learner's.
    progress
        Called as batches and limits are done.

    References
    ----------
    Leave-one-out: Stone (1974), Journal of the Royal Statistical Society B 36(2), 111-147. What is calibrated with it
    is PATrol's own; measured in decisions 10 and 14.
    """
    positions = [position for position, _ in aligned_batches]
    left_out = []
    for own, (position, values) in enumerate(aligned_batches):
        left_out.append(Residual(learning.all_but(own)).advance(position, values))
        progress("left-out batches", own + 1, len(aligned_batches))
    progress("limits", 0, 2)
    trajectory = learning.all_but(None)
    left_out, size = _in_usual_sizes(positions, left_out, len(trajectory.median))
    limits, tail = _tag_limits(positions, left_out, trajectory, (1 - _LEARNER_SHARE) * budget)
    plane = [
        joint_limits([statistic(one)[:, None] for one in left_out], positions, len(limits), budget)[0]
        for statistic in (attrgetter("t2"), attrgetter("spe"))
    ]
    plane_limits = np.concatenate(plane, axis=1)
    progress("limits", 1, 2)
    seen = [
        learner_input(one, at_position(plane_limits, position))
        for one, position in zip(left_out, positions, strict=True)
    ]
    learner = learn_learner_limits(seen, _LEARNER_SHARE * budget)
    progress("limits", 2, 2)
    return Fitted(trajectory, size, limits, tail, plane_limits, learner)


def learner_input(residuals: Residuals, plane_limits: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The learner's input, dimensionless: innovations over sizes (n, p), T² and SPE over ``plane_limits`` (n, 2)."""
    return residuals.scaled, residuals.t2 / plane_limits[:, 0], residuals.spe / plane_limits[:, 1]


def statistics_of(trajectory: Trajectory) -> Statistics:
    """The statistics of a batch judged by this trajectory."""
    tags, loops = trajectory.median.shape[1], trajectory.one_step.scaling.loops
    return Statistics(tags, trajectory.schedule.columns, loops)


def persistence_of(trajectory: Trajectory) -> Persistence:
    """The persistence of a batch's statistics: residuals of schedule tags count at the first scan over the limit."""
    return Persistence(marked(trajectory.schedule.columns, len(KINDS) * trajectory.median.shape[1]))


def _tag_limits(
    positions: Sequence[FloatArray], left_out: Sequence[Residuals], trajectory: Trajectory, budget: float
) -> tuple[FloatArray, FloatArray]:
    persisted = [persistence_of(trajectory).advance(statistics_of(trajectory).advance(one)) for one in left_out]
    return joint_limits(persisted, positions, len(trajectory.median), budget)


def _in_usual_sizes(
    positions: Sequence[FloatArray], left_out: Sequence[Residuals], points: int
) -> tuple[list[Residuals], FloatArray]:
    """Residuals in sizes that the other batches' innovations usually have, and those of all batches (G, p)."""
    pairs = list(zip(positions, left_out, strict=True))
    parts = [local_sums(np.abs(one.scaled), position, points) for position, one in pairs]
    others, size = local_widths(parts, reach(points))
    return [one.resized(at_position(own, position)) for own, (position, one) in zip(others, pairs, strict=True)], size
