"""The register of one unit's deviations: which are open, and every change of their state as a new revision.

One deviation a cause: whatever is over its limit for the same cause joins the deviation that is open for it.
Ids are unit/batch/cause/ordinal: they follow from the scans alone, never from how these were cut into blocks.
"""

from collections.abc import Iterator
from typing import Any

import msgspec

from models.alarms.occurrence import Occurrence
from models.alarms.states import AlarmEvent, advance
from models.alarms.wording import message
from models.records.messages import Deviation, OperatorAction
from models.records.subject import BatchContext, Subject
from models.records.times import to_time, to_us

_KEPT = 200  # unacknowledged deviations kept for a late acknowledgement; the oldest go first


class Tracked(msgspec.Struct, kw_only=True):
    """One deviation that is not yet forgotten: its latest revision, and whether its condition is there."""

    latest: Deviation
    active: bool


class DeviationRegister:
    """Deviations of one unit.

    Parameters
    ----------
    subject
        Unit, twin and configuration: the same in every deviation.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._tracked: dict[str, Tracked] = {}  # by deviation_id, oldest first
        self._ordinals: dict[str, int] = {}  # by "batch/cause", of batches now running
        self.packed: bytes | None = None  # ``state`` in bytes, kept by its caller; None after a change

    # -- conditions -------------------------------------------------------------------------------------------

    def active(self, cause: str) -> Deviation | None:
        """The deviation whose condition is there now, for this cause."""
        for tracked in self._tracked.values():
            if tracked.active and tracked.latest.cause == cause:
                return tracked.latest
        return None

    def raise_(self, what: Occurrence, batch_context: BatchContext) -> Deviation | None:
        """Open a deviation, or join the one that is open or was cleared a moment ago; None: nothing changed."""
        self.packed = None
        self._forget(what.at_us, batch_context.batch_id)
        tracked = self._joinable(what, batch_context) if what.joins else None
        if tracked is None:
            return self._open(what, batch_context)
        was_active, tracked.active = tracked.active, True
        state = advance(tracked.latest.state, AlarmEvent.RAISE)
        better = what.grade == "approved" and tracked.latest.grade == "advisory"
        better = better or (what.category != tracked.latest.category and what.grade == tracked.latest.grade)
        if state == tracked.latest.state and not better:
            return None
        changes: dict[str, Any] = {"state": state, "by": None, "comment": None}
        if not was_active:
            changes |= {"cleared_at": None, "cleared_age_s": None}
        if better:
            changes |= self._described(what, batch_context)
        return self._revise(tracked, what.at_us, **changes)

    def clear(self, cause: str, at_us: int, batch_context: BatchContext) -> Deviation | None:
        """The cause's condition is gone; None: it was not there, or its deviation is shelved."""
        open_ = self.active(cause)
        if open_ is None:
            return None
        self.packed = None
        tracked = self._tracked[open_.deviation_id]
        tracked.active = False
        cleared = {"cleared_at": to_time(at_us), "cleared_age_s": batch_context.age_s(at_us)}
        state = advance(open_.state, AlarmEvent.CLEAR)
        if state == open_.state:
            tracked.latest = msgspec.structs.replace(open_, **cleared)
            return None
        return self._revise(tracked, at_us, state=state, by=None, comment=None, **cleared)

    def end_batch(self, batch_context: BatchContext, at_us: int) -> Iterator[Deviation]:
        """The batch is over: its conditions are gone, and a shelved deviation needs no shelf any more."""
        self.packed = None
        for tracked in list(self._tracked.values()):
            if tracked.latest.batch_id != batch_context.batch_id:
                continue
            if tracked.active and (cleared := self.clear(tracked.latest.cause, at_us, batch_context)) is not None:
                yield cleared
            if tracked.latest.state == "SHLVD":
                yield self._revise(tracked, at_us, state="NORM", shelved_until=None, by=None, comment=None)
        prefix = f"{_batch_part(batch_context)}/"
        self._ordinals = {k: n for k, n in self._ordinals.items() if not k.startswith(prefix)}
        self._forget(at_us, None)

    # -- people -----------------------------------------------------------------------------------------------

    def act(self, action: OperatorAction) -> Deviation | None:
        """What an operator's action changes; None when no such deviation is open."""
        tracked = self._tracked.get(action.deviation_id)
        if tracked is None:
            return None
        self.packed = None
        latest, at_us = tracked.latest, to_us(action.at)
        who: dict[str, Any] = {"by": action.by, "comment": action.reason}
        if action.action == "comment":
            return self._revise(tracked, at_us, **who)
        if action.action == "acknowledge":
            event = AlarmEvent.ACKNOWLEDGE
        elif action.action == "shelve":
            event, who = AlarmEvent.SHELVE, who | {"shelved_until": action.until}
        else:
            event = AlarmEvent.UNSHELVE_ACTIVE if tracked.active else AlarmEvent.UNSHELVE_CLEAR
            who |= {"shelved_until": None}
        state = advance(latest.state, event)
        return None if state == latest.state else self._revise(tracked, at_us, state=state, **who)

    def open(self) -> list[Deviation]:
        """The newest revision of every deviation that is not back to normal."""
        return [tracked.latest for tracked in self._tracked.values() if tracked.latest.state != "NORM"]

    def knows(self, deviation_id: str) -> bool:
        """Whether an action on this deviation can still change anything."""
        return deviation_id in self._tracked

    # -- state ------------------------------------------------------------------------------------------------

    def state(self) -> tuple[list[Tracked], dict[str, int]]:
        """A copy of what ``restore`` takes."""
        all_tracked = [Tracked(latest=tracked.latest, active=tracked.active) for tracked in self._tracked.values()]
        return all_tracked, dict(self._ordinals)

    def restore(self, all_tracked: list[Tracked], ordinals: dict[str, int]) -> None:
        """Take up what ``state`` gave."""
        self._tracked = {tracked.latest.deviation_id: tracked for tracked in all_tracked}
        self._ordinals = dict(ordinals)

    # -- inside -----------------------------------------------------------------------------------------------

    def _joinable(self, what: Occurrence, batch_context: BatchContext) -> Tracked | None:
        """The newest life of this cause and batch that is active, shelved or cleared within ``rejoin_s``.

        A sensor's deviation is joined for the rest of its batch: the sensor needs maintenance once, not every time.
        """
        rejoin_us = int(self._subject.twin.alarms.rejoin_s * 1e6)
        for tracked in reversed(self._tracked.values()):
            latest = tracked.latest
            if latest.cause != what.cause or latest.batch_id != batch_context.batch_id:
                continue
            if tracked.active or latest.state == "SHLVD" or (_of_sensor(latest) and latest.batch_id is not None):
                return tracked
            recent = latest.cleared_at is not None and what.at_us - to_us(latest.cleared_at) <= rejoin_us
            return tracked if recent else None
        return None

    def _open(self, what: Occurrence, batch_context: BatchContext) -> Deviation:
        key = f"{_batch_part(batch_context)}/{_part(what.cause)}"
        ordinal = self._ordinals[key] = self._ordinals.get(key, 0) + 1
        deviation = Deviation(
            deviation_id=f"{_part(self._subject.unit)}/{key}/{ordinal}",
            revision=1,
            state="UNACK",
            unit=self._subject.unit,
            twin=self._subject.twin.name,
            cause=what.cause,
            batch_id=batch_context.batch_id,
            product=batch_context.product,
            raised_at=to_time(what.at_us),
            changed_at=to_time(what.at_us),
            raised_age_s=batch_context.age_s(what.at_us),
            config_sha256=self._subject.config_sha256,
            **self._described(what, batch_context),
        )
        self._tracked[deviation.deviation_id] = Tracked(latest=deviation, active=True)
        return deviation

    def _described(self, what: Occurrence, batch_context: BatchContext) -> dict[str, Any]:
        """The fields that describe the occurrence."""
        return {
            "category": what.category,
            "grade": what.grade,
            "priority": self._subject.priority(what.category, what.grade),
            "phase": batch_context.phase,
            "since_at": to_time(what.since_us),
            "statistic": what.statistic,
            "contributors": what.contributors,
            "evidence": what.evidence,
            "reference": batch_context.reference,
            "message": message(what, batch_context, self._subject),
        }

    def _revise(self, tracked: Tracked, at_us: int, **changes: Any) -> Deviation:
        tracked.latest = msgspec.structs.replace(
            tracked.latest, revision=tracked.latest.revision + 1, changed_at=to_time(at_us), **changes
        )
        return tracked.latest

    def _forget(self, at_us: int, running: str | None) -> None:
        """Drop what is over and can be neither joined nor acknowledged; sensors' cases of the running batch stay."""
        rejoin_us = int(self._subject.twin.alarms.rejoin_s * 1e6)
        for key, tracked in list(self._tracked.items()):
            cleared = tracked.latest.cleared_at
            if running is not None and _of_sensor(tracked.latest) and tracked.latest.batch_id == running:
                continue
            if tracked.latest.state == "NORM" and cleared is not None and at_us - to_us(cleared) > rejoin_us:
                del self._tracked[key]
        waiting = [key for key, tracked in self._tracked.items() if tracked.latest.state == "RTNUN"]
        for key in waiting[: max(0, len(waiting) - _KEPT)]:
            del self._tracked[key]


def _batch_part(batch_context: BatchContext) -> str:
    """A batch as a part of an id; ``-`` where none runs."""
    return "-" if batch_context.batch_id is None else _part(batch_context.batch_id)


def _part(name: str) -> str:
    """A name as a part of an id: a slash in it separates nothing.

    Examples
    --------
    >>> _part("BR-101"), _part("A/B")
    ('BR-101', 'A%2FB')
    """
    return "%2D" if name == "-" else name.replace("%", "%25").replace("/", "%2F")


def _of_sensor(deviation: Deviation) -> bool:
    return deviation.cause.startswith("sensor:")
