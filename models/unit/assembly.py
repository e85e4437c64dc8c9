"""Readings (one tag at a time) assembled into scans at the twin's cadence: the last good value, not too old."""

import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.records.block import Block, ReadingBlock
from models.records.twin import Twin

LastGood = tuple[list[float], list[int], int | None]  # each tag's value and when it was observed; the next scan


class Assembly:
    """Last good values of one unit, and the scans made of them.

    A scan is made for every multiple of the cadence once a reading later than it has come; it holds each tag's last
    good value observed by then and no older than the tag's ``max_age_s`` (default: 3 cadences). Moments at which no
    tag has such a value make no scan.
    """

    def __init__(self, twin: Twin) -> None:
        tags = twin.tags.values()
        self._cadence_us = int(twin.cadence_s * 1e6)
        self._max_age_us = np.array([(tag.max_age_s or 3 * twin.cadence_s) * 1e6 for tag in tags]).astype(np.int64)
        self._values: FloatArray = np.full(len(tags), np.nan)
        self._seen_us: IntArray = np.full(len(tags), np.iinfo(np.int64).min // 2)
        self._next_us: int | None = None  # the scan to be made next

    def add(self, readings: ReadingBlock) -> tuple[Block | None, IntArray]:
        """The scans that are complete now, and the rows of readings that came too late for theirs.

        A late reading is one observed before the scan made last.
        """
        late, made = [], []
        for row in range(len(readings)):
            at_us = int(readings.observed_us[row])
            if self._next_us is None:
                self._next_us = -(-at_us // self._cadence_us) * self._cadence_us
            if at_us <= self._next_us - self._cadence_us:
                late.append(row)
                continue
            made += self._complete(at_us, int(readings.offsets[row]))
            self._take(int(readings.tag_index[row]), at_us, float(readings.values[row]))
        block = None if not made else _block(readings, made)
        return block, np.array(late, dtype=np.int64)

    def state(self) -> LastGood | None:
        """A copy of what ``restore`` takes; None: no reading has come."""
        return None if self._next_us is None else (self._values.tolist(), self._seen_us.tolist(), self._next_us)

    def restore(self, state: LastGood | None) -> None:
        """Take up what ``state`` gave."""
        if state is not None:
            values, seen_us, self._next_us = state
            self._values, self._seen_us = np.array(values), np.array(seen_us, dtype=np.int64)

    # -- inside -----------------------------------------------------------------------------------------------

    def _take(self, tag: int, at_us: int, value: float) -> None:
        if at_us >= self._seen_us[tag] and value == value:  # a bad reading leaves the last good one to age
            self._values[tag], self._seen_us[tag] = value, at_us

    def _complete(self, at_us: int, offset: int) -> list[tuple[int, int, FloatArray]]:
        """The scans due before a reading observed at ``at_us``."""
        made: list[tuple[int, int, FloatArray]] = []
        while self._next_us is not None and self._next_us < at_us:
            fresh = self._next_us - self._seen_us <= self._max_age_us
            if not fresh.any():  # a gap: go on at the first moment this reading can belong to
                self._next_us = -(-at_us // self._cadence_us) * self._cadence_us
                break
            made.append((self._next_us, offset, np.where(fresh, self._values, np.nan)))
            self._next_us += self._cadence_us
        return made


def _block(readings: ReadingBlock, made: list[tuple[int, int, FloatArray]]) -> Block:
    return Block(
        readings.unit,
        readings.topic,
        readings.partition,
        np.array([offset for _, offset, _ in made], dtype=np.int64),
        np.array([at_us for at_us, _, _ in made], dtype=np.int64),
        np.stack([values for _, _, values in made]),
    )
