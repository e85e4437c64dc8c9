"""How a sensor's readings move from scan to scan: jumps, spikes and roughness."""

import msgspec
import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import CUBE, PLACES, ROW, TABLE, compiled
from models.arrays.types import FloatArray, IntArray

_SPAN = 30.0  # scans over which roughness is taken
SETTLE = 60  # scans from a tag's first reading before its roughness means something


class Moves(msgspec.Struct, frozen=True):
    """Of n scans of p tags, in each tag's unit of measure; NaN: not known."""

    spike: FloatArray  # (n, p) out at the scan before and back at this one: the smaller of the two steps
    rough: FloatArray  # (n, p) mean size of second differences over the last 30 scans or so


class Motion(Carried):
    """Motion of a unit's tags while a batch runs.

    Parameters
    ----------
    ceiling
        Shape (p,), in each tag's unit of measure: a second difference counts as no more in the roughness, so that
        a step is not noise.

    References
    ----------
    PATrol's own: the average of Roberts (1959), Technometrics 1(3), 239-250, of second differences.
    """

    def __init__(self, ceiling: FloatArray) -> None:
        self._ceiling = np.ascontiguousarray(ceiling)
        start = np.zeros((5, len(ceiling)))  # readings, oldest first; last second difference; roughness; scans
        start[:2] = np.nan
        super().__init__(readings=start)

    def advance(self, values: FloatArray, segments: Segments | None = None) -> Moves:
        """Spikes and roughness at each scan, (n, p) each, >= 0, in each tag's unit of measure.

        Spike: the smaller of two steps in opposite directions, 0 where they are in one. Roughness: the EWMA, over 30
        scans, of |second difference|.

        Parameters
        ----------
        values
            Shape (n, p), in each tag's unit of measure, in order of time; NaN: no reading.
        segments
            Whose scans they are; None: one batch's.

        Examples
        --------
        >>> moves = Motion(np.array([np.inf])).advance(np.array([[1.0], [1.0], [9.0], [2.0]]))
        >>> moves.spike.ravel().tolist()
        [nan, nan, 0.0, 7.0]
        """
        spike, rough = np.empty((2, *values.shape))
        segments = segments or Segments.of_one(len(values))
        carried, own = self.rows["readings"], np.ascontiguousarray(values)
        _moves_of_each(segments.places, segments.starts, own, self._ceiling, carried, spike, rough)
        return Moves(spike, rough)


@compiled("void", TABLE, ROW, TABLE, TABLE, TABLE)
def _moves(values: FloatArray, ceiling: FloatArray, state: FloatArray, spike: FloatArray, rough: FloatArray) -> None:
    """Spikes and roughness (n, p) in each tag's unit of measure.

    ``state`` (5, p) is carried on: the last two readings, the last second difference, the roughness, and the scans
    since the first reading.
    """
    weight = 2 / (_SPAN + 1)
    earlier, before, bend, smooth, scans = state[0], state[1], state[2], state[3], state[4]
    for row in range(len(values)):
        for tag in range(values.shape[1]):
            out, back = before[tag] - earlier[tag], values[row, tag] - before[tag]
            known = not np.isnan(out * back)
            turned = min(np.abs(out), np.abs(back)) if out * back < 0 else 0.0
            spike[row, tag] = turned if known else np.nan
            if known:
                bend[tag] = min(np.abs(back - out), ceiling[tag])
            smooth[tag] = weight * bend[tag] + (1 - weight) * smooth[tag]
            if scans[tag] > 0 or not np.isnan(values[row, tag]):
                scans[tag] += 1
            rough[row, tag] = smooth[tag] if scans[tag] > SETTLE else np.nan
            earlier[tag], before[tag] = before[tag], values[row, tag]


@compiled("void", PLACES, PLACES, TABLE, ROW, CUBE, TABLE, TABLE)
def _moves_of_each(
    places: IntArray, starts: IntArray, values: FloatArray, ceiling: FloatArray, carried: FloatArray,
    spike: FloatArray, rough: FloatArray,
) -> None:  # fmt: skip
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _moves(values[a:b], ceiling, carried[place], spike[a:b], rough[a:b])
