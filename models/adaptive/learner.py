"""The learner: running means and noises that each batch carries beside the frozen reference. Advisory, always.

They start from what left-out released batches showed and learn with every scan, so that they know this batch's own
level and noise; what lies above that for a while is a change. The frozen champion decides; the learner may see a slow
drift first. The share of scans in which the two disagree is on the score.

What it keeps are River's ``Var`` and ``EWMean``, computed for many scans at once; a test holds them to River's numbers.

References
----------
Welford (1962), Technometrics 4(3), 419-420 (running mean and sum of squares); Roberts (1959), Technometrics 1(3),
239-250 (moving average of the errors). The prior weight and the clipping are PATrol's own (decisions 4 and 11).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import CUBE, PLACES, ROW, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray
from models.limits.tails import limit_for
from models.records.judgement import Finding
from models.records.messages import Contributor

SERIES = ("learner_t2", "learner_spe", "learner_residual")  # logarithms of the ratios, and of the largest |z|
_PRIOR_SCANS = 100.0  # the start counts as so many scans of this batch
_CLIP = 4.0  # standard deviations: a larger error counts as this
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
        Of each batch, as judged by the reference learnt from the others, dimensionless; at least two batches.
    probability
        That any of the learner's series passes its limit in a good batch, in (0, 1).

    Raises
    ------
    ValueError
        Fewer than two batches.

    References
    ----------
    The joint limit: ``models.limits.tails.limit_for``, of each batch's largest rise over what is usual of its series.
    """
    series = [_series(*batch) for batch in residuals]
    maxima = np.empty((len(series), len(SERIES)))
    for own, values in enumerate(series):
        others = _start(series[:own] + series[own + 1 :])
        maxima[own] = Changes(others, np.full(len(SERIES), np.inf)).rises(values)[1][0]
    usual = np.maximum(np.median(maxima, axis=0), 0.1)
    joint = np.maximum((maxima / usual).max(axis=1), 1e-3)
    return LearnerLimits(_start(series), usual * limit_for(joint, probability))


class Changes(Carried):
    """Rises of k series above their own past: a running mean and noise, and the mean of recent errors, of each.

    Parameters
    ----------
    start
        Shape (k, 3): scans, mean and sum of squares to start from.
    limit
        Shape (k,): while a series is over it, its mean and noise learn nothing.
    """

    def __init__(self, start: FloatArray, limit: FloatArray) -> None:
        self._limit = np.array(limit)
        super().__init__(past=np.array(start), recent=np.zeros(len(start)))

    def rises(self, series: FloatArray, segments: Segments | None = None) -> tuple[FloatArray, FloatArray]:
        """Mean recent error after each scan, (n, k), and the highest of each of b batches, (b, k).

        Both in standard deviations of the series' own past, -4 to 4.

        Parameters
        ----------
        series
            Shape (n, k), dimensionless; NaN leaves a series as it was.
        segments
            Whose scans they are; None: one batch's.
        """
        rises, segments = np.empty(series.shape), segments or Segments.of_one(len(series))
        highest = np.empty((len(segments.places), series.shape[1]))
        past, recent = self.rows["past"], self.rows["recent"]
        _rises_of_each(segments.places, segments.starts, series, self._limit, past, recent, rises, highest)
        return rises, highest


class Learner(Changes):
    """The learner of running batches: their own level and noise, learnt scan by scan.

    Parameters
    ----------
    tags
        Names of the p tags.
    limits
        Start and limits, learnt with the reference.
    """

    def __init__(self, tags: tuple[str, ...], limits: LearnerLimits) -> None:
        super().__init__(limits.start, limits.limit)
        self._tags = tags

    def advance(self, residuals: Residuals, segments: Segments, least_ratio: float) -> list[tuple[Finding, ...]]:
        """Score the scans of each batch in turn, then learn those in control; the findings of each batch.

        Parameters
        ----------
        residuals
            Standardised residuals (n, p), NaN: absent; T² and SPE over their limits, (n,) each, >= 0, NaN: not judged.
        segments
            Whose they are.
        least_ratio
            Share of its limit, 0 to 1, that a series must reach for a finding to be made.
        """
        values, highest = self.rises(_series(*residuals), segments)
        of_use = highest >= least_ratio * self._limit
        found: list[tuple[Finding, ...]] = [()] * len(of_use)
        for batch in np.flatnonzero(of_use.any(axis=1)).tolist():
            a, b = segments.starts[batch], segments.starts[batch + 1]
            found[batch] = tuple(self._findings(values[a:b], residuals[0][a:b], of_use[batch]))
        return found

    def _findings(self, values: FloatArray, z: FloatArray, of_use: BoolArray) -> Iterator[Finding]:
        """Of one batch's series (n, k) those of any use (k,)."""

        def explain(row: int) -> tuple[Contributor, ...]:
            return _furthest(self._tags, z[row])

        for k in np.flatnonzero(of_use).tolist():
            value, limit = values[:, k], np.full(len(z), self._limit[k])
            yield Finding(SERIES[k], "process", "process", "advisory", value, limit, value > limit, explain)


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


@compiled("void", PLACES, PLACES, TABLE, ROW, CUBE, TABLE, TABLE, TABLE)
def _rises_of_each(
    places: IntArray, starts: IntArray, series: FloatArray, limit: FloatArray, past: FloatArray, recent: FloatArray,
    rises: FloatArray, highest: FloatArray,
) -> None:  # fmt: skip
    for batch, place in enumerate(places):
        a, b = starts[batch], starts[batch + 1]
        _rises(series[a:b], limit, past[place], recent[place], rises[a:b])
        for k in range(series.shape[1]):
            highest[batch, k] = rises[a:b, k].max()


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
