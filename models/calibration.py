"""What a limit is made from: the tail of left-out batches' maxima, and the usual size of something along the recipe."""

from collections.abc import Sequence

import numpy as np

from models.block import FloatArray

_ODD = 2.0  # times what is usual of batches: no batch counts for more
_MOMENT = 6  # a high moment: the width follows what is large now and then, not only what is usual
_MEDIAN_OF_GUMBEL = -np.log(np.log(2.0))
_STANDARD_GUMBEL_SD = np.pi / np.sqrt(6.0)
_UPPER = 0.8  # quantile: the spread is told by what is usual in the upper half, not by one odd batch
_UPPER_OF_GUMBEL = -np.log(-np.log(_UPPER)) - _MEDIAN_OF_GUMBEL
_LEAST_SPREAD = 0.06  # of log maxima: ten maxima alone estimate a tail's width badly


def limit_for(maxima: FloatArray, probability: float) -> float:
    """The value a good batch's maximum exceeds with at most ``probability``.

    A Gumbel tail is fitted to the logarithm of the maxima: location by the median; spread by the standard deviation or
    by the upper half (0.8 quantile), whichever is larger, not below a least one; inflated by (1 + 2 / B) for the
    uncertainty of B batches.

    Parameters
    ----------
    maxima
        Shape (B,), > 0: each left-out batch's largest value; B >= 2.
    probability
        In (0, 1).

    Raises
    ------
    ValueError
        Fewer than two maxima, or one that is not positive and finite.

    References
    ----------
    Coles (2001), An Introduction to Statistical Modeling of Extreme Values, chapter 3.

    Examples
    --------
    >>> round(limit_for(np.array([1.0, 1.1, 1.2, 0.9, 1.05]), 0.5), 2)
    1.05
    """
    if len(maxima) < 2 or not (np.isfinite(maxima).all() and (maxima > 0).all()):
        raise ValueError(f"maxima: at least two, all > 0 and finite, got {maxima!r}")
    logs = np.log(maxima)
    every = float(np.std(logs, ddof=1)) / _STANDARD_GUMBEL_SD
    spread = max(upper_spread(logs), every, _LEAST_SPREAD) * (1 + 2 / len(maxima))
    return float(np.exp(gumbel_quantile(float(np.median(logs)), spread, probability)))


def upper_spread(values: FloatArray) -> float:
    """Gumbel spread of the upper half of values (B,): what a few odd ones do not move."""
    return float((np.quantile(values, _UPPER) - np.median(values)) / _UPPER_OF_GUMBEL)


def gumbel_quantile(median: float, spread: float, probability: float) -> float:
    """What a Gumbel variable of this median and spread exceeds with ``probability``, in (0, 1)."""
    return float(median - spread * (np.log(-np.log1p(-probability)) + _MEDIAN_OF_GUMBEL))


def local_sums(values: FloatArray, position: FloatArray, points: int) -> tuple[FloatArray, FloatArray]:
    """One batch's part in the local width: sums of high powers and counts per grid point.

    Parameters
    ----------
    values
        Shape (n, k), >= 0, NaN: not judged.
    position
        Shape (n,): grid position of each scan, 0 to ``points`` - 1; NaN: none.

    Returns
    -------
    Sums (points, k) and counts (points, k).
    """
    sums, counts = np.zeros((points, values.shape[1])), np.zeros((points, values.shape[1]))
    known = np.isfinite(position)
    rows = np.rint(position[known]).astype(int)
    good = np.isfinite(values[known])
    np.add.at(sums, rows, np.where(good, values[known], 0.0) ** _MOMENT)
    np.add.at(counts, rows, good.astype(float))
    return sums, counts


def local_widths(parts: Sequence[tuple[FloatArray, FloatArray]], reach: int) -> tuple[list[FloatArray], FloatArray]:
    """Usual size of each statistic around each grid point: without each of the batches, and of all.

    It is the sixth root of the mean sixth power, no less than a third of the statistic's median along the recipe. A
    batch counts for no more than twice the size that is usual of batches there: one odd batch is not what is usual.

    Parameters
    ----------
    parts
        Of each batch, from ``local_sums``.
    reach
        Grid points to either side that are taken together.

    Returns
    -------
    (points, k) without each batch in turn, and (points, k) of all; each > 0.
    """
    counts = np.array([_running(part[1], reach) for part in parts])
    powers = np.array([_running(part[0], reach) for part in parts]) / np.maximum(counts, 1.0)
    seen = np.where(counts > 0, powers, np.nan)
    seen[:, ~(counts > 0).any(axis=0)] = 0.0
    sums = np.minimum(powers, _ODD**_MOMENT * np.nanmedian(seen, axis=0)) * counts
    total, count = sums.sum(axis=0), counts.sum(axis=0)
    others = [_width(total - own, count - judged) for own, judged in zip(sums, counts, strict=True)]
    return others, _width(total, count)


def _width(sums: FloatArray, counts: FloatArray) -> FloatArray:
    width = (np.maximum(sums, 0.0) / np.maximum(counts, 1.0)) ** (1 / _MOMENT)
    usual = np.median(np.where(width > 0, width, np.nan), axis=0) if (width > 0).any() else np.ones(width.shape[1])
    floor = np.where(np.isfinite(usual), usual, 1.0) / 3
    wide: FloatArray = np.maximum(width, floor)
    return wide


def _running(values: FloatArray, reach: int) -> FloatArray:
    """Sums over a window of +-reach rows, shortened at the ends."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    last = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    first = np.maximum(np.arange(len(values)) - reach, 0)
    sums: FloatArray = np.maximum(total[last] - total[first], 0.0)
    return sums
