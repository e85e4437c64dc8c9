"""The scans of each unit's batches, as far as they are kept: what the charts draw and what is judged again."""

import threading
from collections.abc import Iterator

from models.records.block import Block, Feed
from models.records.messages import BatchEvent, OperatorAction, Score
from models.records.times import to_us
from models.records.twin import Twin
from models.unit.arrivals import Arrivals
from models.unit.clock import ClockSet
from models.unit.intake import Taken
from models.unit.ordering import Ordering
from models.unit.timeline import Timeline
from ops.console.batch_record import BatchRecord, Piece

_MOST_SCORES = 20_000  # of a batch
_WAITING = 64  # scans without a batch kept for a start that comes late, as the watch does


class UnitRecords:
    """The batches of one unit: scans put in order and met by their batch events, as the watch does it."""

    def __init__(self, unit: str, twin: Twin) -> None:
        self.unit, self._twin = unit, twin
        self._arrivals, self._ordering = Arrivals(twin), Ordering(twin.context.lateness_s)
        self._timeline = Timeline()
        self.batches: list[BatchRecord] = []  # oldest first
        self.running: BatchRecord | None = None
        self._waiting: list[Block] = []
        self._judged_us: int | None = None

    def add(self, feed: Feed) -> None:
        """Take what one poll brought."""
        for item in feed.context:
            if isinstance(item, BatchEvent):
                self._timeline.add(item)
                if self._judged_us is not None and to_us(item.at) <= self._judged_us:
                    for event in self._timeline.due(self._judged_us):
                        self._apply(event)
        for step in self._arrivals.add(feed.blocks) if feed.blocks else ():
            if isinstance(step, Taken):
                ordered = self._ordering.add(step.scans).scans
                if ordered is not None:
                    self._scans(ordered)
            elif isinstance(step, ClockSet):
                self._clock_set(step)

    def _clock_set(self, change: ClockSet) -> None:
        """The unit's clock was set: ages go on."""
        held_back = self._ordering.flush()
        if held_back is not None:
            self._scans(held_back)
        self._ordering.begin()
        self._timeline.offset_us = self._arrivals.clock.offset_us
        if self.running is not None:
            self.running.shift(change.by_us)

    def score(self, score: Score) -> None:
        """A score may tell of a batch whose start was said before reading began."""
        known = next((b for b in reversed(self.batches) if b.batch_id == score.batch_id), None)
        at_us = to_us(score.at)
        if known is None and score.batch_id is not None and self.running is None and score.age_s is not None:
            known = self._open(score.batch_id, score.product, at_us - int(score.age_s * 1e6))
            known.whole = score.age_s == 0
        if known is not None and score.grade is not None:
            known.scores.append(score)
            del known.scores[:-_MOST_SCORES]

    # -- inside -----------------------------------------------------------------------------------------------

    def _scans(self, block: Block) -> None:
        self._judged_us = int(block.observed_us[-1])
        for piece in self._timeline.merge(block):
            if isinstance(piece, Block):
                for named, part in _by_batch(piece):
                    self._take(named, part)
            else:
                self._apply(piece)

    def _take(self, named: str | None, scans: Block) -> None:
        at_us = int(scans.observed_us[0])
        if named is not None and (self.running is None or self.running.batch_id != named):
            if self._refused(named):
                return
            self._open(named, None, at_us).implied = True
        if self.running is None and self._twin.mode == "continuous":
            self._open(None, None, at_us)
        if self.running is None:
            self._waiting.append(scans)
            while sum(map(len, self._waiting)) - len(self._waiting[0]) >= _WAITING:
                self._waiting.pop(0)
            return
        phase, phase_us = self.running.phases[-1] if self.running.phases else (None, self.running.started_us)
        self.running.pieces.append(Piece(scans.observed_us, scans.values, phase, phase_us))

    def _refused(self, named: str) -> bool:
        """Scans of another batch than the one that was said to run, and stragglers of the one that ended last."""
        if self.running is not None and not self.running.implied:
            return True
        return self.running is None and bool(self.batches) and self.batches[-1].batch_id == named

    def _apply(self, event: BatchEvent | OperatorAction) -> None:
        if not isinstance(event, BatchEvent):
            return
        at_us, running = to_us(event.at), self.running
        ours = running is not None and running.batch_id == event.batch_id
        if running is not None and ours:
            running.implied = False
        if event.event == "started" and not ours:
            self._open(event.batch_id, event.product, at_us)
        elif event.event == "phase_started" and running is not None and ours and event.phase is not None:
            running.phases.append((event.phase, at_us))
        elif event.event == "ended" and running is not None and ours:
            running.ended_us, self.running = at_us, None
        elif event.event in ("released", "rejected"):
            for batch in self.batches:
                if batch.batch_id == event.batch_id:
                    batch.outcome = event.event

    def _open(self, batch_id: str | None, product: str | None, at_us: int) -> BatchRecord:
        if self.running is not None and self.running.ended_us is None:
            self.running.ended_us = at_us
        self.running = BatchRecord(self.unit, batch_id, product or self._twin.product, at_us)
        self.batches.append(self.running)
        waiting, self._waiting = self._waiting, []
        for block in waiting:
            rows = block.observed_us >= at_us
            if rows.any():
                self._take(None, block.take(rows))
        return self.running


class Records:
    """All units' batches, within a budget.

    Parameters
    ----------
    twin
        Their tags.
    memory_mb
        Of scans; the oldest ended batches are dropped first, then a running one's oldest scans.
    """

    def __init__(self, twin: Twin, memory_mb: float) -> None:
        self._twin, self._most = twin, int(memory_mb * 1e6 / 8)
        self._units: dict[str, UnitRecords] = {}
        self.lock = threading.RLock()

    def add(self, feed: Feed) -> None:
        """Take what one poll brought for a unit."""
        with self.lock:
            self._of(feed.unit).add(feed)

    def score(self, score: Score) -> None:
        """Take a score."""
        with self.lock:
            self._of(score.unit).score(score)

    def tidy(self) -> None:
        """Keep to the budget."""
        with self.lock:
            batches = sorted(self.all(), key=lambda b: (b.ended_us is None, b.started_us))
            over = sum(batch.size for batch in batches) - self._most
            for batch in batches:
                if over <= 0:
                    return
                over -= batch.size
                if batch.ended_us is not None:
                    self._of(batch.unit).batches.remove(batch)
                else:
                    batch.shorten()

    def all(self) -> Iterator[BatchRecord]:
        """Every batch kept."""
        with self.lock:
            return iter([batch for unit in self._units.values() for batch in unit.batches])

    def find(self, unit: str, batch_id: str | None) -> BatchRecord | None:
        """A batch of a unit (the newest where its name was used twice); None: the unit's newest batch."""
        with self.lock:
            batches = reversed(self._of(unit).batches if unit in self._units else [])
            return next((b for b in batches if batch_id is None or b.batch_id == batch_id), None)

    def _of(self, unit: str) -> UnitRecords:
        if unit not in self._units:
            self._units[unit] = UnitRecords(unit, self._twin)
        return self._units[unit]


def _by_batch(block: Block) -> Iterator[tuple[str | None, Block]]:
    """Cut where the scans name another batch."""
    if block.batch_ids is None:
        yield None, block
        return
    start = 0
    for row in range(1, len(block) + 1):
        if row == len(block) or block.batch_ids[row] != block.batch_ids[start]:
            yield block.batch_ids[start], block.take(slice(start, row))
            start = row
