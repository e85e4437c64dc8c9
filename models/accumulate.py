"""Statistics with memory: small lasting shifts and changes of noise, which no single scan shows.

All go scan by scan from carried state, so that how scans are cut into blocks changes no bit.
"""

import numpy as np

from models.block import FloatArray
from models.monitor import Numbers


class Ewma:
    """Exponentially weighted moving averages of p residuals side by side, in standard deviations of their own.

    Parameters
    ----------
    tags
        How many residuals.
    span
        Scans: the weight of the newest is 2 / (span + 1).

    References
    ----------
    Roberts (1959), Technometrics 1(3), 239-250; its variance for white residuals is weight / (2 - weight).
    """

    def __init__(self, tags: int, span: float) -> None:
        self._weight = 2 / (span + 1)
        self._unit = np.sqrt((2 - self._weight) / self._weight)
        self._average = np.zeros(tags)

    def advance(self, residuals: FloatArray, highest: FloatArray, lowest: FloatArray) -> FloatArray:
        """The averages after each scan, shape (n, p), starting from 0; an absent residual (NaN) counts as 0.

        Parameters
        ----------
        residuals
            Shape (n, p).
        highest, lowest
            Shape (n, p), > 0: no average goes beyond, upwards or downwards, so that what was far over its limit is
            soon forgotten once its cause is gone; NaN: no bound.

        Examples
        --------
        >>> free = np.full((2, 1), np.nan)
        >>> (Ewma(1, 3).advance(np.ones((2, 1)), free, free) * np.sqrt(1 / 3)).ravel().round(6).tolist()
        [0.5, 0.75]
        """
        known = np.nan_to_num(residuals)
        most, least = (np.where(np.isnan(bound), np.inf, bound / self._unit) for bound in (highest, lowest))
        averages, average = np.empty_like(known), self._average
        for row in range(len(known)):
            average = average + self._weight * (known[row] - average)
            averages[row] = average = np.minimum(np.maximum(average, -least[row]), most[row])
        self._average = average
        scaled: FloatArray = averages * self._unit
        return scaled

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"average": self._average.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._average = np.array(numbers["average"])


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
        self._last, self._average = np.full((1, tags), np.nan), np.zeros(tags)

    def advance(self, residuals: FloatArray, bound: FloatArray) -> FloatArray:
        """Mean size of the differences after each scan, shape (n, p); a difference with an absent value counts as 0.

        ``bound`` as for ``Ewma``.
        """
        jumps = np.nan_to_num(np.abs(residuals - np.concatenate([self._last, residuals[:-1]])))
        self._last = residuals[-1:].copy()
        most = np.where(np.isnan(bound), np.inf, bound)
        averages: FloatArray = np.empty(jumps.shape)
        average = self._average
        for row in range(len(jumps)):
            average = np.minimum(average + self._weight * (jumps[row] - average), most[row])
            averages[row] = average
        self._average = average
        return averages

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy(), "average": self._average.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last, self._average = np.array(numbers["last"]), np.array(numbers["average"])
