"""Is this sensor well, and is this reading fit to judge? Each tag against what it did in released batches.

Range, stuck, dropout, spikes and a change of noise. There is no test of rate: a step faster than any in released
batches is what a process fault looks like (measured), and one that comes back is a spike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from models.block import BoolArray, FloatArray, RecordedBatch
from models.calibration import limit_for
from models.judgement import Finding
from models.monitor import Numbers
from models.motion import Motion, Moves
from models.records import Contributor
from models.twin import Twin

_LEAST_RUN = 8  # scans: a run shorter than this is never called stuck or dropped out
_MARGIN = 2.0  # times the longest run in released batches
_OUT_OF_RANGE = 2  # scans in a row


_CEILING = 6.0  # times a tag's median second difference: what is larger is a step, not noise
_FORGET = 0.97  # a scan: spikes long ago count less
_SPIKES = 2.0  # of late: one may be the process (a jump in what a tag is calculated from)
_BEYOND = 1000.0  # times the limit: a ratio is told up to this
_TESTS = 3  # with limits learnt from maxima: spike, noisier, quieter


@dataclass(frozen=True, slots=True)
class SensorLimits:
    """What is still normal, per tag; each (p,)."""

    stuck: FloatArray  # scans of one and the same value
    missing: FloatArray  # scans without a reading
    spike: FloatArray  # size, in the tag's unit of measure
    ceiling: FloatArray  # second difference that counts as noise at most, in the tag's unit of measure
    quiet: FloatArray  # least roughness, in the tag's unit of measure
    rough: FloatArray  # largest roughness, in the tag's unit of measure

    @classmethod
    def permissive(cls, twin: Twin) -> "SensorLimits":
        """For a cold start, when nothing is known of the sensors' habits: range, stuck and dropout only."""
        never, stuck, missing = (np.full(len(twin.tags), limit) for limit in (np.inf, 60.0, 10.0))
        return cls(stuck, missing, never, never, 0 * stuck, never)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers by name."""
        return {f"sensor_{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "SensorLimits":
        """The inverse of ``arrays``."""
        return cls(**{field.name: arrays[f"sensor_{field.name}"] for field in fields(cls)})


def learn_sensor_limits(twin: Twin, batches: Sequence[RecordedBatch], probability: float = 0.01) -> SensorLimits:
    """Limits beyond what released batches showed.

    Parameters
    ----------
    twin
        Its tags are the columns of the batches' values.
    batches
        Two or more.
    probability
        That a spike or a noise of a good batch passes its limit, all tags and tests together. Runs get a margin.
    """
    tags = len(twin.tags)
    runs = [Runs(tags).advance(batch.values) for batch in batches]
    longest = np.array([[run.max(axis=0) for run in pair] for pair in runs]).max(axis=0)
    stuck, missing = np.maximum(_MARGIN * longest, _LEAST_RUN)
    ceiling = _CEILING * np.median([_median(np.abs(np.diff(batch.values, 2, axis=0))) for batch in batches], axis=0)
    moves = [Motion(ceiling).advance(batch.values) for batch in batches]
    chance = probability / (_TESTS * tags)
    spike = _largest([np.nan_to_num(move.spike).max(axis=0) for move in moves], chance)
    rough = _largest([np.nan_to_num(move.rough).max(axis=0) for move in moves], chance)
    least = np.array([np.nan_to_num(move.rough, nan=np.inf).min(axis=0) for move in moves])
    with np.errstate(divide="ignore"):
        quiet = 1 / _largest(list(1 / least), chance)
    return SensorLimits(stuck, missing, spike, ceiling, quiet, rough)


def _median(sizes: FloatArray) -> FloatArray:
    """Of each column's numbers; 0 where there are none."""
    return np.array([np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0 for column in sizes.T])


def _largest(maxima: Sequence[FloatArray], chance: float) -> FloatArray:
    """The limit of each tag's batch maximum; inf where some batch has none."""
    columns = np.array(maxima).T
    usable = [len(row) > 1 and bool(np.isfinite(row).all() and (row > 0).all()) for row in columns]
    return np.array([limit_for(row, chance) if good else np.inf for row, good in zip(columns, usable, strict=True)])


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
        gone = absent & np.isfinite(before[:-1])  # a tag that was never read in this batch has not failed in it
        missing = _run_lengths(gone, np.zeros_like(absent), self._missing)
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
        self._runs, self._motion = Runs(len(twin.tags)), Motion(limits.ceiling)
        self._outside = np.zeros(len(twin.tags))
        self._spikes = np.zeros((1, len(twin.tags)))

    def advance(self, values: FloatArray) -> SensorVerdict:
        """Judge readings (n, p) in order of time; NaN: no reading."""
        stuck, missing = self._runs.advance(values)
        out = (values < self._low) | (values > self._high)
        outside = _run_lengths(out, np.zeros_like(out), self._outside)
        self._outside = outside[-1].copy()
        fit = np.isfinite(values) & ~out & (stuck < self._limits.stuck)
        moves, ones = self._motion.advance(np.where(out, np.nan, values)), np.ones(values.shape[1])
        tests = [
            ("range", outside, _OUT_OF_RANGE * ones),
            ("stuck", stuck, self._limits.stuck),
            ("dropout", missing, self._limits.missing),
            ("spike", self._spikes_of_late(moves), _SPIKES * ones),
            ("noise", np.where(np.isnan(values), 0.0, self._noise_change(moves)), ones),
        ]
        return SensorVerdict(fit, tuple(f for test in tests for f in self._findings(*test, values)))

    def state(self) -> Numbers:
        """A copy of all that changes."""
        own = {"outside": self._outside.copy(), "spikes": self._spikes.copy()}
        return {**self._runs.state(), **own, "motion": self._motion.state()}

    def restore(self, numbers: Any) -> None:
        """Take up what ``state`` gave."""
        self._runs.restore(numbers)
        self._motion.restore(numbers["motion"])
        self._outside, self._spikes = np.array(numbers["outside"]), np.array(numbers["spikes"])

    def _spikes_of_late(self, moves: Moves) -> FloatArray:
        """How many spikes beyond the limit each tag has had of late, (n, p)."""
        seen = (moves.spike > self._limits.spike).astype(float)
        counts, self._spikes = lfilter([1.0], [1.0, -_FORGET], seen, axis=0, zi=self._spikes)
        late: FloatArray = counts
        return late

    def _noise_change(self, moves: Moves) -> FloatArray:
        """How far each tag's roughness is beyond its limits, (n, p); above 1: noisier or quieter than any was."""
        with np.errstate(divide="ignore", invalid="ignore"):
            noisier, quieter = moves.rough / self._limits.rough, self._limits.quiet / moves.rough
        change: FloatArray = np.minimum(np.nan_to_num(np.fmax(noisier, quieter), posinf=_BEYOND), _BEYOND)
        return change

    def _findings(self, name: str, runs: FloatArray, limits: FloatArray, values: FloatArray) -> Iterator[Finding]:
        over = runs >= limits
        near = runs >= (1 - self._twin.alarms.deadband) * limits  # an alarm that is on is held by as much
        for tag in np.flatnonzero(near.any(axis=0)).tolist():
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
