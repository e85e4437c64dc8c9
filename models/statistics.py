"""The statistics a running batch is judged by: one column each, side by side, the same in fitting and on line."""

import numpy as np

from models.accumulate import Ewma, Roughness
from models.block import BoolArray, FloatArray, IntArray
from models.compiled import FLAGS, ROW, TABLE, compiled
from models.monitor import Numbers
from models.residuals import Residuals

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
    """

    def __init__(self, tags: int, scheduled: IntArray, loops: IntArray) -> None:
        self._free, self._moved = ~np.isin(np.arange(tags), scheduled), np.concatenate([scheduled, loops])
        self._short, self._long, self._noise = Ewma(tags, _SHORT), Ewma(tags, _LONG), Roughness(tags, _NOISE)
        self._level, self._upset = Ewma(tags, _LEVEL), np.zeros(tags)

    def advance(self, residuals: Residuals, limits: FloatArray | None = None) -> FloatArray:
        """Statistics (n, 6p), all >= 0; NaN: not judged.

        ``limits`` (n, 6p): of the statistics at these scans, once they are known.
        """
        own = residuals.scaled
        raw = own / self._company(own)
        scaled = np.clip(raw, -_CLIP, _CLIP)
        known = np.full((len(own), len(KINDS) * own.shape[1]), np.nan) if limits is None else limits
        bounds = np.ascontiguousarray(_BOUND * known.reshape(len(own), len(KINDS), -1).swapaxes(0, 1)[1:])
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
        company = np.empty(residuals.shape)
        _company(np.ascontiguousarray(residuals), self._free, self._upset, company)
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


@compiled("void", TABLE, FLAGS, ROW, TABLE)
def _company(residuals: FloatArray, free: BoolArray, upset: FloatArray, company: FloatArray) -> None:
    """How upset the others are, (n, p); ``upset`` (p,) is carried on."""
    weight, others = 2 / (_UPSET + 1), max(free.sum() - 1, 1)
    for row in range(len(residuals)):
        total = 0.0
        for tag in range(len(free)):
            size = min(max(residuals[row, tag], -_CLIP), _CLIP)
            power = size**2 if free[tag] and not np.isnan(size) else 0.0
            upset[tag] = weight * power + (1 - weight) * upset[tag]
            total += upset[tag]
        for tag in range(len(free)):
            company[row, tag] = np.sqrt(max((total - upset[tag]) / others, 1.0)) if free[tag] else 1.0
