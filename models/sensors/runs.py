"""How long each tag has repeated its value, and how long it has been silent, in scans."""

import numpy as np

from models.arrays.compiled import CUBE, PLACES, TABLE, compiled
from models.arrays.types import FloatArray, IntArray


def no_runs(tags: int) -> FloatArray:
    """What a batch starts from, (3, p): last reading (NaN), runs of equal values and of absent ones, in scans (0)."""
    none = np.zeros((3, tags))
    none[0] = np.nan
    return none


def longest_runs(values: FloatArray) -> FloatArray:
    """The longest run of equal values and of absent ones in one batch's readings (n, p): (2, p), >= 0, in scans.

    Examples
    --------
    >>> longest_runs(np.array([[1.0], [1.0], [1.0], [np.nan], [2.0]])).ravel().tolist()
    [2.0, 1.0]
    """
    runs = np.empty((2, *values.shape))
    _runs(np.ascontiguousarray(values), no_runs(values.shape[1]), runs[0], runs[1])
    longest: FloatArray = runs.max(axis=1)
    return longest


@compiled("void", TABLE, TABLE, TABLE, TABLE)
def _runs(values: FloatArray, state: FloatArray, stuck: FloatArray, missing: FloatArray) -> None:
    """Runs (n, p) of equal values and of absent ones; silence neither ends nor lengthens a run of equal values.

    A tag that was never read in this batch has not failed in it.
    """
    last, equal, absent = state[0], state[1], state[2]
    for row in range(len(values)):
        for tag in range(values.shape[1]):
            value = values[row, tag]
            if np.isnan(value):
                absent[tag] = absent[tag] + 1 if np.isfinite(last[tag]) else 0.0
            else:
                equal[tag] = equal[tag] + 1 if value == last[tag] else 0.0
                absent[tag], last[tag] = 0.0, value
            stuck[row, tag], missing[row, tag] = equal[tag], absent[tag]


@compiled("void", PLACES, PLACES, TABLE, CUBE, TABLE, TABLE)
def runs_of_each(
    places: IntArray, starts: IntArray, values: FloatArray, carried: FloatArray, stuck: FloatArray, missing: FloatArray
) -> None:
    """As ``_runs``, in scans, of each batch in turn (``carried.Segments``), which carries (3, p)."""
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _runs(values[a:b], carried[place], stuck[a:b], missing[a:b])
