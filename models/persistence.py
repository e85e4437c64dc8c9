"""When a statistic counts as over its limit: two scans in a row, or far over at once; a schedule tag at once."""

import numpy as np

from models.block import BoolArray, FloatArray
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
        self._last = np.zeros((1, len(immediate)))

    def advance(self, statistics: FloatArray) -> FloatArray:
        """The level each statistic has held, shape (n, k): over its limit exactly when this is; NaN counts as 0.

        Examples
        --------
        >>> held = Persistence(np.array([False]))
        >>> held.advance(np.array([[1.5], [1.5], [3.0], [0.0]])).ravel().tolist()
        [1.0, 1.5, 2.0, 0.0]
        """
        known = np.nan_to_num(statistics)
        before = np.concatenate([self._last, known[:-1]])
        self._last = known[-1:].copy()
        held: FloatArray = np.maximum(known / AT_ONCE, np.minimum(known, before))
        return np.where(self._immediate, known, held)

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last = np.array(numbers["last"])
