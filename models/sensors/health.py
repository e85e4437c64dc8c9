"""Whether a sensor is well and a reading fit to judge: each tag against what it did in released batches.

Range, stuck, dropout, spikes and a change of noise. There is no test of rate: a step faster than any in released
batches is what a process fault looks like (measured), and one that comes back is a spike.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import CUBE, FLAG_TABLE, FLAGS, PLACES, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray
from models.records.judgement import Finding
from models.records.messages import Contributor
from models.records.twin import Twin
from models.sensors.limits import SensorLimits, physical_range
from models.sensors.motion import Motion
from models.sensors.runs import no_runs, runs_of_each

_OUT_OF_RANGE = 2  # scans in a row


_FORGET = 0.97  # a scan: spikes long ago count less
_SPIKES = 2.0  # of late: one may be the process (a jump in what a tag is calculated from)
_BEYOND = 1000.0  # times the limit: a larger ratio is reported as this
TESTS = ("range", "stuck", "dropout", "spike", "noise")


@dataclass(frozen=True, slots=True)
class SensorVerdict:
    """What the health of one batch's sensors is, scan by scan."""

    fit: BoolArray  # (n, p)
    findings: tuple[Finding, ...]  # causes "sensor:TAG"


class SensorHealth(Carried):
    """The health of a unit's sensors while a batch runs.

    Parameters
    ----------
    twin
        Tags, physical ranges and deadband.
    limits
        What is still normal of each sensor.

    References
    ----------
    PATrol's own tests. Limits: ``models.sensors.limits``.
    """

    def __init__(self, twin: Twin, limits: SensorLimits) -> None:
        self._twin, self._limits = twin, limits
        low, high = physical_range(twin)
        always = np.ones(len(twin.tags))
        self._range = np.array([low, high, limits.stuck, limits.spike, limits.rough, limits.quiet])
        self._most = np.array([_OUT_OF_RANGE * always, limits.stuck, limits.missing, _SPIKES * always, always])
        self._near = (1 - twin.alarms.deadband) * self._most
        self._motion = Motion(limits.ceiling)
        recent = np.zeros((2, len(twin.tags)))  # scans out of range in a row, and spikes of late
        super().__init__({"motion": self._motion}, runs=no_runs(len(twin.tags)), recent=recent)

    def advance(self, values: FloatArray) -> SensorVerdict:
        """Judge one batch's readings (n, p), each in its tag's unit of measure, in order of time; NaN: no reading."""
        fit, findings = self.advance_each(values, Segments.of_one(len(values)))
        return SensorVerdict(fit, findings[0])

    def advance_each(self, values: FloatArray, segments: Segments) -> tuple[BoolArray, list[tuple[Finding, ...]]]:
        """Which readings are fit to judge, (n, p), and the findings of each batch.

        A reading is fit when it is there, in its physical range and not stuck. A finding's value is dimensionless or in
        scans, as its test counts: scans out of range, scans of one value, scans without a reading, spikes of late
        (each counts 0.97 times as much a scan later), or roughness over its limit (0 to 1000).

        Parameters
        ----------
        values
            Shape (n, p), in each tag's unit of measure, batch after batch; NaN: no reading.
        segments
            Whose scans they are.
        """
        values, (places, starts) = np.ascontiguousarray(values), (segments.places, segments.starts)
        tests, within, fit = np.empty((len(TESTS), *values.shape)), np.empty(values.shape), np.empty(values.shape, bool)
        runs_of_each(places, starts, values, self.rows["runs"], tests[1], tests[2])
        _within(values, self._range, within)
        moves, near = self._motion.advance(within, segments), np.empty(len(places), dtype=bool)
        _judge_each(
            places, starts, values, moves.spike, moves.rough, self._range, self._near, self.rows["recent"],
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
            name, unit = self._twin.tag_names[tag], self._twin.tags[self._twin.tag_names[tag]].unit_of_measure

            def explain(row: int, tag: int = tag, name: str = name, unit: str = unit) -> tuple[Contributor, ...]:
                seen = float(values[row, tag])
                observed = seen if np.isfinite(seen) else None
                return (Contributor(tag=name, share=1.0, observed=observed, unit_of_measure=unit),)

            value, limit = tests[test, :, tag], np.full(len(values), self._most[test, tag])
            yield Finding(TESTS[test], f"sensor:{name}", "sensor", "approved", value, limit, value >= limit, explain)


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
    values: FloatArray, spike: FloatArray, rough: FloatArray, limits: FloatArray, near: FloatArray, recent: FloatArray,
    tests: FloatArray, fit: BoolArray, span: tuple[int, int],
) -> bool:  # fmt: skip
    """Fill the tests (5, n, p) that are not runs, and what is fit (n, p); ``recent`` (2, p) is carried on.

    One batch's scans: a ``span`` of those in the arrays.

    Returns whether any test of any tag comes ``near`` (5, p) its limit.
    """
    low, high, stuck, most, roughest, quietest = limits[0], limits[1], limits[2], limits[3], limits[4], limits[5]
    outside, spikes, found = recent[0], recent[1], False
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
    near: FloatArray, recent: FloatArray, tests: FloatArray, fit: BoolArray, found: BoolArray,
) -> None:  # fmt: skip
    """As ``_judge``, for each batch; ``found`` (b,): whether anything of it is near its limit."""
    for k, place in enumerate(places):
        span = (starts[k], starts[k + 1])
        found[k] = _judge(values, spike, rough, limits, near, recent[place], tests, fit, span)
