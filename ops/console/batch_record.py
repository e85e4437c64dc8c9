"""One batch as the console keeps it: its scans in pieces, its phases and its scores."""

from dataclasses import dataclass, field, replace

import numpy as np

from models.arrays.types import FloatArray, IntArray
from models.records.block import Stretch
from models.records.messages import Score

_NOTHING = np.zeros(0, dtype=np.int64), np.zeros((0, 0))


@dataclass(slots=True)
class Piece:
    """Scans of one batch in one phase, in order of time."""

    observed_us: IntArray  # (n,)
    values: FloatArray  # (n, p)
    phase: str | None
    phase_us: int  # event time at which it began

    def stretch(self, started_us: int) -> Stretch:
        """As a monitor takes it."""
        age_s = (self.observed_us - started_us) / 1e6
        return Stretch(age_s, self.values, self.phase, (self.phase_us - started_us) / 1e6)


@dataclass(slots=True)
class BatchRecord:
    """One batch (or a continuous process: ``batch_id`` None)."""

    unit: str
    batch_id: str | None
    product: str | None
    started_us: int
    whole: bool = True  # its first scans are here
    implied: bool = False  # started by scans that name it
    ended_us: int | None = None
    outcome: str | None = None  # "released", "rejected"
    phases: list[tuple[str, int]] = field(default_factory=list)  # (phase, event time)
    pieces: list[Piece] = field(default_factory=list)
    scores: list[Score] = field(default_factory=list)
    _joined: tuple[int, IntArray, FloatArray] = (0, *_NOTHING)  # so many pieces, as one

    @property
    def size(self) -> int:
        """Readings kept."""
        return sum(piece.values.size for piece in self.pieces)

    def scans(self) -> tuple[IntArray, FloatArray]:
        """Times (n,) and values (n, p)."""
        done, times, values = self._joined
        fresh = self.pieces[done:]
        if fresh:
            times = np.concatenate([times, *(piece.observed_us for piece in fresh)])
            values = np.concatenate([*([values] if done else []), *(piece.values for piece in fresh)])
            self._joined = (done + len(fresh), times, values)
        return times, values

    def shift(self, by_us: int) -> None:
        """The unit's clock was set by so much: ages stay."""
        self.started_us += by_us
        self.phases = [(phase, at_us + by_us) for phase, at_us in self.phases]
        self.pieces = [
            replace(piece, observed_us=piece.observed_us + by_us, phase_us=piece.phase_us + by_us)
            for piece in self.pieces
        ]
        self._joined = (0, *_NOTHING)

    def shorten(self) -> None:
        """Forget the older half of the scans."""
        del self.pieces[: len(self.pieces) // 2 + 1]
        self.whole, self._joined = False, (0, *_NOTHING)
