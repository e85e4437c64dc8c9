"""One batch as a file holds it, or one unit's continuous process; to and from what a reference learns."""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.records.block import RecordedBatch
from models.records.errors import RecordingError


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """One batch as recorded, or one unit's continuous process."""

    unit: str
    batch_id: str | None
    observed_us: IntArray  # (n,) microseconds since the epoch, increasing
    values: FloatArray  # (n, p) in the twin's order and units of measure; NaN: no reading
    phases: tuple[tuple[str, int], ...]  # (phase, observed_us at its start)
    started_us: int  # where ages are given: age 0; else the first scan
    rows: IntArray  # (n,) row numbers in the file, see ``connectors.files.tables``


def to_recorded_batch(run: RecordedRun) -> RecordedBatch:
    """A run as a reference learns it.

    Raises
    ------
    RecordingError
        The run names no batch.
    """
    if run.batch_id is None:
        raise RecordingError(f"unit {run.unit!r}: its scans name no batch; set recording.batch to the batch's column")
    return RecordedBatch(
        batch_id=run.batch_id,
        age_s=(run.observed_us - run.started_us) / 1e6,
        values=run.values,
        phases=tuple((phase, (at_us - run.started_us) / 1e6) for phase, at_us in run.phases),
        unit=run.unit,
    )


def to_run(batch: RecordedBatch, started_us: int) -> RecordedRun:
    """A batch as if it had begun at ``started_us`` (microseconds since 1970): the inverse of ``to_recorded_batch``."""
    return RecordedRun(
        unit=batch.unit,
        batch_id=batch.batch_id,
        observed_us=started_us + (batch.age_s * 1e6).astype(np.int64),
        values=batch.values,
        phases=tuple((phase, started_us + int(start_s * 1e6)) for phase, start_s in batch.phases),
        started_us=started_us,
        rows=np.arange(len(batch.age_s)),
    )
