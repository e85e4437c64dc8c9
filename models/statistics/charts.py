"""The statistics a running batch is judged by: one column each, side by side, the same in fitting and on line.

Six a tag (``KINDS``): the residual's size; its moving averages over about 5 scans (``ewma``) and 20 (``drift``); its
roughness (``noise``); and the moving average of the distance z from the trajectory over 25 scans, upwards (``above``)
and downwards (``below``).
"""

import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import CUBE, FLAGS, PLACES, ROW, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray, marked
from models.statistics.accumulate import Ewma, Roughness
from models.statistics.residuals import Residuals

KINDS = ("residual", "ewma", "drift", "noise", "above", "below")  # one column a tag each, in this order
_SHORT, _LONG, _NOISE, _LEVEL, _UPSET = 5.0, 20.0, 8.0, 25.0, 8.0  # scans
_CLIP = 8.0  # a larger residual adds no more than this to what accumulates
_BOUND = 1.25  # times its limit: what accumulates goes no further


class Statistics(Carried):
    """Statistics of a running batch.

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
        self._level = Ewma(tags, _LEVEL)
        parts = {"short": self._short, "long": self._long, "noise": self._noise, "level": self._level}
        super().__init__(parts, upset=np.zeros(tags))

    def advance(
        self, residuals: Residuals, limits: FloatArray | None = None, segments: Segments | None = None
    ) -> FloatArray:
        """Statistics at each scan, kind after kind in the order of ``KINDS``.

        Parameters
        ----------
        residuals
            n scans of p tags.
        limits
            Shape (n, 6p), > 0: of the statistics at these scans, to bound what accumulates; None: not known yet.
        segments
            Whose scans they are; None: one batch's.

        Returns
        -------
        Shape (n, 6p), all >= 0, dimensionless; NaN: not judged.

        References
        ----------
        PATrol's own; measured in decision 10. The averages: ``models.statistics.accumulate``.
        """
        size = (len(residuals.z), residuals.z.shape[1])
        known = np.full((size[0], len(KINDS) * size[1]), np.nan) if limits is None else np.ascontiguousarray(limits)
        raw, scaled, far, bounds = np.empty(size), np.empty(size), np.empty(size), np.empty((5, *size))
        segments = segments or Segments.of_one(size[0])
        _prepare(
            segments.places, segments.starts, np.ascontiguousarray(residuals.scaled), np.ascontiguousarray(residuals.z),
            known, self._free, self.rows["upset"], raw, scaled, far, bounds,
        )  # fmt: skip
        short = self._short.advance(scaled, bounds[0], bounds[0], segments)
        long = self._long.advance(scaled, bounds[1], bounds[1], segments)
        noise = self._noise.advance(scaled, bounds[2], segments)
        level = self._level.advance(far, bounds[3], bounds[4], segments)
        statistics = np.empty((size[0], len(KINDS) * size[1]))
        _gather(raw, short, long, noise, level, self._moved, statistics)
        return statistics


@compiled("float64", ROW, FLAGS, ROW)
def _upset(residuals: FloatArray, free: BoolArray, upset: FloatArray) -> float:
    """Update each tag's ``upset`` (p,), the recent mean square of its residuals, by one scan; returns their sum."""
    weight, total = 2 / (_UPSET + 1), 0.0
    for tag in range(len(free)):
        own = residuals[tag]
        power = min(abs(own), _CLIP) ** 2 if free[tag] and not np.isnan(own) else 0.0
        upset[tag] = weight * power + (1 - weight) * upset[tag]
        total += upset[tag]
    return total


@compiled("void", PLACES, PLACES, TABLE, TABLE, TABLE, FLAGS, TABLE, TABLE, TABLE, TABLE, CUBE)
def _prepare(
    places: IntArray, starts: IntArray, residuals: FloatArray, z: FloatArray, limits: FloatArray,
    free: BoolArray, upset: FloatArray, raw: FloatArray, scaled: FloatArray, far: FloatArray, bounds: FloatArray,
) -> None:  # fmt: skip
    """Residuals over the common upset, what accumulates of them and of z, and its bounds (5, n, p).

    The common upset, >= 1, is the root mean square of the other tags' recent residuals: in an upset of the whole
    process one tag alone means less. Schedule tags take no part in it: nothing but their schedule moves them. Each
    batch carries its ``upset`` (p,).
    """
    tags, others, batch = len(free), max(free.sum() - 1, 1), 0
    for row in range(len(residuals)):
        while row == starts[batch + 1]:
            batch += 1
        recent = upset[places[batch]]
        total = _upset(residuals[row], free, recent)
        for tag in range(tags):
            common_upset = np.sqrt(max((total - recent[tag]) / others, 1.0)) if free[tag] else 1.0
            own, deviation = residuals[row, tag] / common_upset, z[row, tag]
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
            of_tag = statistics[row, tag::tags]
            of_tag[0], of_tag[1:] = np.abs(raw[row, tag]), np.nan
            if not np.isnan(raw[row, tag]):
                of_tag[1], of_tag[2], of_tag[3] = np.abs(short[row, tag]), np.abs(long[row, tag]), noise[row, tag]
                if not moved[tag]:
                    of_tag[4], of_tag[5] = max(level[row, tag], 0.0), max(-level[row, tag], 0.0)
