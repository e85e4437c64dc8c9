"""When a statistic counts as over its limit: two scans in a row, or far over at once; a schedule tag at once."""

import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import FLAGS, PLACES, ROW, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray

AT_ONCE = 1.5  # times the limit: no second scan is waited for


class Persistence(Carried):
    """Persistence of k statistics of a running batch.

    Parameters
    ----------
    immediate
        Shape (k,): whether one scan is enough.

    References
    ----------
    PATrol's own: it holds back what is over its limit in one scan only.
    """

    def __init__(self, immediate: BoolArray) -> None:
        self._immediate = immediate
        super().__init__(last=np.zeros(len(immediate)))

    def advance(self, statistics: FloatArray, segments: Segments | None = None) -> FloatArray:
        """The level each statistic has held, (n, k), >= 0: max(now / 1.5, min(now, the scan before)).

        In the statistics' unit; an immediate statistic's level is its value. A statistic counts as over its limit
        exactly when this level is.

        Parameters
        ----------
        statistics
            Shape (n, k), >= 0; NaN counts as 0.
        segments
            Whose scans they are; None: one batch's.

        Examples
        --------
        >>> persisted = Persistence(np.array([False]))
        >>> persisted.advance(np.array([[1.5], [1.5], [3.0], [0.0]])).ravel().tolist()
        [1.0, 1.5, 2.0, 0.0]
        """
        persisted, segments = np.empty(statistics.shape), segments or Segments.of_one(len(statistics))
        own, last = np.ascontiguousarray(statistics), self.rows["last"]
        _persist_each(segments.places, segments.starts, own, self._immediate, last, persisted)
        return persisted


@compiled("void", TABLE, FLAGS, ROW, TABLE)
def _persist(statistics: FloatArray, immediate: BoolArray, last: FloatArray, persisted: FloatArray) -> None:
    for row in range(len(statistics)):
        for k in range(statistics.shape[1]):
            now = 0.0 if np.isnan(statistics[row, k]) else statistics[row, k]
            persisted[row, k] = now if immediate[k] else max(now / AT_ONCE, min(now, last[k]))
            last[k] = now


@compiled("void", PLACES, PLACES, TABLE, FLAGS, TABLE, TABLE)
def _persist_each(
    places: IntArray,
    starts: IntArray,
    statistics: FloatArray,
    immediate: BoolArray,
    last: FloatArray,
    persisted: FloatArray,
) -> None:
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _persist(statistics[a:b], immediate, last[place], persisted[a:b])
