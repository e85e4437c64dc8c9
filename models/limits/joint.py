"""Limits around each point of the recipe, all held to one false-alarm budget.

Released batches differ more at some ages than at others, and more wildly: so both the usual maximum of a statistic and
how far maxima reach above it (its tail) are taken from a window of the recipe around each grid point. A batch's joint
maximum, over all statistics and scans, is how many tails it ever goes above what is usual of the *other* batches; one
limit on it holds the budget for all detectors together.
"""

from collections.abc import Sequence

import numpy as np

from models.arrays.grid import at_position
from models.arrays.types import FloatArray
from models.limits.maxima import Maxima
from models.limits.tails import gumbel_quantile, upper_spread

REACH = 0.022  # maturity to either side that is taken together
_MANY, _WIDENS = 40, 0.3  # with fewer batches a window is wider, by this power of how many are missing
_NEVER = 1e12  # the limit of a statistic by which no batch was judged
_LEAST_TAIL = 0.3  # of log maxima, for a limit: noise alone spreads less, but a limit so near is passed by chance
_LEAST = 1e-12  # of a statistic, before its logarithm
_USUAL_SPREAD = 0.45  # of joint maxima, in tails
_USUAL_MEDIAN = (1.6, 0.3)  # of them: of one statistic, and what e times as many add
_LEAST_SPREAD = 0.05  # of joint maxima, likewise
_USUAL_BATCHES = 40  # the weight of what is usual, in batches


def joint_limits(
    persisted: Sequence[FloatArray], positions: Sequence[FloatArray], points: int, budget: float
) -> tuple[FloatArray, FloatArray]:
    """Limits and tails around each grid point, (G, k) each: limit = exp(usual + tail * L), with one L for all.

    Parameters
    ----------
    persisted
        Of each of B batches, B >= 2, its statistics as persisted (``models.statistics.persistence``), (n, k), >= 0,
        dimensionless; NaN: not judged.
    positions
        Of each batch the scans' grid positions, (n,), 0 to G - 1; NaN: not judged.
    points
        G.
    budget
        Probability that a good batch passes any of the limits, in (0, 1).

    Returns
    -------
    Limits (G, k), > 0, dimensionless; tails (G, k), >= 0.1: the upward spread of each statistic's log maximum.

    References
    ----------
    PATrol's own; measured in decisions 10 and 14. L is a Gumbel quantile: Coles (2001), An Introduction to Statistical
    Modeling of Extreme Values, section 3.1.3.
    """
    near = _window(points, len(persisted))
    windows = np.array(
        [_window_maxima(values, at, (points, near)) for values, at in zip(persisted, positions, strict=True)]
    )
    maxima = Maxima(windows)
    joint = [
        _joint(values, at / _step(near), maxima.usual(own))
        for own, (values, at) in enumerate(zip(persisted, positions, strict=True))
    ]
    place = np.minimum(np.arange(points) / _step(near), windows.shape[1] - 1.0)
    usual, tail = (at_position(part, place) for part in maxima.usual())
    most = _joint_limit(np.array(joint), windows.shape[2], budget)
    limits: FloatArray = np.exp(usual + np.maximum(tail, _LEAST_TAIL) * most)
    limits[:, ~(windows > 0).any(axis=(0, 1))] = _NEVER
    return limits, tail


def reach(points: int) -> int:
    """Grid points to either side that are taken together, >= 2: ``REACH`` of the recipe."""
    return max(2, round(REACH * points))


def _joint_limit(joint: FloatArray, statistics: int, budget: float) -> float:
    """How many tails a good batch goes above what is usual with probability ``budget``.

    In units of tails all processes are much alike. So median and spread of the joint maxima (B,) are shrunk towards
    usual ones, with the weight B / (B + 40), and the spread is inflated by (1 + 2 / B) for its uncertainty; measured in
    decision 14.
    """
    median, grows = _USUAL_MEDIAN
    own = len(joint) / (len(joint) + _USUAL_BATCHES)
    middle = own * float(np.median(joint)) + (1 - own) * (median + grows * np.log(statistics))
    spread = max(upper_spread(joint), _LEAST_SPREAD) ** own * _USUAL_SPREAD ** (1 - own)
    return gumbel_quantile(middle, spread * (1 + 2 / len(joint)), budget)


def _joint(persisted: FloatArray, place: FloatArray, others: tuple[FloatArray, FloatArray]) -> float:
    """A batch's joint maximum: how far above what is usual of the others it ever goes, by any statistic, in tails.

    ``place`` (n,): where each scan is, in windows.
    """
    usual, tail = others
    place = np.minimum(place, len(usual) - 1.0)
    far = (np.log(np.fmax(persisted, _LEAST)) - at_position(usual, place)) / np.maximum(
        at_position(tail, place), _LEAST_TAIL
    )
    return float(np.nanmax(far))


def _window_maxima(persisted: FloatArray, position: FloatArray, grid: tuple[int, int]) -> FloatArray:
    """Each statistic's largest value around every few grid points, shape (windows, k); 0: never judged there.

    ``grid``: how many points it has, and how many to either side make a window.
    """
    points, near = grid
    known = np.isfinite(position)
    at = np.rint(position[known]).astype(int)
    largest = np.zeros((points, persisted.shape[1]))
    np.maximum.at(largest, at, np.nan_to_num(persisted[known]))
    centres = range(0, points, _step(near))
    return np.array([largest[max(centre - near, 0) : centre + near + 1].max(axis=0) for centre in centres])


def _window(points: int, batches: int) -> int:
    """Grid points to either side that make a window: what happens now and then happens elsewhere in the next batch."""
    return round(reach(points) * float(max(1.0, _MANY / batches) ** _WIDENS))


def _step(near: int) -> int:
    """Grid points between two windows' centres."""
    return max(1, near // 2)
