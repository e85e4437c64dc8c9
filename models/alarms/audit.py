"""The audit of the alarm system: the load it puts on the operators of one console, over a month and by batch.

Annunciations only (``models.alarms.annunciations``), in event time; the figures are ``models.alarms.figures``'.

References
----------
ANSI/ISA-18.2-2016, clause 16 and table 6 (example alarm performance metrics); EEMUA Publication 191, 3rd edition.
"""

from datetime import datetime

import msgspec

from models.alarms.annunciations import Annunciations
from models.alarms.figures import PRIORITIES, REPEATS, Figures, figures
from models.records.messages import Deviation, Score
from models.records.times import to_us
from models.records.twin import Alarms

KEPT_DAYS = 30.0
_ISA_CHATTERING_S = 60.0
_ENOUGH = 100  # annunciations; shares of fewer mean nothing
_DAY_US = 86_400_000_000


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure beside what ISA-18.2 recommends for it."""

    name: str
    value: str
    target: str
    met: bool | None  # none: too few annunciations, or there is no target


class AlarmAudit:
    """The audit of one console: all that is annunciated to the same operators.

    Parameters
    ----------
    alarms
        The twin's alarm rules: a source chatters when it is annunciated three times within three of its shortest
        cycles (on-delay and off-delay); without them, or where these are shorter, within a minute.
    kept_days
        How far back the audit looks.
    """

    def __init__(self, alarms: Alarms | None = None, kept_days: float = KEPT_DAYS) -> None:
        cycle_s = 0.0 if alarms is None else alarms.on_delay_s + alarms.off_delay_s
        self._chattering_us = int(max(_ISA_CHATTERING_S, REPEATS * cycle_s) * 1e6)
        self._kept_us = int(kept_days * _DAY_US)
        self._log = Annunciations(self._kept_us)
        self._first_us: int | None = None
        self._batches: dict[str, tuple[int, int]] = {}  # batch_id -> start and newest event time

    @property
    def batches(self) -> tuple[str, ...]:
        """Batches known from deviations and scores, oldest first."""
        return tuple(sorted(self._batches, key=lambda batch_id: (self._batches[batch_id], batch_id)))

    def take(self, record: Deviation | Score) -> None:
        """Note a revision of a deviation; a score shows that event time has passed, and which batch runs.

        Each deviation's revisions come in order, or again; units may report in any order.
        """
        if isinstance(record, Score):
            self._note(record.batch_id, to_us(record.at), record.age_s)
        elif self._log.take(record):
            self._note(record.batch_id, to_us(record.raised_at), record.raised_age_s)
            if record.cleared_at is not None:  # an answer may come long after the batch
                self._note(record.batch_id, to_us(record.cleared_at), record.cleared_age_s)

    def figures(self, since: datetime | None = None, until: datetime | None = None) -> Figures | None:
        """The figures of a period: by default of all that is kept, until the newest event; None: no event yet."""
        if self._first_us is None or self._log.newest_us is None:
            return None
        until_us = self._log.newest_us if until is None else to_us(until)
        since_us = max(self._first_us, until_us - self._kept_us) if since is None else to_us(since)
        return figures(self._log.annunciations, self._log.shelved, (since_us, until_us), self._chattering_us)

    def of_batch(self, batch_id: str) -> Figures | None:
        """The figures of one batch's own deviations, from its start to its newest record; None: not a known batch."""
        span = self._batches.get(batch_id)
        if span is None:
            return None
        annunciations = [each for each in self._log.annunciations if each.batch_id == batch_id]
        shelved = [each for each in self._log.shelved if each.batch_id == batch_id]
        return figures(annunciations, shelved, span, self._chattering_us)

    def _note(self, batch_id: str | None, at_us: int, age_s: float | None) -> None:
        self._first_us = at_us if self._first_us is None else min(self._first_us, at_us)
        self._log.passed(at_us)
        if batch_id is not None:
            begun_us = at_us - int((age_s or 0.0) * 1e6)
            first_us, last_us = self._batches.pop(batch_id, (begun_us, at_us))
            self._batches[batch_id] = (min(first_us, begun_us), max(last_us, at_us))
            oldest = next(iter(self._batches))  # updated least recently
            if self._batches[oldest][1] < (self._log.newest_us or at_us) - self._kept_us:
                del self._batches[oldest]


def report(found: Figures) -> tuple[Line, ...]:
    """The figures beside the targets of ISA-18.2, table 6, for a page or a report."""
    rate, standing, frequent = found.rate, found.standing, found.frequent
    shares = found.priority_shares
    enough = rate.annunciated >= _ENOUGH
    shares_text, top = " / ".join(f"{100 * shares[priority]:.0f}" for priority in PRIORITIES), frequent.top_share
    sparse = shares["high"] <= 0.05 and shares["medium"] <= 0.15
    return (
        _line("Alarms per 10 minutes, average", f"{rate.average:.3g}", "at most 1", rate.average <= 1),
        _line("Alarms in the worst 10 minutes", f"{rate.peak}", "at most 10", rate.peak <= 10),
        _line("Time in flood", f"{100 * found.flooding.share:.1f} %", "below 1 %", found.flooding.share < 0.01),
        _line("Share of the ten most frequent", f"{100 * top:.0f} %", "at most 5 %", _if(enough, top <= 0.05)),
        _line("Chattering", f"{len(frequent.chattering)}", "none", not frequent.chattering),
        _line("Stale (over 24 h), standing", f"{len(standing.stale_now)}", "fewer than 5", len(standing.stale_now) < 5),
        _line("Low / medium / high", f"{shares_text} %", "80 / 15 / 5 %", _if(enough, sparse)),
        _line("Shelved now", f"{found.suppression.shelved_now}", "each with a reason and an end", None),
    )


def _line(name: str, value: str, target: str, met: bool | None) -> Line:
    return Line(name=name, value=value, target=target, met=met)


def _if(enough: bool, met: bool) -> bool | None:
    return met if enough else None
