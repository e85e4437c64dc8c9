"""What is taken of the scans that arrive: new ones, by a clock that can be believed; repeats are counted.

A scan with time and values of one already taken is a repeat, however many come. A scan whose time does not go on from
those before is held: the next ones show whether it was odd (it is refused), the clock was set, or the unit had paused.
"""

from bisect import bisect_right
from collections.abc import Iterator

import msgspec

from models.arrays.types import IntArray
from models.records.block import Block, ReadingBlock
from models.records.times import to_time
from models.records.twin import Twin
from models.unit.clock import AHEAD_US, LEAP_US, Clock, ClockSet, Verdict
from models.unit.repeats import Repeats, fingerprints
from models.unit.usable import NoScan, Usable


class Taken(msgspec.Struct, frozen=True):
    """Scans to be judged."""

    scans: Block


class Refused(msgspec.Struct, frozen=True):
    """Scans or readings that become dead letters."""

    rows: Block | ReadingBlock
    reason: str  # of ``models.records.errors.REASONS``
    detail: str


class Repeated(msgspec.Struct, frozen=True):
    """So many scans or readings have been taken before."""

    count: int
    at_us: int  # the first one's time


Step = Taken | Refused | Repeated | ClockSet | NoScan


class Suspects:
    """Scans or readings whose time does not go on from those before, in order among themselves.

    ``count`` is how many moments they make (a scan each, or an interval of readings).
    """

    def __init__(self) -> None:
        self.rows: list[Block | ReadingBlock] = []
        self.first_us = self.last_us = self.last_mark = 0
        self.broker_us: int | None = None  # of the first
        self.count = 0

    def follows(self, at_us: int, newest_us: int | None) -> bool:
        """Whether a further one goes on from these: later, and to the same side of the newest taken."""
        if not self.rows:
            return True
        same_side = newest_us is None or (at_us > newest_us) == (self.first_us > newest_us)
        return same_side and 0 < at_us - self.last_us <= LEAP_US

    def add(self, rows: Block | ReadingBlock, at_us: int, broker_us: int | None, mark: int = 0) -> None:
        """One moment more; ``mark``: its fingerprint."""
        if not self.rows:
            self.first_us, self.broker_us = at_us, broker_us
        self.rows.append(rows)
        self.last_us, self.last_mark, self.count = at_us, mark, self.count + 1

    def clear(self) -> list[Block | ReadingBlock]:
        """Take them all out."""
        rows, self.rows, self.count = self.rows, [], 0
        return rows

    def refused(self, newest_us: int | None) -> Iterator[Refused]:
        """They were odd: those after them go on from those before."""
        ahead = newest_us is not None and self.first_us > newest_us
        for rows in self.clear():
            yield refused(rows, newest_us, ahead=ahead)


def refused(rows: Block | ReadingBlock, newest_us: int | None, *, ahead: bool) -> Refused:
    """Why scans or readings are refused: too late, or from a time that nothing else bears out."""
    newest = "no time" if newest_us is None else to_time(newest_us).isoformat()
    if ahead:
        return Refused(rows, "implausible-time", f"scans before and after it are of {newest}: is its clock right?")
    return Refused(rows, "late", f"a scan of {newest} was already there")


class Intake:
    """What is taken of one unit's scans.

    Parameters
    ----------
    twin
        ``cadence_s``, ``context.lateness_s`` and ``context.clock_reset_scans``.
    clock
        The unit's.
    repeats
        What the unit has sent already.
    usable
        Told of each message whether it made a scan.
    """

    def __init__(self, twin: Twin, clock: Clock, repeats: Repeats, usable: Usable) -> None:
        self._lateness_us, self._usual = int(twin.context.lateness_s * 1e6), twin.context.clock_reset_scans
        self._clock, self._repeats, self._usable, self.suspects = clock, repeats, usable, Suspects()

    def add(self, block: Block) -> Iterator[Step]:
        """What becomes of scans, in the order they came."""
        marks = fingerprints(block.observed_us, block.values)
        breaks = self._clock.breaks(block.observed_us, block.broker_us).tolist()
        taken: list[int] = []
        repeats: list[int] = []
        row = 0
        while row < len(block):
            end = self._run(block, row, breaks, marks)
            taken += range(row, end)
            for step in self._scan(block, row, marks) if end == row else ():
                if step is None:
                    taken.append(row)
                elif isinstance(step, Repeated):
                    repeats.append(step.at_us)
                else:
                    yield from _taken(block, taken)
                    taken = []
                    yield step
            row = max(end, row + 1)
        yield from _taken(block, taken)
        if repeats:
            yield Repeated(len(repeats), repeats[0])

    # -- inside -----------------------------------------------------------------------------------------------

    def _run(self, block: Block, row: int, breaks: list[int], marks: IntArray) -> int:
        """Take the scans from a row on that just go on from those before; the row after them."""
        usual = self._lateness_us == 0 and not self.suspects.rows
        if not (usual and self._clock.runs_on(int(block.observed_us[row]), broker_at(block, row))):
            return row
        after = bisect_right(breaks, row)
        end = breaks[after] if after < len(breaks) else len(block)
        self._repeats.remember(marks[row:end])
        self._clock.take(int(block.observed_us[end - 1]), broker_at(block, end - 1))
        self._usable.made()
        return end

    def _scan(self, block: Block, row: int, marks: IntArray) -> Iterator[Step | None]:
        """What becomes of one scan; None: it is taken, after what comes before."""
        clock, at_us, broker_us = self._clock, int(block.observed_us[row]), broker_at(block, row)
        newest_us, mark = clock.newest_us, int(marks[row])
        if broker_us is not None and at_us > broker_us + AHEAD_US:
            yield from_the_future(block.take([row]), broker_us)
            return
        if self._is_repeat(at_us, mark):
            yield Repeated(1, at_us)
            still = self._usable.came(broker_us)
            if still is not None:
                yield still
            return
        if newest_us is not None and newest_us - self._lateness_us < at_us <= newest_us:  # a straggler in good time
            verdict = Verdict.TAKE
        else:
            verdict = clock.judge(at_us, broker_us)
        if verdict is Verdict.SUSPECT:
            yield from self._suspect(block.take([row]), at_us, mark, broker_us)
            return
        yield from self.suspects.refused(newest_us)
        if verdict is not Verdict.TAKE:
            yield clock.returned(at_us) if verdict is Verdict.RETURNED else clock.corrected(at_us)
        clock.take(at_us, broker_us)
        self._usable.made()
        self._repeats.remember(marks[row : row + 1])
        yield None

    def _is_repeat(self, at_us: int, mark: int) -> bool:
        newest_us, suspects = self._clock.newest_us, self.suspects
        if suspects.rows and at_us == suspects.last_us and mark == suspects.last_mark:
            return True
        return newest_us is not None and at_us <= newest_us and self._repeats.knows(mark)

    def _suspect(self, scan: Block, at_us: int, mark: int, broker_us: int | None) -> Iterator[Step]:
        clock, suspects = self._clock, self.suspects
        if not suspects.follows(at_us, clock.newest_us):
            yield from suspects.refused(clock.newest_us)
        suspects.add(scan, at_us, broker_us, mark)
        if suspects.count >= clock.needs(suspects.first_us, suspects.broker_us, self._usual):
            yield from self._believe()

    def _believe(self) -> Iterator[Step]:
        """So many suspects in a row are right: they are taken, by a clock that was set or after a pause."""
        clock, suspects = self._clock, self.suspects
        if clock.backfills(suspects.first_us, suspects.last_us):
            yield from suspects.refused(clock.newest_us)
            return
        change = clock.believe(suspects.first_us, suspects.broker_us)
        if change is not None:
            yield change
        for scan in suspects.clear():
            if isinstance(scan, Block):
                clock.take(int(scan.observed_us[0]), broker_at(scan, 0))
                self._usable.made()
                self._repeats.remember(fingerprints(scan.observed_us, scan.values))
                yield Taken(scan)


def _taken(block: Block, rows: list[int]) -> Iterator[Taken]:
    """Some rows of a block, if any; nearly always all."""
    if rows:
        yield Taken(block if len(rows) == len(block) else block.take(rows))


def broker_at(block: Block | ReadingBlock, row: int) -> int | None:
    """When the broker had the message of this row; None: it is not known."""
    return None if block.broker_us is None else int(block.broker_us[row])


def from_the_future(rows: Block | ReadingBlock, broker_us: int) -> Refused:
    """Dated a day or more later than the broker's own time."""
    detail = f"the broker had it at {to_time(broker_us).isoformat()}: the unit's clock is ahead by a day or more"
    return Refused(rows, "implausible-time", detail)
