"""Scans of one unit in order of their own time: stragglers held or refused, a clock set back noticed.

The rule: a scan is late when it was observed no later than the newest scan of its unit less the twin's lateness
(or at the very time of one that is held). Late scans are dead letters; with a lateness of 0 s no scan waits.
So many late scans in a row, themselves in order, mean that the unit's clock was set back: time goes on from there.
"""

import msgspec
import numpy as np

from models.arrays.types import BoolArray, IntArray
from models.records.block import Block
from models.records.times import back_in_time

Labels = tuple[str | None, ...] | None


class Ordered(msgspec.Struct, frozen=True):
    """What one block becomes."""

    scans: Block | None  # ready to be judged, in order of time; None: nothing is
    late: Block | None  # refused


class Ordering:
    """The order of one unit's scans.

    Parameters
    ----------
    lateness_s
        How long (event time) a scan is held for stragglers.
    reset_after
        So many late scans in a row, in order among themselves: the clock was set back.
    """

    def __init__(self, lateness_s: float, reset_after: int) -> None:
        self._lateness_us, self._reset_after = int(lateness_s * 1e6), reset_after
        self.newest_us: int | None = None  # newest scan accepted
        self.held_back: Block | None = None  # accepted, waiting for stragglers
        self._late_run = 0  # late scans in a row, in order
        self._late_us = 0  # the last of them

    @property
    def judged_us(self) -> int | None:
        """Scans up to this time have been released; None before the first."""
        return None if self.newest_us is None else self.newest_us - self._lateness_us

    def add(self, block: Block) -> Ordered:
        """Take the scans in the order they came, and release those no straggler can precede any more."""
        if self._lateness_us == 0 and not back_in_time(block.observed_us, self.newest_us):  # the usual case
            self.newest_us, self._late_run = int(block.observed_us[-1]), 0
            return Ordered(block, None)
        on_time = self._on_time(block.observed_us)
        late = None if on_time.all() else block.take(~on_time)
        accepted = block if on_time.all() else block.take(on_time)
        if self._lateness_us == 0:
            return Ordered(accepted if len(accepted) else None, late)
        return Ordered(self._release(accepted), late)

    def flush(self) -> Block | None:
        """Release all that is held (the unit has gone quiet)."""
        held_back, self.held_back = self.held_back, None
        return held_back

    def state(self) -> tuple[int | None, int, int, Block | None]:
        """A copy of what ``restore`` takes."""
        return self.newest_us, self._late_run, self._late_us, self.held_back

    def restore(self, newest_us: int | None, late_run: int, late_us: int, held_back: Block | None) -> None:
        """Take up what ``state`` gave."""
        self.newest_us, self._late_run, self._late_us, self.held_back = newest_us, late_run, late_us, held_back

    # -- inside -----------------------------------------------------------------------------------------------

    def _on_time(self, observed_us: IntArray) -> BoolArray:
        """Which scans (n,) are on time; after a clock was set back, time goes on from there."""
        taken = np.zeros(len(observed_us), dtype=bool)
        held_back = set() if self.held_back is None else set(self.held_back.observed_us.tolist())
        for row, at_us in enumerate(observed_us.tolist()):
            if self._late(at_us, held_back):
                if self._is_reset(at_us):
                    self.newest_us, taken[row] = at_us, True
                continue
            self.newest_us = at_us if self.newest_us is None else max(at_us, self.newest_us)
            self._late_run, taken[row] = 0, True
            if self._lateness_us:
                held_back.add(at_us)
        return taken

    def _late(self, at_us: int, held_back: set[int]) -> bool:
        return (self.newest_us is not None and at_us <= self.newest_us - self._lateness_us) or at_us in held_back

    def _is_reset(self, at_us: int) -> bool:
        self._late_run = self._late_run + 1 if self._late_run == 0 or at_us > self._late_us else 1
        self._late_us = at_us
        if self._late_run < self._reset_after:
            return False
        self._late_run = 0
        return True

    def _release(self, accepted: Block) -> Block | None:
        waiting = accepted if self.held_back is None else join(self.held_back, accepted)
        if self.newest_us is None or len(waiting) == 0:
            return None
        waiting = waiting.take(np.argsort(waiting.observed_us, kind="stable"))
        ready = waiting.observed_us <= self.newest_us - self._lateness_us
        self.held_back = waiting.take(~ready) if not ready.all() else None
        return waiting.take(ready) if ready.any() else None


def join(first: Block, second: Block) -> Block:
    """One block of both blocks' scans; topic and partition are the first one's."""
    return Block(
        first.unit,
        first.topic,
        first.partition,
        np.concatenate([first.offsets, second.offsets]),
        np.concatenate([first.observed_us, second.observed_us]),
        np.concatenate([first.values, second.values]),
        _labels(first.batch_ids, second.batch_ids, (len(first), len(second))),
        _labels(first.phases, second.phases, (len(first), len(second))),
    )


def _labels(first: Labels, second: Labels, sizes: tuple[int, int]) -> Labels:
    if first is None and second is None:
        return None
    return (first or (None,) * sizes[0]) + (second or (None,) * sizes[1])
