"""The messages of one poll, decoded and grouped: a feed a unit, with its scans as arrays."""

from collections.abc import Iterable
from typing import Protocol

import numpy as np

from connectors.codec import decode
from models.block import Block, Feed, ReadingBlock, to_us
from models.records import Context, Origin, Reading, Rejected, Scan
from models.twin import Twin

Place = tuple[str, str, int]  # unit, topic, partition
_MOST_STRANGE = 1000  # unknown tags said in dead letters; further ones are only counted


class Counts(Protocol):
    """Who counts what arrives."""

    def scans(self, unit: str, count: int) -> None:
        """Scans of a unit."""

    def readings(self, unit: str, count: int) -> None:
        """Readings of a unit."""

    def blocks(self, count: int) -> None:
        """Blocks made."""

    def unknown_tag_values(self, count: int) -> None:
        """Values of tags the twin does not know."""


class Grouping:
    """Groups messages by unit.

    Parameters
    ----------
    twin
        Its tags give the arrays' columns; its units, where it lists them, are the only ones taken.
    counts
        Told what arrives.
    """

    def __init__(self, twin: Twin, counts: Counts) -> None:
        self._column = {tag: column for column, tag in enumerate(twin.tags)}
        self._units, self._counts = frozenset(twin.units), counts
        self._strange: set[tuple[str, str]] = set()  # (unit, tag) already sent to the dead letters
        self._context: dict[str, list[Context]] = {}
        self._scans: dict[Place, list[tuple[int, Scan]]] = {}
        self._readings: dict[Place, list[tuple[int, Reading]]] = {}
        self._rejected: list[Rejected] = []

    def add(self, raw: bytes, origin: Origin, key: str | None) -> None:
        """Take one message."""
        record = decode(raw, origin, key)
        if isinstance(record, Rejected):
            self._rejected.append(record)
        elif self._units and record.unit not in self._units:
            detail = f"unit {record.unit!r} is not among the twin's units; add it there if it is to be watched"
            self._reject("unknown-unit", detail, raw, origin, key)
        elif isinstance(record, Scan):
            self._scans.setdefault((record.unit, origin.topic, origin.partition), []).append((origin.offset, record))
            self._check_tags(record.unit, record.values, (raw, origin, key))
        elif isinstance(record, Reading):
            self._add_reading(record, raw, origin, key)
        else:
            self._context.setdefault(record.unit, []).append(record)

    def take(self) -> list[Feed | Rejected]:
        """What has been grouped since the last time: a feed a unit (context first), then dead letters."""
        blocks: dict[str, list[Block | ReadingBlock]] = {}
        for (unit, topic, partition), scans in self._scans.items():
            blocks.setdefault(unit, []).append(self._block((unit, topic, partition), scans))
            self._counts.scans(unit, len(scans))
        for (unit, topic, partition), readings in self._readings.items():
            blocks.setdefault(unit, []).append(self._reading_block((unit, topic, partition), readings))
            self._counts.readings(unit, len(readings))
        self._counts.blocks(sum(map(len, blocks.values())))
        units = dict.fromkeys([*self._context, *blocks])
        feeds = [Feed(unit, tuple(self._context.get(unit, ())), tuple(blocks.get(unit, ()))) for unit in units]
        rejected, self._rejected = self._rejected, []
        self._context, self._scans, self._readings = {}, {}, {}
        return [*feeds, *rejected]

    # -- inside --------------------------------------------------------------------------------------------------

    def _add_reading(self, reading: Reading, raw: bytes, origin: Origin, key: str | None) -> None:
        if reading.tag in self._column:
            place = (reading.unit, origin.topic, origin.partition)
            self._readings.setdefault(place, []).append((origin.offset, reading))
        else:
            self._counts.unknown_tag_values(1)
            self._reject("unknown-tag", f"the twin has no tag {reading.tag!r}", raw, origin, key)

    def _check_tags(self, unit: str, values: Iterable[str], message: tuple[bytes, Origin, str | None]) -> None:
        """Count values of unknown tags; the first message of each unit and tag also becomes a dead letter."""
        unknown = [tag for tag in values if tag not in self._column]
        if not unknown:
            return
        self._counts.unknown_tag_values(len(unknown))
        new = [tag for tag in unknown if (unit, tag) not in self._strange]
        if new and len(self._strange) < _MOST_STRANGE:
            self._strange.update((unit, tag) for tag in new)
            detail = f"the twin has no tag {', '.join(map(repr, new))}; its other tags are judged; said once"
            self._reject("unknown-tag", detail, *message)

    def _reject(self, reason: str, detail: str, raw: bytes, origin: Origin, key: str | None) -> None:
        self._rejected.append(Rejected(reason=reason, detail=detail, raw=raw, origin=origin, key=key))

    def _block(self, place: Place, scans: list[tuple[int, Scan]]) -> Block:
        values = np.full((len(scans), len(self._column)), np.nan)
        column = self._column
        for row, (_, scan) in enumerate(scans):
            bad = scan.quality and {tag for tag, quality in scan.quality.items() if quality == "bad"}
            for tag, value in scan.values.items():
                if value is not None and tag in column and not (bad and tag in bad):
                    values[row, column[tag]] = value
        named = any(scan.batch_id is not None for _, scan in scans)
        phased = any(scan.phase is not None for _, scan in scans)
        return Block(
            *place,
            np.array([offset for offset, _ in scans], dtype=np.int64),
            np.array([to_us(scan.observed_at) for _, scan in scans], dtype=np.int64),
            values,
            tuple(scan.batch_id for _, scan in scans) if named else None,
            tuple(scan.phase for _, scan in scans) if phased else None,
        )

    def _reading_block(self, place: Place, readings: list[tuple[int, Reading]]) -> ReadingBlock:
        good = [reading.value if reading.quality != "bad" else None for _, reading in readings]
        return ReadingBlock(
            *place,
            np.array([offset for offset, _ in readings], dtype=np.int64),
            np.array([to_us(reading.observed_at) for _, reading in readings], dtype=np.int64),
            np.array([self._column[reading.tag] for _, reading in readings], dtype=np.int64),
            np.array([np.nan if value is None else value for value in good]),
        )
