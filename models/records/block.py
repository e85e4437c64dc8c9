"""Many scans of one unit as arrays: what moves through the flow instead of single scans."""

from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.records.messages import Context


class Block(msgspec.Struct, frozen=True):
    """Scans of one unit from one topic partition, in order of arrival.

    ``batch_ids`` and ``phases`` are what each scan itself names (None: nothing); both are None when no scan names
    any, the usual case.
    """

    unit: str
    topic: str
    partition: int
    offsets: IntArray  # (n,) message offsets; row numbers for a recording
    observed_us: IntArray  # (n,) microseconds since the epoch
    values: FloatArray  # (n, p) in the order and units of measure of the twin's tags; NaN: no reading
    batch_ids: tuple[str | None, ...] | None = None
    phases: tuple[str | None, ...] | None = None
    broker_us: IntArray | None = None  # (n,) the broker's own time of each message; None: not known

    def __len__(self) -> int:
        """How many scans."""
        return len(self.offsets)

    def take(self, rows: Any) -> "Block":
        """The scans at ``rows`` (slice, indices or mask), in that order."""
        named = self.batch_ids is not None or self.phases is not None
        at = np.arange(len(self))[rows].tolist() if named else []
        return Block(
            self.unit,
            self.topic,
            self.partition,
            self.offsets[rows],
            self.observed_us[rows],
            self.values[rows],
            None if self.batch_ids is None else tuple(self.batch_ids[row] for row in at),
            None if self.phases is None else tuple(self.phases[row] for row in at),
            None if self.broker_us is None else self.broker_us[rows],
        )


class ReadingBlock(msgspec.Struct, frozen=True):
    """Readings of one unit from one topic partition, in order of arrival (long form)."""

    unit: str
    topic: str
    partition: int
    offsets: IntArray  # (n,)
    observed_us: IntArray  # (n,)
    tag_index: IntArray  # (n,) position in the twin's tags
    values: FloatArray  # (n,) NaN: bad quality or null
    broker_us: IntArray | None = None  # (n,) as of a block

    def __len__(self) -> int:
        """How many readings."""
        return len(self.offsets)

    def take(self, rows: Any) -> "ReadingBlock":
        """The readings at ``rows`` (slice, indices or mask), in that order."""
        broker_us = None if self.broker_us is None else self.broker_us[rows]
        return ReadingBlock(
            self.unit, self.topic, self.partition, self.offsets[rows], self.observed_us[rows], self.tag_index[rows],
            self.values[rows], broker_us,
        )  # fmt: skip


class Feed(msgspec.Struct, frozen=True):
    """All that one poll brought for one unit: context first, then its scans."""

    unit: str
    context: tuple[Context, ...] = ()
    blocks: tuple[Block | ReadingBlock, ...] = ()


class Stretch(msgspec.Struct, frozen=True):
    """Scans of one running batch in order of time, all in one phase: what detectors judge."""

    age_s: FloatArray  # (n,) since batch start, increasing
    values: FloatArray  # (n, p) NaN: no reading
    phase: str | None = None
    phase_age_s: float = 0.0  # batch age at which the phase started

    def __len__(self) -> int:
        """How many scans."""
        return len(self.age_s)


@dataclass(frozen=True, slots=True)
class RecordedBatch:
    """One whole batch as recorded: what a reference learns from."""

    batch_id: str
    age_s: FloatArray  # (n,) increasing
    values: FloatArray  # (n, p) NaN: no reading
    phases: tuple[tuple[str, float], ...] = field(default=())  # (phase, age_s at its start)
    unit: str = ""
