"""The usual size of something along the recipe: around each grid point, with and without each batch."""

from collections.abc import Sequence

import numpy as np

from models.arrays.types import FloatArray

_ODD = 2.0  # times what is usual of batches: no batch counts for more
_MOMENT = 6  # a high moment: the width follows what is large now and then, not only what is usual


def local_sums(values: FloatArray, position: FloatArray, points: int) -> tuple[FloatArray, FloatArray]:
    """One batch's part in the local width: sums of sixth powers, and counts, at each grid point.

    Parameters
    ----------
    values
        Shape (n, k), >= 0, in any unit; NaN: not judged.
    position
        Shape (n,): grid position of each scan, 0 to ``points`` - 1; NaN: none.
    points
        G, of the grid.

    Returns
    -------
    Sums (G, k), >= 0, in the sixth power of the values' unit, and counts (G, k).
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
        Of each of B batches, from ``local_sums``.
    reach
        Grid points to either side that are taken together.

    Returns
    -------
    (G, k) without each batch in turn, and (G, k) of all; each > 0, in the values' unit.

    References
    ----------
    PATrol's own; measured in decision 14 (c).
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
    """Sixth root of the mean sixth power (G, k), no less than a third of its median along the recipe."""
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
