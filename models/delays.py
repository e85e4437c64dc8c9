"""On-delay, off-delay and deadband: from findings scan by scan to occurrences that begin and end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from models.block import Block, BoolArray
from models.deviations import Occurrence
from models.judgement import Finding
from models.records import Evidence, Statistic
from models.twin import Alarms


class Run(msgspec.Struct, kw_only=True):
    """How one cause's findings stand: all event times in microseconds."""

    on: bool = False  # raised and not yet cleared
    approved: bool = False  # an approved finding has been over in this run
    sensor: bool = False  # what was raised turned out to be the sensor's
    since_us: int | None = None  # first scan of the present run over the limit
    since_offset: int = 0
    last_us: int = 0  # last scan over (or within the deadband of) the limit


@dataclass(frozen=True, slots=True)
class Raised:
    """A cause's condition is there from scan ``row`` on."""

    row: int
    occurrence: Occurrence


@dataclass(frozen=True, slots=True)
class Cleared:
    """A cause's condition is gone at scan ``row``."""

    row: int
    cause: str


class Delays:
    """The delays of one running batch's causes.

    Parameters
    ----------
    alarms
        The twin's alarm rules: delays in seconds of event time, deadband as a share of the limit.
    """

    def __init__(self, alarms: Alarms) -> None:
        self._alarms = alarms
        self._runs: dict[str, Run] = {}

    def follow(self, findings: Sequence[Finding], block: Block) -> list[Raised | Cleared]:
        """What begins and ends in these scans, in order of scan and cause.

        ``findings`` speak of the n scans of ``block``, row by row. What an advisory finding raised is raised once more
        when an approved one of the same cause joins it.
        """
        by_cause: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.grade == "approved" or self._alarms.advisory_priority != "off":
                by_cause.setdefault(finding.cause, []).append(finding)
        changes: list[Raised | Cleared] = []
        for cause in sorted(by_cause.keys() | self._runs.keys()):
            changes += self._cause(cause, by_cause.get(cause, []), block)
        return sorted(changes, key=lambda change: change.row)  # stable: causes stay in order

    def state(self) -> dict[str, Run]:
        """A copy of what ``restore`` takes."""
        return {cause: msgspec.structs.replace(run) for cause, run in self._runs.items()}

    def restore(self, runs: dict[str, Run]) -> None:
        """Take up what ``state`` gave."""
        self._runs = dict(runs)

    # -- inside -----------------------------------------------------------------------------------------------

    def _cause(self, cause: str, findings: list[Finding], block: Block) -> Iterator[Raised | Cleared]:
        run = self._runs.get(cause, Run())
        over = _any(findings, len(block), lambda f: f.over)
        if not (run.on or over.any()):
            self._runs.pop(cause, None)
            return
        self._runs[cause] = run
        held = _any(findings, len(block), lambda f: f.value >= (1 - self._alarms.deadband) * f.limit)
        approved = _any([f for f in findings if f.grade == "approved"], len(block), lambda f: f.over)
        sensor = _any([f for f in findings if f.category == "sensor"], len(block), lambda f: f.over)
        for row in range(len(block)):
            _note(run, bool(over[row]), bool(held[row]), block, row)
            at_us = int(block.observed_us[row])
            news = not run.on or (approved[row] and not run.approved) or (sensor[row] and not run.sensor)
            if over[row] and self._due(run, at_us) and news:
                run.on, run.approved = True, run.approved or bool(approved[row])
                run.sensor = run.sensor or bool(sensor[row])
                yield Raised(row, _occurrence(cause, run, findings, block, row))
            elif run.on and not over[row] and at_us - run.last_us >= self._alarms.off_delay_s * 1e6:
                run.on, run.approved, run.sensor, run.since_us = False, False, False, None
                yield Cleared(row, cause)
        if not run.on and run.since_us is None:
            del self._runs[cause]

    def _due(self, run: Run, at_us: int) -> bool:
        return run.since_us is not None and at_us - run.since_us >= self._alarms.on_delay_s * 1e6


def _note(run: Run, over: bool, held: bool, block: Block, row: int) -> None:
    """Take one scan into the run."""
    if over and run.since_us is None:
        run.since_us, run.since_offset = int(block.observed_us[row]), int(block.offsets[row])
    if over or (run.on and held):
        run.last_us = int(block.observed_us[row])
    elif not run.on:
        run.since_us = None


def _occurrence(cause: str, run: Run, findings: Sequence[Finding], block: Block, row: int) -> Occurrence:
    """What is raised at ``row``: described by the finding furthest over its limit, an approved one first."""
    over = [finding for finding in findings if finding.over[row]]
    worst = max(over, key=lambda f: (f.grade == "approved", f.value[row] / f.limit[row]))
    return Occurrence(
        cause=cause,
        finding=worst.name,
        category=worst.category,
        grade=worst.grade,
        since_us=int(block.observed_us[row]) if run.since_us is None else run.since_us,
        at_us=int(block.observed_us[row]),
        statistic=Statistic(name=worst.name, value=float(worst.value[row]), limit=float(worst.limit[row])),
        contributors=worst.explain(row),
        evidence=Evidence(
            topic=block.topic,
            partition=block.partition,
            first_offset=run.since_offset,
            last_offset=int(block.offsets[row]),
        ),
    )


def _any(findings: Sequence[Finding], n: int, claim: Callable[[Finding], BoolArray]) -> BoolArray:
    """Per scan, whether the claim holds for any of the findings."""
    total = np.zeros(n, dtype=bool)
    for finding in findings:
        total |= claim(finding)
    return total
