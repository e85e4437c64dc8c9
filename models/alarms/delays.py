"""On-delay, off-delay and deadband: from findings scan by scan to occurrences that begin and end."""

from collections.abc import Iterator, Mapping, Sequence

import msgspec
import numpy as np

from models.alarms.occurrence import Occurrence
from models.arrays.compiled import FLAG_TABLE, PLACES, compiled
from models.arrays.types import BoolArray, IntArray
from models.records.block import Block
from models.records.judgement import Finding
from models.records.messages import Evidence, Statistic
from models.records.twin import Alarms

# The state of one cause's findings (event times in microseconds), position by position:
_ON = 0  # raised and not yet cleared
_APPROVED = 1  # an approved finding has been over in this run
_SENSOR = 2  # what was raised turned out to be the sensor's
_SINCE_US, _SINCE_OFFSET = 3, 4  # first scan of the present run over the limit
_LAST_US = 5  # last scan over (or within the deadband of) the limit
_NEVER = np.iinfo(np.int64).min
_NO_RUN = np.array([0, 0, 0, _NEVER, 0, 0])
_RAISED, _CLEARED = 1, 2


class Raised(msgspec.Struct, frozen=True):
    """A cause's condition is there from scan ``row`` on."""

    row: int
    occurrence: Occurrence


class Cleared(msgspec.Struct, frozen=True):
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
        self._advisory, self._keeps = alarms.advisory_priority != "off", 1 - alarms.deadband
        self._delays_us = np.array([alarms.on_delay_s * 1e6, alarms.off_delay_s * 1e6]).astype(np.int64)
        self._runs: dict[str, IntArray] = {}

    def follow(self, findings: Sequence[Finding], block: Block) -> list[Raised | Cleared]:
        """What begins and ends in these scans, in order of scan and cause.

        ``findings`` speak of the n scans of ``block``, row by row. What an advisory finding raised is raised once more
        when an approved one of the same cause joins it.
        """
        if not findings and not self._runs:  # almost always
            return []
        by_cause: dict[str, list[Finding]] = {}
        for finding in findings:
            if finding.grade == "approved" or self._advisory:
                by_cause.setdefault(finding.cause, []).append(finding)
        changes: list[Raised | Cleared] = []
        for cause in sorted(by_cause.keys() | self._runs.keys()):
            changes += self._cause(cause, by_cause.get(cause, []), block)
        return sorted(changes, key=lambda change: change.row)  # stable: causes stay in order

    def shift(self, by_us: int) -> None:
        """The unit's clock was set by so much: conditions last as long as they have."""
        for run in self._runs.values():
            run[_LAST_US] += by_us
            run[_SINCE_US] += by_us if run[_SINCE_US] != _NEVER else 0

    def state(self) -> dict[str, list[int]]:
        """A copy of what ``restore`` takes."""
        return {cause: run.tolist() for cause, run in self._runs.items()}

    def restore(self, runs: Mapping[str, Sequence[int]]) -> None:
        """Take up what ``state`` gave."""
        self._runs = {cause: np.array(run, dtype=np.int64) for cause, run in runs.items()}

    # -- inside -----------------------------------------------------------------------------------------------

    def _cause(self, cause: str, findings: list[Finding], block: Block) -> Iterator[Raised | Cleared]:
        run = self._runs.get(cause, _NO_RUN)
        if not findings and run[_ON] and block.observed_us[-1] - run[_LAST_US] < self._delays_us[1]:
            return  # it stays on: the usual case while one is
        claims = self._claims(findings, len(block))
        if not (run[_ON] or np.count_nonzero(claims[0])):
            self._runs.pop(cause, None)
            return
        run, changed = run.copy(), np.zeros((len(block), 3), dtype=np.int64)
        times, offsets = np.ascontiguousarray(block.observed_us), np.ascontiguousarray(block.offsets)
        _run(claims, times, offsets, self._delays_us, run, changed)
        for row in changed[:, 0].nonzero()[0].tolist():
            what, since_us, since_offset = changed[row].tolist()
            if what == _CLEARED:
                yield Cleared(row, cause)
            else:
                yield Raised(row, _occurrence(cause, (since_us, since_offset), findings, block, row))
        self._runs[cause] = run
        if not run[_ON] and run[_SINCE_US] == _NEVER:
            del self._runs[cause]

    def _claims(self, findings: Sequence[Finding], n: int) -> BoolArray:
        """What any of one cause's findings claims of each scan, (4, n).

        That it is over; over or within the deadband; over and approved; over and the sensor's.
        """
        claims = np.zeros((4, n), dtype=bool)
        over, holding, approved, sensor = claims
        for finding in findings:
            over |= finding.over
            holding |= finding.value >= self._keeps * finding.limit
            if finding.grade == "approved":
                approved |= finding.over
            if finding.category == "sensor":
                sensor |= finding.over
        return claims


@compiled("void", FLAG_TABLE, PLACES, PLACES, PLACES, PLACES, "int64[:,::1]")
def _run(
    claims: BoolArray, observed_us: IntArray, offsets: IntArray, delays_us: IntArray, run: IntArray, changed: IntArray
) -> None:
    """Follow one cause: what changes at which scan (n, 3), with time and offset of the run's first; ``run`` goes on."""
    for row in range(len(observed_us)):
        over, holding, approved, sensor = claims[0, row], claims[1, row], claims[2, row], claims[3, row]
        at_us = observed_us[row]
        if over and run[_SINCE_US] == _NEVER:
            run[_SINCE_US], run[_SINCE_OFFSET] = at_us, offsets[row]
        if over or (run[_ON] and holding):
            run[_LAST_US] = at_us
        elif not run[_ON]:
            run[_SINCE_US] = _NEVER
        is_new = not run[_ON] or (approved and not run[_APPROVED]) or (sensor and not run[_SENSOR])
        if over and is_new and at_us - run[_SINCE_US] >= delays_us[0]:
            run[_ON], run[_APPROVED], run[_SENSOR] = 1, run[_APPROVED] or approved, run[_SENSOR] or sensor
            changed[row, 0], changed[row, 1], changed[row, 2] = _RAISED, run[_SINCE_US], run[_SINCE_OFFSET]
        elif run[_ON] and not over and at_us - run[_LAST_US] >= delays_us[1]:
            run[_ON], run[_APPROVED], run[_SENSOR], run[_SINCE_US] = 0, 0, 0, _NEVER
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
