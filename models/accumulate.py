"""Statistics with memory: small lasting shifts and changes of noise, which no single scan shows.

All go scan by scan from carried state, so that how scans are cut into blocks changes no bit.
"""

import numpy as np

from models.block import FloatArray
from models.compiled import ROW, TABLE, compiled
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
        averages = np.empty(residuals.shape)
        own, most = np.ascontiguousarray(residuals), np.ascontiguousarray(highest)
        _average(own, most, np.ascontiguousarray(lowest), self._weight, self._average, averages)
        return averages

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
        self._last, self._average = np.full(tags, np.nan), np.zeros(tags)

    def advance(self, residuals: FloatArray, bound: FloatArray) -> FloatArray:
        """Mean size of the differences after each scan, shape (n, p); a difference with an absent value counts as 0.

        ``bound`` as for ``Ewma``.
        """
        averages = np.empty(residuals.shape)
        own, most = np.ascontiguousarray(residuals), np.ascontiguousarray(bound)
        _roughness(own, most, self._weight, self._last, self._average, averages)
        return averages

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy(), "average": self._average.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last, self._average = np.array(numbers["last"]), np.array(numbers["average"])


@compiled("void", TABLE, TABLE, TABLE, "float64", ROW, TABLE)
def _average(
    residuals: FloatArray, highest: FloatArray, lowest: FloatArray, weight: float,
    average: FloatArray, averages: FloatArray,
) -> None:  # fmt: skip
    """Averages (n, p) in their own standard deviations; ``average`` (p,) is carried on."""
    unit = np.sqrt((2 - weight) / weight)
    for row in range(len(residuals)):
        for tag in range(residuals.shape[1]):
            now, most, least = residuals[row, tag], highest[row, tag] / unit, lowest[row, tag] / unit
            moved = average[tag] + weight * ((0.0 if np.isnan(now) else now) - average[tag])
            moved = -least if moved < -least else moved  # false where there is no bound (NaN)
            average[tag] = most if moved > most else moved
            averages[row, tag] = average[tag] * unit


@compiled("void", TABLE, TABLE, "float64", ROW, ROW, TABLE)
def _roughness(
    residuals: FloatArray, bound: FloatArray, weight: float, last: FloatArray, average: FloatArray, averages: FloatArray
) -> None:
    """Mean sizes of jumps (n, p); ``last`` and ``average`` (p,) are carried on."""
    for row in range(len(residuals)):
        for tag in range(residuals.shape[1]):
            jump = np.abs(residuals[row, tag] - last[tag])
            moved = average[tag] + weight * ((0.0 if np.isnan(jump) else jump) - average[tag])
            average[tag] = bound[row, tag] if moved > bound[row, tag] else moved
            averages[row, tag], last[tag] = average[tag], residuals[row, tag]
