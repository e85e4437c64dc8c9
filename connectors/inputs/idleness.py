"""Ticks that the source emits when nothing arrives: context that can apply now, and units that have gone quiet.

Wall clock, so it lives at the edge. It speaks only while the source is live (caught up, broker there), and counts a
full period from then on: neither a restart nor a backlog makes a unit look quiet.
"""

import time
from collections.abc import Callable

from connectors.settings import Kafka
from models.records.block import Feed
from models.records.messages import Rejected, Tick
from models.records.twin import Twin

_EVERY_S = 0.1  # between two looks


class Idleness:
    """Keeps when each unit last sent a scan or a batch event (wall clock).

    Parameters
    ----------
    kafka
        ``settle_s``: how long context waits for older scans.
    twin
        ``context.quiet_after_s``, or 5 cadences and at least 30 s.
    units
        Known before the restart: quiet when they stay so.
    """

    def __init__(self, kafka: Kafka, twin: Twin, units: list[str]) -> None:
        self._settle_s = kafka.settle_s
        self._quiet_s = twin.quiet_s
        self._last_scan_s: dict[str, float | None] = dict.fromkeys(units)  # unit -> last arrival; None: none since live
        self._context: dict[str, None] = {}  # units with context that is not settled yet, in order
        self._quiet: set[str] = set()
        self._looked, self._now_us = float("-inf"), 0

    @property
    def units(self) -> list[str]:
        """Units that have sent something."""
        return list(self._last_scan_s)

    def arrived(self, out: list[Feed | Rejected]) -> None:
        """Note which units have sent something."""
        now = time.monotonic()
        for feed in out:
            if isinstance(feed, Feed):
                self._last_scan_s[feed.unit] = now  # a batch event, too, begins a period in which scans are due
                self._quiet.discard(feed.unit)
                if feed.context:
                    self._context[feed.unit] = None

    def forget_time(self) -> None:
        """The source is not live: every period starts anew when it is."""
        if any(since is not None for since in self._last_scan_s.values()):
            self._last_scan_s = dict.fromkeys(self._last_scan_s)

    def ticks(self, answers: Callable[[], bool], broker_us: int = 0) -> list[Feed]:
        """Feeds with a tick for each unit that is settled or quiet.

        Parameters
        ----------
        answers
            Asked before a unit is called still: a broker that hangs, or a partition not read yet, looks like silence.
        broker_us
            The newest message's time; context up to it, and up to now, is due.
        """
        self._now_us = max(broker_us, time.time_ns() // 1000)
        now = time.monotonic()
        if now - self._looked < _EVERY_S:
            return []
        self._looked = now
        self._last_scan_s = {unit: now if since is None else since for unit, since in self._last_scan_s.items()}
        return [*self._settled(now, answers), *self._fallen_quiet(now, answers)]

    def _settled(self, now: float, answers: Callable[[], bool]) -> list[Feed]:
        due = [unit for unit in self._context if now - (self._last_scan_s[unit] or now) >= self._settle_s]
        if due and not answers():
            return []
        for unit in due:
            del self._context[unit]
        return [Feed(unit, (Tick(unit=unit, kind="settled", now_us=self._now_us),)) for unit in due]

    def _fallen_quiet(self, now: float, answers: Callable[[], bool]) -> list[Feed]:
        due = [
            unit
            for unit, since in self._last_scan_s.items()
            if unit not in self._quiet and since is not None and now - since >= self._quiet_s
        ]
        if due and not answers():
            return []
        self._quiet.update(due)
        return [Feed(unit, (Tick(unit=unit, kind="quiet", still_s=self._quiet_s),)) for unit in due]
