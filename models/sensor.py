"""Is this sensor well, and is this reading fit to judge? Each tag against what it did in released batches.

Range, stuck, dropout, spikes and a change of noise. There is no test of rate: a step faster than any in released
batches is what a process fault looks like (measured), and one that comes back is a spike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.block import BoolArray, FloatArray, RecordedBatch
from models.calibration import limit_for
from models.compiled import CUBE, FLAG_TABLE, TABLE, compiled
from models.judgement import Finding
from models.monitor import Numbers
from models.motion import Motion
from models.records import Contributor
from models.twin import Twin

_LEAST_RUN = 8  # scans: a run shorter than this is never called stuck or dropped out
_MARGIN = 2.0  # times the longest run in released batches
_OUT_OF_RANGE = 2  # scans in a row


_CEILING = 6.0  # times a tag's median second difference: what is larger is a step, not noise
_FORGET = 0.97  # a scan: spikes long ago count less
_SPIKES = 2.0  # of late: one may be the process (a jump in what a tag is calculated from)
_BEYOND = 1000.0  # times the limit: a ratio is told up to this
_LEARNT = 3  # tests with limits learnt from maxima: spike, noisier, quieter
TESTS = ("range", "stuck", "dropout", "spike", "noise")


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
    chance = probability / (_LEARNT * tags)
    spike = _largest([np.nan_to_num(move.spike).max(axis=0) for move in moves], chance)
    rough = _largest([np.nan_to_num(move.rough).max(axis=0) for move in moves], chance)
    least = np.array([np.nan_to_num(move.rough, nan=np.inf).min(axis=0) for move in moves])
    with np.errstate(divide="ignore"):
        quiet = 1 / _largest(list(1 / least), chance)
    return SensorLimits(stuck, missing, spike, ceiling, quiet, rough)


def physical_range(twin: Twin) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest possible readings, each (p,)."""
    tags = twin.tags.values()
    low = np.array([-np.inf if tag.low is None else tag.low for tag in tags])
    return low, np.array([np.inf if tag.high is None else tag.high for tag in tags])


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
        self._state = np.zeros((3, tags))  # last reading, and the runs going on: of equal values, of absent ones
        self._state[0] = np.nan

    def advance(self, values: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Runs of equal values and of absent ones, each (n, p); 0: none."""
        stuck, missing = np.empty((2, *values.shape))
        self.fill(np.ascontiguousarray(values), stuck, missing)
        return stuck, missing

    def fill(self, values: FloatArray, stuck: FloatArray, missing: FloatArray) -> None:
        """As ``advance``, into arrays (n, p) that are there."""
        _runs(values, self._state, stuck, missing)

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"runs": self._state.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._state = np.array(numbers["runs"])


@dataclass(frozen=True, slots=True)
class SensorVerdict:
    """What the sensors' health is, scan by scan."""

    fit: BoolArray  # (n, p)
    findings: tuple[Finding, ...]  # causes "sensor:TAG"


class SensorHealth:
    """The health of one unit's sensors while a batch runs."""

    def __init__(self, twin: Twin, limits: SensorLimits) -> None:
        self._twin, self._limits = twin, limits
        low, high = physical_range(twin)
        always = np.ones(len(twin.tags))
        self._range = np.array([low, high, limits.stuck, limits.spike, limits.rough, limits.quiet])
        self._most = np.array([_OUT_OF_RANGE * always, limits.stuck, limits.missing, _SPIKES * always, always])
        self._near = (1 - twin.alarms.deadband) * self._most
        self._runs, self._motion = Runs(len(twin.tags)), Motion(limits.ceiling)
        self._lately = np.zeros((2, len(twin.tags)))  # scans out of range in a row, and spikes of late

    def advance(self, values: FloatArray) -> SensorVerdict:
        """Judge readings (n, p) in order of time; NaN: no reading."""
        values = np.ascontiguousarray(values)
        tests, within, fit = np.empty((len(TESTS), *values.shape)), np.empty(values.shape), np.empty(values.shape, bool)
        self._runs.fill(values, tests[1], tests[2])
        _within(values, self._range, within)
        moves = self._motion.advance(within)
        near = _judge(values, moves.spike, moves.rough, self._range, self._near, self._lately, tests, fit)
        return SensorVerdict(fit, tuple(self._findings(tests, values)) if near else ())

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {**self._runs.state(), "lately": self._lately.copy(), "motion": self._motion.state()}

    def restore(self, numbers: Any) -> None:
        """Take up what ``state`` gave."""
        self._runs.restore(numbers)
        self._motion.restore(numbers["motion"])
        self._lately = np.array(numbers["lately"])

    def _findings(self, tests: FloatArray, values: FloatArray) -> Iterator[Finding]:
        """One finding a test (5, n, p) and tag that comes near its limit: an alarm that is on is held by as much."""
        near = tests.max(axis=1) >= self._near
        for test, tag in zip(*(where.tolist() for where in near.nonzero()), strict=True):
            word, unit = self._twin.tag_names[tag], self._twin.tags[self._twin.tag_names[tag]].unit_of_measure

            def explain(row: int, tag: int = tag, word: str = word, unit: str = unit) -> tuple[Contributor, ...]:
                seen = float(values[row, tag])
                observed = seen if np.isfinite(seen) else None
                return (Contributor(tag=word, share=1.0, observed=observed, unit_of_measure=unit),)

            value, limit = tests[test, :, tag], np.full(len(values), self._most[test, tag])
            yield Finding(TESTS[test], f"sensor:{word}", "sensor", "approved", value, limit, value >= limit, explain)


@compiled("void", TABLE, TABLE, TABLE, TABLE)
def _runs(values: FloatArray, state: FloatArray, stuck: FloatArray, missing: FloatArray) -> None:
    """Runs (n, p) of equal values and of absent ones; silence neither ends nor lengthens a run of equal values.

    A tag that was never read in this batch has not failed in it.
    """
    last, equal, absent = state[0], state[1], state[2]
    for row in range(len(values)):
        for tag in range(values.shape[1]):
            value = values[row, tag]
            if np.isnan(value):
                absent[tag] = absent[tag] + 1 if np.isfinite(last[tag]) else 0.0
            else:
                equal[tag] = equal[tag] + 1 if value == last[tag] else 0.0
                absent[tag], last[tag] = 0.0, value
            stuck[row, tag], missing[row, tag] = equal[tag], absent[tag]


@compiled("void", TABLE, TABLE, TABLE)
def _within(values: FloatArray, limits: FloatArray, within: FloatArray) -> None:
    """Readings (n, p) within their physical range; NaN: outside, or none."""
    low, high = limits[0], limits[1]
    for row in range(len(values)):
        for tag in range(values.shape[1]):
            value = values[row, tag]
            within[row, tag] = np.nan if value < low[tag] or value > high[tag] else value


@compiled("boolean", TABLE, TABLE, TABLE, TABLE, TABLE, TABLE, CUBE, FLAG_TABLE)
def _judge(
    values: FloatArray, spike: FloatArray, rough: FloatArray, limits: FloatArray, near: FloatArray, lately: FloatArray,
    tests: FloatArray, fit: BoolArray,
) -> bool:  # fmt: skip
    """Fill the tests (5, n, p) that are not runs, and what is fit (n, p); ``lately`` (2, p) is carried on.

    Returns whether any test of any tag comes ``near`` (5, p) its limit.
    """
    low, high, stuck, most, roughest, quietest = limits[0], limits[1], limits[2], limits[3], limits[4], limits[5]
    outside, spikes, found = lately[0], lately[1], False
    for row in range(len(values)):
        for tag in range(values.shape[1]):
            value = values[row, tag]
            out = value < low[tag] or value > high[tag]
            outside[tag] = outside[tag] + 1 if out else 0.0
            spikes[tag] = (1.0 if spike[row, tag] > most[tag] else 0.0) + _FORGET * spikes[tag]
            noisier, quieter = rough[row, tag] / roughest[tag], quietest[tag] / rough[row, tag]
            change = quieter if np.isnan(noisier) or quieter > noisier else noisier
            tests[0, row, tag], tests[3, row, tag] = outside[tag], spikes[tag]
            tests[4, row, tag] = 0.0 if np.isnan(value) or np.isnan(change) else min(change, _BEYOND)
            fit[row, tag] = np.isfinite(value) and not out and tests[1, row, tag] < stuck[tag]
            for test in range(len(tests)):
                found = found or tests[test, row, tag] >= near[test, tag]
    return found
