"""Process or sensor: one cause for all that is over its limit in one episode.

A manipulated tag that leads is the process, unless it is only noisier than it should be; a measured tag that is alone
is its sensor; anything else is the process. What an episode began as it stays, because disturbances spread through
control loops; only a schedule tag, which nothing else moves, turns a sensor's episode into the process's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray, IntArray
from models.monitor import Numbers
from models.statistics import KINDS

PROCESS = -1
_NONE = -2


@dataclass(frozen=True, slots=True)
class Roles:
    """What each of p tags is."""

    manipulated: BoolArray  # (p,)
    scheduled: BoolArray  # (p,)


class Episode:
    """The cause of what is over its limit in one running batch.

    Parameters
    ----------
    roles
        Of the tags.
    memory_s
        Batch age without anything over its limit after which an episode is past.
    """

    def __init__(self, roles: Roles, memory_s: float) -> None:
        self._roles, self._memory_s = roles, memory_s
        self._cause, self._last_s = _NONE, -np.inf
        self._accused = np.zeros(len(roles.manipulated), dtype=bool)

    @property
    def accused(self) -> Sequence[int]:
        """Tags whose sensor has been a cause in this batch."""
        found: list[int] = np.flatnonzero(self._accused).tolist()
        return found

    def advance(self, age_s: FloatArray, excess: FloatArray) -> IntArray:
        """The cause at each scan: a tag's position (its sensor), or ``PROCESS``; less: nothing is over.

        Parameters
        ----------
        age_s
            Shape (n,).
        excess
            Shape (n, 5p + 2): above 0 where a statistic is over its limit, in units of its tail.
        """
        causes = np.full(len(age_s), _NONE)
        for row in np.flatnonzero((excess > 0).any(axis=1)):
            if age_s[row] - self._last_s > self._memory_s:
                self._cause = _NONE
            causes[row] = self._cause = self._judge(excess[row])
            self._last_s = float(age_s[row])
            if self._cause >= 0:
                self._accused[self._cause] = True
        return causes

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"cause": self._cause, "last_s": self._last_s, "accused": self._accused.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._cause, self._last_s = int(numbers["cause"]), float(numbers["last_s"])  # type: ignore[call-overload, arg-type]
        self._accused = np.array(numbers["accused"], dtype=bool)

    def _judge(self, excess: FloatArray) -> int:
        tags = len(self._roles.manipulated)
        own = excess[:-2].reshape(len(KINDS), tags)
        over = (own > 0).any(axis=0)
        moved = (own[KINDS.index("residual")] > 0) & self._roles.scheduled
        if self._cause == PROCESS or (self._cause >= 0 and not moved[np.arange(tags) != self._cause].any()):
            return self._cause
        if not over.any():
            return PROCESS
        lead = int(own.max(axis=0).argmax())
        if self._roles.manipulated[lead]:
            only_noise = int(own[:, lead].argmax()) == KINDS.index("noise")
            return lead if only_noise else PROCESS
        return lead if over.sum() == 1 else PROCESS
