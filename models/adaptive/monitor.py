"""Judging without a reference: a continuous process, or a cold start, learnt from the unit's own first scans.

From the first scans follow each tag's level model, how tags move together and how heavy their tails are. From then on
each scan is judged first and learnt afterwards, and nothing that alarms is learnt. Every finding is ``advisory``.
"""

from typing import Any

import numpy as np
from msgspec.structs import replace

from models.adaptive.findings import AdaptiveFindings, Judged
from models.adaptive.first_scans import WINDOWS, FirstScans, Plane, learn_first_scans, plane_of
from models.adaptive.level import Levels
from models.adaptive.river_state import covariance_from, covariance_numbers
from models.arrays.types import BoolArray, FloatArray
from models.records.block import Stretch
from models.records.judgement import Judgement
from models.records.monitor import Numbers
from models.records.twin import Twin
from models.sensors.health import SensorHealth
from models.sensors.limits import SensorLimits
from models.statistics.mspc import hotelling_t2, project, spe

_WEIGHTS = np.array([[2 / (window + 1)] for window in WINDOWS])
_STEADY = np.sqrt(_WEIGHTS / (2 - _WEIGHTS))  # standard deviation of a moving average of white innovations
_CLIP = 30.0  # standard deviations: an innovation moves the averages by no more
_RENEW = 100  # scans learnt between two readings of the subspace


class AdaptiveDetector:
    """Judges scans against what was learnt from the first ones, and goes on learning.

    Parameters
    ----------
    twin
        Its tags and false-alarm budget.
    first
        What was learnt from the first scans.
    """

    def __init__(self, twin: Twin, first: FirstScans) -> None:
        self._twin, self.first = twin, first
        self._levels = Levels(first.level_model)
        self._averages = np.zeros((len(WINDOWS), len(twin.tags)))
        self._correlation = first.correlation(twin.tag_names)
        self.plane = plane_of(twin, first, self._correlation)
        self._age_s = np.nan

    def scan(self, age_s: float, values: FloatArray, judged: Judged, row: int) -> None:
        """Judge one scan into ``judged`` at ``row``; learn it if nothing is over its limit.

        Parameters
        ----------
        age_s
            When it was observed: a gap since the scan before counts as missing scans.
        values
            Shape (p,), in each tag's unit of measure; NaN: no reading, or one unfit to judge.
        judged
            Filled in: distances and moving averages in standard deviations, T² and SPE, with their limits.
        row
            Of ``judged``.
        """
        missed = np.rint((age_s - self._age_s) / self._twin.cadence_s) - 1
        if missed >= 1:
            self._levels.wait(float(missed))
        self._age_s = age_s
        z = self._levels.innovations(values)
        known = np.isfinite(z)
        step = np.where(known, np.clip(z, -_CLIP, _CLIP) - self._averages, 0.0)
        self._averages = self._averages + _WEIGHTS * step
        judged.expected[row] = self._levels.level
        judged.z[row, 0], judged.z[row, 1:] = z, np.where(known, self._averages / _STEADY, np.nan)
        self._together(z[None], judged, row)
        self._learn(values, z, known & self._in_control(judged, row))

    def _together(self, z: FloatArray, judged: Judged, row: int) -> None:
        plane = judged.planes[row] = self.plane
        scores = project(z, plane.loadings)
        judged.t2[row], judged.t2_limit[row] = hotelling_t2(scores, plane.eigenvalues)[0], plane.t2_limit
        judged.spe[row], judged.spe_limit[row] = spe(z, scores, plane.loadings)[0], plane.spe_limit

    def _in_control(self, judged: Judged, row: int) -> bool:
        alone = np.abs(judged.z[row]) > self.first.limits  # NaN is not over
        together = judged.t2[row] > judged.t2_limit[row] or judged.spe[row] > judged.spe_limit[row]
        return not (alone.any() or together)

    def _learn(self, values: FloatArray, z: FloatArray, which: BoolArray) -> None:
        self._levels.learn(values, which)
        if which.any():
            self._correlation.update(dict(zip(self._twin.tag_names, np.where(which, z, 0.0).tolist(), strict=True)))
            if self._correlation._n % _RENEW == 0:
                self.plane = plane_of(self._twin, self.first, self._correlation)

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {
            "levels": self._levels.state(),
            "averages": self._averages.copy(),
            "age_s": self._age_s,
            "correlation": covariance_numbers(self._correlation),
            "plane": [self.plane.loadings, self.plane.eigenvalues, self.plane.t2_limit, self.plane.spe_limit],
        }

    def restore(self, numbers: Any) -> None:
        """Take up what ``state`` gave."""
        self._levels.restore(numbers["levels"])
        self._averages, self._age_s = np.array(numbers["averages"]), float(numbers["age_s"])
        weight = 1.0 / float(self.first.count[0])
        self._correlation = covariance_from(self._twin.tag_names, weight, numbers["correlation"])
        loadings, eigenvalues, t2_limit, spe_limit = numbers["plane"]
        self.plane = Plane(np.array(loadings), np.array(eigenvalues), float(t2_limit), float(spe_limit))


class AdaptiveMonitor:
    """Learns a unit's first scans, then judges each scan and learns it if it was in control.

    While learning, the state holds the scans learnt (``cold_start.learn_scans`` x tags numbers); afterwards a few KB.

    Parameters
    ----------
    twin
        Tags, ``cold_start.learn_scans`` and ``cold_start.budget_scans``.
    """

    reference_id: str | None = None
    expected_duration_s: float | None = None
    peers = None

    def __init__(self, twin: Twin) -> None:
        self._twin = twin
        self._sensors = SensorHealth(twin, SensorLimits.permissive(twin))
        self._rows: FloatArray = np.empty((0, len(twin.tags)))
        self._detector: AdaptiveDetector | None = None

    def judge(self, stretch: Stretch) -> Judgement:
        """Score the stretch's scans and learn those that were in control."""
        sensors = self._sensors.advance(stretch.values)
        values = np.where(sensors.fit, stretch.values, np.nan)
        judged, ready = Judged.none(*values.shape), np.zeros(len(values), dtype=bool)
        for row in range(len(values)):
            if self._detector is None:
                self._take(values[row])
            else:
                ready[row] = True
                self._detector.scan(float(stretch.age_s[row]), values[row], judged, row)
        findings = [replace(finding, grade="advisory") for finding in sensors.findings]
        adaptive_findings = AdaptiveFindings(
            self._twin, values, judged, None if self._detector is None else self._detector.first
        )
        if ready.any():
            findings += adaptive_findings.findings()
        nowhere = np.full(len(values), np.nan)
        return Judgement(
            nowhere, judged.t2, judged.t2_limit, judged.spe, judged.spe_limit, sensors.fit, ready, tuple(findings),
            lambda rows: [adaptive_findings.furthest(row) for row in rows],
        )  # fmt: skip

    def state(self) -> Numbers:
        """A copy of all that changes."""
        judge = self._detector
        learnt = None if judge is None else {"first": judge.first.numbers(), "judge": judge.state()}
        return {"sensors": self._sensors.state(), "rows": self._rows.copy(), "learnt": learnt}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        state: Any = numbers
        self._sensors.restore(state["sensors"])
        self._rows = np.array(state["rows"])
        self._detector = None
        if state["learnt"] is not None:
            self._detector = AdaptiveDetector(self._twin, FirstScans.from_numbers(state["learnt"]["first"]))
            self._detector.restore(state["learnt"]["judge"])

    def _take(self, values: FloatArray) -> None:
        if np.isfinite(values).any():
            self._rows = np.concatenate([self._rows, values[None]])
        if len(self._rows) == self._twin.cold_start.learn_scans:
            self._detector = AdaptiveDetector(self._twin, learn_first_scans(self._twin, self._rows))
            self._rows = self._rows[:0]
