"""Where batches run along a recipe: mean, spread and prediction band on equally spaced points of maturity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from models.arrays.types import FloatArray

_LEAST_BATCHES = 3  # at a point; from fewer no spread is estimated
_LEAST_SHARE = 0.1  # of the spread over the whole recipe: what one deviation is at least


@dataclass(frozen=True, slots=True)
class Envelope:
    """Of p tags at G points, each in its tag's unit of measure; NaN: too few batches were there."""

    mean: FloatArray  # (G, p)
    spread: FloatArray  # (G, p) standard deviation between batches, >= 0
    half: FloatArray  # (G, p) half-width of the prediction band for one further batch, >= 0

    def within(self, maturity: FloatArray, values: FloatArray) -> FloatArray:
        """Whether readings lie in the band, shape (n, p): 1 inside, 0 outside, NaN without a reading or a band.

        Parameters
        ----------
        maturity
            Shape (n,), 0 to 1; NaN: unknown.
        values
            Shape (n, p), in each tag's unit of measure; NaN: no reading.
        """
        mean, half = at_maturity(self.mean, maturity), at_maturity(self.half, maturity)
        differences = np.abs(values - mean) - half * (1 + 1e-9)
        return np.where(np.isfinite(differences), (differences <= 0).astype(float), np.nan)


def envelope(grids: FloatArray, coverage: float = 0.99) -> Envelope:
    """Mean, spread and band over batches.

    Parameters
    ----------
    grids
        Shape (B, G, p), in each tag's unit of measure, from ``on_points``; NaN: no reading.
    coverage
        In (0, 1): share of further batches' readings that the band holds, were they normally distributed.

    References
    ----------
    Hahn & Meeker (1991), Statistical Intervals, section 4.7: mean +- t(B - 1) s sqrt(1 + 1 / B).
    """
    known = np.isfinite(grids)
    count = known.sum(axis=0)
    enough = count >= _LEAST_BATCHES
    mean = np.where(known, grids, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (grids - mean) ** 2, 0.0).sum(axis=0)
    spread = np.sqrt(squares / np.maximum(count - 1, 1))
    quantile = stats.t.ppf((1 + coverage) / 2, np.maximum(count - 1, 1))
    half = quantile * spread * np.sqrt(1 + 1 / np.maximum(count, 1))
    return Envelope(*(np.where(enough, of, np.nan) for of in (mean, spread, half)))


def usual_spread(of: Envelope) -> FloatArray:
    """One standard deviation between batches, usual along the recipe, shape (p,), > 0, in units of measure.

    The median over maturity, for a schedule's steps would inflate a mean; no less than a tenth of the root mean
    square, for a tag that is zero for most of a recipe. PATrol's own.
    """
    rms = np.sqrt(np.nanmean(of.spread**2, axis=0))
    least = 1e-6 * (1 + np.nanmax(np.abs(of.mean), axis=0))
    usual: FloatArray = np.maximum(np.maximum(np.nanmedian(of.spread, axis=0), _LEAST_SHARE * rms), least)
    return usual


def on_points(maturity: FloatArray, values: FloatArray, points: int) -> FloatArray:
    """A batch at ``points`` equally spaced maturities, shape (points, p): between readings by straight lines.

    Parameters
    ----------
    maturity
        Shape (n,), 0 to 1, never falling; NaN: unknown.
    values
        Shape (n, p), in any units, which the result has too; NaN: no reading.
    points
        G.

    Examples
    --------
    >>> on_points(np.array([0.0, 1.0]), np.array([[1.0], [3.0]]), 3).ravel().tolist()
    [1.0, 2.0, 3.0]
    """
    wanted = np.linspace(0, 1, points)
    grid = np.full((points, values.shape[1]), np.nan)
    for tag in range(values.shape[1]):
        known = np.isfinite(maturity) & np.isfinite(values[:, tag])
        if known.any():
            grid[:, tag] = np.interp(wanted, maturity[known], values[known, tag], left=np.nan, right=np.nan)
    return grid


def at_maturity(grid: FloatArray, maturity: FloatArray) -> FloatArray:
    """Rows of a course (G, p) at each maturity (n,), 0 to 1: the nearest point, (n, p); NaN where maturity is."""
    known = np.isfinite(maturity)
    nearest = np.rint(np.where(known, maturity, 0.0) * (len(grid) - 1)).astype(int)
    rows: FloatArray = np.where(known[:, None], grid[nearest], np.nan)
    return rows


def stacked(batches: Sequence[tuple[FloatArray, FloatArray]], points: int) -> FloatArray:
    """B batches, each maturity (n,) and values (n, p), on the same points: (B, points, p), in the values' units."""
    return np.stack([on_points(maturity, values, points) for maturity, values in batches])
