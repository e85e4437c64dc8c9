"""What must be in order before a batch starts, checked one by one; nothing is changed unless asked to."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from prometheus_client import CollectorRegistry

from connectors.inputs.spread import Looked, spread_units
from connectors.kafka.topics import TopicState, Use, create_topics, describe
from connectors.prometheus.exposition import serve
from connectors.settings import Topics
from connectors.store.recovery import look
from connectors.store.references import StoredVersion
from models.records.errors import BrokerError, PatrolError, RecoveryError, ReferenceError
from models.unit.state import READABLE
from ops.config import Configuration
from ops.monitors import Choice, choose_monitors
from ops.running import owner, recovery_folder

_BROKER_S = 5.0  # wall clock for an answer
_NAMED = 5  # units


@dataclass(frozen=True, slots=True)
class Outcome:
    """One check: what was found, or what is wrong and what to do."""

    what: str
    detail: str
    exit_code: int = 0  # of the error; 0: in order
    warns: bool = False  # nothing fails of it, but it should be mended

    @property
    def ok(self) -> bool:
        """Whether it is in order."""
        return self.exit_code == 0


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """What ``patrol check`` is asked."""

    choice: Choice
    recovery: Path | None = None
    cold_start: bool = False  # a batch twin without a reference is meant so
    partitions: int | None = None  # create missing topics with so many; None: create nothing


def checks(configuration: Configuration, options: CheckOptions) -> Iterator[Outcome]:
    """Reference, recovery store, metrics port, broker and each topic, each as soon as it is known."""
    found: list[StoredVersion | None] = []  # empty: the reference is not in order
    yield _outcome("reference", partial(_reference, configuration, options, found))
    if found:
        yield _outcome("recovery", partial(_recovery, configuration, options, found[0]))
    yield _outcome("metrics", partial(_metrics, configuration))
    states: list[TopicState] = []
    yield _outcome("broker", partial(_broker, configuration, options, states))
    for state in states:
        yield _outcome(f"topic {state.topic}", partial(_topic, state, uses(configuration.kafka.topics)[state.topic]))
    several = [state.topic for state in states if state.topic in configuration.kafka.topics.scans and _has_order(state)]
    if several:
        looked: list[Looked] = []
        outcome = _outcome("units", partial(_units, configuration, several, looked))
        yield replace(outcome, warns=any(found.spread for found in looked))


def uses(topics: Topics) -> dict[str, Use]:
    """Each topic, and what PATrol does with it."""
    read: dict[str, Use] = dict.fromkeys((*topics.scans, *topics.context), "read")
    written: dict[str, Use] = dict.fromkeys((topics.deviations, topics.scores, topics.dead_letters), "write")
    return read | written


def _outcome(what: str, check: Callable[[], str]) -> Outcome:
    try:
        return Outcome(what, check())
    except PatrolError as exc:
        return Outcome(what, str(exc), exc.exit_code)


def _reference(configuration: Configuration, options: CheckOptions, found: list[StoredVersion | None]) -> str:
    chosen = choose_monitors(configuration, options.choice)
    if chosen.stored is None and configuration.twin.mode == "batch" and not options.cold_start:
        raise ReferenceError(
            f"no approved reference of {configuration.twin.name!r}; `patrol reference fit` one and approve it, "
            "or say that a cold start is meant: --cold-start"
        )
    found.append(chosen.stored)
    if chosen.stored is None:
        return chosen.summary
    return f"{chosen.stored.id}, {chosen.stored.state}, checksum {chosen.stored.sha256[:12]} verified, tags match"


def _recovery(configuration: Configuration, options: CheckOptions, stored: StoredVersion | None) -> str:
    folder = recovery_folder(configuration, "deviation", options.recovery)
    if folder.exists():
        if not (folder.is_dir() and os.access(folder, os.W_OK)):
            raise RecoveryError(f"{folder}: cannot be written; mend its permissions or choose another recovery.folder")
        kept = look(folder, owner("deviation", configuration, stored), READABLE)
        if kept is None:
            return f"{folder}: empty, a new store will be made"
        return f"{folder}: snapshots since {kept.created_at:%Y-%m-%d %H:%M} UTC, of this configuration"
    above = next(parent for parent in folder.absolute().parents if parent.exists())
    if not (above.is_dir() and os.access(above, os.W_OK)):
        raise RecoveryError(f"{folder}: cannot be made in {above}; mend that or choose another recovery.folder")
    return f"{folder}: will be made"


def _metrics(configuration: Configuration) -> str:
    served = serve(CollectorRegistry(), configuration.metrics, ready=lambda: False, live=lambda: False)
    served.close()
    return f"{configuration.metrics.address}:{configuration.metrics.port or 'any free port'} is free"


def _broker(configuration: Configuration, options: CheckOptions, states: list[TopicState]) -> str:
    kafka, made = configuration.kafka, list[str]()
    names = tuple(uses(kafka.topics))
    if options.partitions is not None:
        missing = [state.topic for state in describe(kafka, names, _BROKER_S) if not state.partitions]
        made = create_topics(kafka, missing, options.partitions)
    states += describe(kafka, names, _BROKER_S)
    created = f", created {', '.join(made)}" if made else ""
    return f"{kafka.bootstrap_servers} answers{created}"


def _topic(state: TopicState, use: Use) -> str:
    trouble = state.trouble(use)
    if trouble is not None:
        raise BrokerError(trouble)
    known = state.readable if use == "read" else state.writable
    return f"{state.partitions} partition(s), {use}" + ("" if known else " (the broker does not say who may)")


def _has_order(state: TopicState) -> bool:
    """Whether it can be read, and the order of a unit's scans hangs on their partition."""
    return state.trouble("read") is None and state.partitions > 1


def _units(configuration: Configuration, topics: list[str], looked: list[Looked]) -> str:
    """Each unit's scans are in one partition of a topic, or which are not; ``looked`` gets what was found."""
    found = spread_units(configuration.kafka, topics, configuration.twin.units)
    looked.append(found)
    seen = f"{found.messages} newest message(s) of {found.partitions} partition(s) looked at"
    seen += "" if found.whole else ", not all of them"
    if not found.spread:
        return f"each in one partition of a topic ({seen})"
    more = f"; and {len(found.spread) - _NAMED} more" if len(found.spread) > _NAMED else ""
    return "; ".join(map(str, found.spread[:_NAMED])) + f"{more} ({seen})"
