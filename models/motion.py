"""How a sensor's readings move from scan to scan: jumps, spikes and roughness."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from models.block import FloatArray
from models.innovation import hold
from models.monitor import Numbers

_SPAN = 30.0  # scans over which roughness is taken
SETTLE = 60  # scans before roughness means something


@dataclass(frozen=True, slots=True)
class Moves:
    """Of n scans of p tags, in each tag's unit of measure; NaN: not known."""

    jump: FloatArray  # (n, p) size of the step from the scan before
    spike: FloatArray  # (n, p) out at the scan before and back at this one: the smaller of the two steps
    rough: FloatArray  # (n, p) mean size of second differences over the last 30 scans or so


class Motion:
    """Motion of one unit's tags while a batch runs.

    Parameters
    ----------
    ceiling
        Shape (p,), in each tag's unit of measure: a second difference counts as no more in the roughness, so that
        a step is not noise.
    """

    def __init__(self, ceiling: FloatArray) -> None:
        tags = len(ceiling)
        self._ceiling = ceiling
        self._last = np.full((2, tags), np.nan)  # readings, oldest first
        self._bend = np.zeros((1, tags))  # size of the last second difference
        self._zi = np.zeros((1, tags))
        self._scans = 0

    def advance(self, values: FloatArray) -> Moves:
        """Moves at each scan of readings (n, p) in order of time; NaN: no reading.

        Examples
        --------
        >>> moves = Motion(np.array([np.inf])).advance(np.array([[1.0], [1.0], [9.0], [2.0]]))
        >>> moves.jump.ravel().tolist(), moves.spike.ravel().tolist()
        ([nan, 0.0, 8.0, 7.0], [nan, nan, 0.0, 7.0])
        """
        known = np.concatenate([self._last, values])
        step = np.diff(known, axis=0)  # (n + 1, p): into the scan before, into this one
        out, back = step[:-1], step[1:]
        spike = np.where(out * back < 0, np.minimum(np.abs(out), np.abs(back)), out * back * 0.0)
        bends = hold(np.concatenate([self._bend, np.minimum(np.abs(back - out), self._ceiling)]))
        weight = 2 / (_SPAN + 1)
        rough, self._zi = lfilter([weight], [1.0, weight - 1.0], bends[1:], axis=0, zi=self._zi)
        rough[: max(SETTLE - self._scans, 0)] = np.nan
        self._last, self._bend, self._scans = known[-2:].copy(), bends[-1:].copy(), self._scans + len(values)
        return Moves(np.abs(back), spike, rough)

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy(), "bend": self._bend.copy(), "zi": self._zi.copy(), "scans": self._scans}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last, self._bend, self._zi = (np.array(numbers[name]) for name in ("last", "bend", "zi"))
        self._scans = int(str(numbers["scans"]))
