"""What is known of one unit: the batch running on it, its deviations, and scans that still lack a batch.

``models.unit.watch`` brings scans and context here in the order in which they apply.
"""

from collections.abc import Callable, Iterator

from models.alarms.conditions import Conditions
from models.alarms.deviations import DeviationRegister
from models.records import rejections
from models.records.block import Block
from models.records.messages import BatchEvent, Loss, OperatorAction, Outbound, Remark
from models.records.monitor import Monitor
from models.records.subject import BatchContext, Subject
from models.unit.clock import ClockSet
from models.unit.coroutines import UnitCoroutine
from models.unit.running import RunningBatch
from models.unit.scores import Scores
from models.unit.timeline import SHELVING_ENDS, Dated, Timeline

Monitors = Callable[[str | None], Monitor | None]
_WAITING = 64  # scans without a batch kept for a start that comes late


class Unit:
    """One unit and its running batch.

    Parameters
    ----------
    subject
        The unit and its twin.
    monitors
        Gives a fresh monitor for a batch of the product named; None when there is no reference for it.
    timeline
        Where the end of a shelving is put, to be met in its turn.
    """

    def __init__(self, subject: Subject, monitors: Monitors, timeline: Timeline) -> None:
        self.subject, self.monitors, self.timeline = subject, monitors, timeline
        self.register = DeviationRegister(subject)
        self.conditions = Conditions(subject, self.register)
        self.scores = Scores(subject)
        self.running: RunningBatch | None = None
        self.last_batch: str | None = None  # ended last: its stragglers start nothing
        self.last_us: int | None = None  # newest scan judged or rejected
        self.waiting: list[Block] = []  # scans without a batch
        self.lost: list[
            Loss
        ] = []  # messages removed since the newest scan judged: concern batches that begin meanwhile

    @property
    def batch_context(self) -> BatchContext:
        """What is running now."""
        return BatchContext() if self.running is None else self.running.batch_context

    @property
    def newest_us(self) -> int | None:
        """The newest scan of what runs, or its start; None: nothing runs."""
        if self.running is None:
            return None
        return max(self.running.started_us, self.last_us or self.running.started_us)

    def apply(self, event: Dated) -> UnitCoroutine:
        """A batch event or an action takes effect, before any scan observed at its time or later."""
        if isinstance(event, OperatorAction):
            yield from self._act(event)
        elif event.event == "started":
            yield from self._start(event)
        elif event.event == "phase_started":
            yield from self._phase(event)
        elif event.event == "ended":
            yield from self._end(event)

    def judge(self, scans: Block) -> UnitCoroutine:
        """Judge scans in order of time, cut into runs that name the same batch and phase."""
        if scans.batch_ids is None and scans.phases is None:
            yield from self._judge(scans)
            return
        names = list(zip(scans.batch_ids or (None,) * len(scans), scans.phases or (None,) * len(scans), strict=True))
        start = 0
        for row in range(1, len(scans) + 1):
            if row == len(scans) or names[row] != names[start]:
                yield from self._named(*names[start], scans.take(slice(start, row)))
                start = row

    def quiet(self, still_s: float, *why: str) -> Iterator[Outbound]:
        """No scan that can be used has come for so long; of interest while something runs."""
        if (newest_us := self.newest_us) is not None:
            yield from self.conditions.quiet(self.batch_context, newest_us, still_s, *why)

    def lose(self, loss: Loss) -> Iterator[Outbound]:
        """Messages of the unit were removed before they were read, after the newest scan judged."""
        self.lost.append(loss)
        known = [self.last_us, None if self.running is None else self.running.started_us]
        sent = [us - self.timeline.offset_us for us in (loss.since_us, loss.until_us) if us]
        at_us = max((us for us in known if us is not None), default=max(sent, default=0))
        yield from self.conditions.lost(self.batch_context, at_us, loss)

    def clock_set(self, change: ClockSet) -> Iterator[Outbound]:
        """The unit's clock was set: ages go on, and what is measured in its time is moved with it."""
        if self.running is not None:
            self.running.shift(change.by_us)
        if self.last_us is not None and change.before_us is not None:
            yield from self.conditions.clock_set(self.batch_context, change.at_us, change.before_us)
        self.last_us = change.at_us - 1

    # -- scans ------------------------------------------------------------------------------------------------

    def _named(self, batch_id: str | None, phase: str | None, scans: Block) -> UnitCoroutine:
        at_us = int(scans.observed_us[0])
        running = self.running
        if batch_id is not None and (running is None or running.batch_id != batch_id):
            if running is not None and not running.implied:
                self.last_us = int(scans.observed_us[-1])
                yield from rejections.of_scans(
                    scans, self.subject, "other-batch", f"{running.batch_id} runs on {scans.unit}"
                )
                return
            if batch_id != self.last_batch:
                yield from self._close(at_us)
                yield from self._open(batch_id, None, at_us, implied=True)
        if phase is not None and self.running is not None and self.running.phase != phase:
            self.running.enter(phase, at_us)
        yield from self._judge(scans)

    def _judge(self, scans: Block) -> UnitCoroutine:
        """Judge scans of one batch in one phase; without a batch they wait for its start."""
        yield from self.conditions.scans_resumed(self.batch_context, int(scans.observed_us[0]))
        if self.running is None and self.subject.twin.mode == "continuous":
            self.running = RunningBatch.continuous(self.subject, self.monitors(None), int(scans.observed_us[0]))
        self.last_us, self.lost = int(scans.observed_us[-1]), []
        if self.running is None:
            yield from self._wait(scans)
        else:
            yield from self.running.judge(scans, self.register, self.conditions, self.scores)

    def _wait(self, scans: Block) -> Iterator[Outbound]:
        self.waiting.append(scans)
        surplus = sum(map(len, self.waiting)) - _WAITING
        while surplus > 0:
            first = self.waiting.pop(0)
            if len(first) > surplus:
                self.waiting.insert(0, first.take(slice(surplus, None)))
            surplus -= len(first)
        yield from self.conditions.unwatched(self.batch_context, scans)

    # -- context ----------------------------------------------------------------------------------------------

    def _act(self, action: OperatorAction) -> Iterator[Outbound]:
        if not self.register.knows(action.deviation_id):
            if action.by != SHELVING_ENDS:
                yield self._remark("unknown-deviation", f"{action.action} {action.deviation_id} by {action.by}")
            return
        revision = self.register.act(action)
        if revision is not None:
            yield revision
        if action.action == "shelve" and action.until is not None and revision is not None:
            ends = OperatorAction(
                action="unshelve",
                deviation_id=action.deviation_id,
                unit=action.unit,
                by=SHELVING_ENDS,
                at=action.until,
            )
            self.timeline.add(ends)  # one a shelving: never too many

    def _start(self, event: BatchEvent) -> UnitCoroutine:
        at_us = self.timeline.at_us(event)
        if self.running is not None and self.running.batch_id == event.batch_id:
            if self.running.implied:
                self.running.declare(event)
            else:
                yield self._remark("repeated", f"batch {event.batch_id} is already running")
            return
        late = self.last_us is not None and at_us <= self.last_us
        before = self.running
        if before is not None:
            yield from self._close(max(at_us, self.last_us or at_us) if late else at_us)
        yield from self._open(event.batch_id, event.product, at_us, implied=False)
        if before is not None and not before.implied:
            yield from self.conditions.overlap(self.batch_context, at_us, before.batch_id)
        if late and before is not None:
            yield self._remark("late-event", f"started {event.batch_id}: applies from the next scan on")
        waiting, self.waiting = self.waiting, []
        for block in waiting:
            rows = block.observed_us >= at_us
            if rows.any():
                yield from self._judge(block.take(rows))

    def _phase(self, event: BatchEvent) -> Iterator[Outbound]:
        if self.running is None or self.running.batch_id != event.batch_id:
            yield self._remark("unknown-batch", f"phase {event.phase} of {event.batch_id}, which is not running")
            return
        if self.last_us is not None and self.timeline.at_us(event) <= self.last_us:
            yield self._remark("late-event", f"phase {event.phase}: applies from the next scan on")
        self.running.enter(event.phase, self.timeline.at_us(event))

    def _end(self, event: BatchEvent) -> Iterator[Outbound]:
        at_us = self.timeline.at_us(event)
        if self.running is None or self.running.batch_id != event.batch_id:
            yield from self.conditions.overlap_over(self.batch_context, at_us)
            yield self._remark("unknown-batch", f"end of {event.batch_id}, which is not running")
            return
        if self.last_us is not None and at_us <= self.last_us:
            yield self._remark("late-event", f"end of {event.batch_id}: applies from the next scan on")
            at_us = self.last_us
        yield from self._close(at_us)

    # -- batches ----------------------------------------------------------------------------------------------

    def _open(self, batch_id: str, product: str | None, at_us: int, *, implied: bool) -> Iterator[Outbound]:
        yield from self.conditions.watched_again(self.batch_context, at_us)
        product = product or self.subject.twin.product
        monitor = self.monitors(product)
        self.running = RunningBatch(self.subject, batch_id, product, at_us, monitor, implied=implied)
        if monitor is None:
            yield self._remark("unknown-product", f"batch {batch_id}: no reference for product {product!r}")
            yield from self.conditions.unknown_product(self.batch_context, at_us)
        for loss in self.lost:
            yield from self.conditions.lost(self.batch_context, at_us, loss)
        yield self.scores.begun(self.batch_context, at_us)

    def _close(self, at_us: int) -> Iterator[Outbound]:
        if self.running is None:
            return
        yield from self.register.end_batch(self.batch_context, at_us)
        self.last_batch, self.running = self.running.batch_id, None
        yield self.scores.idle(at_us)

    def _remark(self, kind: str, detail: str) -> Remark:
        return Remark(unit=self.subject.unit, kind=kind, detail=detail)
