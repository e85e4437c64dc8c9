"""The scans of one unit by the plant's time, from the earliest one that a batch may still need."""

import msgspec
import numpy as np

from models.arrays.types import FloatArray, IntArray

_SPARE = 64  # scans of no known batch kept for a start that comes late, as many as the watch keeps
_NEVER = -(2**62)
_TRIM_AFTER = 1000  # new scans: making room costs as much as all scans kept


class ScanLogState(msgspec.Struct, frozen=True, kw_only=True):
    """All that a log holds."""

    at: bytes = b""
    values: bytes = b""
    newest_us: int = _NEVER
    forgotten_us: int = _NEVER


class ScanLog:
    """Scans kept as arrays, in order of arrival.

    Parameters
    ----------
    tags
        How many columns values have.
    lateness_us
        A scan that is later than the newest by less is a straggler in good time.
    """

    def __init__(self, tags: int, lateness_us: int) -> None:
        self._tags, self._lateness_us = tags, lateness_us
        self._pieces: list[tuple[IntArray, FloatArray]] = []
        self._count = self._trimmed = 0  # scans kept, and how many there were when room was last made
        self._needed_us: int | None = None
        self.newest_us = _NEVER
        self.forgotten_us = _NEVER  # the newest scan that was let go

    @property
    def reached_us(self) -> int:
        """No scan of this time or earlier can come any more."""
        return self.newest_us - self._lateness_us

    def __len__(self) -> int:
        """How many scans are kept."""
        return self._count

    def add(self, at_us: IntArray, values: FloatArray) -> None:
        """Take scans (n,), (n, p); late ones are left out."""
        before = np.maximum.accumulate(np.concatenate([[self.newest_us], at_us[:-1]]))
        in_time = at_us > before - self._lateness_us
        if in_time.any():
            self._pieces.append((at_us[in_time], values[in_time]))
            self._count += int(in_time.sum())
            self.newest_us = max(self.newest_us, int(at_us.max()))

    def between(self, start_us: int, stop_us: int) -> tuple[IntArray, FloatArray]:
        """Scans observed from ``start_us`` until before ``stop_us``, in order of time, one a moment."""
        at_us, values = self._joined()
        moments, first = np.unique(at_us, return_index=True)
        inside = (moments >= start_us) & (moments < stop_us)
        return moments[inside], values[first[inside]]

    def forget(self, needed_us: int | None) -> None:
        """Let go, now or later, of what lies before ``needed_us`` (None: nothing is needed), but for the last few."""
        self._needed_us = needed_us
        if self._count - self._trimmed >= _TRIM_AFTER:
            self.trim()

    def trim(self) -> None:
        """Let go of it now."""
        at_us, values = self._joined()
        needed = at_us >= (2**62 if self._needed_us is None else self._needed_us)
        spare = np.flatnonzero(~needed)
        gone, needed[spare[-_SPARE:]] = spare[:-_SPARE], True
        if len(gone):
            self.forgotten_us = max(self.forgotten_us, int(at_us[gone].max()))
        self._keep(at_us[needed], values[needed])

    def state(self) -> ScanLogState:
        """A copy of all that changes."""
        self.trim()
        at_us, values = self._joined()
        return ScanLogState(
            at=at_us.tobytes(), values=values.tobytes(), newest_us=self.newest_us, forgotten_us=self.forgotten_us
        )

    def restore(self, state: ScanLogState) -> None:
        """Take up what ``state`` gave."""
        at_us = np.frombuffer(state.at, dtype=np.int64)
        values = np.frombuffer(state.values, dtype=np.float64).reshape(len(at_us), self._tags)
        self._keep(at_us, values)
        self.newest_us, self.forgotten_us = state.newest_us, state.forgotten_us

    # -- inside --------------------------------------------------------------------------------------------------

    def _keep(self, at_us: IntArray, values: FloatArray) -> None:
        self._pieces = [(at_us, values)] if len(at_us) else []
        self._count = self._trimmed = len(at_us)

    def _joined(self) -> tuple[IntArray, FloatArray]:
        if not self._pieces:
            return np.empty(0, dtype=np.int64), np.empty((0, self._tags))
        return np.concatenate([at for at, _ in self._pieces]), np.concatenate([values for _, values in self._pieces])
