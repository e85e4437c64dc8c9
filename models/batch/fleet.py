"""All running batches that are judged by one frozen reference: what is the same for all, and what each carries.

Most of the cost of judging a scan is overhead around the arithmetic, so the scans of several batches are judged side by
side: ``Segments`` says whose they are, and every part goes on with each batch's numbers in its own row. No batch's
numbers enter another's: a batch's judgement is the same, bit by bit, whichever batches are judged with it (decision
15).
"""

from collections.abc import Sequence
from typing import Protocol

import msgspec
import numpy as np

from models.adaptive.learner import Learner
from models.arrays.carried import Carried, Segments
from models.arrays.types import BoolArray, FloatArray, marked
from models.batch.cause import Episode, Roles
from models.batch.contributors import ContributionInputs, contributors
from models.batch.findings import Causes, Findings, advisory
from models.batch.measure import Measure, Measured
from models.records.block import Stretch
from models.records.judgement import Finding, Judgement
from models.records.twin import Twin
from models.reference.alignment import by_age
from models.reference.fitting import learner_input
from models.reference.reference import Reference
from models.sensors.health import SensorHealth
from models.sensors.silence import Silence
from models.sensors.spikes import Spikes
from models.statistics.trajectory import position_of


class _Stacked(msgspec.Struct, frozen=True):
    """The measured scans of all batches, n side by side."""

    maturity: FloatArray  # (n,)
    fit: BoolArray  # (n, p)
    measured: Measured
    inputs: ContributionInputs
    spiky: tuple[BoolArray, BoolArray]  # (n, p) each, from ``models.sensors.spikes``
    always: BoolArray  # (n,)


class Member(Protocol):
    """One running batch of the fleet: what only it has (``models.batch.monitor.BatchMonitor``)."""

    @property
    def place(self) -> int:
        """Its row in what the fleet carries."""

    @property
    def silence(self) -> Silence:
        """Its tags that have given nothing yet."""

    @property
    def episode(self) -> Episode:
        """The cause of what is over its limit in it."""

    def maturity(self, stretch: Stretch) -> FloatArray:
        """How far along its recipe it is at each scan, (n,), 0 to 1; NaN: unknown."""

    def measured(self, position: FloatArray, readings: FloatArray, fit: BoolArray) -> Measured:
        """Its scans (n, p), in units of measure, against the fit that does without its silent tags."""


class Fleet(Carried):
    """Running batches judged by one reference.

    Parameters
    ----------
    twin
        The question; its tags are those the reference was learnt from.
    reference
        What released batches looked like.
    reference_id
        ``name@version``.
    """

    def __init__(self, twin: Twin, reference: Reference, reference_id: str) -> None:
        fitted, tags = reference.fitted, len(twin.tags)
        self.twin, self.reference, self.reference_id = twin, reference, reference_id
        self.longest_s = max(float(batch.age_s[-1]) for batch in reference.recordings)
        manipulated = np.array([tag.role == "manipulated" for tag in twin.tags.values()])
        self.roles = Roles(manipulated, marked(fitted.trajectory.schedule.columns, tags))
        # of its limit: a statistic below neither raises an alarm nor holds one
        self._least_ratio = 1 - twin.alarms.deadband
        self._health, self.measure = SensorHealth(twin, reference.sensors), Measure(fitted)
        self._spikes, self._learner = Spikes(tags), Learner(twin.tag_names, fitted.learner)
        self._findings = Findings(twin, self._least_ratio)
        super().__init__(
            {"health": self._health, "measure": self.measure, "spikes": self._spikes, "learner": self._learner}
        )
        self._places, self._free = 0, list[int]()

    def open_place(self) -> int:
        """A row for a batch that starts, as every batch starts."""
        if not self._free:
            self._free.append(self._places)
            self._places += 1
        place = self._free.pop()
        self.open(place)
        return place

    def close_place(self, place: int) -> None:
        """The batch at this row is gone; the next one that starts may have it."""
        self._free.append(place)

    def judge(self, monitors: Sequence[Member], stretches: Sequence[Stretch]) -> list[Judgement]:
        """Score each monitor's stretch. The reference is frozen: nothing is learnt.

        Several only where each may be judged together with others (``BatchMonitor.peers``).
        """
        starts = np.cumsum([0, *map(len, stretches)])
        segments = Segments(np.array([monitor.place for monitor in monitors]), starts)
        values = _joined([stretch.values for stretch in stretches])
        maturity = self._maturity(monitors, stretches)
        position = position_of(maturity, len(self.reference.fitted.limits))
        fit, sensor_findings = self._health.advance_each(values, segments)
        measured = self._measured(monitors, position, np.where(fit, values, np.nan), fit, segments)
        residuals, plane = measured.residuals, measured.plane
        off_schedule = np.copysign(measured.ratio[:, : values.shape[1]], residuals.innovation)
        inputs = ContributionInputs(self.twin, values, residuals, measured.excess, self.roles.manipulated)
        spiky, always = self._spikes.advance(off_schedule, segments), np.ones(len(values), dtype=bool)
        seen = _Stacked(maturity, fit, measured, inputs, spiky, always)
        learnt = self._learner.advance(learner_input(residuals, plane), segments, self._least_ratio)
        judgements = []
        for k, (monitor, stretch) in enumerate(zip(monitors, stretches, strict=True)):
            found = self._found(k, monitor, stretch, seen, int(starts[k]), learnt[k])
            judgements.append(_judgement(seen, int(starts[k]), int(starts[k + 1]), (*sensor_findings[k], *found)))
        return judgements

    # -- inside -----------------------------------------------------------------------------------------------

    def _maturity(self, monitors: Sequence[Member], stretches: Sequence[Stretch]) -> FloatArray:
        recipe = self.reference.recipe
        if recipe.by == "age":  # of all at once: nothing is carried
            return by_age(recipe, _joined([stretch.age_s for stretch in stretches]))
        return _joined([one.maturity(each) for one, each in zip(monitors, stretches, strict=True)])

    def _measured(
        self, monitors: Sequence[Member], position: FloatArray, readings: FloatArray, fit: BoolArray, segments: Segments
    ) -> Measured:
        if len(monitors) == 1:
            return monitors[0].measured(position, readings, fit)
        for monitor, scans in zip(monitors, np.diff(segments.starts).tolist(), strict=True):
            monitor.silence.skip(scans)
        return self.measure.advance(position, readings, segments)

    def _found(
        self, k: int, monitor: Member, stretch: Stretch, seen: _Stacked, start: int, learnt: Sequence[Finding]
    ) -> Sequence[Finding]:
        """The findings of the k-th batch, whose scans begin at row ``start``."""
        episode, measured = monitor.episode, seen.measured
        calm = measured.most[k] < self._least_ratio
        if calm and episode.at_rest:  # almost always
            return learnt
        rows = slice(start, start + len(stretch))
        over, under_way = episode.advance(
            stretch.age_s, measured.over[rows], measured.persisted[rows], lambda some: measured.excess(start + some)
        )
        learnt, (spiky, first) = advisory(learnt, under_way), (seen.spiky[0][rows], seen.spiky[1][rows])
        if calm and not first.any():  # often, after an upset
            return learnt
        causes = Causes(episode.accused, over, under_way, spiky, first)
        return [*self._findings.found(measured.highest[:, rows], causes, seen.inputs, start), *learnt]


def _judgement(seen: _Stacked, a: int, b: int, findings: tuple[Finding, ...]) -> Judgement:
    """Of the batch whose scans are these rows."""
    residuals, plane, inputs = seen.measured.residuals, seen.measured.plane, seen.inputs
    return Judgement(
        seen.maturity[a:b], residuals.t2[a:b], plane[a:b, 0], residuals.spe[a:b], plane[a:b, 1], seen.fit[a:b],
        seen.always[a:b], findings, lambda rows: contributors(inputs, [a + row for row in rows]),
    )  # fmt: skip


def _joined(parts: Sequence[FloatArray]) -> FloatArray:
    return parts[0] if len(parts) == 1 else np.concatenate(parts)
