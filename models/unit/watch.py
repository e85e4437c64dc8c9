"""One unit watched: what arrives is put in order and met by its context. The core of PATrol, and pure.

The same class serves the live flow, the replay, the tests and the benchmarks. It takes feeds and gives records, which
follow from the scans and the context alone, however these were cut into blocks.
"""

from bisect import insort
from collections.abc import Iterator

from models.records import rejections
from models.records.block import Block, Feed
from models.records.messages import BatchEvent, Context, Loss, OperatorAction, Outbound, Tick
from models.records.subject import Subject
from models.records.times import to_us
from models.records.twin import Twin
from models.unit import state as watch_state
from models.unit.arrivals import Arrivals
from models.unit.coroutines import UnitCoroutine, run_coroutines
from models.unit.intake import Refused, Repeated, Step, Taken, broker_at, refused
from models.unit.notes import Notes
from models.unit.ordering import Ordering
from models.unit.timeline import Timeline
from models.unit.unit import Monitors, Unit
from models.unit.usable import NoScan


class Watch:
    """Watches one unit.

    Parameters
    ----------
    unit
        The unit's id.
    twin
        Its tags, rules and question.
    monitors
        Gives a fresh monitor for a batch of the product named; None when there is no reference for it.
    config_sha256
        The configuration's hash, a field of every deviation.
    state
        What ``snapshot`` gave, to go on from; None: a new watch.
    """

    def __init__(
        self, unit: str, twin: Twin, monitors: Monitors, config_sha256: str = "", state: bytes | None = None
    ) -> None:
        self.subject = Subject(unit, twin, config_sha256)
        self.arrivals, self.ordering = Arrivals(twin), Ordering(twin.context.lateness_s)
        self.timeline, self.notes = Timeline(), Notes(unit)
        self.unit = Unit(self.subject, monitors, self.timeline)
        self._parts = watch_state.Parts(self.arrivals, self.ordering, self.timeline, self.unit, self.notes)
        if state is not None:
            watch_state.restore(self._parts, state)

    def step(self, feed: Feed) -> list[Outbound]:
        """Take what one poll brought; the records that follow from it, in order."""
        return run_coroutines([self.coroutine(feed)])[0]

    def coroutine(self, feed: Feed) -> UnitCoroutine:
        """As ``step``, to be run beside other units': it yields what is to be judged, and is sent the judgement."""
        for item in feed.context:
            yield from self._context(item)
        yield from self.notes.streams(feed.blocks)
        if feed.blocks:
            for step in self.arrivals.add(feed.blocks):
                yield from self._step(step)

    def snapshot(self) -> bytes:
        """All that changes, as versioned bytes of numbers: a few KB."""
        return watch_state.encode(self._parts)

    # -- inside -----------------------------------------------------------------------------------------------

    def _context(self, item: Context) -> UnitCoroutine:
        """Context waits for the scans to reach its time; what concerns scans already judged applies now."""
        if isinstance(item, Tick):
            yield from self._tick(item)
        elif isinstance(item, Loss):
            yield from self._release()
            yield from self.unit.lose(item)
        elif isinstance(item, BatchEvent | OperatorAction):
            if isinstance(item, BatchEvent) and item.event == "started":
                self.arrivals.clock.know_start(to_us(item.at))
            if not self.timeline.add(item):
                yield self.notes.too_many(item)
            judged_us = self.unit.last_us
            if judged_us is not None and self.timeline.at_us(item) <= judged_us:
                for event in self.timeline.due(judged_us):
                    yield from self.unit.apply(event)

    def _tick(self, tick: Tick) -> UnitCoroutine:
        """The source has nothing more for now: what is held for stragglers goes on, and context that is due applies."""
        if tick.since_us is not None:
            if tick.since_us >= (self.unit.newest_us or tick.since_us):
                insort(self.timeline.silences, tick, key=lambda silence: silence.since_us or 0)
            return
        yield from self._release()
        for event in self.timeline.settle(self.unit.last_us, tick.now_us):
            yield from self.unit.apply(event)
        if tick.kind == "quiet":
            yield from self.unit.quiet(tick.still_s)

    def _step(self, step: Step) -> UnitCoroutine:
        """What becomes of scans and readings: judged, refused, counted, or a clock that was set."""
        if isinstance(step, Taken):
            self.notes.taken(len(step.scans))
            ordered = self.ordering.add(step.scans)
            if ordered.late is not None:
                yield from self._refuse(refused(ordered.late, self.ordering.newest_us, ahead=False))
            if ordered.scans is not None:
                yield from self._in_time(ordered.scans)
        elif isinstance(step, Refused):
            yield from self._refuse(step)
        elif isinstance(step, Repeated):
            yield self.notes.repeated(step)
        elif isinstance(step, NoScan):
            yield from self.unit.quiet(step.still_s, "messages come, but none makes a scan,")
        else:
            yield from self._release()
            self.ordering.begin()
            self.timeline.offset_us = self.arrivals.clock.offset_us
            yield from self.unit.clock_set(step)

    def _refuse(self, step: Refused) -> UnitCoroutine:
        if isinstance(step.rows, Block):
            yield from rejections.of_scans(step.rows, self.subject, step.reason, step.detail)
        else:
            yield from rejections.of_readings(step.rows, self.subject, step.reason, step.detail)
        broker_us = broker_at(step.rows, -1)
        if broker_us is not None and (still_s := self.notes.unusable_s(broker_us)) >= self.subject.twin.quiet_s:
            yield from self.unit.quiet(still_s, f"messages come, but none can be used ({step.reason})")

    def _release(self) -> UnitCoroutine:
        """Judge what is held for stragglers."""
        held_back = self.ordering.flush()
        if held_back is not None:
            yield from self._in_time(held_back)

    def _in_time(self, scans: Block) -> UnitCoroutine:
        """Merge with the context that is due, and judge."""
        for piece in self.timeline.cut(scans):
            if isinstance(piece, Tick):
                yield from self._silent_again(piece)
                continue
            for part in self.timeline.merge(piece):
                yield from self.unit.judge(part) if isinstance(part, Block) else self.unit.apply(part)

    def _silent_again(self, tick: Tick) -> Iterator[Outbound]:
        """A silence that was raised before a restart, if it was after the scan that is the newest again."""
        if tick.since_us == self.unit.newest_us:
            yield from self.unit.quiet(tick.still_s)
