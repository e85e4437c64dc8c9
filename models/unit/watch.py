"""One unit watched: what arrives is put in order and met by its context. The core of PATrol, and pure.

The same class serves the live flow, the replay, the tests and the benchmarks. It takes feeds and gives records, which
follow from the scans and the context alone, however these were cut into blocks.
"""

from models.records import rejections
from models.records.block import Block, Feed, ReadingBlock
from models.records.messages import BatchEvent, Context, OperatorAction, Outbound, Tick
from models.records.subject import Subject
from models.records.times import back_in_time, to_time, to_us
from models.records.twin import Twin
from models.unit import state as watch_state
from models.unit.assembly import Assembly
from models.unit.coroutines import UnitCoroutine, run_coroutines
from models.unit.ordering import Ordering
from models.unit.timeline import Timeline
from models.unit.unit import Monitors, Unit


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
        self.ordering = Ordering(twin.context.lateness_s, twin.context.clock_reset_scans)
        self.assembly = Assembly(twin)
        self.timeline = Timeline()
        self.unit = Unit(self.subject, monitors, self.timeline)
        self._parts = watch_state.Parts(self.ordering, self.assembly, self.timeline, self.unit)
        if state is not None:
            watch_state.restore(self._parts, state)

    def step(self, feed: Feed) -> list[Outbound]:
        """Take what one poll brought; the records that follow from it, in order."""
        return run_coroutines([self.coroutine(feed)])[0]

    def coroutine(self, feed: Feed) -> UnitCoroutine:
        """As ``step``, to be run beside other units': it yields what is to be judged, and is sent the judgement."""
        for item in feed.context:
            yield from self._context(item)
        for block in feed.blocks:
            yield from self._block(block)

    def snapshot(self) -> bytes:
        """All that changes, as versioned bytes of numbers: a few KB."""
        return watch_state.encode(self._parts)

    # -- inside -----------------------------------------------------------------------------------------------

    def _context(self, item: Context) -> UnitCoroutine:
        """Context waits for the scans to reach its time; what concerns scans already judged applies now."""
        if isinstance(item, Tick):
            yield from self._tick(item)
        elif isinstance(item, BatchEvent | OperatorAction):
            self.timeline.add(item)
            judged_us = self.unit.last_us
            if judged_us is not None and to_us(item.at) <= judged_us:
                for event in self.timeline.due(judged_us):
                    yield from self.unit.apply(event)

    def _tick(self, tick: Tick) -> UnitCoroutine:
        """The source has nothing more for now: nothing need be waited for."""
        held_back = self.ordering.flush()
        if held_back is not None:
            yield from self._in_time(held_back)
        for event in self.timeline.settle():
            yield from self.unit.apply(event)
        if tick.kind == "quiet":
            yield from self.unit.quiet(tick.still_s)

    def _block(self, block: Block | ReadingBlock) -> UnitCoroutine:
        if isinstance(block, ReadingBlock):
            scans, late = self.assembly.add(block)
            yield from rejections.of_readings(block, late, self.subject)
            if scans is None:
                return
            block = scans
        ordered = self.ordering.add(block)
        if ordered.late is not None:
            newest_us = self.ordering.newest_us
            newest = "no time" if newest_us is None else to_time(newest_us).isoformat()
            yield from rejections.of_scans(ordered.late, self.subject, "late", f"a scan of {newest} was already there")
        if ordered.scans is not None:
            yield from self._in_time(ordered.scans)

    def _in_time(self, scans: Block) -> UnitCoroutine:
        """Cut where the unit's clock was set back, then merge with the context that is due."""
        start = 0
        for row in (*back_in_time(scans.observed_us, self.unit.last_us), len(scans)):
            if row > start:
                part = scans if row - start == len(scans) else scans.take(slice(start, row))
                for piece in self.timeline.merge(part):
                    yield from self.unit.judge(piece) if isinstance(piece, Block) else self.unit.apply(piece)
            if row < len(scans):
                yield from self.unit.set_back(int(scans.observed_us[row]))
            start = row
