"""The book of one unit's deviations: which are open, and every change of their state as a new revision.

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
from models.records.subject import Scene, Subject
from models.records.times import to_time, to_us

_KEPT = 200  # unacknowledged deviations kept for a late acknowledgement; the oldest go first


class Life(msgspec.Struct, kw_only=True):
    """One deviation that is not yet forgotten: its latest revision, and whether its condition is there."""

    latest: Deviation
    active: bool


class Book:
    """Deviations of one unit.

    Parameters
    ----------
    subject
        Unit, twin and configuration: the same in every deviation.
    """

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._lives: dict[str, Life] = {}  # by deviation_id, oldest first
        self._ordinals: dict[str, int] = {}  # by "batch/cause", of batches now running
        self.packed: bytes | None = None  # whoever packs ``state`` may keep it here: gone with the next change

    # -- conditions -------------------------------------------------------------------------------------------

    def active(self, cause: str) -> Deviation | None:
        """The deviation whose condition is there now, for this cause."""
        for life in self._lives.values():
            if life.active and life.latest.cause == cause:
                return life.latest
        return None

    def raise_(self, what: Occurrence, scene: Scene) -> Deviation | None:
        """Open a deviation, or join the one that is open or was cleared a moment ago; None: nothing changed."""
        self.packed = None
        self._forget(what.at_us, scene.batch_id)
        life = self._joinable(what, scene)
        if life is None:
            return self._open(what, scene)
        was_active, life.active = life.active, True
        state = advance(life.latest.state, AlarmEvent.RAISE)
        better = what.grade == "approved" and life.latest.grade == "advisory"
        better = better or (what.category != life.latest.category and what.grade == life.latest.grade)
        if state == life.latest.state and not better:
            return None
        changes: dict[str, Any] = {"state": state, "by": None, "comment": None}
        if not was_active:
            changes |= {"cleared_at": None, "cleared_age_s": None}
        if better:
            changes |= self._described(what, scene)
        return self._revise(life, what.at_us, **changes)

    def clear(self, cause: str, at_us: int, scene: Scene) -> Deviation | None:
        """The cause's condition is gone; None: it was not there, or its deviation is shelved."""
        open_ = self.active(cause)
        if open_ is None:
            return None
        self.packed = None
        life = self._lives[open_.deviation_id]
        life.active = False
        cleared = {"cleared_at": to_time(at_us), "cleared_age_s": scene.age_s(at_us)}
        state = advance(open_.state, AlarmEvent.CLEAR)
        if state == open_.state:
            life.latest = msgspec.structs.replace(open_, **cleared)
            return None
        return self._revise(life, at_us, state=state, by=None, comment=None, **cleared)

    def end_batch(self, scene: Scene, at_us: int) -> Iterator[Deviation]:
        """The batch is over: its conditions are gone, and a shelved deviation needs no shelf any more."""
        self.packed = None
        for life in list(self._lives.values()):
            if life.latest.batch_id != scene.batch_id:
                continue
            if life.active and (cleared := self.clear(life.latest.cause, at_us, scene)) is not None:
                yield cleared
            if life.latest.state == "SHLVD":
                yield self._revise(life, at_us, state="NORM", shelved_until=None, by=None, comment=None)
        prefix = f"{scene.batch_id or '-'}/"
        self._ordinals = {k: n for k, n in self._ordinals.items() if not k.startswith(prefix)}
        self._forget(at_us, None)

    # -- people -----------------------------------------------------------------------------------------------

    def act(self, action: OperatorAction) -> Deviation | None:
        """What an operator's action changes; None when no such deviation is open."""
        life = self._lives.get(action.deviation_id)
        if life is None:
            return None
        self.packed = None
        latest, at_us = life.latest, to_us(action.at)
        who: dict[str, Any] = {"by": action.by, "comment": action.reason}
        if action.action == "comment":
            return self._revise(life, at_us, **who)
        if action.action == "acknowledge":
            event = AlarmEvent.ACKNOWLEDGE
        elif action.action == "shelve":
            event, who = AlarmEvent.SHELVE, who | {"shelved_until": action.until}
        else:
            event = AlarmEvent.UNSHELVE_ACTIVE if life.active else AlarmEvent.UNSHELVE_CLEAR
            who |= {"shelved_until": None}
        state = advance(latest.state, event)
        return None if state == latest.state else self._revise(life, at_us, state=state, **who)

    def open(self) -> list[Deviation]:
        """The newest revision of every deviation that is not back to normal."""
        return [life.latest for life in self._lives.values() if life.latest.state != "NORM"]

    def knows(self, deviation_id: str) -> bool:
        """Whether an action on this deviation can still change anything."""
        return deviation_id in self._lives

    # -- state ------------------------------------------------------------------------------------------------

    def state(self) -> tuple[list[Life], dict[str, int]]:
        """A copy of what ``restore`` takes."""
        lives = [Life(latest=life.latest, active=life.active) for life in self._lives.values()]
        return lives, dict(self._ordinals)

    def restore(self, lives: list[Life], ordinals: dict[str, int]) -> None:
        """Take up what ``state`` gave."""
        self._lives = {life.latest.deviation_id: life for life in lives}
        self._ordinals = dict(ordinals)

    # -- inside -----------------------------------------------------------------------------------------------

    def _joinable(self, what: Occurrence, scene: Scene) -> Life | None:
        """The newest life of this cause and batch that is active, shelved or cleared within ``rejoin_s``.

        A sensor that has been called once is the same case for the rest of the batch: somebody has to see to it.
        """
        rejoin_us = int(self._subject.twin.alarms.rejoin_s * 1e6)
        for life in reversed(self._lives.values()):
            latest = life.latest
            if latest.cause != what.cause or latest.batch_id != scene.batch_id:
                continue
            if life.active or latest.state == "SHLVD" or (_of_sensor(latest) and latest.batch_id is not None):
                return life
            recent = latest.cleared_at is not None and what.at_us - to_us(latest.cleared_at) <= rejoin_us
            return life if recent else None
        return None

    def _open(self, what: Occurrence, scene: Scene) -> Deviation:
        batch = scene.batch_id or "-"
        key = f"{batch}/{what.cause}"
        ordinal = self._ordinals[key] = self._ordinals.get(key, 0) + 1
        deviation = Deviation(
            deviation_id=f"{self._subject.unit}/{key}/{ordinal}",
            revision=1,
            state="UNACK",
            unit=self._subject.unit,
            twin=self._subject.twin.name,
            cause=what.cause,
            batch_id=scene.batch_id,
            product=scene.product,
            raised_at=to_time(what.at_us),
            changed_at=to_time(what.at_us),
            raised_age_s=scene.age_s(what.at_us),
            config_sha256=self._subject.config_sha256,
            **self._described(what, scene),
        )
        self._lives[deviation.deviation_id] = Life(latest=deviation, active=True)
        return deviation

    def _described(self, what: Occurrence, scene: Scene) -> dict[str, Any]:
        """The fields that say what was seen."""
        return {
            "category": what.category,
            "grade": what.grade,
            "priority": self._subject.priority(what.category, what.grade),
            "phase": scene.phase,
            "since_at": to_time(what.since_us),
            "statistic": what.statistic,
            "contributors": what.contributors,
            "evidence": what.evidence,
            "reference": scene.reference,
            "message": message(what, scene, self._subject),
        }

    def _revise(self, life: Life, at_us: int, **changes: Any) -> Deviation:
        life.latest = msgspec.structs.replace(
            life.latest, revision=life.latest.revision + 1, changed_at=to_time(at_us), **changes
        )
        return life.latest

    def _forget(self, at_us: int, running: str | None) -> None:
        """Drop what is over and can be neither joined nor acknowledged; sensors' cases of the running batch stay."""
        rejoin_us = int(self._subject.twin.alarms.rejoin_s * 1e6)
        for key, life in list(self._lives.items()):
            cleared = life.latest.cleared_at
            if running is not None and _of_sensor(life.latest) and life.latest.batch_id == running:
                continue
            if life.latest.state == "NORM" and cleared is not None and at_us - to_us(cleared) > rejoin_us:
                del self._lives[key]
        waiting = [key for key, life in self._lives.items() if life.latest.state == "RTNUN"]
        for key in waiting[: max(0, len(waiting) - _KEPT)]:
            del self._lives[key]


def _of_sensor(deviation: Deviation) -> bool:
    return deviation.cause.startswith("sensor:")
