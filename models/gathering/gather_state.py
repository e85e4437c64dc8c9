"""What gathering a unit's batches goes on from after a restart."""

import msgspec
import numpy as np

from models.gathering.batch_runs import BatchRuns, Run
from models.gathering.scan_log import ScanLogState
from models.records.messages import BatchEvent
from models.records.times import to_us
from models.unit.arrivals import ArrivalsState

OPEN = 2**62


class Decision(msgspec.Struct, kw_only=True):
    """What quality decided about a batch."""

    released: bool
    at_us: int
    waits_for: str = msgspec.field(default="", name="told")  # its name in the state


class Past(msgspec.Struct, kw_only=True):
    """A batch that is over."""

    missing: str = ""  # why it is not whole
    decision: Decision | None = None


class GatherState(msgspec.Struct, kw_only=True):
    """Form 3: events by batch, scans as arrays in the plant's time."""

    version: int = 3
    runs: dict[str, Run] = {}
    decisions: dict[str, Decision] = {}  # by batch: not passed on yet
    past: dict[str, Past] = {}  # by batch, the oldest first
    open: dict[str, str] = {}  # deviation_id -> batch_id, of process deviations that are not closed
    offset_us: int = 0  # the plant's time less the unit's
    scans: ScanLogState = ScanLogState()
    arrivals: ArrivalsState | None = None
    gaps: list[tuple[int, int]] = []  # messages were lost between these scans; OPEN: none has come since


class _Gathering(msgspec.Struct, kw_only=True):
    batch_id: str
    product: str | None
    started_us: int
    phases: list[tuple[str, float]] = []
    observed_us: list[int] = []
    values: list[list[float]] = []


class _Form2(msgspec.Struct, kw_only=True):
    """Scans of the one running batch as lists, times by the unit's own clock."""

    running: _Gathering | None = None
    pending: list[BatchEvent] = []
    open: dict[str, str] = {}
    newest_us: int = -(2**62)
    arrivals: ArrivalsState | None = None


class _Form(msgspec.Struct):
    version: int = 2


def encode(state: GatherState) -> bytes:
    """A state as bytes."""
    return _ENCODER.encode(state)


def decode(raw: bytes) -> GatherState:
    """The state of these bytes; form 2 is brought up to form 3."""
    if _FORM.decode(raw).version == 2:
        return _from_form_2(_FORM_2.decode(raw))
    return _STATE.decode(raw)


def _from_form_2(before: _Form2) -> GatherState:
    offset_us = 0 if before.arrivals is None else before.arrivals.clock[2]
    state = GatherState(open=before.open, offset_us=offset_us, arrivals=before.arrivals)
    at_us, values = np.empty(0, dtype=np.int64), np.empty(0)
    if (running := before.running) is not None:
        started_us = running.started_us + offset_us
        phases = [(name, started_us + round(age_s * 1e6)) for name, age_s in running.phases]
        state.runs[running.batch_id] = Run(
            batch_id=running.batch_id, product=running.product, started_us=started_us, phases=phases
        )
        at_us = np.array(running.observed_us, dtype=np.int64) + offset_us
        values = np.array(running.values, dtype=np.float64)
    runs = BatchRuns(state.runs)
    for event in sorted(before.pending, key=lambda event: to_us(event.at)):
        runs.take(event)
    newest_us = before.newest_us + offset_us
    state.scans = ScanLogState(at=at_us.tobytes(), values=values.tobytes(), newest_us=newest_us)
    return state


_ENCODER = msgspec.msgpack.Encoder()
_STATE = msgspec.msgpack.Decoder(GatherState)
_FORM_2 = msgspec.msgpack.Decoder(_Form2)
_FORM = msgspec.msgpack.Decoder(_Form)
