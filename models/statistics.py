"""The statistics a running batch is judged by: one column each, side by side, the same in fitting and on line."""

import numpy as np

from models.accumulate import Ewma, Roughness
from models.block import FloatArray, IntArray
from models.monitor import Numbers
from models.residuals import Residuals, at_position

KINDS = ("residual", "ewma", "drift", "noise", "level")  # one column a tag each, in this order; then t2 and spe
JOINT = ("t2", "spe")
_SHORT, _LONG, _NOISE = 5.0, 50.0, 8.0  # scans
_CLIP = 8.0  # a larger residual adds no more than this to what accumulates
_BOUND = 1.25  # times its limit: what accumulates goes no further


class Statistics:
    """Statistics of one running batch.

    Parameters
    ----------
    size
        Shape (G, p), > 0: usual ratio of each tag's innovation to its predicted size, around each grid point.
    scheduled
        Positions of the schedule tags: their level is their schedule, so they have no ``level`` of their own.
    limits
        Shape (G, 5p + 2): of the statistics, once they are known.
    """

    def __init__(self, size: FloatArray, scheduled: IntArray, limits: FloatArray | None = None) -> None:
        tags = size.shape[1]
        self._size, self._scheduled = size, scheduled
        self._bounds = np.full((len(size), 3 * tags), np.nan) if limits is None else _BOUND * limits[:, tags : 4 * tags]
        self._short, self._long, self._noise = Ewma(tags, _SHORT), Ewma(tags, _LONG), Roughness(tags, _NOISE)

    def advance(self, position: FloatArray, residuals: Residuals) -> FloatArray:
        """Statistics (n, 5p + 2), all >= 0; NaN: not judged."""
        raw = residuals.innovation / (residuals.size * at_position(self._size, position))
        scaled = np.clip(raw, -_CLIP, _CLIP)
        bounds = np.split(at_position(self._bounds, position), 3, axis=1)
        short = np.abs(self._short.advance(scaled, bounds[0]))
        long = np.abs(self._long.advance(scaled, bounds[1]))
        noise = self._noise.advance(scaled, bounds[2])
        level = np.abs(residuals.z)
        level[:, self._scheduled] = np.nan
        absent = np.isnan(scaled)
        for accumulated in (short, long, noise):
            accumulated[absent] = np.nan
        return np.column_stack([np.abs(raw), short, long, noise, level, residuals.t2, residuals.spe])

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"short": self._short.state(), "long": self._long.state(), "noise": self._noise.state()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._short.restore(numbers["short"])  # type: ignore[arg-type]
        self._long.restore(numbers["long"])  # type: ignore[arg-type]
        self._noise.restore(numbers["noise"])  # type: ignore[arg-type]
