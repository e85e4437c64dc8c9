"""Context by event time: a batch event or an action concerns the scans observed from its time on.

Topics are read independently, so context may come long before the scans it concerns, or after some of them. What
comes before waits here. What comes after scans it should have concerned is late: it applies from the next scan on.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator
from itertools import takewhile

from models.records.block import Block
from models.records.messages import BatchEvent, OperatorAction, Tick
from models.records.times import to_us

Dated = BatchEvent | OperatorAction
_RANK = {"ended": 0, "started": 1, "phase_started": 2}  # at the same moment one batch ends before the next starts
KEPT = 20_000  # context of one unit that waits for its time, at most: a plan of many years


class Timeline:
    """The context one unit is still to meet, in order of its time.

    Context has the plant's time; a unit whose clock was set has another. ``offset_us`` is what lies between them
    (``models.unit.clock``): ``at_us`` gives the moment of an event on the unit's clock.
    """

    def __init__(self) -> None:
        self.pending: list[Dated] = []
        self.silences: list[Tick] = []  # raised before a restart, in order; not of the state, as Kafka holds them
        self.offset_us = 0

    def at_us(self, event: Dated) -> int:
        """When an event is, on the unit's clock."""
        return to_us(event.at) - self.offset_us

    def add(self, event: Dated) -> bool:
        """Keep an event until the scans reach its time, a repeated one once; False: there are too many."""
        place = bisect_left(self.pending, _order(event), key=_order)
        alike = takewhile(lambda other: _order(other) == _order(event), self.pending[place:])
        if event in alike:
            return True
        if len(self.pending) >= KEPT:
            return False
        insort(self.pending, event, key=_order)
        return True

    def cut(self, scans: Block) -> Iterator[Block | Tick]:
        """Scans (in order of time) and the silences that were raised between them before a restart."""
        while self.silences and (self.silences[0].since_us or 0) < scans.observed_us[-1]:
            silence = self.silences.pop(0)
            row = int(scans.observed_us.searchsorted(silence.since_us or 0, side="right"))
            if row:
                yield scans.take(slice(0, row))
            yield silence
            scans = scans.take(slice(row, len(scans)))
        yield scans

    def due(self, until_us: int) -> list[Dated]:
        """Take out the events that concern scans observed at ``until_us`` or later."""
        n = sum(1 for _ in takewhile(lambda event: self.at_us(event) <= until_us, self.pending))
        due, self.pending = self.pending[:n], self.pending[n:]
        return due

    def merge(self, scans: Block) -> Iterator[Block | Dated]:
        """Scans (in order of time) and due events in the order in which they apply.

        What an event adds while it is applied (the end of a shelving) is met in its turn.
        """
        start, until_us = 0, int(scans.observed_us[-1])
        while self.pending and self.at_us(self.pending[0]) <= until_us:
            event = self.pending.pop(0)
            stop = start + int(scans.observed_us[start:].searchsorted(self.at_us(event)))
            if stop > start:
                yield scans.take(slice(start, stop))
            yield event
            start = stop
        yield scans.take(slice(start, len(scans))) if start else scans

    def settle(self, newest_us: int | None, now_us: int | None) -> list[Dated]:
        """Take out what is due though no scan has come: the source reports that none is on its way.

        Due is what lies before the unit's newest scan or before now, by the broker's clock; a plan for later waits.
        """
        newest = None if newest_us is None else newest_us + self.offset_us
        known = [at_us for at_us in (newest, now_us) if at_us is not None]
        limit = max(known, default=None)
        due = [event for event in self.pending if limit is not None and to_us(event.at) <= limit and not _timer(event)]
        self.pending = [event for event in self.pending if event not in due] if due else self.pending
        return due


def _order(event: Dated) -> tuple[int, int]:
    rank = _RANK.get(event.event, 3) if isinstance(event, BatchEvent) else 4
    return to_us(event.at), rank


def _timer(event: Dated) -> bool:
    """The end of a shelving: it comes with time, not with a message."""
    return isinstance(event, OperatorAction) and event.by == SHELVING_ENDS


SHELVING_ENDS = "shelving ended"
