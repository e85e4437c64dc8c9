"""Is this reading fit to judge? Range, stuck and dropout of each sensor, against what released batches showed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray, RecordedBatch
from models.judgement import Finding
from models.monitor import Numbers
from models.records import Contributor
from models.twin import Twin

_LEAST_RUN = 8  # scans: a run shorter than this is never called stuck or dropped out
_MARGIN = 1.5  # times the longest run in released batches
_OUT_OF_RANGE = 2  # scans in a row


@dataclass(frozen=True, slots=True)
class SensorLimits:
    """Longest runs that are still normal, per tag."""

    stuck: FloatArray  # (p,) scans of one and the same value
    missing: FloatArray  # (p,) scans without a reading

    @classmethod
    def permissive(cls, twin: Twin) -> "SensorLimits":
        """For a cold start, when nothing is known of the sensors' habits."""
        tags = len(twin.tags)
        return cls(np.full(tags, 60.0), np.full(tags, 10.0))


def learn_sensor_limits(twin: Twin, batches: Sequence[RecordedBatch]) -> SensorLimits:
    """Limits beyond what any released batch showed, with a margin."""
    longest = np.zeros((2, len(twin.tags)))
    for batch in batches:
        runs = Runs(len(twin.tags)).advance(batch.values)
        longest = np.maximum(longest, np.array([run.max(axis=0) for run in runs]))
    stuck, missing = np.maximum(_MARGIN * longest, _LEAST_RUN)
    return SensorLimits(stuck, missing)


class Runs:
    """How long each tag has repeated its value, and how long it has been silent, in scans."""

    def __init__(self, tags: int) -> None:
        self._last = np.full(tags, np.nan)
        self._stuck, self._missing = np.zeros(tags), np.zeros(tags)

    def advance(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Runs of equal values and of absent ones, each (n, p); 0: none."""
        absent = np.isnan(values)
        before = _last_known(np.concatenate([self._last[None], values]))
        repeats = (values == before[:-1]) & ~absent
        stuck = _run_lengths(repeats, absent, self._stuck)  # silence neither ends nor lengthens a stuck run
        missing = _run_lengths(absent, np.zeros_like(absent), self._missing)
        self._last, self._stuck, self._missing = before[-1].copy(), stuck[-1].copy(), missing[-1].copy()
        return stuck, missing

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy(), "stuck": self._stuck.copy(), "missing": self._missing.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last, self._stuck, self._missing = (np.array(numbers[k]) for k in ("last", "stuck", "missing"))


@dataclass(frozen=True, slots=True)
class SensorVerdict:
    """What the sensors' health is, scan by scan."""

    fit: BoolArray  # (n, p)
    findings: tuple[Finding, ...]  # causes "sensor:TAG"


class SensorHealth:
    """The health of one unit's sensors while a batch runs."""

    def __init__(self, twin: Twin, limits: SensorLimits) -> None:
        self._twin, self._limits = twin, limits
        tags = twin.tags.values()
        self._low = np.array([-np.inf if tag.low is None else tag.low for tag in tags])
        self._high = np.array([np.inf if tag.high is None else tag.high for tag in tags])
        self._runs = Runs(len(twin.tags))
        self._outside = np.zeros(len(twin.tags))

    def advance(self, values: FloatArray) -> SensorVerdict:
        """Judge readings (n, p) in order of time; NaN: no reading."""
        stuck, missing = self._runs.advance(values)
        out = (values < self._low) | (values > self._high)
        outside = _run_lengths(out, np.zeros_like(out), self._outside)
        self._outside = outside[-1].copy()
        fit = np.isfinite(values) & ~out & (stuck < self._limits.stuck)
        tests = [
            ("range", outside, np.full(values.shape[1], float(_OUT_OF_RANGE))),
            ("stuck", stuck, self._limits.stuck),
            ("dropout", missing, self._limits.missing),
        ]
        return SensorVerdict(fit, tuple(f for test in tests for f in self._findings(*test, values)))

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {**self._runs.state(), "outside": self._outside.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._runs.restore(numbers)
        self._outside = np.array(numbers["outside"])

    def _findings(self, name: str, runs: FloatArray, limits: FloatArray, values: FloatArray) -> Iterator[Finding]:
        over = runs >= limits
        for tag in np.flatnonzero(over.any(axis=0)).tolist():
            word, unit = self._twin.tag_names[tag], self._twin.tags[self._twin.tag_names[tag]].unit_of_measure

            def explain(row: int, tag: int = tag, word: str = word, unit: str = unit) -> tuple[Contributor, ...]:
                seen = float(values[row, tag])
                observed = seen if np.isfinite(seen) else None
                return (Contributor(tag=word, share=1.0, observed=observed, unit_of_measure=unit),)

            limit = np.full(len(runs), limits[tag])
            yield Finding(name, f"sensor:{word}", "sensor", "approved", runs[:, tag], limit, over[:, tag], explain)


def _last_known(values: FloatArray) -> FloatArray:
    """Each NaN replaced by the last number above it, where there is one."""
    row = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(row, axis=0), axis=0)


def _run_lengths(on: BoolArray, pause: BoolArray, before: FloatArray) -> FloatArray:
    """Lengths (n, p) of the runs of ``on`` up to each scan, going on from ``before``; paused scans hold the length."""
    count = np.concatenate([before[None], np.cumsum(on, axis=0) + before])
    ended = np.concatenate([np.ones((1, on.shape[1]), dtype=bool), ~on & ~pause])
    base = np.where(ended, count, 0.0)
    base[0] = 0.0
    return (count - np.maximum.accumulate(base, axis=0))[1:]
