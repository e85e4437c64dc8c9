"""Silent tags: those without a reading fit to judge since the batch began. The model does without them.

A few absent readings are imputed (``models.statistics.innovation``). Imputed values that are predicted from imputed
values drift; so a tag that is not there at all is left out of the model itself, until it reads. The readings of a
sensor that fails within a batch are imputed with ever larger variance: fitting anew for each broken sensor would cost
seconds each time (decision 14).
"""

from typing import Any

import numpy as np

from models.arrays.types import BoolArray, IntArray
from models.records.monitor import Numbers

LONGEST = 10  # scans that are imputed before a tag counts as silent


class Silence:
    """The silent tags of one running batch.

    Parameters
    ----------
    may_leave
        Shape (p,): the tags the others can be judged without; schedule tags are imputed by their schedule instead.
    """

    def __init__(self, may_leave: BoolArray) -> None:
        self._may = may_leave
        self._read, self._scans = np.zeros(len(may_leave), dtype=bool), 0
        self._all_read = False

    def advance(self, fit: BoolArray) -> BoolArray | None:
        """Which tags are silent at each scan, (n, p), from which readings are fit to judge, (n, p); None: no tag is.

        Never more than half of those that may be left out: from what remains nothing could be predicted.

        Examples
        --------
        >>> silence = Silence(np.array([True, True]))
        >>> fit = np.array([[True, False]] * 12 + [[True, True]])
        >>> silence.advance(fit)[[9, 10, 12]].tolist()
        [[False, False], [False, True], [False, False]]
        """
        if self._all_read:  # almost always
            self._scans += len(fit)
            return None
        read = self._read | np.logical_or.accumulate(fit, axis=0)
        scans = self._scans + 1 + np.arange(len(fit))
        self._read, self._scans = read[-1].copy(), int(scans[-1])
        self._all_read = bool(self._read.all())
        return self._silent(read, scans)

    @property
    def over(self) -> bool:
        """Every tag has been read: none is silent any more."""
        return self._all_read

    def skip(self, scans: int) -> None:
        """So many scans more, all after silence is ``over``."""
        self._scans += scans

    @property
    def now(self) -> BoolArray:
        """Which tags were silent at the last scan, (p,)."""
        now: BoolArray = self._silent(self._read[None], np.array([self._scans]))[0]
        return now

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"read": None if self._all_read else self._read.copy(), "scans": self._scans}

    def restore(self, numbers: Any) -> None:
        """Take up what ``state`` gave."""
        self._all_read, self._scans = numbers["read"] is None, int(numbers["scans"])
        self._read = np.ones(len(self._may), dtype=bool) if self._all_read else np.array(numbers["read"], dtype=bool)

    def _silent(self, read: BoolArray, scans: IntArray) -> BoolArray:
        """From what has read by each scan, (n, p), and how many scans that were, (n,)."""
        silent: BoolArray = ~read & self._may & (scans > LONGEST)[:, None]
        silent[2 * silent.sum(axis=1) > self._may.sum()] = False
        return silent
