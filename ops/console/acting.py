"""What a person does on the page, as records on the operators' topic: the only thing the console writes."""

import threading
from datetime import timedelta
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from connectors.kafka.publisher import Publisher
from connectors.settings import Kafka
from models.records.errors import PatrolError
from models.records.messages import Deviation, OperatorAction
from models.records.times import to_time, to_us
from ops.console.access.people import LONGEST_SHELVING_H, Person
from ops.console.plant import Plant

_CONFIRM_S = 5.0  # wall clock Kafka may take to confirm
_ACKNOWLEDGEABLE = ("UNACK", "RTNUN")
_SHELVABLE = ("UNACK", "ACKED", "RTNUN")


class ActionRequest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the page asks for."""

    action: Literal["acknowledge", "shelve", "unshelve", "comment"]
    deviation_id: Annotated[str, Meta(min_length=1, max_length=1024)]
    reason: Annotated[str, Meta(max_length=1000)] | None = None
    hours: Annotated[float, Meta(gt=0)] | None = None  # of a shelving


class RefusedError(PatrolError):
    """The action cannot be taken as asked; says why."""


class Desk:
    """Publishes actions, one after the other.

    Parameters
    ----------
    kafka
        The broker and the topic.
    plant
        Says what can be acted on, and what time it is there.
    """

    def __init__(self, kafka: Kafka, plant: Plant) -> None:
        self._kafka, self._plant = kafka, plant
        self._topic = next(iter(kafka.topics.operator_actions), None)
        self._lock = threading.Lock()
        self._publisher: Publisher | None = None

    def act(self, requested: ActionRequest, person: Person) -> OperatorAction:
        """Publish what a person asks for, and wait until Kafka has it.

        Raises
        ------
        RefusedError
            Not as asked: unknown or over, without a reason, for too long.
        DeliveryError
            Kafka did not confirm it in time.
        """
        if self._topic is None:
            raise RefusedError("kafka.topics.operator_actions is empty: nothing can be done from here; name a topic")
        revisions = self._plant.history(requested.deviation_id)
        if not revisions:
            raise RefusedError(f"no deviation {requested.deviation_id!r} is known; reload the page")
        latest = revisions[-1]
        action = action_of(requested, person, latest, self._plant.clocks.now_us(latest.unit))
        with self._lock:
            if self._publisher is None:
                self._publisher = Publisher(self._kafka, _CONFIRM_S)
            try:
                self._publisher.publish(self._topic, action.unit, action)
                self._publisher.flush()
            except PatrolError:
                self._publisher = None  # it remembers failures; the next action begins with a new one
                raise
        return action


def action_of(requested: ActionRequest, person: Person, latest: Deviation, now_us: int) -> OperatorAction:
    """The action a person asks for.

    Parameters
    ----------
    requested, person
        What, and who.
    latest
        The deviation's newest revision.
    now_us
        The unit's time; an action is never dated before what it is about.

    Raises
    ------
    RefusedError
        It means nothing now, has no reason, or is for too long.
    """
    reason = (requested.reason or "").strip() or None
    _check(requested, reason, person, latest)
    at = to_time(max(now_us, to_us(latest.changed_at)))
    return OperatorAction(
        action=requested.action,
        deviation_id=latest.deviation_id,
        unit=latest.unit,
        by=person.name,
        at=at,
        reason=reason,
        until=at + timedelta(hours=requested.hours or 0) if requested.action == "shelve" else None,
    )


def _check(requested: ActionRequest, reason: str | None, person: Person, latest: Deviation) -> None:
    """See that the action means something now."""
    state, longest_h = latest.state, LONGEST_SHELVING_H[person.role]
    if requested.action == "acknowledge" and state not in _ACKNOWLEDGEABLE:
        raise RefusedError(f"it is {state} already: there is nothing to acknowledge")
    if requested.action == "unshelve" and state != "SHLVD":
        raise RefusedError(f"it is {state}, not shelved")
    if requested.action in ("shelve", "comment") and reason is None:
        raise RefusedError(
            "say why: a reason is kept with it" if requested.action == "shelve" else "the comment is empty"
        )
    if requested.action == "shelve":
        if state not in _SHELVABLE:
            raise RefusedError(f"it is {state}: it cannot be shelved")
        if requested.hours is None:
            raise RefusedError("say for how many hours: nothing is shelved without an end")
        if requested.hours > longest_h:
            raise RefusedError(
                f"{requested.hours:g} h is too long: {person.role}s may shelve for {longest_h:g} h at most"
            )
