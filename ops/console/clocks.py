"""Each unit's time: that of its scans. Live it is the wall clock; where scans are replayed it is theirs."""

import time
from collections.abc import Callable
from dataclasses import dataclass

_LEAST_APART_S = 60.0
_STREAMING_S = 5.0  # wall clock: scans have come so lately that more are on their way


@dataclass(slots=True)
class _LastScan:
    newest_us: int  # of its scans, event time
    at_us: int  # wall clock
    replayed: bool  # its scans came with another time than the wall clock's


class Clocks:
    """Tells what time it is on a unit: what ages are counted to, and what actions are dated with.

    An action dated later than the scans waits in the watch until they get there. Where scans are replayed (or a
    unit's clock is far off) the wall clock would make it wait for ever; there the newest scan's time is the unit's.

    Parameters
    ----------
    cadence_s
        Between two scans; scans older than three of it (and a minute) on arrival are another clock's.
    wall_us
        Microseconds since 1970.
    """

    def __init__(self, cadence_s: float, wall_us: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._apart_us = int(max(_LEAST_APART_S, 3 * cadence_s) * 1e6)
        self._wall_us = wall_us
        self._units: dict[str, _LastScan] = {}

    def observe(self, unit: str, newest_us: int, *, live: bool) -> None:
        """Scans have come; ``live``: not from before the start, which are late of course."""
        wall_us = self._wall_us()
        before = self._units.get(unit)
        replayed = before is not None and before.replayed
        if live:
            replayed = abs(wall_us - newest_us) > self._apart_us
        newest_us = newest_us if before is None or replayed else max(newest_us, before.newest_us)
        self._units[unit] = _LastScan(newest_us, wall_us, replayed)

    def now_us(self, unit: str) -> int:
        """The unit's time now."""
        wall_us, observe = self._wall_us(), self._units.get(unit)
        if observe is None or not observe.replayed:
            return wall_us
        since_us = wall_us - observe.at_us
        return observe.newest_us + (0 if since_us < _STREAMING_S * 1e6 else since_us)

    def plant_us(self) -> int:
        """The time now where no unit is meant: the latest of the replayed ones', else the wall clock."""
        replayed = [unit for unit, observe in self._units.items() if observe.replayed]
        return max(map(self.now_us, replayed), default=self._wall_us())

    def last_us(self, unit: str) -> int | None:
        """Wall clock at which the unit's last scan came; None: not since the start."""
        observe = self._units.get(unit)
        return None if observe is None else observe.at_us

    def newest_us(self, unit: str) -> int | None:
        """Event time of its newest scan."""
        observe = self._units.get(unit)
        return None if observe is None else observe.newest_us
