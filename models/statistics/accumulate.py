"""Statistics with memory: small lasting shifts and changes of noise, which no single scan shows.

All go scan by scan from carried state, so that how scans are cut into blocks changes no bit.
"""

import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import PLACES, ROW, TABLE, compiled
from models.arrays.types import FloatArray, IntArray


class Ewma(Carried):
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
        super().__init__(average=np.zeros(tags))

    def advance(
        self, residuals: FloatArray, highest: FloatArray, lowest: FloatArray, segments: Segments | None = None
    ) -> FloatArray:
        """The averages after each scan, shape (n, p), starting from 0; an absent residual (NaN) counts as 0.

        a = a + w (residual - a), divided by its standard deviation for white residuals, sqrt(w / (2 - w)).

        Parameters
        ----------
        residuals
            Shape (n, p), dimensionless, of variance 1 when in control.
        highest, lowest
            Shape (n, p), > 0, in the averages' standard deviations: no average goes beyond, upwards or downwards, so
            that what was far over its limit is soon forgotten once its cause is gone; NaN: no bound.
        segments
            Whose scans they are; None: one batch's.

        Examples
        --------
        >>> free = np.full((2, 1), np.nan)
        >>> (Ewma(1, 3).advance(np.ones((2, 1)), free, free) * np.sqrt(1 / 3)).ravel().round(6).tolist()
        [0.5, 0.75]
        """
        averages, segments = np.empty(residuals.shape), segments or Segments.of_one(len(residuals))
        own, most = np.ascontiguousarray(residuals), np.ascontiguousarray(highest)
        _average_each(
            segments.places, segments.starts, own, most, np.ascontiguousarray(lowest), self._weight,
            self.rows["average"], averages,
        )  # fmt: skip
        return averages


class Roughness(Carried):
    """How much residuals jump from scan to scan: the EWMA of their moving range |residual - the one before|.

    Parameters
    ----------
    tags
        How many residuals side by side.
    span
        Scans: the weight of the newest is 2 / (span + 1).

    References
    ----------
    PATrol's own: the average of Roberts (1959), Technometrics 1(3), 239-250, of moving ranges.
    """

    def __init__(self, tags: int, span: float) -> None:
        self._weight = 2 / (span + 1)
        super().__init__(last=np.full(tags, np.nan), average=np.zeros(tags))

    def advance(self, residuals: FloatArray, bound: FloatArray, segments: Segments | None = None) -> FloatArray:
        """Mean moving range after each scan, shape (n, p), >= 0, in the residuals' unit.

        Parameters
        ----------
        residuals
            Shape (n, p); a range that needs an absent one (NaN) counts as 0.
        bound
            Shape (n, p), > 0, in the residuals' unit: no average goes beyond; NaN: no bound.
        segments
            Whose scans they are; None: one batch's.

        Examples
        --------
        >>> Roughness(1, 3).advance(np.array([[0.0], [2.0], [0.0]]), np.full((3, 1), np.nan)).ravel().tolist()
        [0.0, 1.0, 1.5]
        """
        averages, segments = np.empty(residuals.shape), segments or Segments.of_one(len(residuals))
        own, most = np.ascontiguousarray(residuals), np.ascontiguousarray(bound)
        last, average = self.rows["last"], self.rows["average"]
        _roughness_of_each(segments.places, segments.starts, own, most, self._weight, last, average, averages)
        return averages


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


@compiled("void", PLACES, PLACES, TABLE, TABLE, TABLE, "float64", TABLE, TABLE)
def _average_each(
    places: IntArray, starts: IntArray, residuals: FloatArray, highest: FloatArray, lowest: FloatArray, weight: float,
    average: FloatArray, averages: FloatArray,
) -> None:  # fmt: skip
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _average(residuals[a:b], highest[a:b], lowest[a:b], weight, average[place], averages[a:b])


@compiled("void", PLACES, PLACES, TABLE, TABLE, "float64", TABLE, TABLE, TABLE)
def _roughness_of_each(
    places: IntArray, starts: IntArray, residuals: FloatArray, bound: FloatArray, weight: float,
    last: FloatArray, average: FloatArray, averages: FloatArray,
) -> None:  # fmt: skip
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _roughness(residuals[a:b], bound[a:b], weight, last[place], average[place], averages[a:b])
