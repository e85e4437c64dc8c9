"""A unit's clock, and how far to believe it: scans that jump in time are held until others show which time is right.

Evidence, strongest first: the broker's own time of each message; the time the clock had before it was set; how scans
go on from one to the next; the batch's start. A clock that was set keeps an offset, so that batches' ages go on; once
it comes back, the offset is gone. Times in records stay as the unit gave them.
"""

from enum import Enum, auto

import msgspec

from models.arrays.types import IntArray

_NEAR, _LEAST_NEAR_US = 10, 60_000_000  # cadences, and at least a minute: so far from one scan to the next is no jump
_CORRECTION = 3  # cadences: a clock known to be slow that leaps further is being corrected
LEAP_US = 30 * 86_400_000_000  # further ahead than any pause of a plant: a clock, unless the broker says otherwise
AHEAD_US = 86_400_000_000  # later than the broker's own time by this: no zone and no slow clock explains it
_SLACK_US = 120_000_000  # between the broker's clock and a unit's
_SHARE = 0.8  # of a gap that has passed at the broker, too: the gap is real


class Verdict(Enum):
    """What to do with a scan."""

    TAKE = auto()
    RETURNED = auto()  # the clock is back: take it once the offset is gone
    CORRECTED = auto()  # a slow clock was put forward: take it with a smaller offset
    SUSPECT = auto()


class ClockSet(msgspec.Struct, frozen=True):
    """The unit's clock was set: what was at a time before is at another now."""

    at_us: int  # the first time after
    before_us: int | None  # the newest one before; None: there was none
    by_us: int  # how much later (or, < 0, earlier) the same moment is called now


class Clock:
    """The clock of one unit.

    Parameters
    ----------
    cadence_us
        Between two scans, microseconds.
    """

    def __init__(self, cadence_us: int) -> None:
        self._cadence_us, self._usual_us = cadence_us, _CORRECTION * cadence_us
        self.near_us = max(_NEAR * cadence_us, _LEAST_NEAR_US)
        self.newest_us: int | None = None  # newest time taken, as the unit gave it
        self.broker_us: int | None = None  # when the broker had it
        self.paced = False  # the newest scan came to the broker as it was observed: as long after the one before
        self.offset_us = 0  # what the clock was before it was set, less what it is now
        self.gap: tuple[int, int] | None = None  # the last pause that was longer than ``near_us``: from, to
        self.starts: tuple[int, int] | None = None  # the first and the last start of a batch that is known

    def breaks(self, observed_us: IntArray, broker_us: IntArray | None) -> IntArray:
        """Rows (k,) of a block's scans (n,) that need a closer look: they do not just go on from the row before."""
        steps = observed_us[1:] - observed_us[:-1]
        odd = (steps <= 0) | (steps > self._usual_us)
        if broker_us is not None:
            odd |= observed_us[1:] > broker_us[1:] + AHEAD_US
        rows: IntArray = 1 + odd.nonzero()[0]
        return rows

    def runs_on(self, at_us: int, broker_us: int | None) -> bool:
        """Whether a scan just goes on from the newest one, or is a plausible first: the usual case."""
        if broker_us is not None and at_us > broker_us + AHEAD_US:
            return False
        if self.newest_us is None:
            return self.judge(at_us, broker_us) is Verdict.TAKE
        return 0 < at_us - self.newest_us <= self._usual_us

    def judge(self, at_us: int, broker_us: int | None) -> Verdict:
        """Whether a scan of this time goes on from those before."""
        if self.newest_us is None:
            return Verdict.SUSPECT if broker_us is None and self._nearest_start(at_us) is not None else Verdict.TAKE
        step = at_us - self.newest_us
        near = 0 < step <= self.near_us
        if self.offset_us and not near and 0 < at_us - self._as_before() <= self.near_us:
            return Verdict.RETURNED
        if near and self.offset_us > 0 and self._usual_us < step <= self.offset_us + self._cadence_us:
            return Verdict.TAKE if self._passed(step, broker_us) else Verdict.CORRECTED
        return Verdict.TAKE if near or self._passed(step, broker_us) else Verdict.SUSPECT

    def know_start(self, at_us: int) -> None:
        """A batch starts, has started or is planned to start then."""
        first, last = self.starts or (at_us, at_us)
        self.starts = min(first, at_us), max(last, at_us)

    def take(self, at_us: int, broker_us: int | None) -> None:
        """A scan of this time is taken; an earlier one than the newest changes nothing."""
        if self.newest_us is None or at_us > self.newest_us:
            if self.newest_us is not None and at_us - self.newest_us > self.near_us:
                self.gap = self.newest_us, at_us
            self.paced = self._passed_half(at_us, broker_us)
            self.newest_us, self.broker_us = at_us, broker_us

    def needs(self, first_us: int, broker_us: int | None, usual: int) -> int:
        """How many scans in a row, from a suspect one on, show that their time is to be believed.

        ``usual``: for a clock that was set; a pause is believed with the second scan.
        """
        if self.newest_us is None:
            return usual
        pause = 0 < first_us - self.newest_us <= LEAP_US and not self._impossible(first_us, broker_us)
        back = self.offset_us != 0 and 0 < first_us - self._as_before() <= LEAP_US
        return 2 if pause or back else usual

    def backfills(self, first_us: int, last_us: int) -> bool:
        """Whether suspects lie within a pause that was believed: they fill it, and no clock was set."""
        return self.gap is not None and self.gap[0] < first_us and last_us < self.gap[1]

    def believe(self, first_us: int, broker_us: int | None) -> ClockSet | None:
        """Enough scans show it: time goes on at a suspect one's; None: it was a pause, and no clock was set."""
        if self.newest_us is None:
            start = self._nearest_start(first_us)
            return None if start is None else self._set(first_us, start + self._cadence_us - first_us)
        before = self._as_before()
        if self.offset_us and 0 < first_us - before <= LEAP_US:
            return self._set(first_us, 0)
        if 0 < first_us - self.newest_us <= self.offset_us + self._cadence_us:
            return self.corrected(first_us)
        if 0 < first_us - self.newest_us <= LEAP_US and not self._impossible(first_us, broker_us):
            return None
        return self._set(first_us, before + self._cadence_us - first_us)

    def returned(self, at_us: int) -> ClockSet:
        """The clock is as it was before it was set."""
        return self._set(at_us, 0)

    def corrected(self, at_us: int) -> ClockSet:
        """A slow clock was put forward: by as much as the step is longer than usual."""
        step = at_us - (self.newest_us or at_us)
        return self._set(at_us, max(0, self.offset_us - (step - self._cadence_us)))

    # -- inside -----------------------------------------------------------------------------------------------

    def _nearest_start(self, at_us: int) -> int | None:
        """The start of a batch from which a time is implausibly far; None: it is not."""
        if self.starts is None or self.starts[0] - LEAP_US <= at_us <= self.starts[1] + LEAP_US:
            return None
        return self.starts[0] if at_us < self.starts[0] else self.starts[1]

    def _as_before(self) -> int:
        """What the clock would have been at the newest scan, had it not been set."""
        return (self.newest_us or 0) + self.offset_us

    def _passed(self, step_us: int, broker_us: int | None) -> bool:
        """Whether as much time as a pause has gone by at the broker, too."""
        if step_us <= 0 or broker_us is None or self.broker_us is None:
            return False
        return broker_us - self.broker_us >= _SHARE * step_us - _SLACK_US

    def _impossible(self, at_us: int, broker_us: int | None) -> bool:
        """Whether the broker speaks against a pause: scans came as they were observed, and no time has gone by there.

        (Not so in a recording that is sent at a multiple of its speed: there nothing comes as it was observed.)
        """
        return self.paced and broker_us is not None and not self._passed_half(at_us, broker_us)

    def _passed_half(self, at_us: int, broker_us: int | None) -> bool:
        if broker_us is None or self.broker_us is None or self.newest_us is None:
            return False
        return broker_us - self.broker_us >= (at_us - self.newest_us) / 2

    def _set(self, at_us: int, offset_us: int) -> ClockSet:
        newest, by_us = self.newest_us, self.offset_us - offset_us
        self.offset_us, self.newest_us, self.gap = offset_us, None, None
        self.broker_us = None
        return ClockSet(at_us, newest, by_us)
