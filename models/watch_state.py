"""A watch's state as versioned bytes: records, numbers and arrays, never pickled objects."""

from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np

from models.block import Block, ReadingBlock, to_time
from models.delays import Run
from models.deviations import Life
from models.monitor import Numbers
from models.records import BatchEvent, OperatorAction, Origin, Reading, Rejected, Scan
from models.running import RunningBatch

if TYPE_CHECKING:
    from models.watch import Watch

VERSION = 1
_ARRAY = 1  # msgpack extension code


class BatchState(msgspec.Struct, kw_only=True):
    """Of the running batch."""

    batch_id: str | None
    product: str | None
    started_us: int
    implied: bool
    phase: str | None
    phase_us: int
    scored_us: int
    runs: dict[str, Run]
    disagreement: Any
    disagrees: bool
    monitor: Any  # Numbers; None: unwatched


class UnitState(msgspec.Struct, kw_only=True):
    """Of one unit."""

    version: int = VERSION
    lives: list[Life]
    ordinals: dict[str, int]
    unwatched_us: int | None
    ordering: tuple[int | None, int, int, Any]
    assembly: tuple[Any, Any, int | None]
    pending: list[BatchEvent | OperatorAction]
    last_batch: str | None
    last_us: int | None
    waiting: list[Any]
    batch: BatchState | None


def encode(watch: "Watch") -> bytes:
    """The state of ``watch``."""
    lives, ordinals = watch.book.state()
    newest_us, late_run, late_us, held = watch.ordering.state()
    state = UnitState(
        lives=lives,
        ordinals=ordinals,
        unwatched_us=watch.conditions.unwatched_us,
        ordering=(newest_us, late_run, late_us, None if held is None else _block_parts(held)),
        assembly=(watch.assembly.values, watch.assembly.seen_us, watch.assembly.next_us),
        pending=watch.timeline.pending,
        last_batch=watch.last_batch,
        last_us=watch.last_us,
        waiting=[_block_parts(block) for block in watch.waiting],
        batch=None if watch.running is None else _batch_state(watch.running),
    )
    return _ENCODER.encode(state)


def restore(watch: "Watch", raw: bytes) -> None:
    """Give ``watch`` the state ``encode`` gave.

    Raises
    ------
    ValueError
        The state is of another version.
    """
    state = _DECODER.decode(raw)
    if state.version != VERSION:
        raise ValueError(
            f"unit state is version {state.version}, this PATrol reads {VERSION}: remove the recovery folder"
        )
    watch.book.restore(state.lives, state.ordinals)
    watch.conditions.unwatched_us = state.unwatched_us
    newest_us, late_run, late_us, held = state.ordering
    watch.ordering.restore(newest_us, late_run, late_us, None if held is None else Block(*_block_args(held)))
    watch.assembly.values, watch.assembly.seen_us, watch.assembly.next_us = state.assembly
    watch.timeline.pending = state.pending
    watch.last_batch, watch.last_us = state.last_batch, state.last_us
    watch.waiting = [Block(*_block_args(parts)) for parts in state.waiting]
    watch.running = None if state.batch is None else _running(watch, state.batch)


def rejected(scans: Block, row: int, tags: tuple[str, ...], why: tuple[str, str]) -> Rejected:
    """One scan of a block as a dead letter; its bytes are written anew from the arrays."""
    reason, detail = why
    values = {tag: float(v) for tag, v in zip(tags, scans.values[row], strict=True) if np.isfinite(v)}
    scan = Scan(
        unit=scans.unit,
        observed_at=to_time(int(scans.observed_us[row])),
        values=dict(values),
        batch_id=None if scans.batch_ids is None else scans.batch_ids[row],
        phase=None if scans.phases is None else scans.phases[row],
    )
    origin = Origin(topic=scans.topic, partition=scans.partition, offset=int(scans.offsets[row]))
    detail = f"{scans.unit}, observed {scan.observed_at.isoformat()}: {detail}"
    return Rejected(reason=reason, detail=detail, raw=msgspec.json.encode(scan), origin=origin, key=scans.unit)


def rejected_reading(readings: ReadingBlock, row: int, tags: tuple[str, ...]) -> Rejected:
    """One reading that came after its scan was made, as a dead letter."""
    value = float(readings.values[row])
    reading = Reading(
        unit=readings.unit,
        tag=tags[int(readings.tag_index[row])],
        observed_at=to_time(int(readings.observed_us[row])),
        value=value if np.isfinite(value) else None,
    )
    origin = Origin(topic=readings.topic, partition=readings.partition, offset=int(readings.offsets[row]))
    detail = f"{readings.unit} {reading.tag}, observed {reading.observed_at.isoformat()}: its scan was already made"
    return Rejected(reason="late", detail=detail, raw=msgspec.json.encode(reading), origin=origin, key=readings.unit)


# -- inside ---------------------------------------------------------------------------------------------------


def _batch_state(running: RunningBatch) -> BatchState:
    return BatchState(
        batch_id=running.batch_id,
        product=running.product,
        started_us=running.started_us,
        implied=running.implied,
        phase=running.phase,
        phase_us=running.phase_us,
        scored_us=running.scored_us,
        runs=running.delays.state(),
        disagreement=running.disagreement.state(),
        disagrees=running.disagrees,
        monitor=None if running.monitor is None else running.monitor.state(),
    )


def _running(watch: "Watch", state: BatchState) -> RunningBatch:
    monitor = watch.monitors(state.product)
    numbers: Numbers | None = state.monitor
    if monitor is not None and numbers is not None:
        monitor.restore(numbers)
    running = RunningBatch(
        watch.subject, state.batch_id, state.product, state.started_us, monitor, implied=state.implied
    )
    running.phase, running.phase_us, running.scored_us = state.phase, state.phase_us, state.scored_us
    running.delays.restore(state.runs)
    running.disagreement.restore(state.disagreement)
    running.disagrees = state.disagrees
    return running


def _block_parts(block: Block) -> tuple[object, ...]:
    return (
        block.unit, block.topic, block.partition, block.offsets, block.observed_us, block.values,
        block.batch_ids, block.phases,
    )  # fmt: skip


def _block_args(parts: list[Any]) -> list[Any]:
    *arrays, batch_ids, phases = parts
    return [*arrays, batch_ids and tuple(batch_ids), phases and tuple(phases)]


def _pack(value: object) -> object:
    if isinstance(value, np.ndarray):
        head = msgspec.msgpack.encode((value.dtype.str, value.shape))
        return msgspec.msgpack.Ext(_ARRAY, len(head).to_bytes(2, "big") + head + value.tobytes())
    if isinstance(value, np.generic):
        return value.item()
    raise TypeError(f"a state holds numbers and arrays, not {type(value).__name__}")


def _unpack(code: int, data: memoryview) -> object:
    if code != _ARRAY:
        raise ValueError(f"unit state holds an unknown extension {code}")
    size = int.from_bytes(data[:2], "big")
    dtype, shape = msgspec.msgpack.decode(data[2 : 2 + size])
    return np.frombuffer(data[2 + size :], dtype=dtype).reshape(shape).copy()


_ENCODER = msgspec.msgpack.Encoder(enc_hook=_pack)
_DECODER = msgspec.msgpack.Decoder(UnitState, ext_hook=_unpack)
