"""Is this sensor well, and is this reading fit to judge? Each tag against what it did in released batches.

Range, stuck, dropout, spikes and a change of noise. There is no test of rate: a step faster than any in released
batches is what a process fault looks like (measured), and one that comes back is a spike.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.block import BoolArray, FloatArray, IntArray, RecordedBatch
from models.calibration import limit_for
from models.carried import Carried, Turns
from models.compiled import CUBE, FLAG_TABLE, FLAGS, PLACES, TABLE, compiled
from models.judgement import Finding
from models.motion import Motion
from models.records import Contributor
from models.runs import longest_runs, no_runs, runs_of_each
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
    longest = np.array([longest_runs(batch.values) for batch in batches]).max(axis=0)
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


@dataclass(frozen=True, slots=True)
class SensorVerdict:
    """What the health of one batch's sensors is, scan by scan."""

    fit: BoolArray  # (n, p)
    findings: tuple[Finding, ...]  # causes "sensor:TAG"


class SensorHealth(Carried):
    """The health of a unit's sensors while a batch runs."""

    def __init__(self, twin: Twin, limits: SensorLimits) -> None:
        self._twin, self._limits = twin, limits
        low, high = physical_range(twin)
        always = np.ones(len(twin.tags))
        self._range = np.array([low, high, limits.stuck, limits.spike, limits.rough, limits.quiet])
        self._most = np.array([_OUT_OF_RANGE * always, limits.stuck, limits.missing, _SPIKES * always, always])
        self._near = (1 - twin.alarms.deadband) * self._most
        self._motion = Motion(limits.ceiling)
        lately = np.zeros((2, len(twin.tags)))  # scans out of range in a row, and spikes of late
        super().__init__({"motion": self._motion}, runs=no_runs(len(twin.tags)), lately=lately)

    def advance(self, values: FloatArray) -> SensorVerdict:
        """Judge one batch's readings (n, p) in order of time; NaN: no reading."""
        fit, findings = self.advance_each(values, Turns.of_one(len(values)))
        return SensorVerdict(fit, findings[0])

    def advance_each(self, values: FloatArray, turns: Turns) -> tuple[BoolArray, list[tuple[Finding, ...]]]:
        """Which readings (n, p) of the batches in turn are fit to judge, and of each batch what is found."""
        values, (places, starts) = np.ascontiguousarray(values), (turns.places, turns.starts)
        tests, within, fit = np.empty((len(TESTS), *values.shape)), np.empty(values.shape), np.empty(values.shape, bool)
        runs_of_each(places, starts, values, self.rows["runs"], tests[1], tests[2])
        _within(values, self._range, within)
        moves, near = self._motion.advance(within, turns), np.empty(len(places), dtype=bool)
        _judge_each(
            places, starts, values, moves.spike, moves.rough, self._range, self._near, self.rows["lately"],
            tests, fit, near,
        )  # fmt: skip
        found: list[tuple[Finding, ...]] = [()] * len(places)
        for k in near.nonzero()[0].tolist():
            a, b = starts[k], starts[k + 1]
            found[k] = tuple(self._findings(tests[:, a:b], values[a:b]))
        return fit, found

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


@compiled("void", TABLE, TABLE, TABLE)
def _within(values: FloatArray, limits: FloatArray, within: FloatArray) -> None:
    """Readings (n, p) within their physical range; NaN: outside, or none."""
    low, high = limits[0], limits[1]
    for row in range(len(values)):
        for tag in range(values.shape[1]):
            value = values[row, tag]
            within[row, tag] = np.nan if value < low[tag] or value > high[tag] else value


@compiled("boolean", TABLE, TABLE, TABLE, TABLE, TABLE, TABLE, CUBE, FLAG_TABLE, "UniTuple(int64, 2)")
def _judge(
    values: FloatArray, spike: FloatArray, rough: FloatArray, limits: FloatArray, near: FloatArray, lately: FloatArray,
    tests: FloatArray, fit: BoolArray, span: tuple[int, int],
) -> bool:  # fmt: skip
    """Fill the tests (5, n, p) that are not runs, and what is fit (n, p); ``lately`` (2, p) is carried on.

    One batch's scans: a ``span`` of those in the arrays.

    Returns whether any test of any tag comes ``near`` (5, p) its limit.
    """
    low, high, stuck, most, roughest, quietest = limits[0], limits[1], limits[2], limits[3], limits[4], limits[5]
    outside, spikes, found = lately[0], lately[1], False
    for row in range(span[0], span[1]):
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


@compiled("void", PLACES, PLACES, TABLE, TABLE, TABLE, TABLE, TABLE, CUBE, CUBE, FLAG_TABLE, FLAGS)
def _judge_each(
    places: IntArray, starts: IntArray, values: FloatArray, spike: FloatArray, rough: FloatArray, limits: FloatArray,
    near: FloatArray, lately: FloatArray, tests: FloatArray, fit: BoolArray, found: BoolArray,
) -> None:  # fmt: skip
    """As ``_judge``; whether anything is ``found`` near its limit is told of each batch, (b,)."""
    for k, place in enumerate(places):
        span = (starts[k], starts[k + 1])
        found[k] = _judge(values, spike, rough, limits, near, lately[place], tests, fit, span)
