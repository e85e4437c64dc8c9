"""Limits from the tail of left-out batches' maxima: a Gumbel distribution fitted by median and upper half."""

import numpy as np

from models.arrays.types import FloatArray

_MEDIAN_OF_GUMBEL = -np.log(np.log(2.0))
_STANDARD_GUMBEL_SD = np.pi / np.sqrt(6.0)
_UPPER = 0.8  # quantile: the spread follows what is usual in the upper half, not one odd batch
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
        Shape (B,), > 0, in any unit: each left-out batch's largest value; B >= 2.
    probability
        In (0, 1).

    Returns
    -------
    The limit, > 0, in the maxima's unit.

    Raises
    ------
    ValueError
        Fewer than two maxima, or one that is not positive and finite.

    References
    ----------
    Coles (2001), An Introduction to Statistical Modeling of Extreme Values, chapter 3; the fit by quantiles and the
    inflation are PATrol's own.

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
    """Gumbel spread of values (B,) from their upper half: (0.8 quantile - median) / the same of a standard Gumbel.

    In the values' unit; a few odd values do not move it. PATrol's own.
    """
    return float((np.quantile(values, _UPPER) - np.median(values)) / _UPPER_OF_GUMBEL)


def gumbel_quantile(median: float, spread: float, probability: float) -> float:
    """What a Gumbel variable of this median and spread exceeds with ``probability``.

    Parameters
    ----------
    median, spread
        In one and the same unit, which the quantile has too; ``spread`` >= 0 is the scale parameter.
    probability
        In (0, 1).

    References
    ----------
    Coles (2001), An Introduction to Statistical Modeling of Extreme Values, section 3.1.3 (return levels).

    Examples
    --------
    >>> round(gumbel_quantile(2.0, 1.0, 0.5), 6)
    2.0
    """
    return float(median - spread * (np.log(-np.log1p(-probability)) + _MEDIAN_OF_GUMBEL))
