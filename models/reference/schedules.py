"""Learning which tags follow a schedule, and their master profiles, from released batches."""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from models.arrays.types import FloatArray, IntArray
from models.statistics.schedule import EDGE, Schedule, shifts_of

_WINDOW = 25  # grid steps to either side over which a profile is smoothed
_SAME_LEVEL = 1.5  # noise standard deviations: no step lies between two points this close


def find_schedule_tags(grids: FloatArray, candidates: IntArray) -> IntArray:
    """Which of the candidate tags are schedules: a shifted, scaled master explains all but their noise.

    Parameters
    ----------
    grids
        Shape (B, G, p), in each tag's unit of measure: released batches on the maturity grid, NaN: no reading.
    candidates
        Shape (c,): columns to try (the manipulated tags).

    References
    ----------
    PATrol's own: the median of what alignment leaves is 0.5 to 1.2 times the noise between neighbouring points, and its
    95 % quantile below 4 times that noise.
    """
    chosen = []
    for column in candidates[np.isfinite(grids[:, :, candidates]).any(axis=(0, 1))]:
        aligned = align_batches(grids[:, :, column])
        left = np.abs(aligned - np.nanmedian(aligned, axis=0))
        noise = np.nanmedian(np.abs(np.diff(grids[:, :, column], axis=1))) / np.sqrt(2)
        if 0.5 * noise < np.nanmedian(left) < 1.2 * noise and np.nanquantile(left, 0.95) < 4 * noise:
            chosen.append(int(column))
    return np.array(chosen, dtype=np.int64)


def align_batches(rows: FloatArray) -> FloatArray:
    """Released batches of one tag, each shifted and scaled onto their common profile; shape (B, G).

    In turns: the profile is the median of the aligned batches; each batch takes the shift and least-squares gain that
    leave the least squared error.

    Parameters
    ----------
    rows
        Shape (B, G), in the tag's unit of measure; NaN: no reading.

    References
    ----------
    PATrol's own.
    """
    points, shifts = np.arange(rows.shape[1], dtype=float), shifts_of(rows.shape[1])
    filled = np.array([_filled(row) for row in rows])
    aligned, noise = filled, _noise(filled)
    for _ in range(3):
        master = flatten(np.median(aligned, axis=0), noise)
        bank = np.array([np.interp(points - shift, points, master) for shift in shifts])
        power = np.maximum((bank**2).sum(axis=1), 1e-300)
        gain = (filled[:, None, :] * bank).sum(axis=2) / power  # (B, S)
        error = ((filled[:, None, :] - gain[:, :, None] * bank) ** 2).sum(axis=2)
        best = error.argmin(axis=1)
        aligned = np.array(
            [
                np.interp(points + shifts[s], points, row) / (gain[b, s] if gain[b, s] > 0.2 else 1.0)
                for b, (row, s) in enumerate(zip(filled, best, strict=True))
            ]
        )
    return aligned


def flatten(profile: FloatArray, noise: float) -> FloatArray:
    """A profile without the noise between its steps: each point the mean of its neighbours on the same level.

    Otherwise the true shift would be ruled out between two steps, by noise.

    Parameters
    ----------
    profile
        Shape (G,), in the tag's unit of measure.
    noise
        Standard deviation between steps, >= 0, in the tag's unit of measure.

    References
    ----------
    Lee (1983), Digital image smoothing and the sigma filter, CVGIP 24(2), 255-269.

    Examples
    --------
    >>> flatten(np.array([0.0, 0.1, 0.0, 0.1, 9.0, 9.1, 9.0, 9.1]), 0.1).round(2).tolist()
    [0.05, 0.05, 0.05, 0.05, 9.05, 9.05, 9.05, 9.05]
    """
    from scipy.ndimage import median_filter

    flat: FloatArray = median_filter(profile, size=3, mode="nearest")
    for _ in range(2):
        windows = sliding_window_view(np.pad(flat, _WINDOW, constant_values=np.inf), 2 * _WINDOW + 1)
        same = np.abs(windows - flat[:, None]) < _SAME_LEVEL * noise + 1e-300
        flat = np.where(same, windows, 0.0).sum(axis=1) / same.sum(axis=1)
    return flat


def _noise(rows: FloatArray) -> float:
    """Standard deviation of one tag between its steps, from differences of neighbouring points; rows (B, G).

    1.4826 times the median absolute difference / sqrt(2): Rousseeuw & Croux (1993), JASA 88(424), 1273-1283.
    """
    return float(1.4826 * np.nanmedian(np.abs(np.diff(rows, axis=1))) / np.sqrt(2))


def learn_schedule(aligned: FloatArray, columns: IntArray) -> Schedule:
    """Master profile and noise of the q schedule tags; a twin may have none (q = 0).

    The master is the flattened median of the batches; the noise 1.4826 times their median absolute deviation from it,
    smoothed along the recipe, > 0.

    Parameters
    ----------
    aligned
        Shape (B, G, q), in each tag's unit of measure, from ``align_batches``.
    columns
        Shape (q,): positions among the twin's tags.

    References
    ----------
    Rousseeuw & Croux (1993), JASA 88(424), 1273-1283 (median absolute deviation); ``flatten``.
    """
    from scipy.ndimage import maximum_filter, median_filter, minimum_filter

    if len(columns) == 0:
        return Schedule(columns, aligned[0], aligned[0], np.empty((3, 0, aligned.shape[1])))
    batches = [aligned[:, :, q] for q in range(len(columns))]
    master = np.stack([flatten(np.median(rows, axis=0), _noise(rows)) for rows in batches], axis=1)
    noise = 1.4826 * np.median(np.abs(aligned - master), axis=0)
    smooth = median_filter(noise, size=(2 * max(3, len(noise) // 100) + 1, 1), mode="nearest")
    edge = (2 * EDGE + 1, 1)
    profiles = np.stack([master.T, minimum_filter(master, edge).T, maximum_filter(master, edge).T]).copy()
    return Schedule(columns, master, np.maximum(smooth, 1e-3 * np.abs(master).max(axis=0) + 1e-12), profiles)


def _filled(row: FloatArray) -> FloatArray:
    known = np.isfinite(row)
    return np.interp(np.arange(len(row)), np.flatnonzero(known), row[known]) if known.any() else np.zeros(len(row))
