"""On-delay, off-delay and deadband: from findings scan by scan to occurrences that begin and end."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from models.block import Block, BoolArray, IntArray
from models.compiled import FLAG_TABLE, PLACES, compiled
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
        if not findings and not self._runs:  # almost always
            return []
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
        if not findings and run.on and block.observed_us[-1] - run.last_us < int(self._alarms.off_delay_s * 1e6):
            return  # it stays on: the usual case while one is
        over = _any(findings, len(block), lambda f: f.over)
        if not (run.on or over.any()):
            self._runs.pop(cause, None)
            return
        self._runs[cause] = run
        held = _any(findings, len(block), lambda f: f.value >= (1 - self._alarms.deadband) * f.limit)
        approved = _any([f for f in findings if f.grade == "approved"], len(block), lambda f: f.over)
        sensor = _any([f for f in findings if f.category == "sensor"], len(block), lambda f: f.over)
        delays_us = np.array([self._alarms.on_delay_s * 1e6, self._alarms.off_delay_s * 1e6]).astype(np.int64)
        numbers, changed = _numbers(run), np.zeros((len(block), 3), dtype=np.int64)
        times, offsets = np.ascontiguousarray(block.observed_us), np.ascontiguousarray(block.offsets)
        _run(np.stack([over, held, approved, sensor]), times, offsets, delays_us, numbers, changed)
        for row in np.flatnonzero(changed[:, 0]).tolist():
            what, since_us, since_offset = changed[row].tolist()
            if what == _CLEARED:
                yield Cleared(row, cause)
            else:
                yield Raised(row, _occurrence(cause, (since_us, since_offset), findings, block, row))
        self._runs[cause] = _from_numbers(numbers)
        if not numbers[0] and numbers[3] == _NEVER:
            del self._runs[cause]


_RAISED, _CLEARED = 1, 2
_NEVER = np.iinfo(np.int64).min


def _numbers(run: Run) -> IntArray:
    since_us = _NEVER if run.since_us is None else run.since_us
    return np.array([run.on, run.approved, run.sensor, since_us, run.since_offset, run.last_us], dtype=np.int64)


def _from_numbers(numbers: IntArray) -> Run:
    on, approved, sensor, since_us, since_offset, last_us = numbers.tolist()
    return Run(
        on=bool(on), approved=bool(approved), sensor=bool(sensor), since_us=None if since_us == _NEVER else since_us,
        since_offset=since_offset, last_us=last_us,
    )  # fmt: skip


@compiled("void", FLAG_TABLE, PLACES, PLACES, PLACES, PLACES, "int64[:,::1]")
def _run(
    claims: BoolArray, observed_us: IntArray, offsets: IntArray, delays_us: IntArray, run: IntArray, changed: IntArray
) -> None:
    """Follow one cause: what changes at which scan (n, 3), with time and offset of the run's first; ``run`` goes on."""
    for row in range(len(observed_us)):
        over, held, approved, sensor = claims[0, row], claims[1, row], claims[2, row], claims[3, row]
        at_us = observed_us[row]
        if over and run[3] == _NEVER:
            run[3], run[4] = at_us, offsets[row]
        if over or (run[0] and held):
            run[5] = at_us
        elif not run[0]:
            run[3] = _NEVER
        news = not run[0] or (approved and not run[1]) or (sensor and not run[2])
        if over and news and at_us - run[3] >= delays_us[0]:
            run[0], run[1], run[2] = 1, run[1] or approved, run[2] or sensor
            changed[row, 0], changed[row, 1], changed[row, 2] = _RAISED, run[3], run[4]
        elif run[0] and not over and at_us - run[5] >= delays_us[1]:
            run[0], run[1], run[2], run[3] = 0, 0, 0, _NEVER
            changed[row, 0] = _CLEARED


def _occurrence(cause: str, since: tuple[int, int], findings: Sequence[Finding], block: Block, row: int) -> Occurrence:
    """What is raised at ``row``: described by the finding furthest over its limit, an approved one first."""
    over = [finding for finding in findings if finding.over[row]]
    worst = max(over, key=lambda f: (f.grade == "approved", f.value[row] / f.limit[row]))
    return Occurrence(
        cause=cause,
        finding=worst.name,
        category=worst.category,
        grade=worst.grade,
        since_us=since[0],
        at_us=int(block.observed_us[row]),
        statistic=Statistic(name=worst.name, value=float(worst.value[row]), limit=float(worst.limit[row])),
        contributors=worst.explain(row),
        evidence=Evidence(
            topic=block.topic,
            partition=block.partition,
            first_offset=since[1],
            last_offset=int(block.offsets[row]),
        ),
    )


def _any(findings: Sequence[Finding], n: int, claim: Callable[[Finding], BoolArray]) -> BoolArray:
    """Per scan, whether the claim holds for any of the findings."""
    total = np.zeros(n, dtype=bool)
    for finding in findings:
        total |= claim(finding)
    return total
