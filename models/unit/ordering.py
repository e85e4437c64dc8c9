"""Scans of one unit in order of their own time: stragglers are held for as long as the twin says.

A scan is late when it was observed no later than the newest scan of its unit less the twin's lateness (or at the very
time of one that is held). With a lateness of 0 s no scan waits. What is a clock's doing has been decided before
(``models.unit.intake``).
"""

import msgspec
import numpy as np

from models.arrays.types import IntArray
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
    """

    def __init__(self, lateness_s: float) -> None:
        self._lateness_us = int(lateness_s * 1e6)
        self.newest_us: int | None = None  # newest scan accepted
        self.held_back: Block | None = None  # accepted, waiting for stragglers

    def add(self, block: Block) -> Ordered:
        """Take the scans in the order they came, and release those no straggler can precede any more."""
        if self._lateness_us == 0 and not back_in_time(block.observed_us, self.newest_us):  # the usual case
            self.newest_us = int(block.observed_us[-1])
            return Ordered(block, None)
        on_time = np.array(self._on_time(block.observed_us), dtype=bool)
        late = None if on_time.all() else block.take(~on_time)
        accepted = block if on_time.all() else block.take(on_time)
        if self._lateness_us == 0:
            return Ordered(accepted if len(accepted) else None, late)
        return Ordered(self._release(accepted), late)

    def flush(self) -> Block | None:
        """Release all that is held (the unit has gone quiet)."""
        held_back, self.held_back = self.held_back, None
        return held_back

    def begin(self) -> None:
        """The unit's clock was set: the order begins anew there. What is held must have been released before."""
        self.newest_us = None

    # -- inside -----------------------------------------------------------------------------------------------

    def _on_time(self, observed_us: IntArray) -> list[bool]:
        """Which scans (n,) are on time."""
        on_time: list[bool] = []
        held_back = set() if self.held_back is None else set(self.held_back.observed_us.tolist())
        for at_us in observed_us.tolist():
            late = self.newest_us is not None and at_us <= self.newest_us - self._lateness_us
            on_time.append(not late and at_us not in held_back)
            if on_time[-1]:
                self.newest_us = at_us if self.newest_us is None else max(at_us, self.newest_us)
                if self._lateness_us:
                    held_back.add(at_us)
        return on_time

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
