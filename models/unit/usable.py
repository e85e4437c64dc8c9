"""Whether what a unit sends makes scans: messages may come for hours of which not one can be judged."""

import msgspec

from models.records.twin import Twin

_LEAST_CADENCES = 3  # so long readings may take to make a scan


class NoScan(msgspec.Struct, frozen=True):
    """Messages have come for so long, by the broker's time, and none has made a scan."""

    still_s: float


class Usable:
    """When a unit's messages last made a scan; all by the broker's time, so that a backlog gives the same.

    Parameters
    ----------
    twin
        How long a unit may be quiet.
    """

    def __init__(self, twin: Twin) -> None:
        self._limit_us = int(max(twin.quiet_s, _LEAST_CADENCES * twin.cadence_s) * 1e6)
        self.since_us: int | None = None  # the first message in a row that made no scan
        self.last_us = 0  # the last one

    def made(self) -> None:
        """A message made a scan."""
        self.since_us = None

    def came(self, broker_us: int | None) -> NoScan | None:
        """A message of then made none; said when they have come like that for too long (silence is none of them)."""
        if broker_us is None:
            return None
        if self.since_us is None or broker_us - self.last_us >= self._limit_us:
            self.since_us = broker_us
        self.last_us = broker_us
        still_us = broker_us - self.since_us
        return NoScan(still_us / 1e6) if still_us >= self._limit_us else None
