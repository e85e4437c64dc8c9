"""The statistics a running batch is judged by: one column each, side by side, the same in fitting and on line."""

import numpy as np

from models.accumulate import Ewma, Roughness
from models.block import BoolArray, FloatArray, IntArray, marked
from models.compiled import CUBE, FLAGS, ROW, TABLE, compiled
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
        self._free = ~marked(scheduled, tags)
        self._moved = ~self._free | marked(loops, tags)
        self._short, self._long, self._noise = Ewma(tags, _SHORT), Ewma(tags, _LONG), Roughness(tags, _NOISE)
        self._level, self._upset = Ewma(tags, _LEVEL), np.zeros(tags)

    def advance(self, residuals: Residuals, limits: FloatArray | None = None) -> FloatArray:
        """Statistics (n, 6p), all >= 0; NaN: not judged.

        ``limits`` (n, 6p): of the statistics at these scans, once they are known.
        """
        size = (len(residuals.z), residuals.z.shape[1])
        known = np.full((size[0], len(KINDS) * size[1]), np.nan) if limits is None else np.ascontiguousarray(limits)
        raw, scaled, far, bounds = np.empty(size), np.empty(size), np.empty(size), np.empty((5, *size))
        _prepare(
            np.ascontiguousarray(residuals.scaled), np.ascontiguousarray(residuals.z), known,
            self._free, self._upset, raw, scaled, far, bounds,
        )  # fmt: skip
        short = self._short.advance(scaled, bounds[0], bounds[0])
        long = self._long.advance(scaled, bounds[1], bounds[1])
        noise = self._noise.advance(scaled, bounds[2])
        level = self._level.advance(far, bounds[3], bounds[4])
        statistics = np.empty((size[0], len(KINDS) * size[1]))
        _gather(raw, short, long, noise, level, self._moved, statistics)
        return statistics

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


@compiled("void", TABLE, TABLE, TABLE, FLAGS, ROW, TABLE, TABLE, TABLE, CUBE)
def _prepare(
    residuals: FloatArray, z: FloatArray, limits: FloatArray, free: BoolArray, upset: FloatArray,
    raw: FloatArray, scaled: FloatArray, far: FloatArray, bounds: FloatArray,
) -> None:  # fmt: skip
    """Residuals in the company they are in, what accumulates of them and of z, and its bounds (5, n, p).

    The company is how upset the other tags have been of late, >= 1: in an upset, each tag alone says less. It is the
    root mean square over the other tags that follow no schedule (schedule tags are moved by nothing else); ``upset``
    (p,) is carried on.
    """
    tags, weight, others = len(free), 2 / (_UPSET + 1), max(free.sum() - 1, 1)
    for row in range(len(residuals)):
        total = 0.0
        for tag in range(tags):
            own = residuals[row, tag]
            power = min(abs(own), _CLIP) ** 2 if free[tag] and not np.isnan(own) else 0.0
            upset[tag] = weight * power + (1 - weight) * upset[tag]
            total += upset[tag]
        for tag in range(tags):
            company = np.sqrt(max((total - upset[tag]) / others, 1.0)) if free[tag] else 1.0
            own, deviation = residuals[row, tag] / company, z[row, tag]
            raw[row, tag] = own
            scaled[row, tag] = own if np.isnan(own) else min(max(own, -_CLIP), _CLIP)
            far[row, tag] = deviation if np.isnan(deviation) else min(max(deviation, -_CLIP), _CLIP)
            for kind in range(5):
                bounds[kind, row, tag] = _BOUND * limits[row, (kind + 1) * tags + tag]


@compiled("void", TABLE, TABLE, TABLE, TABLE, TABLE, FLAGS, TABLE)
def _gather(
    raw: FloatArray, short: FloatArray, long: FloatArray, noise: FloatArray, level: FloatArray, moved: BoolArray,
    statistics: FloatArray,
) -> None:  # fmt: skip
    """The statistics (n, 6p) in the order of ``KINDS``; NaN: absent, or moved by design."""
    tags = len(moved)
    for row in range(len(raw)):
        for tag in range(tags):
            said = statistics[row, tag::tags]
            said[0], said[1:] = np.abs(raw[row, tag]), np.nan
            if not np.isnan(raw[row, tag]):
                said[1], said[2], said[3] = np.abs(short[row, tag]), np.abs(long[row, tag]), noise[row, tag]
                if not moved[tag]:
                    said[4], said[5] = max(level[row, tag], 0.0), max(-level[row, tag], 0.0)
