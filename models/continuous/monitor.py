"""The judge of a continuous process that has a reference: frozen, scan by scan the same whatever the blocks."""

from collections.abc import Callable
from typing import Any

import numpy as np

from models.arrays.types import FloatArray
from models.continuous.averages import SPANS, distances
from models.continuous.reference import ContinuousReference
from models.records.block import Stretch
from models.records.judgement import Finding, Judgement
from models.records.messages import Contributor
from models.records.monitor import Numbers
from models.records.twin import Twin
from models.sensors.health import SensorHealth
from models.sensors.limits import SensorLimits
from models.statistics.ranking import Seen, ranked

_MOST = 3  # contributors named


class ContinuousMonitor:
    """Judges scans against a recording of normal running, and learns nothing.

    Parameters
    ----------
    twin
        Names, physical ranges and units of measure.
    reference
        Of the same tags in the same order.
    reference_id
        ``name@version``.
    """

    expected_duration_s: float | None = None
    peers = None

    def __init__(self, twin: Twin, reference: ContinuousReference, reference_id: str) -> None:
        self._twin, self._normal_model, self.reference_id = twin, reference.normal_model, reference_id
        self._sensors = SensorHealth(twin, SensorLimits.permissive(twin))
        self._roots = reference.normal_model.roots()
        self._averages = np.zeros((len(SPANS), len(twin.tags)))

    def judge(self, stretch: Stretch) -> Judgement:
        """Score the stretch's scans. The moving averages raise deviations; T² and SPE are reported only."""
        sensors = self._sensors.advance(stretch.values)
        values = np.where(sensors.fit, stretch.values, np.nan)
        averages = self._normal_model.averages(values, self._averages)
        self._averages = averages[:, -1].copy()
        far, plane = distances(averages, self._roots), self._normal_model.plane(values)
        ones = np.ones(len(values))
        findings = [
            Finding(
                f"mewma_{span}", "process", "process", "approved", far[:, k], limit * ones,
                far[:, k] > limit, self._explain(k, averages[k], values),
            )
            for k, (span, limit) in enumerate(zip(SPANS, self._normal_model.limits, strict=True))
        ]  # fmt: skip
        t2_limit, spe_limit = self._normal_model.plane_limits
        return Judgement(
            np.nan * ones, plane[:, 0], t2_limit * ones, plane[:, 1], spe_limit * ones, sensors.fit,
            np.ones(len(values), dtype=bool), (*sensors.findings, *findings),
            lambda rows: [findings[0].explain(row) for row in rows],
        )  # fmt: skip

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"sensors": self._sensors.state(), "averages": self._averages.copy()}

    def restore(self, numbers: Any) -> None:
        """Take up what ``state`` gave."""
        self._sensors.restore(numbers["sensors"])
        self._averages = np.array(numbers["averages"])

    def _explain(self, k: int, averages: FloatArray, values: FloatArray) -> Callable[[int], tuple[Contributor, ...]]:
        """Contributors by reconstruction: (S⁻¹a)² / diag S⁻¹, what the distance falls by with this tag as expected.

        References
        ----------
        Alcala & Qin (2009), Automatica 45(7), 1593-1600.
        """
        normal_model, precision = self._normal_model, self._normal_model.precision[k]

        def explain(row: int) -> tuple[Contributor, ...]:
            weights, here = (precision * averages[row]).sum(axis=1) ** 2 / np.diag(precision), values[row : row + 1]
            seen = Seen(here, normal_model.mean[None], (here - normal_model.mean) / normal_model.scale)
            return ranked(self._twin, weights[None], seen, _MOST)[0]

        return explain
