"""Whole batches gathered from a unit's stream, and what is decided about them: what a reference learns from."""

from collections.abc import Iterator
from dataclasses import dataclass

from models.arrays.types import FloatArray, IntArray
from models.gathering.batch_runs import BatchRuns, Run
from models.gathering.gather_state import OPEN, Decision, GatherState, Past, decode, encode
from models.gathering.scan_log import ScanLog
from models.records.block import Block, Feed, ReadingBlock, RecordedBatch
from models.records.messages import BatchEvent, Deviation, Loss, Tick
from models.records.times import to_us
from models.records.twin import Twin
from models.unit.arrivals import Arrivals
from models.unit.clock import ClockSet
from models.unit.intake import Taken

_LONGEST = 200_000  # scans gathered of one batch at most; a batch that never ends must not fill the memory
_GAPS = 20  # times in which messages were lost, the newest ones
_REMEMBERED = 200  # batches of a unit that are over: a decision about one that is repeated or revoked is known


@dataclass(frozen=True, slots=True)
class Ended:
    """A whole batch."""

    batch: RecordedBatch


@dataclass(frozen=True, slots=True)
class Decided:
    """What quality decided about a batch, once nothing stands in its way any more."""

    batch_id: str
    released: bool
    missing: str = ""  # why there is no whole batch; "": there may be one


@dataclass(frozen=True, slots=True)
class Waits:
    """A released batch waits for something that may still come; said once."""

    batch_id: str
    why: str


Gathered = Ended | Decided | Waits


class Gather:
    """Gathers one unit's batches.

    Context applies by event time, as in the watch: scans observed from a batch's start until its end are its scans,
    whatever came first. Late and repeated scans are left out, as the watch leaves them out. A batch is whole once the
    unit's scans have passed its end, or it is decided, the source is caught up and the unit still; a decision waits
    for that.

    Parameters
    ----------
    twin
        Its tags, product and context rules.
    state
        A snapshot to go on from; None: a new unit.
    """

    def __init__(self, twin: Twin, state: bytes | None = None) -> None:
        self._twin, self._arrivals = twin, Arrivals(twin)
        self._scans = ScanLog(len(twin.tags), int(twin.context.lateness_s * 1e6))
        self._tail_us = int(twin.quiet_s * 1e6)
        self._state = decode(state) if state else GatherState()
        self._runs = BatchRuns(self._state.runs)
        self._scans.restore(self._state.scans)
        if self._state.arrivals is not None:
            self._arrivals.restore(self._state.arrivals)

    def step(self, feed: Feed) -> list[Gathered]:
        """Take what one poll brought; whole batches, and decisions whose batch is whole or can no longer come."""
        tick = None
        for item in feed.context:
            if isinstance(item, Deviation):
                self._deviation(item)
            elif isinstance(item, BatchEvent):
                self._event(item)
            elif isinstance(item, Loss):
                self._state.gaps = [*self._state.gaps[-_GAPS:], (self._scans.reached_us, OPEN)]
            elif isinstance(item, Tick):
                tick = item
        if feed.blocks:
            self._take(feed.blocks)
        gathered = [*self._whole(tick), *self._decisions(tick)]
        self._forget()
        return gathered

    def snapshot(self) -> bytes:
        """All that changes, as bytes."""
        self._state.arrivals, self._state.scans = self._arrivals.state(), self._scans.state()
        return encode(self._state)

    # -- what comes in -------------------------------------------------------------------------------------------

    def _deviation(self, deviation: Deviation) -> None:
        """Remember which process deviations are open; a closed one is forgotten."""
        if deviation.category != "process" or deviation.batch_id is None:
            return
        if deviation.state == "NORM":
            self._state.open.pop(deviation.deviation_id, None)
        else:
            self._state.open[deviation.deviation_id] = deviation.batch_id

    def _event(self, event: BatchEvent) -> None:
        if event.event in ("released", "rejected"):
            self._decide(event)
        elif event.batch_id not in self._state.past:
            if event.event == "started":
                self._arrivals.clock.know_start(to_us(event.at))
            self._runs.take(event)

    def _decide(self, event: BatchEvent) -> None:
        """Of several decisions the last one counts, by its time; the same once more changes nothing."""
        past = self._state.past.get(event.batch_id)
        before = self._state.decisions.get(event.batch_id) or (past.decision if past else None)
        released, at_us = event.event == "released", to_us(event.at)
        if before is None:
            self._state.decisions[event.batch_id] = Decision(released=released, at_us=at_us)
        elif released == before.released:
            before.at_us = max(before.at_us, at_us)
        elif at_us >= before.at_us:
            self._state.decisions[event.batch_id] = Decision(released=released, at_us=at_us)

    def _take(self, blocks: tuple[Block | ReadingBlock, ...]) -> None:
        for step in self._arrivals.add(blocks):
            if isinstance(step, Taken):
                first_us = int(step.scans.observed_us[0]) + self._state.offset_us
                self._state.gaps = [(since, first_us if to == OPEN else to) for since, to in self._state.gaps]
                self._scans.add(step.scans.observed_us + self._state.offset_us, step.scans.values)
            elif isinstance(step, ClockSet):
                self._state.offset_us = self._arrivals.clock.offset_us

    # -- what is whole -------------------------------------------------------------------------------------------

    def _whole(self, tick: Tick | None) -> Iterator[Ended]:
        """Batches whose last scan has come, or no longer comes."""
        due = self._runs.due(self._scans.reached_us)
        if tick is not None:
            due += [run for run in self._runs.due(2**62) if run not in due and self._is_over(run, tick)]
        for run in due:
            for other in self._runs.before(run):
                self._close(other, "its end was not read")
            at_us, values = self._scans.between(run.started_us or 0, min(run.ended_us or 0, run.next_us or 2**62))
            self._close(run, self._missing(run, len(at_us)))
            if not self._state.past[run.batch_id].missing:
                yield Ended(_recorded(run, at_us, values))

    def _is_over(self, run: Run, tick: Tick) -> bool:
        """The source is caught up and the unit still: a batch that is decided waits no longer for its last scans."""
        if run.batch_id not in self._state.decisions:
            return False
        waited = tick.now_us is not None and (run.ended_us or 0) + self._tail_us <= tick.now_us
        return tick.kind == "quiet" or waited

    def _missing(self, run: Run, scans: int) -> str:
        """Why a batch that is over is not to be learnt from; "": it is whole."""
        if run.lost:
            return run.lost
        if any(since < (run.ended_us or OPEN) and (run.started_us or 0) < to for since, to in self._state.gaps):
            return "messages of it were removed before they were read"
        if run.started_us is None:
            return "its start was not read"
        if run.product not in (None, self._twin.product):
            return f"its product is {run.product!r}, the twin's is {self._twin.product!r}"
        if run.next_us is not None and (run.ended_us or 0) - run.next_us > self._arrivals.clock.near_us:
            return "another batch started on its unit before it ended"
        if run.started_us <= self._scans.forgotten_us:
            return "its start was read when its first scans had gone by"
        return "" if scans else "no scan of it was read"

    def _close(self, run: Run, missing: str) -> None:
        del self._runs.known[run.batch_id]
        self._remember(run.batch_id, Past(missing=missing))

    def _remember(self, batch_id: str, past: Past) -> None:
        self._state.past[batch_id] = past
        while len(self._state.past) > _REMEMBERED:
            del self._state.past[next(iter(self._state.past))]

    def _forget(self) -> None:
        """Let go of scans that no batch needs; a batch that is too long cannot be whole."""
        oldest = self._runs.oldest()
        self._scans.forget(None if oldest is None else oldest.started_us)
        if len(self._scans) <= _LONGEST:
            return
        self._scans.trim()
        while oldest is not None and len(self._scans) > _LONGEST:
            oldest.lost = f"it is longer than {_LONGEST} scans"
            oldest = self._runs.oldest()
            self._scans.forget(None if oldest is None else oldest.started_us)
            self._scans.trim()

    # -- what is decided -----------------------------------------------------------------------------------------

    def _decisions(self, tick: Tick | None) -> Iterator[Decided | Waits]:
        """Decisions whose batch is whole, or can no longer come, and that no open deviation holds up."""
        for batch_id, decision in list(self._state.decisions.items()):
            past = self._state.past.get(batch_id)
            why = self._obstacle(batch_id, decision, tick)
            if why and why != decision.waits_for:
                decision.waits_for = why
                yield Waits(batch_id, why)
            if why or batch_id in self._runs.known:
                continue
            if past is not None or tick is not None or decision.at_us <= self._scans.reached_us:
                yield self._decided(batch_id, decision, past or Past())

    def _obstacle(self, batch_id: str, decision: Decision, tick: Tick | None) -> str:
        """What a decision waits for, as far as a person can do something about it."""
        run = self._runs.known.get(batch_id)
        if run is not None:
            return "its end was not read yet" if tick is not None and run.ended_us is None else ""
        open_ = sorted(key for key, batch in self._state.open.items() if batch == batch_id)
        return f"process deviation still open: {', '.join(open_)}" if open_ and decision.released else ""

    def _decided(self, batch_id: str, decision: Decision, past: Past) -> Decided:
        del self._state.decisions[batch_id]
        missing = past.missing
        if decision.released and past.decision is not None and not past.decision.released:
            missing = "it had been rejected, and was thrown away"
        if not decision.released:
            self._state.open = {key: batch for key, batch in self._state.open.items() if batch != batch_id}
        self._remember(batch_id, Past(missing=past.missing, decision=decision))
        return Decided(batch_id, decision.released, missing)


def _recorded(run: Run, at_us: IntArray, values: FloatArray) -> RecordedBatch:
    started_us = run.started_us or 0
    stop_us = min(run.ended_us or 0, run.next_us or 2**62)
    inside = sorted((at, name) for name, at in run.phases if started_us <= at < stop_us)
    phases = tuple((name, (at - started_us) / 1e6) for at, name in inside)
    return RecordedBatch(run.batch_id, (at_us - started_us) / 1e6, values, phases)
