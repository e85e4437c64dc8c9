"""Whether a schedule tag that left its schedule came straight back: then its sensor spikes, and nothing moved."""

import numpy as np

from models.block import BoolArray, FloatArray
from models.monitor import Numbers

_BACK = 0.5  # of the limit: a residual below this is back
_ACROSS = 0.3  # of the limit: beyond this on the other side, it alternates


class Spikes:
    """Which of p tags have shown themselves spiky in one running batch.

    Parameters
    ----------
    tags
        How many.
    """

    def __init__(self, tags: int) -> None:
        self._last, self._spiky = np.zeros((2, tags)), np.zeros((1, tags), dtype=bool)

    def advance(self, signed: FloatArray) -> tuple[BoolArray, BoolArray]:
        """Whether each tag is spiky by each scan, and where it shows first, (n, p) each.

        From residuals over their limits (n, p), with their sign; NaN: none.

        Examples
        --------
        >>> Spikes(1).advance(np.array([[3.0], [2.5], [2.0]]))[0].ravel().tolist()  # a step stays
        [False, False, False]
        >>> Spikes(1).advance(np.array([[3.0], [0.1], [0.0]]))[0].ravel().tolist()
        [False, True, True]
        >>> Spikes(1).advance(np.array([[3.0], [2.5], [0.0]]))[0].ravel().tolist()  # the step is over
        [False, False, False]
        """
        absent = np.isnan(signed)
        now = np.where(absent, 0.0, signed)
        known = np.concatenate([self._last, now])
        earlier, before = known[:-2], known[1:-1]
        one_scan = (np.abs(before) > 1) & (np.sign(before) * earlier < _BACK)
        back = one_scan & ~absent & ((np.abs(now) < _BACK) | (np.sign(before) * now < -_ACROSS))
        spiky = np.logical_or.accumulate(np.concatenate([self._spiky, back]))
        first = spiky[1:] & ~spiky[:-1]
        self._last, self._spiky = known[-2:].copy(), spiky[-1:].copy()
        return spiky[1:], first

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy(), "spiky": self._spiky.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last, self._spiky = np.array(numbers["last"]), np.array(numbers["spiky"], dtype=bool)
