"""Statistics with memory: small lasting shifts and changes of noise, which no single scan shows.

All go scan by scan from carried state, so that how scans are cut into blocks changes no bit; an absent value (NaN)
leaves the memory as it is.
"""

import numpy as np
from scipy.signal import lfilter

from models.block import FloatArray
from models.monitor import Numbers


class Ewma:
    """Exponentially weighted moving averages of p residuals, in standard deviations of their own.

    Parameters
    ----------
    tags
        How many residuals side by side.
    span
        Scans: the weight of the newest is 2 / (span + 1).

    References
    ----------
    Roberts (1959), Technometrics 1(3), 239-250; its variance for white residuals is weight / (2 - weight).
    """

    def __init__(self, tags: int, span: float) -> None:
        self.weight = 2 / (span + 1)
        self._zi = np.zeros((1, tags))

    def advance(self, residuals: FloatArray) -> FloatArray:
        """The averages after each scan, shape (n, p), starting from 0; an absent residual counts as 0.

        Examples
        --------
        >>> (Ewma(1, 3).advance(np.array([[1.0], [1.0]])) * np.sqrt(1 / 3)).ravel().round(6).tolist()
        [0.5, 0.75]
        """
        smooth, self._zi = lfilter(
            [self.weight], [1.0, self.weight - 1.0], np.nan_to_num(residuals), axis=0, zi=self._zi
        )
        average: FloatArray = smooth * np.sqrt((2 - self.weight) / self.weight)
        return average

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"zi": self._zi.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._zi = np.array(numbers["zi"])


class Roughness:
    """How much residuals jump from scan to scan: the EWMA of the size of their differences.

    Parameters
    ----------
    tags
        How many residuals side by side.
    span
        Scans: the weight of the newest is 2 / (span + 1).
    """

    def __init__(self, tags: int, span: float) -> None:
        self._weight = 2 / (span + 1)
        self._last, self._zi = np.full((1, tags), np.nan), np.zeros((1, tags))

    def advance(self, residuals: FloatArray) -> FloatArray:
        """Mean size of the differences after each scan, shape (n, p); a difference with an absent value counts as 0."""
        before = np.concatenate([self._last, residuals[:-1]])
        jumps = np.nan_to_num(np.abs(residuals - before))
        smooth, self._zi = lfilter([self._weight], [1.0, self._weight - 1.0], jumps, axis=0, zi=self._zi)
        self._last = residuals[-1:].copy()
        rough: FloatArray = smooth
        return rough

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy(), "zi": self._zi.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last, self._zi = np.array(numbers["last"]), np.array(numbers["zi"])
