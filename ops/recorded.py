"""A recorded run as the live flow would bring it: batch events made up from the recording, scans in blocks."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

from connectors.files.recordings import read_recording
from connectors.files.runs import RecordedRun
from models.records.block import Block, Feed
from models.records.messages import BatchEvent, Tick
from models.records.times import to_time, to_us
from models.records.twin import Twin
from ops.config import Configuration

_SCANS = 512  # a block


def read(files: Iterable[Path], configuration: Configuration) -> Iterator[RecordedRun]:
    """All runs of the files, in the files' order.

    Raises
    ------
    RecordingError
        A file cannot be read, or its columns are not those the twin tells.
    """
    for file in files:
        yield from read_recording(file, configuration.recording, configuration.twin)


def events(run: RecordedRun, twin: Twin, *, release: bool = False) -> tuple[BatchEvent, ...]:
    """The run's batch events in order of time; none for a continuous process.

    Started, each phase_started, ended one cadence after the last scan and, on request, released one cadence later.
    """
    if run.batch_id is None:
        return ()
    cadence_us = int(twin.cadence_s * 1e6)
    ended_us = int(run.observed_us[-1]) + cadence_us
    batch_events = [_event(run, "started", run.started_us, product=twin.product)]
    batch_events += [_event(run, "phase_started", at_us, phase=phase) for phase, at_us in run.phases]
    batch_events.append(_event(run, "ended", ended_us))
    if release:
        batch_events.append(_event(run, "released", ended_us + cadence_us))
    return tuple(batch_events)


def feeds(run: RecordedRun, twin: Twin) -> Iterator[Feed]:
    """What the source would give: context ahead of the scans it concerns, blocks in order, then that all is said."""
    batch_events = events(run, twin)
    context = batch_events[:-1]
    for start in range(0, len(run.observed_us), _SCANS):
        rows = slice(start, start + _SCANS)
        block = Block(run.unit, "recording", 0, run.rows[rows], run.observed_us[rows], run.values[rows])
        yield Feed(run.unit, context, (block,))
        context = ()
    ended_us = max((to_us(event.at) for event in batch_events), default=None)
    yield Feed(run.unit, (*batch_events[-1:], Tick(unit=run.unit, kind="settled", now_us=ended_us)))


def one_after_another(runs: Iterable[RecordedRun], twin: Twin) -> Iterator[RecordedRun]:
    """The runs, so moved in time that those of one unit do not overlap.

    Recordings that give ages rather than times all start at the same moment. A run that would start before the one
    before it on its unit has ended starts two cadences after that one's last scan.
    """
    free_us: dict[str, int] = {}
    for run in runs:
        late_us = free_us.get(run.unit, run.started_us) - run.started_us
        placed = shifted(run, late_us) if late_us > 0 else run
        free_us[run.unit] = int(placed.observed_us[-1]) + 2 * int(twin.cadence_s * 1e6)
        yield placed


def first_scans(run: RecordedRun, n: int) -> RecordedRun:
    """The run's first n scans, and the phases begun by then."""
    last_us = int(run.observed_us[:n][-1])
    return replace(
        run,
        observed_us=run.observed_us[:n],
        values=run.values[:n],
        rows=run.rows[:n],
        phases=tuple((phase, at_us) for phase, at_us in run.phases if at_us <= last_us),
    )


def shifted(run: RecordedRun, by_us: int) -> RecordedRun:
    """The run, so many microseconds later."""
    return replace(
        run,
        observed_us=run.observed_us + by_us,
        started_us=run.started_us + by_us,
        phases=tuple((phase, at_us + by_us) for phase, at_us in run.phases),
    )


def _event(
    run: RecordedRun,
    event: Literal["started", "phase_started", "ended", "released"],
    at_us: int,
    *,
    product: str | None = None,
    phase: str | None = None,
) -> BatchEvent:
    if run.batch_id is None:
        raise ValueError(f"run of unit {run.unit!r} is not a batch")
    return BatchEvent(
        event=event, batch_id=run.batch_id, unit=run.unit, at=to_time(at_us), product=product, phase=phase
    )
