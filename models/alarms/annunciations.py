"""The log of one console: every annunciation and shelving, from the deviations' revisions.

An annunciation is a deviation that becomes unacknowledged (``UNACK``): raised, come back after it had returned, or
taken off its shelf while it is there. Acknowledging, commenting and clearing are not; a deviation that is raised again
while it is shelved is not (no operator sees it). Event time throughout.

References
----------
ANSI/ISA-18.2-2016, 3.1 (annunciation, shelve) and clause 16; EEMUA 191, 3rd edition.
"""

from bisect import insort
from operator import attrgetter

import msgspec

from models.records.messages import Deviation, Grade, Priority
from models.records.times import to_us


class Annunciation(msgspec.Struct, kw_only=True):
    """One alarm put before the operators; times in microseconds since 1970-01-01 UTC."""

    at_us: int
    deviation_id: str
    source: str  # "unit/cause": what counts as the same alarm, batch after batch
    priority: Priority
    grade: Grade
    batch_id: str | None
    over_us: int | None = None  # its condition was gone, or it was shelved; none: it stands
    answered_us: int | None = None  # acknowledged, shelved or annunciated anew; none: unacknowledged


class Shelving(msgspec.Struct, kw_only=True):
    """One suppression of an alarm by a person."""

    at_us: int
    deviation_id: str
    batch_id: str | None
    over_us: int | None = None


class Annunciations:
    """The log of one console, oldest first whatever the order in which units report.

    Parameters
    ----------
    kept_us
        How long what is over is remembered, in event time (microseconds).
    """

    def __init__(self, kept_us: int) -> None:
        self._kept_us = kept_us
        self.newest_us: int | None = None
        self._swept_us = 0
        self.annunciations: list[Annunciation] = []
        self.shelved: list[Shelving] = []
        self._latest: dict[str, Deviation] = {}  # deviation_id -> its newest revision
        self._standing: dict[str, Annunciation] = {}  # deviation_id -> its newest annunciation
        self._on_shelf: dict[str, Shelving] = {}

    def take(self, deviation: Deviation) -> bool:
        """Note a revision; False: it is known already, or older than what is known.

        Where earlier revisions were never seen (a compacted topic keeps the newest only), the first annunciation is
        taken from ``raised_at``.
        """
        before = self._latest.get(deviation.deviation_id)
        if before is not None and before.revision >= deviation.revision:
            return False
        self._latest[deviation.deviation_id] = deviation
        self.passed(at_us := to_us(deviation.changed_at))
        if before is None and deviation.revision > 1:
            self._annunciate(deviation, to_us(deviation.raised_at))
        was, now = ("NORM" if before is None else before.state), deviation.state
        if now == "UNACK" and was != "UNACK" and (before is not None or deviation.revision == 1):
            self._annunciate(deviation, at_us)
        elif now == "SHLVD" and was != "SHLVD":
            self._shelve(deviation, at_us)
        self._end(deviation, at_us)
        return True

    def passed(self, at_us: int) -> None:
        """Event time has come so far; what is over and older than is kept is forgotten."""
        if self.newest_us is not None and at_us <= self.newest_us:
            return
        self.newest_us = at_us
        if at_us - self._swept_us > self._kept_us // 100:
            self._swept_us = at_us
            self._forget(at_us - self._kept_us)

    # -- inside -----------------------------------------------------------------------------------------------

    def _annunciate(self, deviation: Deviation, at_us: int) -> None:
        earlier = self._standing.get(deviation.deviation_id)
        if earlier is not None:
            earlier.over_us = at_us if earlier.over_us is None else earlier.over_us
            earlier.answered_us = at_us if earlier.answered_us is None else earlier.answered_us
        annunciation = Annunciation(
            at_us=at_us,
            deviation_id=deviation.deviation_id,
            source=f"{deviation.unit}/{deviation.cause}",
            priority=deviation.priority,
            grade=deviation.grade,
            batch_id=deviation.batch_id,
        )
        self._standing[deviation.deviation_id] = annunciation
        insort(self.annunciations, annunciation, key=attrgetter("at_us", "deviation_id"))

    def _shelve(self, deviation: Deviation, at_us: int) -> None:
        shelving = Shelving(at_us=at_us, deviation_id=deviation.deviation_id, batch_id=deviation.batch_id)
        self._on_shelf[deviation.deviation_id] = shelving
        insort(self.shelved, shelving, key=attrgetter("at_us", "deviation_id"))

    def _end(self, deviation: Deviation, at_us: int) -> None:
        """What the revision's state ends: the annunciation's condition, its wait for an answer, a shelving."""
        annunciation, state = self._standing.get(deviation.deviation_id), deviation.state
        if annunciation is not None:
            if annunciation.over_us is None and state in ("NORM", "RTNUN", "SHLVD"):
                annunciation.over_us = at_us
            if annunciation.answered_us is None and state in ("NORM", "ACKED", "SHLVD"):
                annunciation.answered_us = at_us
        if state != "SHLVD" and (shelving := self._on_shelf.pop(deviation.deviation_id, None)) is not None:
            shelving.over_us = at_us

    def _forget(self, oldest_us: int) -> None:
        """Drop what was over before the time; of deviations long back to normal no revision will follow."""
        self.annunciations = [each for each in self.annunciations if each.over_us is None or each.over_us >= oldest_us]
        self.shelved = [each for each in self.shelved if each.over_us is None or each.over_us >= oldest_us]
        old = [
            key
            for key, latest in self._latest.items()
            if latest.state == "NORM" and to_us(latest.changed_at) < oldest_us
        ]
        for key in old:
            del self._latest[key]
            self._standing.pop(key, None)
