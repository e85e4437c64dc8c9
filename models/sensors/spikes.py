"""Whether a schedule tag that left its schedule came straight back: then its sensor spikes, and nothing moved.

PATrol's own rule (decision 4).
"""

import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import CUBE, FLAG_TABLE, FLAGS, PLACES, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray

_BACK = 0.5  # of the limit: a residual below this is back
_ACROSS = 0.3  # of the limit: beyond this on the other side, it alternates


class Spikes(Carried):
    """Which of p tags have shown themselves spiky in a running batch.

    Parameters
    ----------
    tags
        How many.
    """

    def __init__(self, tags: int) -> None:
        super().__init__(last=np.zeros((2, tags)), spiky=np.zeros(tags, dtype=bool))

    def advance(self, signed: FloatArray, segments: Segments | None = None) -> tuple[BoolArray, BoolArray]:
        """Whether each tag is spiky by each scan, and where it shows first, (n, p) each.

        A tag is spiky once one scan is over its limit, those beside it within half of it or beyond 0.3 of it on the
        other side.

        Parameters
        ----------
        signed
            Shape (n, p), dimensionless: residuals over their limits, with their sign; NaN: none.
        segments
            Whose scans they are; None: one batch's.

        Examples
        --------
        >>> Spikes(1).advance(np.array([[3.0], [2.5], [2.0]]))[0].ravel().tolist()  # a step stays
        [False, False, False]
        >>> Spikes(1).advance(np.array([[3.0], [0.1], [0.0]]))[0].ravel().tolist()
        [False, True, True]
        >>> Spikes(1).advance(np.array([[3.0], [2.5], [0.0]]))[0].ravel().tolist()  # the step is over
        [False, False, False]
        """
        spiky, first = np.empty(signed.shape, dtype=bool), np.empty(signed.shape, dtype=bool)
        segments = segments or Segments.of_one(len(signed))
        own, last, is_spiky = np.ascontiguousarray(signed), self.rows["last"], self.rows["spiky"]
        _follow_each(segments.places, segments.starts, own, last, is_spiky, spiky, first)
        return spiky, first


@compiled("void", TABLE, TABLE, FLAGS, FLAG_TABLE, FLAG_TABLE)
def _follow(signed: FloatArray, last: FloatArray, is_spiky: BoolArray, spiky: BoolArray, first: BoolArray) -> None:
    """``last`` (2, p), the two residuals before, and ``is_spiky`` (p,) are carried on."""
    for row in range(len(signed)):
        for tag in range(signed.shape[1]):
            absent = np.isnan(signed[row, tag])
            now, before, earlier = 0.0 if absent else signed[row, tag], last[1, tag], last[0, tag]
            one_scan = np.abs(before) > 1 and np.sign(before) * earlier < _BACK
            back = one_scan and not absent and (np.abs(now) < _BACK or np.sign(before) * now < -_ACROSS)
            first[row, tag] = back and not is_spiky[tag]
            is_spiky[tag] = is_spiky[tag] or back
            spiky[row, tag] = is_spiky[tag]
            last[0, tag], last[1, tag] = before, now


@compiled("void", PLACES, PLACES, TABLE, CUBE, FLAG_TABLE, FLAG_TABLE, FLAG_TABLE)
def _follow_each(
    places: IntArray, starts: IntArray, signed: FloatArray, last: FloatArray, is_spiky: BoolArray,
    spiky: BoolArray, first: BoolArray,
) -> None:  # fmt: skip
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _follow(signed[a:b], last[place], is_spiky[place], spiky[a:b], first[a:b])
