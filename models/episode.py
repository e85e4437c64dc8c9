"""Process or sensor: one cause for all that is over its limit in one episode.

A schedule tag that leaves its schedule is a cause of its own, for nothing else moves it; what follows is part of it.
Another manipulated tag that leads is the process; a measured tag that is alone, with no manipulated tag near its limit,
is its sensor; anything else is the process. What an episode began as it stays, because disturbances spread through
control loops; only another schedule tag begins a new one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray, IntArray
from models.monitor import Numbers
from models.statistics import KINDS

_NEAR = 1.5  # tails: a manipulated tag this close to its limit has a part in what is seen
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
        self._accused = np.zeros(2 * self._tags, dtype=bool)
        self._moved = np.zeros(self._tags, dtype=bool)  # schedule tags that this episode is about

    @property
    def accused(self) -> Sequence[int]:
        """Causes other than ``PROCESS`` in this batch: p sensors, then p schedule tags."""
        found: list[int] = self._accused.nonzero()[0].tolist()
        return found

    @property
    def at_rest(self) -> bool:
        """No episode is under way."""
        return self._cause == _NONE

    def advance(
        self, age_s: FloatArray, over: BoolArray, excess: Callable[[IntArray], FloatArray]
    ) -> tuple[IntArray, IntArray]:
        """The cause of what is over its limit at each scan, and the cause of the episode under way, (n,) each.

        A cause is ``PROCESS``, a tag's position (its sensor), or p + its position (its schedule); less than
        ``PROCESS``: there is none.

        Parameters
        ----------
        age_s
            Shape (n,).
        over
            Shape (n,): whether any statistic is over its limit.
        excess
            Of some rows (m,): (m, 6p), above 0 where a statistic is over its limit, in units of its tail.
        """
        causes = np.full(len(age_s), _NONE)
        if not over.any():
            return causes, self._go_on(age_s)
        under_way = causes.copy()
        for row in range(len(age_s)):
            if age_s[row] - self._last_s > self._memory_s:
                self._cause = _NONE
                self._moved[:] = False
            if over[row]:
                causes[row] = self._cause = self._judge(excess(np.array([row]))[0])
                self._last_s = float(age_s[row])
                if self._cause >= 0:
                    self._accused[self._cause] = True
            under_way[row] = self._cause
        return causes, under_way

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {
            "cause": self._cause, "last_s": self._last_s, "accused": self._accused.copy(), "moved": self._moved.copy(),
        }  # fmt: skip

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._cause, self._last_s = int(numbers["cause"]), float(numbers["last_s"])  # type: ignore[call-overload, arg-type]
        self._accused, self._moved = (np.array(numbers[name], dtype=bool) for name in ("accused", "moved"))

    def _go_on(self, age_s: FloatArray) -> IntArray:
        """The cause of the episode under way at each scan, (n,), where nothing is over its limit."""
        past = age_s - self._last_s > self._memory_s
        under_way = np.where(past, _NONE, self._cause)
        if past[-1]:
            self._cause = _NONE
            self._moved[:] = False
        return under_way

    def _judge(self, excess: FloatArray) -> int:
        own = excess.reshape(len(KINDS), self._tags)
        moved = (own[KINDS.index("residual")] > 0) & self._roles.scheduled
        if (moved & ~self._moved).any():
            lead = int(np.where(moved & ~self._moved, own[KINDS.index("residual")], -np.inf).argmax())
            self._moved |= moved
            return self._tags + lead
        if self._cause != _NONE:
            return self._cause
        over = (own > 0).any(axis=0)
        lead = int(own.max(axis=0).argmax())
        if self._roles.manipulated[lead]:
            noisy = self._roles.scheduled[lead] and int(own[:, lead].argmax()) == KINDS.index("noise")
            return lead if noisy else PROCESS
        near = own[: KINDS.index("noise")].max(axis=0) > -_NEAR
        alone = over.sum() == 1 and not (near & self._roles.manipulated).any()
        return lead if alone else PROCESS
