"""Scans and readings that are not judged, as dead letters: their bytes are written anew from the arrays."""

from collections.abc import Iterator

import msgspec
import numpy as np

from models.records.block import Block, ReadingBlock
from models.records.messages import Origin, Reading, Rejected, Scan
from models.records.subject import Subject
from models.records.times import to_time


def of_scans(scans: Block, subject: Subject, reason: str, detail: str) -> Iterator[Rejected]:
    """Every scan of a block, with one reason (of ``models.records.errors.REASONS``)."""
    for row in range(len(scans)):
        yield _scan(scans, row, subject.twin.tag_names, (reason, detail))


def of_readings(readings: ReadingBlock, subject: Subject, reason: str, detail: str) -> Iterator[Rejected]:
    """Every reading of a block, with one reason."""
    for row in range(len(readings)):
        yield _reading(readings, row, subject.twin.tag_names, (reason, detail))


def _scan(scans: Block, row: int, tags: tuple[str, ...], why: tuple[str, str]) -> Rejected:
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


def _reading(readings: ReadingBlock, row: int, tags: tuple[str, ...], why: tuple[str, str]) -> Rejected:
    """One reading that came after its scan was made, as a dead letter."""
    value = float(readings.values[row])
    reading = Reading(
        unit=readings.unit,
        tag=tags[int(readings.tag_index[row])],
        observed_at=to_time(int(readings.observed_us[row])),
        value=value if np.isfinite(value) else None,
    )
    origin = Origin(topic=readings.topic, partition=readings.partition, offset=int(readings.offsets[row]))
    reason, detail = why
    detail = f"{readings.unit} {reading.tag}, observed {reading.observed_at.isoformat()}: {detail}"
    return Rejected(reason=reason, detail=detail, raw=msgspec.json.encode(reading), origin=origin, key=readings.unit)
