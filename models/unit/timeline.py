"""Context by event time: a batch event or an action concerns the scans observed from its time on.

Topics are read independently, so context may come long before the scans it concerns, or after some of them. What
comes before waits here. What comes after scans it should have concerned is late: it applies from the next scan on.
"""

from bisect import insort
from collections.abc import Iterator

from models.records.block import Block
from models.records.messages import BatchEvent, OperatorAction
from models.records.times import to_us

Dated = BatchEvent | OperatorAction
_RANK = {"ended": 0, "started": 1, "phase_started": 2}  # at the same moment one batch ends before the next starts
_KEPT = 1000  # context waiting for its time, at most; more than a plant ever has


class Timeline:
    """The context one unit is still to meet, in order of its time."""

    def __init__(self) -> None:
        self.pending: list[Dated] = []

    def add(self, event: Dated) -> None:
        """Keep an event until the scans reach its time; a repeated one is kept once."""
        if event not in self.pending and len(self.pending) < _KEPT:
            insort(self.pending, event, key=_order)

    def due(self, until_us: int) -> list[Dated]:
        """Take out the events that concern scans observed at ``until_us`` or later."""
        n = sum(1 for event in self.pending if to_us(event.at) <= until_us)
        due, self.pending = self.pending[:n], self.pending[n:]
        return due

    def merge(self, scans: Block) -> Iterator[Block | Dated]:
        """Scans (in order of time) and due events in the order in which they apply.

        What an event adds while it is applied (the end of a shelving) is met in its turn.
        """
        start, until_us = 0, int(scans.observed_us[-1])
        while self.pending and to_us(self.pending[0].at) <= until_us:
            event = self.pending.pop(0)
            stop = start + int(scans.observed_us[start:].searchsorted(to_us(event.at)))
            if stop > start:
                yield scans.take(slice(start, stop))
            yield event
            start = stop
        yield scans.take(slice(start, len(scans))) if start else scans

    def settle(self) -> list[Dated]:
        """Take out all that needs no scan to apply: the source reports that none is on its way."""
        due = [event for event in self.pending if not _timer(event)]
        self.pending = [event for event in self.pending if _timer(event)]
        return due


def _order(event: Dated) -> tuple[int, int]:
    rank = _RANK.get(event.event, 3) if isinstance(event, BatchEvent) else 4
    return to_us(event.at), rank


def _timer(event: Dated) -> bool:
    """The end of a shelving: it comes with time, not with a message."""
    return isinstance(event, OperatorAction) and event.by == SHELVING_ENDS


SHELVING_ENDS = "shelving ended"
