"""Whole batches gathered from a unit's stream, and what is decided about them: what a reference learns from."""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec
import numpy as np

from models.records.block import Block, Feed, RecordedBatch
from models.records.messages import BatchEvent, Deviation, Loss
from models.records.times import to_us
from models.records.twin import Twin
from models.unit.arrivals import Arrivals, ArrivalsState
from models.unit.clock import ClockSet
from models.unit.intake import Taken

_LONGEST = 200_000  # scans gathered of one batch at most; a batch that never ends must not fill the memory


@dataclass(frozen=True, slots=True)
class Ended:
    """A whole batch."""

    batch: RecordedBatch
    product: str | None


@dataclass(frozen=True, slots=True)
class Decided:
    """What quality decided about a batch."""

    batch_id: str
    released: bool
    open_deviations: tuple[str, ...] = ()  # ids of its process deviations that are not closed
    at_us: int = 0


Gathered = Ended | Decided


class _Gathering(msgspec.Struct, kw_only=True):
    """The batch that is being gathered."""

    batch_id: str
    product: str | None
    started_us: int
    phases: list[tuple[str, float]] = []
    observed_us: list[int] = []
    values: list[list[float]] = []


class _State(msgspec.Struct, kw_only=True):
    version: int = 2
    running: _Gathering | None = None
    pending: list[BatchEvent] = []
    open: dict[str, str] = {}  # deviation_id -> batch_id, of process deviations that are not closed
    newest_us: int = -(2**62)
    arrivals: ArrivalsState | None = None
    lost: bool = False  # messages have been since the newest scan: a batch that begins meanwhile is not whole


class Gather:
    """Gathers one unit's batches.

    Context applies by event time, as in the watch: scans observed from a batch's start until its end are its scans,
    whatever came first. Late and repeated scans are left out, as the watch leaves them out.
    """

    def __init__(self, twin: Twin, state: bytes | None = None) -> None:
        self._twin, self._arrivals = twin, Arrivals(twin)
        self._state = _DECODER.decode(state) if state else _State()
        if self._state.arrivals is not None:
            self._arrivals.restore(self._state.arrivals)

    def step(self, feed: Feed) -> list[Gathered]:
        """Take what one poll brought; whole batches and decisions, in order."""
        gathered: list[Gathered] = []
        for item in feed.context:
            if isinstance(item, Deviation):
                self._deviation(item)
            elif isinstance(item, BatchEvent):
                gathered += self._event(item)
            elif isinstance(item, Loss):
                self._state.running, self._state.lost = None, True  # a batch with a hole is not learnt
        for step in self._arrivals.add(feed.blocks) if feed.blocks else ():
            if isinstance(step, Taken):
                gathered += self._scans(step.scans)
            elif isinstance(step, ClockSet):
                self._clock_set(step)
        return gathered

    def snapshot(self) -> bytes:
        """All that changes, as bytes."""
        self._state.arrivals = self._arrivals.state()
        return _ENCODER.encode(self._state)

    # -- inside --------------------------------------------------------------------------------------------------

    def _deviation(self, deviation: Deviation) -> None:
        """Remember which process deviations are open; a closed one is forgotten."""
        if deviation.category != "process" or deviation.batch_id is None:
            return
        if deviation.state == "NORM":
            self._state.open.pop(deviation.deviation_id, None)
        else:
            self._state.open[deviation.deviation_id] = deviation.batch_id

    def _event(self, event: BatchEvent) -> Iterator[Gathered]:
        if event.event in ("started", "phase_started"):
            self._state.pending.append(event)
        elif event.event == "ended":
            self._state.pending.append(event)
            yield from self._due(self._state.newest_us)
        else:
            yield from self._finish(event.batch_id)
            left = tuple(sorted(key for key, batch in self._state.open.items() if batch == event.batch_id))
            for key in left:
                del self._state.open[key]
            yield Decided(event.batch_id, event.event == "released", left, to_us(event.at))

    def _finish(self, batch_id: str) -> Iterator[Gathered]:
        """A decision ends what is left of its batch: all that is pending up to it applies now."""
        ends = [e for e in self._state.pending if e.batch_id == batch_id and e.event == "ended"]
        if ends:
            yield from self._due(to_us(ends[0].at))

    def _due(self, until_us: int) -> Iterator[Gathered]:
        due = sorted((e for e in self._state.pending if to_us(e.at) <= until_us), key=lambda e: to_us(e.at))
        self._state.pending = [e for e in self._state.pending if to_us(e.at) > until_us]
        for event in due:
            yield from self._apply(event)

    def _apply(self, event: BatchEvent) -> Iterator[Gathered]:
        running = self._state.running
        if event.event == "started" and self._state.lost:
            self._state.running = None
        elif event.event == "started":
            self._state.running = _Gathering(batch_id=event.batch_id, product=event.product, started_us=to_us(event.at))
        elif running is not None and running.batch_id == event.batch_id:
            if event.event == "phase_started":
                running.phases.append((event.phase or "", (to_us(event.at) - running.started_us) / 1e6))
            else:
                self._state.running = None
                if running.observed_us:
                    yield Ended(_recorded(running), running.product)

    def _clock_set(self, change: ClockSet) -> None:
        """The unit's clock was set: the running batch's ages go on."""
        self._state.newest_us = change.at_us - 1
        if self._state.running is not None:
            shifted = [at_us + change.by_us for at_us in self._state.running.observed_us]
            self._state.running.observed_us = shifted
            self._state.running.started_us += change.by_us

    def _scans(self, scans: Block) -> Iterator[Gathered]:
        for row in range(len(scans)):
            at_us = int(scans.observed_us[row])
            if at_us <= self._state.newest_us:
                continue
            self._state.newest_us = at_us
            if self._state.pending:
                yield from self._due(at_us)
            self._state.lost = False
            running = self._state.running
            if running is not None and len(running.observed_us) < _LONGEST:
                running.observed_us.append(at_us)
                running.values.append(scans.values[row].tolist())


def _recorded(running: _Gathering) -> RecordedBatch:
    age_s = (np.array(running.observed_us, dtype=np.int64) - running.started_us) / 1e6
    values = np.array(running.values, dtype=np.float64)
    return RecordedBatch(running.batch_id, age_s, values, tuple(running.phases))


_ENCODER = msgspec.msgpack.Encoder()
_DECODER = msgspec.msgpack.Decoder(_State)
