"""The range of each tag over the recipe, and where controllers switch between two laws: from released batches."""

from collections.abc import Iterator
from operator import itemgetter

import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.statistics.features import LAGS, Scaling

_REST = 0.02  # quantile: a controller's output at rest
_ACTING = 0.05  # of its range above its rest: a controller acts
_KNOTS = (0.02, 0.25, 0.75, 0.98)  # quantiles
_THRESHOLDS = np.linspace(0.04, 0.96, 24)  # quantiles tried
_AROUND = np.linspace(-0.08, 0.08, 33)  # and then around the best of them
_EVERY = 3  # scans: enough to find a threshold by


def learn_scaling(grids: FloatArray, loops: IntArray) -> Scaling:
    """Range of p tags, and where controllers act and switch.

    Parameters
    ----------
    grids
        Shape (B, G, p), in each tag's unit of measure: released batches on the maturity grid; NaN: none.
    loops
        Shape (c,): positions of controllers' outputs.

    References
    ----------
    Thresholds by least squares over candidates: Hansen (2000), Econometrica 68(3), 575-603. The search in two steps
    is PATrol's own; measured in decision 14 (d).
    """
    readings = grids.reshape(-1, grids.shape[2])
    seen = np.where(np.isfinite(readings).any(axis=0), readings, 0.0)
    centre = np.nanmean(seen, axis=0)
    spread = np.maximum(np.nanstd(seen, axis=0), 1e-9 * (1 + np.abs(centre)))
    rest, most = np.nanquantile(seen, (_REST, 1 - _REST), axis=0)[:, loops]
    on = (rest + _ACTING * (most - rest) - centre[loops]) / spread[loops]
    knots, ends = ((np.nanquantile(seen, which, axis=0) - centre) / spread for which in (_KNOTS, (0.0, 1.0)))
    switches = [_switch((grids - centre) / spread, loops, int(loop)) for loop in loops]
    tags, thresholds = np.array([tag for tag, _ in switches], dtype=np.int64), np.array([at for _, at in switches])
    return Scaling(centre, spread, knots, ends, loops, on, tags, thresholds)


def _switch(grids: FloatArray, loops: IntArray, loop: int) -> tuple[int, float]:
    """The tag and threshold past which a controller is best described by a second law.

    First any tag, by itself; then the threshold more finely, beside the other controllers' outputs, which separate the
    two laws where the tag's noise does not. (Past its own output nothing switches, it is only another slope.)
    """
    found = [(np.inf, np.inf, loop)]
    for tag in range(grids.shape[2]):
        found += [(left, at, tag) for left, at in _splits(_past(grids, loop, tag, loops[:0]), _THRESHOLDS)]
    _, at, tag = min(found, key=itemgetter(0))
    read = loops[np.isfinite(grids[:, :, loops]).any(axis=(0, 1))]
    rows = _past(grids, loop, tag, np.setdiff1d(read, loop))
    if tag == loop or not len(rows):
        return tag, at
    around = np.clip((rows[:, 1] < at).mean() + _AROUND, 0.0, 1.0)
    return tag, min(_splits(rows, around))[1]


def _past(grids: FloatArray, loop: int, tag: int, others: IntArray) -> FloatArray:
    """Scans as rows: a controller's output; the tag at the scans before; a constant; its last output; the others'."""
    lags = [grids[:, LAGS - lag : grids.shape[1] - lag : _EVERY] for lag in range(LAGS + 1)]
    columns = [lags[0][:, :, loop], *(lag[:, :, tag] for lag in lags[1:]), np.ones(lags[0].shape[:2])]
    columns += [lags[1][:, :, loop], *(lag[:, :, other] for other in others.tolist() for lag in lags[:3])]
    rows = np.stack(columns, axis=2).reshape(-1, len(columns))
    return rows[np.isfinite(rows).all(axis=1)]


def _splits(rows: FloatArray, quantiles: FloatArray) -> Iterator[tuple[float, float]]:
    """What two laws leave, and the threshold between them, for thresholds at these quantiles of the tag."""
    if not len(rows):
        return
    rows = rows[rows[:, 1].argsort()]
    thresholds = np.unique(np.quantile(rows[:, 1], quantiles))
    cuts = np.searchsorted(rows[:, 1], thresholds, side="right")
    between = np.array([part.T @ part for part in np.split(rows, cuts)])
    below, beyond = between.cumsum(axis=0)[:-1], between[::-1].cumsum(axis=0)[-2::-1]
    for at, *laws in zip(thresholds.tolist(), below, beyond, strict=True):
        yield sum(map(_misfit, laws)), at


def _misfit(products: FloatArray) -> float:
    """Sum of squares that the least-squares law of the first column by the others leaves, from all sums of products."""
    features, target = products[1:, 1:], products[1:, 0]
    ridge = 1e-6 * (1 + np.trace(features))
    weights = np.linalg.solve(features + ridge * np.eye(len(features)), target)
    return float(products[0, 0] - 2 * weights @ target + weights @ features @ weights)
