"""Scans of one unit from one partition, gathered as they come, and the block they make.

A scan leaves numbers here and no object of its own: a backlog's poll brings tens of thousands, and what is kept of them
until the block is made is soon out of the processor's cache.
"""

from collections.abc import Sequence
from datetime import datetime
from struct import Struct
from typing import Protocol

import numpy as np

from models.records.block import Block
from models.records.times import to_us


class ScanFields(Protocol):
    """The fields of a scan beside its unit and its readings."""

    @property
    def observed_at(self) -> datetime:
        """UTC."""

    @property
    def batch_id(self) -> str | None:
        """None: the scan names none."""

    @property
    def phase(self) -> str | None:
        """None: the scan names none."""


class Rows:
    """Scans of one unit from one partition.

    Parameters
    ----------
    row
        Packs a scan's readings, a double a tag.
    """

    def __init__(self, row: Struct) -> None:
        self._pack, self._tags = row.pack, row.size // 8
        self._offsets: list[int] = []
        self._observed_us: list[int] = []
        self._broker_us: list[int] = []
        self._readings = bytearray()
        self._batch_ids: list[str | None] = []
        self._phases: list[str | None] = []

    def __len__(self) -> int:
        """How many scans have been taken."""
        return len(self._offsets)

    def add(self, offset: int, scan: ScanFields, readings: Sequence[float], broker_us: int = 0) -> None:
        """Take one scan; readings in the order of the twin's tags, NaN: none; the broker's time, 0: not known."""
        self._offsets.append(offset)
        self._observed_us.append(to_us(scan.observed_at))
        self._readings += self._pack(*readings)
        self._batch_ids.append(scan.batch_id)
        self._phases.append(scan.phase)
        self._broker_us.append(broker_us)

    def block(self, unit: str, topic: str, partition: int) -> Block:
        """All of them as arrays."""
        count = len(self)
        return Block(
            unit,
            topic,
            partition,
            np.array(self._offsets, dtype=np.int64),
            np.array(self._observed_us, dtype=np.int64),
            np.frombuffer(self._readings).reshape(count, self._tags),
            None if self._batch_ids.count(None) == count else tuple(self._batch_ids),
            None if self._phases.count(None) == count else tuple(self._phases),
            None if 0 in self._broker_us else np.array(self._broker_us, dtype=np.int64),
        )
