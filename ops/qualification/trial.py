"""One batch left out: judged, without and with faults, by a reference that the other batches taught."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from connectors.files.runs import RecordedRun, to_recorded_batch
from models.arrays.types import BoolArray, FloatArray
from models.batch.fleet import Fleet
from models.batch.monitor import BatchMonitor
from models.records.judgement import Finding
from models.records.messages import Contributor, Deviation
from models.reference.alignment import recorded_maturity, stretches
from models.reference.envelope import envelope, stacked
from models.reference.injection import inject
from models.reference.reference import Reference, fit_reference
from ops.config import Configuration
from ops.qualification.plan import POINTS, Fault, Planned, planned
from ops.recorded import first_scans
from ops.replaying import Replay

_ID = "left-out"


@dataclass(frozen=True, slots=True)
class Tried:
    """One fault, and what became of it."""

    fault: Fault
    column: int  # of the tag it was put in
    delay_s: float  # from its onset until a deviation was raised; infinite: none was
    named: bool  # whether that deviation names the tag first


@dataclass(frozen=True, slots=True)
class Peak:
    """Where a batch came nearest to, or went furthest beyond, its limits."""

    ratio: float  # largest statistic over its limit
    age_s: float
    statistic: str
    contributors: tuple[Contributor, ...]


@dataclass(frozen=True, slots=True)
class Trial:
    """All that one left-out batch shows."""

    batch_id: str
    deviations: tuple[Deviation, ...]  # false alarms, as operators would have seen them
    maturity: FloatArray  # (n,)
    t2: FloatArray  # (n,) over its limit
    spe: FloatArray  # (n,) over its limit
    largest: FloatArray  # (n,) largest statistic over its limit
    over: BoolArray  # (n,) whether any statistic counts as over its limit
    within: FloatArray  # (n, p) 1 or 0: in the band of the other batches; NaN: not known
    peak: Peak
    tried: tuple[Tried, ...]


def tried_out(
    configuration: Configuration, runs: Sequence[RecordedRun], own: int, spread: FloatArray, per_cell: int
) -> Trial:
    """Learn from all runs but one, and judge that one.

    Parameters
    ----------
    configuration
        The twin's file.
    runs
        Released batches.
    own
        Position of the one to leave out.
    spread, per_cell
        As ``plan.planned`` takes them.
    """
    run = runs[own]
    others = [to_recorded_batch(each) for k, each in enumerate(runs) if k != own]
    reference = fit_reference(configuration.twin, others)
    clean = _alarms(configuration, reference, run)
    plan = planned(own, len(runs), len(run.observed_us), spread, per_cell)
    tried = tuple(_tried(configuration, reference, run, each, clean) for each in plan)
    return _judged(configuration, reference, run, clean, tried)


# -- inside ---------------------------------------------------------------------------------------------------


def _alarms(configuration: Configuration, reference: Reference, run: RecordedRun) -> tuple[Deviation, ...]:
    """What an operator would have been told of the process and its sensors: through the real watch."""
    fleet = Fleet(configuration.twin, reference, _ID)
    replay = Replay(configuration, lambda product: BatchMonitor(fleet))
    for _ in replay.run(run):
        pass
    return tuple(deviation for deviation in replay.deviations if deviation.category != "context")


def _tried(
    configuration: Configuration, reference: Reference, run: RecordedRun, plan: Planned, clean: Sequence[Deviation]
) -> Tried:
    """Judge the run with a fault; only what the run without it does not raise counts."""
    fault = plan.injection
    spoilt = first_scans(replace(run, values=inject(run.values, fault, plan.seed)), fault.last)
    known = {(deviation.deviation_id, deviation.raised_at) for deviation in clean}
    onset_us = int(run.observed_us[fault.first])
    new = [
        deviation
        for deviation in _alarms(configuration, reference, spoilt)
        if (deviation.deviation_id, deviation.raised_at) not in known
        and deviation.raised_at.timestamp() * 1e6 >= onset_us - 1
    ]
    if not new:
        return Tried(plan.fault, fault.column, float("inf"), False)
    first = min(new, key=lambda deviation: deviation.raised_at)
    tag = configuration.twin.tag_names[fault.column]
    named = first.cause == f"sensor:{tag}" or (bool(first.contributors) and first.contributors[0].tag == tag)
    delay_s = max(first.raised_at.timestamp() - onset_us / 1e6, 0.0)
    return Tried(plan.fault, fault.column, delay_s, named)


def _judged(
    configuration: Configuration,
    reference: Reference,
    run: RecordedRun,
    alarms: tuple[Deviation, ...],
    tried: tuple[Tried, ...],
) -> Trial:
    """Statistics of the whole batch beside their limits."""
    batch = to_recorded_batch(run)
    monitor = BatchMonitor(Fleet(configuration.twin, reference, _ID))
    judged = [monitor.judge(stretch) for stretch in stretches(batch)]
    parts = [_levels(judgement.findings, len(judgement.ready)) for judgement in judged]
    largest = np.concatenate([level for level, _, _ in parts])
    over = np.concatenate([beyond for _, beyond, _ in parts])
    others = envelope(
        stacked([(recorded_maturity(reference.recipe, each), each.values) for each in reference.recordings], POINTS)
    )
    maturity = np.concatenate([judgement.maturity for judgement in judged])
    return Trial(
        batch.batch_id,
        alarms,
        maturity,
        np.concatenate([judgement.t2 / judgement.t2_limit for judgement in judged]),
        np.concatenate([judgement.spe / judgement.spe_limit for judgement in judged]),
        largest,
        over,
        others.within(maturity, batch.values),
        _peak(largest, parts, batch.age_s),
        tried,
    )


_Levels = tuple[FloatArray, BoolArray, Sequence[Finding]]


def _levels(findings: Sequence[Finding], n: int) -> _Levels:
    """Largest approved statistic over its limit and whether any is over, each (n,); and the findings."""
    approved = [finding for finding in findings if finding.grade == "approved"]
    ratios = [np.where(np.isfinite(finding.value), finding.value / finding.limit, 0.0) for finding in approved]
    over = [finding.over for finding in approved]
    return (
        np.max([np.zeros(n), *ratios], axis=0),
        np.any([np.zeros(n, dtype=bool), *over], axis=0),
        approved,
    )


def _peak(largest: FloatArray, parts: Sequence[_Levels], age_s: FloatArray) -> Peak:
    """The scan at which the batch stood out most, and the tags responsible."""
    at = row = int(np.argmax(largest))
    for level, _, findings in parts:
        if row >= len(level):
            row -= len(level)
            continue
        for finding in findings:
            if finding.value[row] / finding.limit[row] == largest[at]:
                return Peak(float(largest[at]), float(age_s[at]), finding.name, finding.explain(row)[:3])
        break
    return Peak(float(largest[at]), float(age_s[at]), "none", ())
