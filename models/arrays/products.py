"""Products of features with weights: each scan's bits are the same whichever scans are beside it (decision 9).

A few scans share each row of weights while it is at hand. Sums run over features in order; what is 0 in all of these
scans (hinges, switched laws) is left out, and what is 0 in some of them adds exactly nothing.
"""

import numpy as np

from models.arrays.compiled import PLACES, TABLE, compiled
from models.arrays.pieces import in_pieces
from models.arrays.types import FloatArray, IntArray

TOGETHER = 8  # scans that share a row of weights


def product(features: FloatArray, weights: FloatArray) -> FloatArray:
    """The matrix product (n, F) x (F, k), each row bit for bit the same whichever rows are beside it.

    Examples
    --------
    >>> product(np.array([[1.0, 0.0, 2.0]]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])).tolist()
    [[11.0, 14.0]]
    """
    found = np.zeros((len(features), weights.shape[1]))
    features, weights = np.ascontiguousarray(features), np.ascontiguousarray(weights)
    in_pieces(lambda rows: add_products(features[rows], weights, found[rows]), len(found))
    return found


@compiled("int64", TABLE, PLACES, TABLE)
def others_than_zero(features: FloatArray, places: IntArray, found: FloatArray) -> int:
    """How many of the features (s, F) are not 0 in all scans.

    The first so many of ``places`` and of each scan's ``found`` are where and what they are.
    """
    count = 0
    for place in range(features.shape[1]):
        some = False
        for scan in range(len(features)):
            some = some or features[scan, place] != 0.0
        if some:
            places[count] = place
            for scan in range(len(features)):
                found[scan, count] = features[scan, place]
            count += 1
    return count


@compiled("void", TABLE, TABLE, PLACES, TABLE, "UniTuple(int64, 2)", "int64")
def add_rows(
    total: FloatArray, rows: FloatArray, places: IntArray, x: FloatArray, span: tuple[int, int], first: int
) -> None:
    """Add to each scan's total (s, k), from column ``first`` on, the rows at a span of ``places`` times its ``x``.

    Four rows at a time, always in the same order; the loops run over whole slices from 0, or they become no vectors.
    """
    k, end = span
    while k + 4 <= end:
        a, b = rows[places[k], first:], rows[places[k + 1], first:]
        c, d = rows[places[k + 2], first:], rows[places[k + 3], first:]
        for scan in range(len(total)):
            sums, xa, xb, xc, xd = total[scan, first:], x[scan, k], x[scan, k + 1], x[scan, k + 2], x[scan, k + 3]
            for j in range(len(sums)):
                sums[j] = sums[j] + xa * a[j] + xb * b[j] + xc * c[j] + xd * d[j]
        k += 4
    while k < end:
        a = rows[places[k], first:]
        for scan in range(len(total)):
            sums, xa = total[scan, first:], x[scan, k]
            for j in range(len(sums)):
                sums[j] += xa * a[j]
        k += 1


@compiled("void", TABLE, TABLE, TABLE)
def add_products(features: FloatArray, weights: FloatArray, total: FloatArray) -> None:
    """Add the product (n, F) x (F, k) to the total."""
    places, x = np.empty(len(weights), dtype=np.int64), np.empty((TOGETHER, len(weights)))
    for row in range(0, len(features), TOGETHER):
        some = features[row : row + TOGETHER]
        add_rows(total[row : row + TOGETHER], weights, places, x, (0, others_than_zero(some, places, x)), 0)
