"""What is carried from scan to scan, of many running batches side by side.

Monitors of batches that are judged against the same reference differ in nothing but these numbers. So each part of a
monitor (averages, runs, a bank of hypotheses) keeps them in tables, one row a batch, and goes on with the scans of
several batches in one call. A part used alone has one row.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.block import IntArray
from models.monitor import Numbers


@dataclass(frozen=True, slots=True)
class Turns:
    """Whose n scans are side by side: batch after batch, each batch's in order of time."""

    places: IntArray  # (b,) each batch's row in what is carried, no two the same
    starts: IntArray  # (b + 1,) each batch's first scan, and n

    @classmethod
    def of_one(cls, scans: int, place: int = 0) -> "Turns":
        """All scans are of one batch."""
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

    def state(self, place: int = 0) -> Numbers:
        """A copy of all that one batch carries."""
        own: Numbers = {name: rows[place].copy() for name, rows in self.rows.items()}
        return own | {name: part.state(place) for name, part in self._parts.items()}

    def restore(self, numbers: Mapping[str, Any], place: int = 0) -> None:
        """Take up what ``state`` gave."""
        for name, rows in self.rows.items():
            rows[place] = numbers[name]
        for name, part in self._parts.items():
            part.restore(numbers[name], place)
