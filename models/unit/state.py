"""A watch's state as versioned bytes: records, numbers and arrays, never pickled objects."""

import zlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from models.alarms.deviations import DeviationRegister, Tracked
from models.records.errors import RecoveryError
from models.records.messages import BatchEvent, Loss, OperatorAction
from models.records.monitor import Numbers
from models.unit.arrivals import Arrivals, ArrivalsState, block_of, parts
from models.unit.notes import Notes
from models.unit.ordering import Ordering
from models.unit.running import RunningBatch
from models.unit.timeline import Timeline
from models.unit.unit import Unit

VERSION = 5
_BEFORE = 4  # is brought up to this form
READABLE = (VERSION, _BEFORE)
_ARRAY = 1  # msgpack extension code
_QUICKLY = 1  # zlib's level


class _Form(msgspec.Struct):
    """Of any state, whatever else it holds."""

    version: int


@dataclass(frozen=True, slots=True)
class Parts:
    """What a unit's watch holds that changes."""

    arrivals: Arrivals
    ordering: Ordering
    timeline: Timeline
    unit: Unit
    notes: Notes


class BatchState(msgspec.Struct, kw_only=True):
    """Of the running batch."""

    batch_id: str | None
    product: str | None
    started_us: int
    implied: bool
    phase: str | None
    phase_us: int
    scored_us: int  # number of the interval of the last score
    runs: dict[str, list[int]]
    disagreement: float
    disagrees: bool
    monitor: Any  # Numbers; None: unwatched


class UnitState(msgspec.Struct, kw_only=True):
    """Of one unit."""

    version: int = VERSION
    register: bytes = msgspec.field(name="book")  # its name in the state
    unwatched_us: int | None
    arrivals: ArrivalsState
    ordering: tuple[int | None, Any]  # newest scan, and what is held for stragglers
    since_repeat: int | None = None
    refused_us: int | None = None
    partitions: dict[str, list[int]] = {}
    pending: list[BatchEvent | OperatorAction]
    last_batch: str | None
    last_us: int | None
    waiting: list[Any]
    lost: list[Loss] | msgspec.UnsetType = msgspec.UNSET  # where there are any
    batch: BatchState | None
    scores: tuple[int | None, int] = (None, 0)  # time of the newest one, and how many came with no later time


def encode(watch: Parts) -> bytes:
    """The state of a unit's watch."""
    unit = watch.unit
    held_back, notes = watch.ordering.held_back, watch.notes
    state = UnitState(
        register=_packed(unit.register),
        unwatched_us=unit.conditions.unwatched_us,
        arrivals=watch.arrivals.state(),
        ordering=(watch.ordering.newest_us, None if held_back is None else parts(held_back)),
        since_repeat=notes.since_repeat,
        refused_us=notes.refused_us,
        partitions=notes.partitions,
        pending=watch.timeline.pending,
        last_batch=unit.last_batch,
        last_us=unit.last_us,
        waiting=[parts(block) for block in unit.waiting],
        lost=unit.lost or msgspec.UNSET,
        batch=None if unit.running is None else _batch_state(unit.running),
        scores=(unit.scores.newest_us, unit.scores.late),
    )
    return _ENCODER.encode(state)


def restore(watch: Parts, raw: bytes) -> None:
    """Give a new watch the state that ``encode`` gave.

    Raises
    ------
    RecoveryError
        The state is of another version.
    """
    unit, form = watch.unit, _FORM.decode(raw).version  # first: another form may hold anything
    if form == _BEFORE:
        raw = _upgraded(raw)
    elif form != VERSION:
        raise RecoveryError(
            f"recovery store: the state of unit {unit.subject.unit} is of form {form}, this PATrol reads {VERSION}"
            ": choose another recovery.folder, or remove this one to judge anew from the topics' beginning"
        )
    state = _DECODER.decode(raw)
    unit.register.restore(*_REGISTER.decode(zlib.decompress(state.register)))
    unit.conditions.unwatched_us = state.unwatched_us
    watch.arrivals.restore(state.arrivals)
    watch.ordering.newest_us, held_back = state.ordering
    watch.ordering.held_back = None if held_back is None else block_of(held_back)
    watch.timeline.pending, watch.timeline.offset_us = state.pending, watch.arrivals.clock.offset_us
    if state.since_repeat is not None:
        watch.notes.since_repeat = state.since_repeat
    watch.notes.partitions, watch.notes.refused_us = state.partitions, state.refused_us
    unit.last_batch, unit.last_us = state.last_batch, state.last_us
    unit.lost = [] if state.lost is msgspec.UNSET else state.lost
    unit.waiting = [block_of(fields) for fields in state.waiting]
    unit.scores.newest_us, unit.scores.late = state.scores
    unit.running = None if state.batch is None else _running(unit, state.batch)


# -- inside ---------------------------------------------------------------------------------------------------


def _packed(register: DeviationRegister) -> bytes:
    """Deviations that nobody has acknowledged may be many, and nearly the same: packed small, and only once changed."""
    if register.packed is None:
        register.packed = zlib.compress(_ENCODER.encode(register.state()), _QUICKLY)
    return register.packed


def _batch_state(running: RunningBatch) -> BatchState:
    return BatchState(
        batch_id=running.batch_id,
        product=running.product,
        started_us=running.started_us,
        implied=running.implied,
        phase=running.phase,
        phase_us=running.phase_us,
        scored_us=running.scored,
        runs=running.delays.state(),
        disagreement=running.disagreement.state(),
        disagrees=running.disagrees,
        monitor=None if running.monitor is None else running.monitor.state(),
    )


def _running(unit: Unit, state: BatchState) -> RunningBatch:
    monitor = unit.monitors(state.product)
    numbers: Numbers | None = state.monitor
    if monitor is not None and numbers is not None:
        monitor.restore(numbers)
    running = RunningBatch(
        unit.subject, state.batch_id, state.product, state.started_us, monitor, implied=state.implied
    )
    running.phase, running.phase_us, running.scored = state.phase, state.phase_us, state.scored_us
    running.delays.restore(state.runs)
    running.disagreement.restore(state.disagreement)
    running.disagrees = state.disagrees
    return running


def _upgraded(raw: bytes) -> bytes:
    """A state of the form before, in this one: what was not kept then (repeats, the broker's time) begins empty."""
    state = _LOOSE.decode(raw)
    newest_us, _, _, held_back = state["ordering"]
    none = [None]  # the broker's time of blocks
    arrivals = {"clock": (newest_us, None, 0, None, None), "assembly": state.pop("assembly")}
    waiting = [[*fields, *none] for fields in state["waiting"]]
    ordering = (newest_us, None if held_back is None else [*held_back, *none])
    return _ENCODER.encode(
        {**state, "version": VERSION, "arrivals": arrivals, "ordering": ordering, "waiting": waiting}
    )


def _pack(value: object) -> object:
    if isinstance(value, np.ndarray):
        return msgspec.msgpack.Ext(_ARRAY, _head(value.dtype, value.shape) + value.tobytes())
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a state holds numbers and arrays, not {type(value).__name__}")


@lru_cache(1024)
def _head(dtype: "np.dtype[Any]", shape: tuple[int, ...]) -> bytes:
    head = msgspec.msgpack.encode((dtype.str, shape))
    return len(head).to_bytes(2, "big") + head


def _unpack(code: int, data: memoryview) -> object:
    if code != _ARRAY:
        raise ValueError(f"unit state holds an unknown extension {code}")
    size = int.from_bytes(data[:2], "big")
    dtype, shape = msgspec.msgpack.decode(data[2 : 2 + size])
    return np.frombuffer(data[2 + size :], dtype=dtype).reshape(shape).copy()


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_pack)
_DECODER = msgspec.msgpack.Decoder(UnitState, ext_hook=_unpack)
_LOOSE = msgspec.msgpack.Decoder(dict[str, Any], ext_hook=_unpack)
_FORM = msgspec.msgpack.Decoder(_Form)
_REGISTER = msgspec.msgpack.Decoder(tuple[list[Tracked], dict[str, int]])
