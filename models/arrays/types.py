"""The arrays that models work on, by the type of their elements."""

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]


def marked(places: IntArray, count: int) -> BoolArray:
    """Which of so many are at these places, (count,).

    Examples
    --------
    >>> marked(np.array([2, 0]), 3).tolist()
    [True, False, True]
    """
    which = np.zeros(count, dtype=bool)
    which[places] = True
    return which
