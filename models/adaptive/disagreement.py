"""How much the frozen reference and the batch's own learner have disagreed of late."""

import numpy as np

from models.arrays.compiled import FLAGS, ROW, compiled
from models.arrays.types import BoolArray, FloatArray

_SPAN = 50.0  # scans


class Disagreement:
    """An exponentially weighted mean of whether champion and learner disagree: 0 never, 1 always."""

    def __init__(self) -> None:
        self._carried = np.zeros(1)  # the part of the next share that comes from the scans before

    def advance(self, champion: BoolArray, learner: BoolArray) -> FloatArray:
        """Share of the last 50 scans or so in which one alarms and the other does not, shape (n,), 0 to 1.

        Parameters
        ----------
        champion, learner
            Shape (n,): whether each alarms.

        References
        ----------
        Roberts (1959), Technometrics 1(3), 239-250 (exponentially weighted moving average).

        Examples
        --------
        >>> on, off = np.ones(300, dtype=bool), np.zeros(300, dtype=bool)
        >>> Disagreement().advance(on, off)[-1].round(2), Disagreement().advance(on, on)[-1]
        (np.float64(1.0), np.float64(0.0))
        """
        shares = np.empty(len(champion))
        _disagree(champion, learner, self._carried, shares)
        return shares

    def state(self) -> float:
        """All that changes."""
        return float(self._carried[0])

    def restore(self, carried: float) -> None:
        """Take up what ``state`` gave."""
        self._carried[0] = carried


@compiled("void", FLAGS, FLAGS, ROW, ROW)
def _disagree(champion: BoolArray, learner: BoolArray, carried: FloatArray, shares: FloatArray) -> None:
    """Shares (n,) of late scans at which the two differ; ``carried`` (1,) goes on."""
    weight = 2 / (_SPAN + 1)
    for row in range(len(shares)):
        shares[row] = (weight if champion[row] != learner[row] else 0.0) + carried[0]
        carried[0] = (1 - weight) * shares[row]
