"""The scores of one unit: how it stands, once per score interval, and when a batch starts or ends."""

from collections.abc import Iterator
from itertools import compress
from math import isfinite
from operator import not_

import numpy as np
from msgspec import structs

from models.arrays.types import FloatArray, IntArray
from models.records.judgement import Judgement
from models.records.messages import Score
from models.records.subject import BatchContext, Subject
from models.records.times import to_time


class Scores:
    """Makes a unit's scores, each with an identity of its own.

    A batch may start at the very time of its first scan, end before what was judged last, or have its clock set back:
    then a score's time is not after all times before, and its revision says so.

    Parameters
    ----------
    subject
        The unit and its twin.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._every_us = int((subject.twin.score_interval_s or 10 * subject.twin.cadence_s) * 1e6)
        self.newest_us: int | None = None  # event time of the newest score
        self.late = 0  # scores whose time was not after that

    def idle(self, at_us: int) -> Score:
        """No batch runs on the unit any more."""
        subject = self._subject
        return Score(unit=subject.unit, at=to_time(at_us), twin=subject.twin.name, revision=self._revision(at_us))

    def standing(self, now: BatchContext, at_us: int) -> Score:
        """A batch without what was judged of it."""
        return Score(
            unit=self._subject.unit, at=to_time(at_us), twin=self._subject.twin.name, batch_id=now.batch_id,
            product=now.product, phase=now.phase, age_s=now.age_s(at_us), reference=now.reference,
        )  # fmt: skip

    def begun(self, now: BatchContext, at_us: int) -> Score:
        """A batch begins."""
        return structs.replace(self.standing(now, at_us), revision=self._revision(at_us))

    def interval(self, at_us: int) -> int:
        """The number of the score interval that a time is in."""
        return int(at_us) // self._every_us

    def judged(
        self, observed_us: IntArray, scored: int, now: BatchContext, judgement: Judgement, shares: FloatArray
    ) -> Iterator[tuple[int, Score]]:
        """Row and score of the first scan of every interval of event time.

        Parameters
        ----------
        observed_us
            Event times of the scans judged (n,).
        scored
            The interval of the batch's last score; 0: it has none.
        now
            The batch.
        judgement
            Of the scans.
        shares
            How much reference and learner disagree (n,), 0 to 1.
        """
        if self.interval(observed_us[0]) == self.interval(observed_us[-1]) == scored:
            return
        interval = observed_us // self._every_us
        rows = np.flatnonzero(interval != np.concatenate(([scored], interval[:-1])))
        yield from zip(rows.tolist(), self._scored(observed_us[rows], now, judgement, rows, shares), strict=True)

    # -- inside -----------------------------------------------------------------------------------------------

    def _scored(
        self, at_us: IntArray, now: BatchContext, judgement: Judgement, rows: IntArray, shares: FloatArray
    ) -> list[Score]:
        """The scores of some rows (m,), observed at (m,)."""
        subject, of = self._subject, judgement
        columns = (of.maturity, of.t2, of.t2_limit, of.spe, of.spe_limit, shares, of.ready, of.fit)
        many = zip(at_us.tolist(), of.worst(rows.tolist()), *(column[rows].tolist() for column in columns), strict=True)
        return [
            Score(
                unit=subject.unit,
                at=to_time(at),
                twin=subject.twin.name,
                batch_id=now.batch_id,
                product=now.product,
                phase=now.phase,
                age_s=now.age_s(at),
                maturity=_number(maturity),
                grade="advisory" if now.reference is None else "approved",
                learning=not ready,
                t2=_number(t2),
                t2_limit=_number(t2_limit),
                spe=_number(spe),
                spe_limit=_number(spe_limit),
                worst=worst,
                unfit_sensors=() if all(fit) else tuple(compress(subject.twin.tags, map(not_, fit))),
                disagreement=None if now.reference is None else min(max(share, 0.0), 1.0),
                reference=now.reference,
                revision=self._revision(at),
            )
            for at, worst, maturity, t2, t2_limit, spe, spe_limit, share, ready, fit in many
        ]

    def _revision(self, at_us: int) -> int:
        """0, or for a time that is not after all times before the number of such scores."""
        if self.newest_us is None or at_us > self.newest_us:
            self.newest_us = at_us
            return 0
        self.late += 1
        return self.late


def _number(value: float) -> float | None:
    return value if isfinite(value) else None
