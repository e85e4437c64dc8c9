"""A running batch's readings held against one fit of a reference: residuals, statistics, how far over their limits."""

from collections.abc import Callable, Sequence
from itertools import accumulate

import msgspec
import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import FLAGS, PLACES, ROW, TABLE, compiled
from models.arrays.grid import at_position
from models.arrays.types import BoolArray, FloatArray, IntArray
from models.reference.fitting import Fitted, persistence_of, statistics_of
from models.statistics.charts import KINDS
from models.statistics.residuals import Residual, Residuals


class Measured(msgspec.Struct, frozen=True):
    """n scans of p tags, measured against one fit."""

    residuals: Residuals
    ratio: FloatArray  # (n, 6p) statistics over their limits; NaN: not judged
    persisted: FloatArray  # (n, 6p) what of that has persisted, >= 0
    highest: FloatArray  # (6, n) the largest of ``persisted`` of any tag, kind by kind
    over: BoolArray  # (n,) whether any of them is over its limit
    most: FloatArray  # (b,) the largest of ``persisted`` in each batch
    plane: FloatArray  # (n, 2) limits of T² and SPE
    excess: Callable[[IntArray], FloatArray]  # of some rows (m,): (m, 6p) log ``persisted`` over its tail

    @classmethod
    def joined(cls, parts: "Sequence[Measured]") -> "Measured":
        """Stretches that follow one another as one."""
        if len(parts) == 1:
            return parts[0]
        residuals = Residuals(**_joined([part.residuals for part in parts]))
        rows = [np.concatenate([getattr(part, name) for part in parts]) for name in ("ratio", "persisted", "plane")]
        ratio, persisted, plane = rows
        highest = np.concatenate([part.highest for part in parts], axis=1)
        over, most = np.concatenate([part.over for part in parts]), np.max([part.most for part in parts], axis=0)
        starts = [0, *accumulate(len(part.ratio) for part in parts)]

        def excess(rows: IntArray) -> FloatArray:
            of = np.searchsorted(starts, rows, side="right") - 1
            return np.concatenate([parts[k].excess(rows[n : n + 1] - starts[k]) for n, k in enumerate(of.tolist())])

        return cls(residuals, ratio, persisted, highest, over, most, plane, excess)


class Measure(Carried):
    """A running batch against one fit; a fit without some of the tags goes on from the state of another.

    Parameters
    ----------
    fitted
        Learnt from released batches.
    """

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted
        self._residual = Residual(fitted.trajectory)
        self._statistics = statistics_of(fitted.trajectory)
        self._persistence = persistence_of(fitted.trajectory)
        super().__init__({"residual": self._residual, "statistics": self._statistics, "persistence": self._persistence})

    def advance(self, position: FloatArray, values: FloatArray, segments: Segments) -> Measured:
        """Measure scans against the fit.

        Parameters
        ----------
        position
            Shape (n,): grid positions, 0 to G - 1; NaN: not judged.
        values
            Shape (n, p), in each tag's unit of measure: readings fit to judge; NaN: none.
        segments
            Whose scans they are.

        References
        ----------
        Residuals, statistics and persistence: ``models.statistics``; limits and tails: ``models.limits.joint``.
        """
        fitted = self._fitted
        residuals = self._residual.advance(position, values, segments).resized(at_position(fitted.size, position))
        limits = at_position(fitted.limits, position)
        ratio = self._statistics.advance(residuals, limits, segments) / limits
        persisted = self._persistence.advance(ratio, segments)
        highest, over = np.empty((len(KINDS), len(persisted))), np.empty(len(persisted), dtype=bool)
        most = np.empty(len(segments.places))
        _highest(segments.starts, persisted, highest, over, most)

        def excess(rows: IntArray) -> FloatArray:
            beyond = at_position(fitted.tail, position[rows])
            _beyond(persisted, rows, beyond)
            return beyond

        plane = at_position(fitted.plane_limits, position)
        return Measured(residuals, ratio, persisted, highest, over, most, plane, excess)


def _joined(parts: Sequence[Residuals]) -> dict[str, FloatArray]:
    return {name: np.concatenate([getattr(part, name) for part in parts]) for name in Residuals.__struct_fields__}


@compiled("void", PLACES, TABLE, TABLE, FLAGS, ROW)
def _highest(starts: IntArray, persisted: FloatArray, highest: FloatArray, over: BoolArray, of_all: FloatArray) -> None:
    """The largest of each kind (kinds, n), from the ratios each statistic has held (n, kinds x tags), >= 0.

    And whether any is over its limit, (n,), and the largest of all in each batch, (b,).
    """
    kinds, batch = len(highest), 0
    tags = persisted.shape[1] // kinds
    of_all[:] = 0.0
    for row in range(len(persisted)):
        while row == starts[batch + 1]:
            batch += 1
        over[row] = False
        for kind in range(kinds):
            most = 0.0
            for tag in range(kind * tags, (kind + 1) * tags):
                most = max(most, persisted[row, tag])
            highest[kind, row] = most
            over[row] = over[row] or most > 1
            of_all[batch] = max(of_all[batch], most)


@compiled("void", TABLE, PLACES, TABLE)
def _beyond(persisted: FloatArray, rows: IntArray, tails: FloatArray) -> None:
    """Replace some rows' tails (m, k) by log(persisted) / tail there."""
    for at in range(len(rows)):
        for k in range(persisted.shape[1]):
            tails[at, k] = np.log(persisted[rows[at], k]) / tails[at, k]
