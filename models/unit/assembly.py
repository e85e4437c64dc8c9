"""Readings (one tag at a time) assembled into scans at the twin's cadence: the last good value, not too old."""

from collections.abc import Iterator

import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.records.block import Block, ReadingBlock
from models.records.twin import Twin
from models.unit.clock import AHEAD_US, Clock, ClockSet, Verdict
from models.unit.intake import Repeated, Step, Suspects, Taken, broker_at, from_the_future
from models.unit.repeats import Repeats, of_interval, of_reading
from models.unit.usable import Usable

LastGood = tuple[list[float], list[int], int | None]  # each tag's value and when it was observed; the next scan


class Assembly:
    """Last good values of one unit, and the scans made of them.

    A scan is made for every multiple of the cadence once a reading later than it has come; it holds each tag's last
    good value observed by then and no older than the tag's ``max_age_s`` (default: 3 cadences). Moments at which no
    tag has such a value make no scan. Readings that come when their scan has been made are repeats, where all those of
    their interval come again; else they are late, or the unit's clock was set.

    Parameters
    ----------
    twin
        Its tags, ``cadence_s`` and ``context.clock_reset_scans``.
    clock
        The unit's.
    repeats
        What the unit has sent already, by intervals of the cadence.
    usable
        Told of each reading whether it made a scan.
    """

    def __init__(self, twin: Twin, clock: Clock, repeats: Repeats, usable: Usable) -> None:
        tags = twin.tags.values()
        self._clock, self._repeats, self._usable = clock, repeats, usable
        self._usual = twin.context.clock_reset_scans
        self._cadence_us = int(twin.cadence_s * 1e6)
        self._max_age_us = np.array([(tag.max_age_s or 3 * twin.cadence_s) * 1e6 for tag in tags]).astype(np.int64)
        self._values: FloatArray = np.full(len(tags), np.nan)
        self._seen_us: IntArray = np.full(len(tags), np.iinfo(np.int64).min // 2)
        self._next_us: int | None = None  # the scan to be made next
        self.open: dict[int, set[int]] = {}  # fingerprints in intervals whose scan has not been made
        self.late: list[ReadingBlock] = []  # readings of one interval whose scan has been made
        self.suspects = Suspects()

    def add(self, readings: ReadingBlock) -> Iterator[Step]:
        """What becomes of readings, in the order they came: among it the scans that are complete now."""
        made: list[tuple[int, int, FloatArray]] = []
        repeats: list[int] = []
        for row in range(len(readings)):
            for step in self._one(readings.take(slice(row, row + 1)), made):
                if isinstance(step, Repeated):
                    repeats += [step.at_us] * step.count
                    continue
                if made:
                    yield Taken(_block(readings, made))
                    made.clear()
                yield step
        if made:
            yield Taken(_block(readings, made))
        if repeats:
            yield Repeated(len(repeats), repeats[0])

    def state(self) -> LastGood:
        """A copy of what ``restore`` takes."""
        return self._values.tolist(), self._seen_us.tolist(), self._next_us

    def restore(self, state: LastGood | None) -> None:
        """Take up what ``state`` gave."""
        if state is not None:
            values, seen_us, self._next_us = state
            self._values, self._seen_us = np.array(values), np.array(seen_us, dtype=np.int64)

    # -- inside -----------------------------------------------------------------------------------------------

    def _one(self, one: ReadingBlock, made: list[tuple[int, int, FloatArray]]) -> Iterator[Step]:
        """What becomes of one reading, and whether the unit's readings make scans at all."""
        yield from self._reading(one, made)
        still = self._usable.came(broker_at(one, 0))
        if still is not None:
            yield still

    def _reading(self, one: ReadingBlock, made: list[tuple[int, int, FloatArray]]) -> Iterator[Step]:
        at_us, broker_us, clock = int(one.observed_us[0]), broker_at(one, 0), self._clock
        if broker_us is not None and at_us > broker_us + AHEAD_US:
            yield from_the_future(one, broker_us)
            return
        if _mark(one) in self.open.get(self._interval(one), ()):
            yield from self._close_late(made)
            yield Repeated(1 + len(self._sent_again(self._interval(one))), at_us)
            return
        late = self._next_us is not None and at_us <= self._next_us - self._cadence_us
        within = not late and clock.newest_us is not None and at_us <= clock.newest_us
        verdict = Verdict.TAKE if within else clock.judge(at_us, broker_us)
        if late and verdict is Verdict.SUSPECT:
            if self.late and self._interval(self.late[0]) != self._interval(one):
                yield from self._close_late(made)
                yield from self._reading(one, made)  # which may be in good time now
            else:
                self.late.append(one)
            return
        yield from self._close_late(made)
        if verdict is Verdict.SUSPECT:
            yield from self._suspect([one], made)
            return
        yield from self.suspects.refused(clock.newest_us)
        if verdict is not Verdict.TAKE:
            yield self._set(clock.returned(at_us) if verdict is Verdict.RETURNED else clock.corrected(at_us))
        yield from self._take(one, made)

    def _close_late(self, made: list[tuple[int, int, FloatArray]]) -> Iterator[Step]:
        """All late readings of one interval are there: they are repeats, or suspects."""
        rows, self.late = self.late, []
        if not rows:
            return
        number = self._interval(rows[0])
        if not self._repeats.knows(of_interval(number, sum(map(_mark, rows)))):
            yield from self._suspect(rows, made)
            return
        yield Repeated(len(rows) + len(self._sent_again(number)), int(rows[0].observed_us[0]))

    def _sent_again(self, number: int) -> list[Block | ReadingBlock]:
        """Suspects of the interval before a repeated one: it is sent again from its midst."""
        alone = self.suspects.count == 1 and self._interval(self.suspects.rows[0]) == number - 1
        return self.suspects.clear() if alone else []

    def _suspect(self, rows: list[ReadingBlock], made: list[tuple[int, int, FloatArray]]) -> Iterator[Step]:
        """Readings of one interval, whose time does not go on from those before."""
        clock, suspects, at_us = self._clock, self.suspects, int(rows[0].observed_us[0])
        if suspects.rows and self._interval(suspects.rows[-1]) == self._interval(rows[0]):
            suspects.rows += rows
            return
        if not suspects.follows(at_us, clock.newest_us):
            yield from suspects.refused(clock.newest_us)
        suspects.add(rows[0], at_us, broker_at(rows[0], 0))
        suspects.rows += rows[1:]
        if suspects.count < clock.needs(suspects.first_us, suspects.broker_us, self._usual):
            return
        if clock.backfills(suspects.first_us, suspects.last_us):
            yield from suspects.refused(clock.newest_us)
            return
        change = clock.believe(suspects.first_us, suspects.broker_us)
        if change is not None:
            yield self._set(change)
        for one in suspects.clear():
            if isinstance(one, ReadingBlock):
                yield from self._take(one, made)

    def _take(self, one: ReadingBlock, made: list[tuple[int, int, FloatArray]]) -> Iterator[Step]:
        at_us, number, mark = int(one.observed_us[0]), self._interval(one), _mark(one)
        if self._next_us is None:
            self._next_us = number * self._cadence_us
        if mark in self.open.get(number, ()):  # among suspects that are taken
            yield Repeated(1, at_us)
            return
        made += self._complete(at_us, int(one.offsets[0]))
        self.open.setdefault(number, set()).add(mark)
        self._clock.take(at_us, broker_at(one, 0))
        tag, value = int(one.tag_index[0]), float(one.values[0])
        if at_us >= self._seen_us[tag] and value == value:  # a bad reading leaves the last good one to age
            self._values[tag], self._seen_us[tag] = value, at_us

    def _complete(self, at_us: int, offset: int) -> list[tuple[int, int, FloatArray]]:
        """The scans due before a reading observed at ``at_us``."""
        made: list[tuple[int, int, FloatArray]] = []
        while self._next_us is not None and self._next_us < at_us:
            fresh = self._next_us - self._seen_us <= self._max_age_us
            if not fresh.any():  # a gap: go on at the first moment this reading can belong to
                self._next_us = -(-at_us // self._cadence_us) * self._cadence_us
                break
            made.append((self._next_us, offset, np.where(fresh, self._values, np.nan)))
            self._next_us += self._cadence_us
        if made:
            self._usable.made()
        self._remember(-(-at_us // self._cadence_us))
        return made

    def _remember(self, before: float) -> None:
        """The intervals before one are over: what has come in them is known from now on."""
        for number in [number for number in self.open if number < before]:
            mark = of_interval(number, sum(self.open.pop(number)))
            self._repeats.remember(np.array([mark], dtype=np.int64))

    def _set(self, change: ClockSet) -> ClockSet:
        """The unit's clock was set: scans begin anew there, and last good values are as old as they are."""
        self._remember(float("inf"))
        self._seen_us, self._next_us = self._seen_us + change.by_us, None
        return change

    def _interval(self, readings: Block | ReadingBlock) -> int:
        """The number of the interval a reading is in: the scan at its end holds it."""
        return -(-int(readings.observed_us[0]) // self._cadence_us)


def _mark(one: ReadingBlock) -> int:
    return of_reading(int(one.tag_index[0]), int(one.observed_us[0]), float(one.values[0]))


def _block(readings: ReadingBlock, made: list[tuple[int, int, FloatArray]]) -> Block:
    return Block(
        readings.unit,
        readings.topic,
        readings.partition,
        np.array([offset for _, offset, _ in made], dtype=np.int64),
        np.array([at_us for at_us, _, _ in made], dtype=np.int64),
        np.stack([values for _, _, values in made]),
    )
