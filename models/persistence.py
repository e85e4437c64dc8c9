"""When a statistic counts as over its limit: two scans in a row, or far over at once; a schedule tag at once."""

import numpy as np

from models.block import BoolArray, FloatArray
from models.compiled import FLAGS, ROW, TABLE, compiled
from models.monitor import Numbers

AT_ONCE = 1.5  # times the limit: no second scan is waited for


class Persistence:
    """Persistence of k statistics of one running batch.

    Parameters
    ----------
    immediate
        Shape (k,): whether one scan is enough.
    """

    def __init__(self, immediate: BoolArray) -> None:
        self._immediate = immediate
        self._last = np.zeros(len(immediate))

    def advance(self, statistics: FloatArray) -> FloatArray:
        """The level each statistic has held, shape (n, k): over its limit exactly when this is; NaN counts as 0.

        Examples
        --------
        >>> held = Persistence(np.array([False]))
        >>> held.advance(np.array([[1.5], [1.5], [3.0], [0.0]])).ravel().tolist()
        [1.0, 1.5, 2.0, 0.0]
        """
        held = np.empty(statistics.shape)
        _hold(np.ascontiguousarray(statistics), self._immediate, self._last, held)
        return held

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last = np.array(numbers["last"])


@compiled("void", TABLE, FLAGS, ROW, TABLE)
def _hold(statistics: FloatArray, immediate: BoolArray, last: FloatArray, held: FloatArray) -> None:
    for row in range(len(statistics)):
        for k in range(statistics.shape[1]):
            now = 0.0 if np.isnan(statistics[row, k]) else statistics[row, k]
            held[row, k] = now if immediate[k] else max(now / AT_ONCE, min(now, last[k]))
            last[k] = now
