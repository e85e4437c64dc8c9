"""The messages of one poll, decoded and grouped: a feed a unit, with its scans as arrays."""

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache, partial
from struct import Struct
from typing import Protocol

import numpy as np
from msgspec.structs import astuple

from connectors.messages.admission import Admission, LeftOut
from connectors.messages.codec import decode
from connectors.messages.rows import Rows
from connectors.messages.wide import WideScan, WideScans
from connectors.settings import Topics
from models.records.block import Block, Feed, ReadingBlock
from models.records.messages import (
    BatchEvent,
    Context,
    Deviation,
    Inbound,
    LabResult,
    OperatorAction,
    Origin,
    Reading,
    Record,
    Rejected,
    Scan,
)
from models.records.times import to_us
from models.records.twin import Twin

# value, topic, partition, offset, key; and, where it is known, the broker's own time of the message (microseconds)
Arrival = tuple[bytes, str, int, int, bytes] | tuple[bytes, str, int, int, bytes, int]
Place = tuple[str, str, int]  # unit, topic, partition
_MOST_UNKNOWN = 1000  # unknown tags that get a dead letter; further ones are only counted


class Counts(LeftOut, Protocol):
    """Counters of what arrives."""

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
        Its tags give the arrays' columns; its units, or how many it takes, say which are watched.
    counts
        Gets what arrives.
    topics
        Which records are taken from which topic: who may write scans must not acknowledge alarms. None: they are not
        known, and all but operators' actions are taken from anywhere.
    """

    def __init__(self, twin: Twin, counts: Counts, topics: Topics | None = None) -> None:
        self._column = {tag: column for column, tag in enumerate(twin.tags)}
        self._counts, self.admission = counts, Admission(twin, counts)
        self.unknown: set[tuple[str, str]] = set()  # (unit, tag) that a dead letter has named
        self._taken = dict(_kinds(topics or Topics()))
        self._anywhere = topics is None
        others = (topic for topic, kinds in self._taken.items() if Scan not in kinds)
        self._not_scans = frozenset[str]() if topics is None else frozenset(others)
        self._context: dict[str, list[Context]] = {}
        self._wide_scans = WideScans(twin)
        self._wide = True  # the last scan was decoded straight into a row
        self._row = Struct(f"{len(self._column)}d")
        self._scans = self._none()
        self._readings: dict[Place, list[tuple[int, Reading, int]]] = {}
        self._rejected: list[Rejected] = []
        self.newest_us = 0  # the broker's time of the newest message
        self._broker_us = 0  # of the message that is being taken; 0: not known

    def add(self, messages: Iterable[Arrival]) -> int:
        """Take messages; how many there were."""
        count, known = 0, self.admission.known
        for raw, topic, partition, offset, key, *at_us in messages:
            count += 1
            self._broker_us = at_us[0] if at_us else 0
            self.newest_us = max(self.newest_us, self._broker_us)
            scan = self._wide_scans.decode(raw) if self._wide else None
            if scan is not None and topic not in self._not_scans and (scan.unit in known or self._trimmed(scan)):
                self._scans[scan.unit, topic, partition].add(offset, scan, astuple(scan.values), self._broker_us)
            else:
                self._add(raw, Origin(topic=topic, partition=partition, offset=offset), _text(key))
        return count

    def take(self) -> list[Feed | Rejected]:
        """What has been grouped since the last time: a feed a unit (context first), then dead letters."""
        blocks: dict[str, list[Block | ReadingBlock]] = {}
        for (unit, topic, partition), scans in self._scans.items():
            blocks.setdefault(unit, []).append(scans.block(unit, topic, partition))
            self._counts.scans(unit, len(scans))
        for (unit, topic, partition), readings in self._readings.items():
            blocks.setdefault(unit, []).append(self._reading_block((unit, topic, partition), readings))
            self._counts.readings(unit, len(readings))
        self._counts.blocks(sum(map(len, blocks.values())))
        units = dict.fromkeys([*self._context, *blocks])
        feeds = [Feed(unit, tuple(self._context.get(unit, ())), tuple(blocks.get(unit, ()))) for unit in units]
        rejected, self._rejected = self._rejected, []
        self._context, self._scans, self._readings = {}, self._none(), {}
        return [*feeds, *rejected]

    # -- inside --------------------------------------------------------------------------------------------------

    def _none(self) -> defaultdict[Place, Rows]:
        return defaultdict(partial(Rows, self._row))

    def _add(self, raw: bytes, origin: Origin, key: str | None) -> None:
        record = decode(raw, origin, key)
        self._wide = isinstance(record, Scan)
        if isinstance(record, Rejected):
            self._rejected.append(record)
        elif not self._is_taken(record, origin.topic):
            detail = f"{record.__struct_config__.tag} is not taken from topic {origin.topic}: send it on its own"
            self._reject("wrong-topic", detail, raw, origin, key)
        elif not self.admission.takes(record.unit, admit=not isinstance(record, Reading) or record.tag in self._column):
            if (said := self.admission.refuse(record.unit)) is not None:
                self._reject("unknown-unit", said, raw, origin, key)
        elif isinstance(record, Scan):
            self._scans[record.unit, origin.topic, origin.partition].add(
                origin.offset, record, self._readings_of(record), self._broker_us
            )
            self._check_tags(record.unit, record.values, (raw, origin, key))
        elif isinstance(record, Reading):
            self._add_reading(record, raw, origin, key)
        else:
            self._context.setdefault(record.unit, []).append(record)

    def _trimmed(self, scan: WideScan) -> bool:
        """Take white space off the unit's name; whether it is that of a unit that is known."""
        scan.unit = scan.unit.strip()
        return scan.unit in self.admission.known

    def _is_taken(self, record: Inbound, topic: str) -> bool:
        if topic in self._taken and isinstance(record, self._taken[topic]):
            return True
        return self._anywhere and not isinstance(record, OperatorAction)

    def _readings_of(self, scan: Scan) -> list[float]:
        """The readings that are there and not bad, in the order of the tags."""
        good = {tag: value for tag, value in scan.values.items() if scan.quality.get(tag) != "bad"}
        return [math.nan if value is None else value for value in map(good.get, self._column)]

    def _add_reading(self, reading: Reading, raw: bytes, origin: Origin, key: str | None) -> None:
        if reading.tag in self._column:
            place = (reading.unit, origin.topic, origin.partition)
            self._readings.setdefault(place, []).append((origin.offset, reading, self._broker_us))
        else:
            self._counts.unknown_tag_values(1)
            self._reject("unknown-tag", f"the twin has no tag {reading.tag!r}", raw, origin, key)

    def _check_tags(self, unit: str, values: Iterable[str], message: tuple[bytes, Origin, str | None]) -> None:
        """Count values of unknown tags; the first message of each unit and tag also becomes a dead letter."""
        unknown = [tag for tag in values if tag not in self._column]
        if not unknown:
            return
        self._counts.unknown_tag_values(len(unknown))
        new = [tag for tag in unknown if (unit, tag) not in self.unknown]
        if new and len(self.unknown) < _MOST_UNKNOWN:
            self.unknown.update((unit, tag) for tag in new)
            detail = f"the twin has no tag {', '.join(map(repr, new))}; its other tags are judged; said once"
            self._reject("unknown-tag", detail, *message)

    def _reject(self, reason: str, detail: str, raw: bytes, origin: Origin, key: str | None) -> None:
        self._rejected.append(Rejected(reason=reason, detail=detail, raw=raw, origin=origin, key=key))

    def _reading_block(self, place: Place, readings: list[tuple[int, Reading, int]]) -> ReadingBlock:
        good = [reading.value if reading.quality != "bad" else None for _, reading, _ in readings]
        return ReadingBlock(
            *place,
            np.array([offset for offset, _, _ in readings], dtype=np.int64),
            np.array([to_us(reading.observed_at) for _, reading, _ in readings], dtype=np.int64),
            np.array([self._column[reading.tag] for _, reading, _ in readings], dtype=np.int64),
            np.array([np.nan if value is None else value for value in good]),
            None if any(at_us == 0 for *_, at_us in readings) else np.array([at_us for *_, at_us in readings]),
        )


def _kinds(topics: Topics) -> Iterator[tuple[str, tuple[type[Record], ...]]]:
    """Which records are taken from which topics; a topic named for several kinds takes them all."""
    named: tuple[tuple[tuple[str, ...], tuple[type[Record], ...]], ...] = (
        (topics.scans, (Scan, Reading)),
        (topics.batch_events, (BatchEvent,)),
        (topics.lab_results, (LabResult,)),
        (topics.operator_actions, (OperatorAction,)),
        ((topics.deviations,), (Deviation,)),
    )
    for topic in {topic for names, _ in named for topic in names}:
        yield topic, tuple(kind for names, kinds in named if topic in names for kind in kinds)


@lru_cache(65536)
def _text(key: bytes) -> str | None:
    return key.decode("utf-8", "replace") or None
