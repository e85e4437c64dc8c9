"""The statistics a running batch is judged by: one column each, side by side, the same in fitting and on line."""

import numpy as np
from scipy.signal import lfilter

from models.accumulate import Ewma, Roughness
from models.block import FloatArray, IntArray
from models.monitor import Numbers
from models.residuals import Residuals, at_position

KINDS = ("residual", "ewma", "drift", "noise", "above", "below")  # one column a tag each, in this order
_SHORT, _LONG, _NOISE, _LEVEL, _UPSET = 5.0, 20.0, 8.0, 25.0, 8.0  # scans
_CLIP = 8.0  # a larger residual adds no more than this to what accumulates
_BOUND = 1.25  # times its limit: what accumulates goes no further


class Statistics:
    """Statistics of one running batch.

    Parameters
    ----------
    tags
        p.
    scheduled, loops
        Positions of the schedule tags and of controllers' outputs: they move by design, so they have no ``above`` and
        ``below``.
    limits
        Shape (G, 6p): of the statistics, once they are known.
    """

    def __init__(self, tags: int, scheduled: IntArray, loops: IntArray, limits: FloatArray | None = None) -> None:
        self._scheduled, self._moved = scheduled, np.concatenate([scheduled, loops])
        bounded = np.full((2, (len(KINDS) - 1) * tags), np.nan) if limits is None else limits[:, tags:]
        self._bounds = _BOUND * bounded
        self._short, self._long, self._noise = Ewma(tags, _SHORT), Ewma(tags, _LONG), Roughness(tags, _NOISE)
        self._level, self._upset = Ewma(tags, _LEVEL), np.zeros((1, tags))

    def advance(self, position: FloatArray, residuals: Residuals) -> FloatArray:
        """Statistics (n, 6p), all >= 0; NaN: not judged."""
        own = residuals.scaled
        raw = own / self._company(own)
        scaled = np.clip(raw, -_CLIP, _CLIP)
        bounds = np.split(at_position(self._bounds, position), len(KINDS) - 1, axis=1)
        short = np.abs(self._short.advance(scaled, bounds[0], bounds[0]))
        long = np.abs(self._long.advance(scaled, bounds[1], bounds[1]))
        noise = self._noise.advance(scaled, bounds[2])
        level = self._level.advance(np.clip(residuals.z, -_CLIP, _CLIP), bounds[3], bounds[4])
        level[:, self._moved] = np.nan
        absent = np.isnan(scaled)
        for accumulated in (short, long, noise, level):
            accumulated[absent] = np.nan
        above, below = np.maximum(level, 0.0), np.maximum(-level, 0.0)
        return np.column_stack([np.abs(raw), short, long, noise, above, below])

    def _company(self, residuals: FloatArray) -> FloatArray:
        """How upset the other tags have been of late, (n, p), >= 1: in an upset, each tag alone says less.

        Root mean square over the other tags that follow no schedule; schedule tags are moved by nothing else.
        """
        power = np.nan_to_num(np.clip(residuals, -_CLIP, _CLIP)) ** 2
        power[:, self._scheduled] = 0.0
        weight = 2 / (_UPSET + 1)
        recent, self._upset = lfilter([weight], [1.0, weight - 1.0], power, axis=0, zi=self._upset)
        total = np.zeros((len(recent), 1))
        for tag in range(recent.shape[1]):
            total += recent[:, tag : tag + 1]
        others = max(recent.shape[1] - len(self._scheduled) - 1, 1)
        company: FloatArray = np.sqrt(np.maximum((total - recent) / others, 1.0))
        company[:, self._scheduled] = 1.0
        return company

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {
            "short": self._short.state(), "long": self._long.state(), "noise": self._noise.state(),
            "level": self._level.state(), "upset": self._upset.copy(),
        }  # fmt: skip

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._short.restore(numbers["short"])  # type: ignore[arg-type]
        self._long.restore(numbers["long"])  # type: ignore[arg-type]
        self._noise.restore(numbers["noise"])  # type: ignore[arg-type]
        self._level.restore(numbers["level"])  # type: ignore[arg-type]
        self._upset = np.array(numbers["upset"])
