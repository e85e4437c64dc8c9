"""Learning the trajectory: released batches on one grid, any one of them left out.

Limits are set on what a batch unknown to the trajectory does, so every sum is kept with and without each batch.
"""

from collections.abc import Sequence

import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.records.progress import Progress, no_progress
from models.reference.alignment import Recipe
from models.reference.regression import Regressions
from models.reference.scaling import learn_scaling
from models.reference.schedules import align_batches, find_schedule_tags, learn_schedule
from models.statistics.mspc import subspace
from models.statistics.trajectory import Trajectory

AlignedBatch = tuple[FloatArray, FloatArray]  # one batch's grid positions (n,), NaN: none, and readings (n, p)
_MOST_POINTS = 2500
_LEAST_SCALE = 0.1  # of a tag's scale over the whole recipe
_LEAST_BATCHES = 3  # fewer at a grid point: not judged there
_SHRINKAGE = 0.05  # of the correlation towards independence
_CLIP = 10.0  # a larger standardised residual counts as this


def grid_points(recipe: Recipe, cadence_s: float) -> int:
    """Points of the maturity grid, G: one for each scan of the longest batch, 20 to 2500; ``cadence_s`` in s."""
    return int(min(max(round(recipe.duration_s / cadence_s) + 1, 20), _MOST_POINTS))


def on_grid(aligned_batches: AlignedBatch, points: int) -> FloatArray:
    """A batch on the maturity grid, (points, p), in units of measure: means of the scans nearest to each point.

    Between them by straight lines; NaN before its first and after its last reading.
    """
    position, values = aligned_batches
    known = np.isfinite(position)
    rows = np.rint(position[known]).astype(int)
    readings = values[known]
    good = np.isfinite(readings)
    sums, counts = np.zeros((points, readings.shape[1])), np.zeros((points, readings.shape[1]))
    np.add.at(sums, rows, np.where(good, readings, 0.0))
    np.add.at(counts, rows, good.astype(float))
    grid = np.full(sums.shape, np.nan)
    every = np.arange(points, dtype=float)
    for tag in range(grid.shape[1]):
        seen = np.flatnonzero(counts[:, tag])
        if len(seen):
            means = sums[seen, tag] / counts[seen, tag]
            grid[:, tag] = np.interp(every, seen, means, left=np.nan, right=np.nan)
    return grid


class Learning:
    """Released batches on one grid, with the sums from which a trajectory with or without one of them follows.

    Parameters
    ----------
    aligned_batches
        Of each of B batches its grid positions (n,), 0 to G - 1, NaN: none, and readings (n, p) in units of measure.
    points
        G, of the grid.
    manipulated
        Positions of the manipulated tags: those that may follow a schedule.
    progress
        Called as the regressions are done, batch by batch.

    References
    ----------
    Trajectory and pooled correlation: after Nomikos & MacGregor (1995), Technometrics 37(1), 41-59, with medians for
    means and the correlation shrunk by 5 %, which is PATrol's own.
    """

    def __init__(
        self,
        aligned_batches: Sequence[AlignedBatch],
        points: int,
        manipulated: IntArray,
        progress: Progress = no_progress,
    ) -> None:
        grids = np.array([on_grid(one, points) for one in aligned_batches])
        self._columns = find_schedule_tags(grids, manipulated)
        aligned = [align_batches(grids[:, :, column]) for column in self._columns]
        self._aligned = np.stack(aligned, axis=2) if aligned else np.zeros((*grids.shape[:2], 0))
        self._known = np.isfinite(grids)
        self._grids = np.where(self._known, grids, 0.0)
        self._sorted = np.sort(grids, axis=0)  # NaN last
        self._sums = self._grids.sum(axis=0)
        self._counts = self._known.sum(axis=0)
        self._deviations = self._squares()
        self._all_deviations = self._deviations.sum(axis=0)
        self._centres = [self._centre(own) for own in range(len(grids))]
        tags = np.setdiff1d(np.arange(grids.shape[2]), self._columns)
        residuals = [self._residuals(own) for own in range(len(grids))]
        scaling = learn_scaling(grids, np.setdiff1d(manipulated, self._columns))
        standardised = [(grid, *centre) for grid, centre in zip(grids, self._centres, strict=True)]
        self._regressions = Regressions(scaling, standardised, tags, progress)
        self._correlations = [np.nan_to_num(z).T @ np.nan_to_num(z) for z in residuals]

    def all_but(self, own: int | None) -> Trajectory:
        """The trajectory of all batches but ``own`` (None: of all); a grid point needs three batches, else NaN."""
        median, scale = self._centre(None) if own is None else self._centres[own]
        rest = np.arange(len(self._grids)) != (-1 if own is None else own)
        schedule = learn_schedule(self._aligned[rest], self._columns)
        loadings, eigenvalues = subspace(_shrunk(_total(self._correlations, own)))
        return Trajectory(median, scale, schedule, self._regressions.all_but(own), loadings, eigenvalues)

    def _centre(self, own: int | None) -> tuple[FloatArray, FloatArray]:
        """Median and scale without ``own``."""
        counts, squares = self._counts, self._all_deviations
        if own is not None:
            counts, squares = counts - self._known[own], squares - self._deviations[own]
        median = np.where(counts >= _LEAST_BATCHES, self._median(own, counts), np.nan)
        reach = max(2, len(median) // 200)
        scale = np.sqrt(np.maximum(_around(squares, reach), 0.0) / np.maximum(_around(counts, reach), 1.0))
        floor = _LEAST_SCALE * np.sqrt((scale**2).mean(axis=0))
        least = 1e-9 * (1 + np.abs(np.nan_to_num(median)).max(axis=0))
        return median, np.maximum(scale, np.maximum(floor, least))

    def _median(self, own: int | None, counts: IntArray) -> FloatArray:
        """Median of the batches but ``own`` at each grid point, shape (G, p): a few odd batches do not move it."""
        if own is None:
            taken = np.full(counts.shape, len(self._grids))  # beyond the last: nothing is taken out
        else:
            taken = np.where(self._known[own], (self._sorted < self._grids[own]).sum(axis=0), len(self._grids))
        middle = [np.maximum(counts - 1, 0) // 2, counts // 2]
        places = [np.minimum(place + (place >= taken), len(self._grids) - 1)[None] for place in middle]
        lower, upper = (np.take_along_axis(self._sorted, place, axis=0)[0] for place in places)
        half: FloatArray = (lower + upper) / 2
        return half

    def _residuals(self, own: int) -> FloatArray:
        """A batch's standardised residuals from the others, shape (G, p)."""
        median, scale = self._centres[own]
        return np.clip((np.where(self._known[own], self._grids[own], np.nan) - median) / scale, -_CLIP, _CLIP)

    def _squares(self) -> FloatArray:
        """Each batch's squared deviations from the mean of the others, shape (B, G, p)."""
        rest = self._counts - self._known
        others = (self._sums - self._grids) / np.maximum(rest, 1)
        return np.where(self._known & (rest > 0), (self._grids - others) ** 2, 0.0)


def manipulated_columns(roles: Sequence[str]) -> IntArray:
    """Positions of the manipulated tags."""
    return np.array([k for k, role in enumerate(roles) if role == "manipulated"], dtype=np.int64)


def _total(parts: Sequence[FloatArray], own: int | None) -> FloatArray:
    total: FloatArray = np.sum([part for k, part in enumerate(parts) if k != own], axis=0)
    return total


def _shrunk(sums: FloatArray) -> FloatArray:
    """The correlation of sums of products, shrunk a little towards independence."""
    size = np.sqrt(np.maximum(np.diag(sums), 1e-12))
    correlation: FloatArray = (1 - _SHRINKAGE) * sums / np.outer(size, size)
    np.fill_diagonal(correlation, 1.0)
    return correlation


def _around(values: FloatArray | IntArray, reach: int) -> FloatArray:
    """Sums over +-reach grid points, shortened at the ends; shape (G, p)."""
    total = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum(values, axis=0)])
    last = np.minimum(np.arange(len(values)) + reach + 1, len(values))
    around: FloatArray = total[last] - total[np.maximum(np.arange(len(values)) - reach, 0)]
    return around
