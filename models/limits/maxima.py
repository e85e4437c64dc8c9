"""The usual size and spread of batches' largest values along the recipe: of all batches, or without any one of them.

Each batch is judged by the others, so this is needed once a batch: values are sorted once, and the median without one
batch is found by that batch's place in the order.
"""

import numpy as np

from models.arrays.compiled import CUBE, ROW, TABLE, compiled
from models.arrays.types import FloatArray, IntArray

_LEAST_SHARE = 0.2  # of a statistic's usual maximum: smaller ones are all equally small
_LEAST_DEPTH = 0.1  # of log maxima: how deep in its tail a statistic is, at least
_PRIOR_BATCHES = 20  # a window's tail is shrunk towards the recipe's with the weight of so many batches


class Maxima:
    """Largest values of B batches.

    Parameters
    ----------
    maxima
        Shape (B, windows, k), >= 0, dimensionless: each batch's largest value of each statistic, in windows along the
        recipe; B > 1.
    """

    def __init__(self, maxima: FloatArray) -> None:
        self._maxima, self._zeros = maxima, (maxima <= 0).sum(axis=1)  # (B, k)
        self._in_window, self._place_in_window = _ordered(maxima)
        self._in_recipe, places = _ordered(maxima.reshape(-1, maxima.shape[2]))
        self._place_in_recipe = places.reshape(maxima.shape)
        with np.errstate(divide="ignore"):
            self._logs = np.log(maxima)

    def usual(self, own: int | None = None) -> tuple[FloatArray, FloatArray]:
        """Usual log maximum, and its upward spread, in each window, without batch ``own`` (None: of all).

        Returns
        -------
        The median log maximum u, (windows, k), and its tail, (windows, k), >= 0.1, both dimensionless. The tail is
        sqrt(2 mean(max(log maximum - u, 0)²)), shrunk towards its mean along the recipe with the weight of 20 batches.

        References
        ----------
        PATrol's own; measured in decisions 10 and 14.
        """
        least = _LEAST_SHARE * self._positive_median(own)
        batches = len(self._maxima) - (own is not None)
        lower, upper = (np.log(np.maximum(self._nth(nth, own), least)) for nth in ((batches - 1) // 2, batches // 2))
        usual, squares = (lower + upper) / 2, np.zeros(lower.shape)
        _add_above(self._logs, -1 if own is None else own, np.log(least), usual, squares)
        spread = 2 * squares / batches  # of the upper half: small maxima do not show how large they get
        recipe = np.maximum(spread.mean(axis=0), np.median(spread))
        tail = np.sqrt((batches * spread + _PRIOR_BATCHES * recipe) / (batches + _PRIOR_BATCHES))
        return usual, np.maximum(tail, _LEAST_DEPTH)

    # -- inside -----------------------------------------------------------------------------------------------

    def _nth(self, nth: int, own: int | None) -> FloatArray:
        """The batch's value that is nth in its window, from 0, (windows, k)."""
        place = np.full(self._maxima.shape[1:], nth)
        if own is not None:
            place += self._place_in_window[own] <= nth
        value: FloatArray = np.take_along_axis(self._in_window, place[None], axis=0)[0]
        return value

    def _positive_median(self, own: int | None) -> FloatArray:
        """Median of what is above 0 along the recipe, (k,); 1 where nothing is."""
        every, taken, zeros = self._in_recipe, self._place_in_recipe[0, :0], self._zeros.sum(axis=0)
        if own is not None:
            taken, zeros = np.sort(self._place_in_recipe[own], axis=0), zeros - self._zeros[own]
        positive = len(every) - len(taken) - zeros
        before = taken - np.arange(len(taken))[:, None]  # how many of those left come before each one taken out
        middle = []
        for nth in (zeros + (positive - 1) // 2, zeros + positive // 2):
            place = np.clip(nth + (before <= nth).sum(axis=0), 0, len(every) - 1)
            middle.append(np.take_along_axis(every, place[None], axis=0)[0])
        median: FloatArray = np.where(positive > 0, (middle[0] + middle[1]) / 2, 1.0)
        return median


def _ordered(values: FloatArray) -> tuple[FloatArray, IntArray]:
    """Values in order along the first axis, and each one's place there."""
    order = values.argsort(axis=0, kind="stable")
    return np.take_along_axis(values, order, axis=0), order.argsort(axis=0)


@compiled("void", CUBE, "int64", ROW, TABLE, TABLE)
def _add_above(logs: FloatArray, own: int, least: FloatArray, usual: FloatArray, squares: FloatArray) -> None:
    """Add how far log maxima (B, windows, k), at least ``least``, reach above the usual ones, squared; not own's."""
    for batch in range(len(logs)):
        if batch == own:
            continue
        for window in range(logs.shape[1]):
            for k in range(logs.shape[2]):
                above = max(logs[batch, window, k], least[k]) - usual[window, k]
                if above > 0:
                    squares[window, k] += above * above
