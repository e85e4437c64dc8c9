"""The batch that is running on a unit: its context, its monitor, its alarms' delays and its scores."""

from collections.abc import Iterator

import numpy as np

from models.adaptive.disagreement import Disagreement
from models.alarms.conditions import Conditions
from models.alarms.delays import Delays, Raised
from models.alarms.deviations import DeviationRegister
from models.arrays.types import FloatArray
from models.records.block import Block, Stretch
from models.records.judgement import Judgement
from models.records.messages import BatchEvent, Outbound, Remark
from models.records.monitor import Monitor
from models.records.subject import BatchContext, Subject
from models.unit.coroutines import JudgementRequest, UnitCoroutine
from models.unit.scores import Scores

_LONG, _OVER = 0.9, 0.5  # share of recent scans: disagreement is noted from the first on, and over below the second


class RunningBatch:
    """One running batch, or a continuous process (then without id and age).

    Parameters
    ----------
    subject
        The unit and its twin.
    batch_id, product
        Of the batch; ``batch_id`` None: a continuous process.
    started_us
        Event time at which it started.
    monitor
        Judges it; None: nothing is known of the product, the batch runs unwatched.
    implied
        Started by scans that name it, not by a batch event.
    """

    def __init__(
        self, subject: Subject, batch_id: str | None, product: str | None, started_us: int,
        monitor: Monitor | None, *, implied: bool,
    ) -> None:  # fmt: skip
        self.subject, self.batch_id, self.product, self.monitor = subject, batch_id, product, monitor
        self.started_us, self.implied = started_us, implied
        self.phase: str | None = None
        self.phase_us = started_us
        self.scored = 0  # interval of the last score
        self.delays = Delays(subject.twin.alarms)
        self.disagreement = Disagreement()
        self.disagrees = False  # noted, and not yet over

    @classmethod
    def continuous(cls, subject: Subject, monitor: Monitor | None, started_us: int) -> "RunningBatch":
        """A process without batches, watched from ``started_us`` on."""
        return cls(subject, None, None, started_us, monitor, implied=False)

    @property
    def batch_context(self) -> BatchContext:
        """The batch fields of its deviations."""
        return BatchContext(
            batch_id=self.batch_id,
            product=self.product,
            phase=self.phase,
            started_us=None if self.batch_id is None else self.started_us,
            reference=None if self.monitor is None else self.monitor.reference_id,
        )

    def declare(self, event: BatchEvent) -> None:
        """A batch event confirms what the scans implied; the batch keeps the start it is judged from."""
        self.implied, self.product = False, event.product or self.product

    def enter(self, phase: str | None, at_us: int) -> None:
        """A phase of the recipe begins."""
        self.phase, self.phase_us = phase, at_us

    def shift(self, by_us: int) -> None:
        """The unit's clock was set by so much; ages go on."""
        self.started_us, self.phase_us = self.started_us + by_us, self.phase_us + by_us
        self.delays.shift(by_us)

    def judge(self, scans: Block, register: DeviationRegister, conditions: Conditions, scores: Scores) -> UnitCoroutine:
        """Judge scans in order of time; deviations and scores in order of scan."""
        if self.monitor is not None:
            age_s = (scans.observed_us - self.started_us) / 1e6
            stretch = Stretch(age_s, scans.values, self.phase, (self.phase_us - self.started_us) / 1e6)
            judgement = yield JudgementRequest(self.monitor, stretch)
            shares = self._disagreement(judgement)
            emitted = [
                *self._deviations(scans, judgement, register),
                *scores.judged(scans.observed_us, self.scored, self.batch_context, judgement, shares),
                *self._remarks(judgement, shares),
                *conditions.overdue(self.batch_context, scans, self.monitor.expected_duration_s),
            ]
            self.scored = scores.interval(scans.observed_us[-1])
            emitted.sort(key=lambda pair: pair[0])
            for _, record in emitted:
                yield record

    # -- inside -----------------------------------------------------------------------------------------------

    def _deviations(
        self, scans: Block, judgement: Judgement, register: DeviationRegister
    ) -> Iterator[tuple[int, Outbound]]:
        for change in self.delays.follow(judgement.findings, scans):
            at_us = int(scans.observed_us[change.row])
            if isinstance(change, Raised):
                revision = register.raise_(change.occurrence, self.batch_context)
            else:
                revision = register.clear(change.cause, at_us, self.batch_context)
            if revision is not None:
                yield change.row, revision

    def _disagreement(self, judgement: Judgement) -> FloatArray:
        """How much reference and learner disagree about the process, scan by scan (n,), 0 to 1."""
        champion, learner = np.zeros((2, len(judgement.t2)), dtype=bool)
        for finding in judgement.findings:
            if finding.category == "process":
                alarms = champion if finding.grade == "approved" else learner
                alarms |= finding.over
        return self.disagreement.advance(champion, learner)

    def _remarks(self, judgement: Judgement, shares: FloatArray) -> Iterator[tuple[int, Outbound]]:
        """A note where they begin to disagree for long (a cold start has no reference to disagree with)."""
        if not (judgement.findings or self.disagrees) or self.batch_context.reference is None:
            return  # without findings a share only falls
        for row, share in enumerate(shares.tolist()):
            if not self.disagrees and share >= _LONG:
                detail = f"{self.batch_id}: reference and learner disagreed in {share:.0%} of the last 50 scans or so"
                yield row, Remark(unit=self.subject.unit, kind="disagreement", detail=detail)
            self.disagrees = share >= (_OVER if self.disagrees else _LONG)
