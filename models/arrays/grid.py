"""Values between the points of a grid."""

import numpy as np

from models.arrays.compiled import ROW, TABLE, compiled
from models.arrays.types import FloatArray


def at_position(grid: FloatArray, position: FloatArray) -> FloatArray:
    """Values (n, k) of a grid (G, k), G >= 2, at positions (n,) in grid steps: between two points linearly.

    Positions beyond the ends count as the ends; NaN where the position is NaN.

    Examples
    --------
    >>> at_position(np.array([[0.0], [10.0]]), np.array([0.25, np.nan])).ravel().tolist()
    [2.5, nan]
    """
    between = np.empty((len(position), grid.shape[1]))
    _between(np.ascontiguousarray(grid), np.ascontiguousarray(position), between)
    return between


@compiled("void", TABLE, ROW, TABLE)
def _between(grid: FloatArray, position: FloatArray, between: FloatArray) -> None:
    for row in range(len(position)):
        if not np.isfinite(position[row]):
            between[row] = np.nan
            continue
        place = min(max(position[row], 0.0), len(grid) - 1.0)
        low = min(int(place), len(grid) - 2)
        part = place - low
        if part == 0 or part == 1:  # exactly there: what a neighbour lacks (NaN) does not matter
            between[row] = grid[low + int(part)]
        else:
            for k in range(grid.shape[1]):
                between[row, k] = grid[low, k] * (1 - part) + grid[low + 1, k] * part
