"""The learner: running means and noises that each batch carries beside the frozen reference. Advisory, always.

They start from what left-out released batches showed and learn with every scan, so that they know this batch's own
level and noise; what lies above that for a while is a change. The frozen champion decides; the learner may see first
what creeps, and where the two disagree for long that is a number for the score.

What it keeps are River's ``Var`` and ``EWMean``, computed for many scans at once; a test holds them to River's numbers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.block import FloatArray
from models.calibration import limit_for
from models.compiled import ROW, TABLE, compiled
from models.judgement import Finding
from models.monitor import Numbers
from models.records import Contributor

SERIES = ("learner_t2", "learner_spe", "learner_residual")  # logarithms of the ratios, and of the largest |z|
_PRIOR_SCANS = 100.0  # the start counts as so many scans of this batch
_CLIP = 4.0  # standard deviations: one scan says no more
_WEIGHT = 2 / (40 + 1)  # of the newest scan in the recent mean: 40 scans
_LEAST = 1e-6  # of a ratio or |z|, before its logarithm
_MOST = 3  # contributors named

Residuals = tuple[FloatArray, FloatArray, FloatArray]  # z (n, p), T² over its limit (n,), SPE over its limit (n,)


@dataclass(frozen=True, slots=True)
class LearnerLimits:
    """Where the learner starts, and its limits."""

    start: FloatArray  # (k, 3) per series: scans, mean, sum of squares, as ``stats.Var`` keeps them
    limit: FloatArray  # (k,) of the recent mean error, in standard deviations

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers by name."""
        return {"learner_start": self.start, "learner_limit": self.limit}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "LearnerLimits":
        """The inverse of ``arrays``."""
        return cls(arrays["learner_start"], arrays["learner_limit"])


def learn_learner_limits(residuals: Sequence[Residuals], probability: float) -> LearnerLimits:
    """Start and limits from left-out released batches.

    Parameters
    ----------
    residuals
        Of each batch, as the reference learnt from the others sees it; at least two batches.
    probability
        That any of the learner's series passes its limit in a good batch.
    """
    series = [_series(*batch) for batch in residuals]
    maxima = np.empty((len(series), len(SERIES)))
    for own, values in enumerate(series):
        others = _start(series[:own] + series[own + 1 :])
        maxima[own] = Changes(others, np.full(len(SERIES), np.inf)).advance(values).max(axis=0)
    usual = np.maximum(np.median(maxima, axis=0), 0.1)
    joint = np.maximum((maxima / usual).max(axis=1), 1e-3)
    return LearnerLimits(_start(series), usual * limit_for(joint, probability))


class Learner:
    """What one running batch has taught.

    Parameters
    ----------
    tags
        Names of the p tags.
    limits
        Start and limits, learnt with the reference.
    """

    def __init__(self, tags: tuple[str, ...], limits: LearnerLimits) -> None:
        self._tags, self._limits = tags, limits
        self._changes = Changes(limits.start, limits.limit)

    def advance(
        self, z: FloatArray, t2_ratio: FloatArray, spe_ratio: FloatArray, worth: float = -np.inf
    ) -> tuple[Finding, ...]:
        """Score scans in order of time, then learn those in control; one finding a series.

        Parameters
        ----------
        z
            Shape (n, p): standardised residuals; NaN: absent.
        t2_ratio, spe_ratio
            Shape (n,), >= 0: the statistics over their limits; NaN: not judged.
        worth
            Share of its limit that a series must reach for a finding to be made.
        """
        values = self._changes.advance(_series(z, t2_ratio, spe_ratio))
        of_use = (values.max(axis=0) >= worth * self._limits.limit).tolist()

        def explain(row: int) -> tuple[Contributor, ...]:
            return _furthest(self._tags, z[row])

        return tuple(
            Finding(
                name, "process", "process", "advisory", values[:, k], np.full(len(z), self._limits.limit[k]),
                values[:, k] > self._limits.limit[k], explain,
            )
            for k, name in enumerate(SERIES)
            if of_use[k]
        )  # fmt: skip

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return self._changes.state()

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._changes.restore(numbers)


class Changes:
    """Rises of k series above their own past: a running mean and noise, and the mean of recent errors, of each.

    Parameters
    ----------
    start
        Shape (k, 3): scans, mean and sum of squares to start from.
    limit
        Shape (k,): while a series is over it, its mean and noise learn nothing.
    """

    def __init__(self, start: FloatArray, limit: FloatArray) -> None:
        self._limit, self._past = np.array(limit), np.array(start)
        self._recent = np.zeros(len(start))

    def advance(self, series: FloatArray) -> FloatArray:
        """Mean recent error after each scan, (n, k), in standard deviations; NaN in a series leaves it as it was."""
        rises = np.empty(series.shape)
        _rises(series, self._limit, self._past, self._recent, rises)
        return rises

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"past": self._past.copy(), "recent": self._recent.copy()}

    def restore(self, numbers: Any) -> None:
        """Take up what ``state`` gave."""
        self._past, self._recent = np.array(numbers["past"]), np.array(numbers["recent"])


# -- inside ---------------------------------------------------------------------------------------------------


@compiled("void", TABLE, ROW, TABLE, ROW, TABLE)
def _rises(series: FloatArray, limit: FloatArray, past: FloatArray, recent: FloatArray, rises: FloatArray) -> None:
    """Score each value of (n, k), then learn it where it is in control; ``past`` and ``recent`` are carried on."""
    for row in range(len(series)):
        for k in range(series.shape[1]):
            value, scans, mean, squares = series[row, k], past[k, 0], past[k, 1], past[k, 2]
            if not np.isnan(value):
                error = (value - mean) / np.sqrt(squares / (scans - 1))
                recent[k] = _WEIGHT * min(max(error, -_CLIP), _CLIP) + (1 - _WEIGHT) * recent[k]
                if recent[k] <= limit[k]:
                    moved = mean + (value - mean) / (scans + 1)
                    past[k, 0], past[k, 1] = scans + 1, moved
                    past[k, 2] = squares + (value - mean) * (value - moved)
            rises[row, k] = recent[k]


def _series(z: FloatArray, t2_ratio: FloatArray, spe_ratio: FloatArray) -> FloatArray:
    """Logarithms (n, k) of the summary statistics; NaN: not judged."""
    sizes = np.empty((len(z), len(SERIES)))
    _summarise(np.ascontiguousarray(z), np.ascontiguousarray(t2_ratio), np.ascontiguousarray(spe_ratio), sizes)
    logs: FloatArray = np.log(sizes)
    return logs


@compiled("void", TABLE, ROW, ROW, TABLE)
def _summarise(z: FloatArray, t2_ratio: FloatArray, spe_ratio: FloatArray, sizes: FloatArray) -> None:
    """Fill the sizes (n, 3): the ratios (n,), and of z (n, p) the largest; NaN where all are absent."""
    for row in range(len(z)):
        largest = np.nan
        for tag in range(z.shape[1]):
            size = np.abs(z[row, tag])
            largest = largest if size <= largest or np.isnan(size) else size
        sizes[row, 0], sizes[row, 1], sizes[row, 2] = t2_ratio[row], spe_ratio[row], largest
        for k in range(3):
            sizes[row, k] = _LEAST if sizes[row, k] < _LEAST else sizes[row, k]


def _start(series: Sequence[FloatArray]) -> FloatArray:
    """Mean and noise of all batches' series, with the weight of a few scans; (k, 3) as ``stats.Var`` keeps them."""
    pooled = np.concatenate(series)
    known = np.isfinite(pooled)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, pooled, 0.0).sum(axis=0) / count
    variance = (np.where(known, pooled - mean, 0.0) ** 2).sum(axis=0) / count
    squares = np.maximum(variance, 1e-6) * (_PRIOR_SCANS - 1)
    return np.column_stack([np.full(len(mean), _PRIOR_SCANS), mean, squares])


def _furthest(tags: tuple[str, ...], z: FloatArray) -> tuple[Contributor, ...]:
    """The tags furthest from expected in one scan."""
    power = np.nan_to_num(z) ** 2
    total = power.sum()
    if not total > 0:
        return ()
    order = np.argsort(-power, kind="stable")[:_MOST].tolist()
    return tuple(Contributor(tag=tags[k], share=float(power[k] / total), z=float(z[k])) for k in order if power[k] > 0)
