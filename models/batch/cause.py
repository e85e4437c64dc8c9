"""Process or sensor: one cause for all that is over its limit in one episode.

A schedule tag that leaves its schedule is a cause of its own, for nothing else moves it; what follows is part of it.
Another manipulated tag that leads is the process; a measured tag that is alone, with no manipulated tag near its limit,
is its sensor; anything else is the process. What an episode began as it stays, because disturbances spread through
control loops; only another schedule tag begins a new one. PATrol's own rules (decisions 4 and 10).
"""

from bisect import insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from models.arrays.types import BoolArray, FloatArray, IntArray, marked
from models.records.monitor import Numbers
from models.statistics.charts import KINDS

_NEAR = 1.5  # tails: a manipulated tag this close to its limit has a part in the deviation
_RESIDUAL = KINDS.index("residual")
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
        self._tags = len(roles.manipulated)
        self._accused: list[int] = []
        self._moved = np.zeros(self._tags, dtype=bool)  # schedule tags that this episode is about

    @property
    def accused(self) -> Sequence[int]:
        """Causes other than ``PROCESS`` in this batch so far: of p sensors, then p schedule tags."""
        return self._accused

    @property
    def at_rest(self) -> bool:
        """No episode is under way."""
        return self._cause == _NONE

    def advance(
        self, age_s: FloatArray, over: BoolArray, persisted: FloatArray, excess: Callable[[IntArray], FloatArray]
    ) -> tuple[IntArray, IntArray]:
        """The cause of what is over its limit at each scan, and the cause of the episode under way, (n,) each.

        A cause is ``PROCESS``, a tag's position (its sensor), or p + its position (its schedule); less than
        ``PROCESS``: there is none.

        Parameters
        ----------
        age_s
            Shape (n,), in s: batch age, increasing.
        over
            Shape (n,): whether any statistic is over its limit.
        persisted
            Shape (n, 6p), >= 0: the ratio to its limit that each statistic has held; above 1 it is over.
        excess
            Of some rows (m,): (m, 6p), above 0 where a statistic is over its limit, in units of its tail.
        """
        causes, under_way = np.full((2, len(age_s)), _NONE)
        if not np.count_nonzero(over):
            self._continue(age_s, under_way)
            return causes, under_way
        for row, (age, is_over) in enumerate(zip(age_s.tolist(), over.tolist(), strict=True)):
            if age - self._last_s > self._memory_s:
                self._forget()
            if is_over:
                causes[row] = self._cause = self._judge(row, persisted[row], excess)
                self._last_s = age
                if self._cause >= 0 and self._cause not in self._accused:
                    insort(self._accused, self._cause)
            under_way[row] = self._cause
        return causes, under_way

    def state(self) -> Numbers:
        """A copy of all that changes."""
        moved = self._moved.nonzero()[0].tolist()
        return {"cause": self._cause, "last_s": self._last_s, "accused": list(self._accused), "moved": moved}

    def restore(self, numbers: Any) -> None:
        """Take up what ``state`` gave."""
        self._cause, self._last_s = int(numbers["cause"]), float(numbers["last_s"])
        self._accused = list(numbers["accused"])
        self._moved = marked(np.array(numbers["moved"], dtype=np.int64), self._tags)

    # -- inside -----------------------------------------------------------------------------------------------

    def _continue(self, age_s: FloatArray, under_way: IntArray) -> None:
        """Fill in the cause of the episode under way at each scan, (n,), where nothing is over its limit."""
        past = int(np.count_nonzero(age_s - self._last_s > self._memory_s))  # the last so many scans
        under_way[: len(age_s) - past] = self._cause
        if past:
            self._forget()

    def _forget(self) -> None:
        self._cause = _NONE
        self._moved[:] = False

    def _judge(self, row: int, persisted: FloatArray, excess: Callable[[IntArray], FloatArray]) -> int:
        left = (persisted.reshape(len(KINDS), self._tags)[_RESIDUAL] > 1) & self._roles.scheduled
        new = left & ~self._moved
        if self._cause != _NONE and not np.count_nonzero(new):  # what it began as it stays
            return self._cause
        own = excess(np.array([row]))[0].reshape(len(KINDS), self._tags)
        if new.any():
            self._moved |= left
            return self._tags + int(np.where(new, own[_RESIDUAL], -np.inf).argmax())
        over = (own > 0).any(axis=0)
        lead = int(own.max(axis=0).argmax())
        if self._roles.manipulated[lead]:
            noisy = self._roles.scheduled[lead] and int(own[:, lead].argmax()) == KINDS.index("noise")
            return lead if noisy else PROCESS
        near = own[: KINDS.index("noise")].max(axis=0) > -_NEAR
        alone = over.sum() == 1 and not (near & self._roles.manipulated).any()
        return lead if alone else PROCESS
