"""When a statistic counts as over its limit: two scans in a row, or far over at once; a schedule tag at once."""

import numpy as np

from models.arrays.carried import Carried, Turns
from models.arrays.compiled import FLAGS, PLACES, ROW, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray

AT_ONCE = 1.5  # times the limit: no second scan is waited for


class Persistence(Carried):
    """Persistence of k statistics of a running batch.

    Parameters
    ----------
    immediate
        Shape (k,): whether one scan is enough.
    """

    def __init__(self, immediate: BoolArray) -> None:
        self._immediate = immediate
        super().__init__(last=np.zeros(len(immediate)))

    def advance(self, statistics: FloatArray, turns: Turns | None = None) -> FloatArray:
        """The level each statistic has held, shape (n, k): over its limit exactly when this is; NaN counts as 0.

        Examples
        --------
        >>> held = Persistence(np.array([False]))
        >>> held.advance(np.array([[1.5], [1.5], [3.0], [0.0]])).ravel().tolist()
        [1.0, 1.5, 2.0, 0.0]
        """
        held, turns = np.empty(statistics.shape), turns or Turns.of_one(len(statistics))
        own, last = np.ascontiguousarray(statistics), self.rows["last"]
        _hold_each(turns.places, turns.starts, own, self._immediate, last, held)
        return held


@compiled("void", TABLE, FLAGS, ROW, TABLE)
def _hold(statistics: FloatArray, immediate: BoolArray, last: FloatArray, held: FloatArray) -> None:
    for row in range(len(statistics)):
        for k in range(statistics.shape[1]):
            now = 0.0 if np.isnan(statistics[row, k]) else statistics[row, k]
            held[row, k] = now if immediate[k] else max(now / AT_ONCE, min(now, last[k]))
            last[k] = now


@compiled("void", PLACES, PLACES, TABLE, FLAGS, TABLE, TABLE)
def _hold_each(
    places: IntArray, starts: IntArray, statistics: FloatArray, immediate: BoolArray, last: FloatArray, held: FloatArray
) -> None:
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _hold(statistics[a:b], immediate, last[place], held[a:b])
