"""What is carried from scan to scan, of many running batches side by side.

Monitors of batches that are judged against the same reference differ in nothing but these numbers. So each part of a
monitor (averages, runs, a bank of hypotheses) keeps them in tables, one row a batch, and goes on with the scans of
several batches in one call. A part used alone has one row.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.arrays.types import FloatArray, IntArray


class Segments(msgspec.Struct, frozen=True):
    """Whose n scans are side by side: batch after batch, each batch's in order of time."""

    places: IntArray  # (b,) each batch's row in what is carried, no two the same
    starts: IntArray  # (b + 1,) each batch's first scan, and n

    @classmethod
    def of_one(cls, scans: int, place: int = 0) -> "Segments":
        """Segments of ``scans`` scans that are all of one batch."""
        return cls(np.array([place]), np.array([0, scans]))


class Carried:
    """Base of what carries numbers from scan to scan.

    Parameters
    ----------
    parts
        Parts that carry numbers of their own, by name.
    start
        What each batch starts from, by name; any shape.
    """

    def __init__(self, parts: Mapping[str, "Carried"] | None = None, **start: NDArray[Any]) -> None:
        self._parts, self._start = dict(parts or {}), start
        self.rows = {name: first[None].copy() for name, first in start.items()}
        self._tables: list[tuple[Carried, str]] = [(self, name) for name in start]
        self._tables += [table for part in self._parts.values() for table in part._tables]
        self._flat: list[NDArray[Any]] = []  # each table, a row of numbers a batch; made anew once a batch has started

    def open(self, place: int) -> None:
        """A batch starts at this row, which is made where there is none yet."""
        for name, first in self._start.items():
            rows = self.rows[name]
            if place >= len(rows):
                more = np.repeat(first[None], max(place + 1 - len(rows), len(rows)), axis=0)
                self.rows[name] = rows = np.concatenate([rows, more])
            rows[place] = first
        for part in self._parts.values():
            part.open(place)
        self._flat = []

    def state(self, place: int = 0) -> FloatArray:
        """A copy of all that one batch carries, end to end: a snapshot is taken of every unit every second."""
        if not self._flat:
            self._flat = [part.rows[name].reshape(len(part.rows[name]), -1) for part, name in self._tables]
        return np.concatenate([rows[place] for rows in self._flat])

    def restore(self, numbers: FloatArray, place: int = 0) -> None:
        """Take up what ``state`` gave.

        Raises
        ------
        ValueError
            These are not as many numbers as are carried.
        """
        rows = [part.rows[name][place : place + 1] for part, name in self._tables]
        ends = np.cumsum([row.size for row in rows])
        if numbers.shape != (ends[-1],):
            raise ValueError(f"a state of {numbers.shape} numbers, wanted {ends[-1]}: it is of another reference")
        for row, end in zip(rows, ends.tolist(), strict=True):
            row[:] = numbers[end - row.size : end].reshape(row.shape)
