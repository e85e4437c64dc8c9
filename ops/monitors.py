"""Which monitor judges a batch: the one place where ``patrol run`` and ``patrol replay`` choose it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from connectors.store.references import AnyReference, Kept, ReferenceStore, StoredVersion, VersionState
from models.continuous.reference import ContinuousReference
from models.records.errors import ReferenceError
from models.records.monitor import Monitor
from models.records.twin import Twin
from models.reference.reference import Reference
from ops.config import Configuration

_JUDGING: tuple[VersionState, ...] = ("approved",)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which reference is asked for; as it stands: the newest approved one of the twin's own store."""

    store: Path | None = None  # folder; None: the twin's references.store
    reference: str | None = None  # "name@version"
    unapproved: bool = False  # a candidate or a retired version will do


@dataclass(frozen=True, slots=True)
class ChosenMonitors:
    """Who judges a twin's batches."""

    monitors: Callable[[str | None], Monitor | None]  # product -> a fresh monitor; None: unknown product
    stored: StoredVersion | None  # None: a cold start
    summary: str  # for people, one line


def choose_monitors(configuration: Configuration, choice: Choice = Choice()) -> ChosenMonitors:
    """The monitors of a twin.

    A continuous process, or batches of the twin's product, are judged against the approved reference; without one
    they get monitors that learn from their own first scans (cold start, grade advisory).

    Raises
    ------
    ReferenceError
        The version asked for is not there or not approved, its checksum fails, or it is about other tags.
    """
    from models.adaptive.monitor import AdaptiveMonitor

    twin = configuration.twin
    if twin.mode == "continuous":
        steady = _found(configuration, choice, ContinuousReference)
        if steady is not None:
            check_fits(twin, *steady)
            return ChosenMonitors(_against_normal(twin, *steady), steady[0], _summary(steady[0]))
    found = None if twin.mode == "continuous" else _found(configuration, choice, Reference)
    if found is None:
        why = f"no approved reference of {twin.name}"
        summary = f"Cold start ({why}): learning from the first {twin.cold_start.learn_scans} scans, grade advisory."
        return ChosenMonitors(lambda product: AdaptiveMonitor(twin) if _ours(twin, product) else None, None, summary)
    stored, reference = found
    check_fits(twin, stored, reference)
    return ChosenMonitors(_against(twin, stored, reference), stored, _summary(stored))


def check_fits(twin: Twin, stored: StoredVersion, reference: AnyReference) -> None:
    """Refuse a reference that is about other tags, or the same in another order.

    Raises
    ------
    ReferenceError
        They differ.
    """
    if tuple(reference.tags) != twin.tag_names:
        differences = sorted(set(reference.tags) ^ set(twin.tag_names)) or ["their order"]
        raise ReferenceError(
            f"reference {stored.id} and twin {twin.name!r} differ in tags ({', '.join(differences)}); "
            "fit a reference with `patrol reference fit`, or restore the tags"
        )


def split(reference: str) -> tuple[str, int | None]:
    """Name and version of ``name@version`` or ``name``.

    Raises
    ------
    ReferenceError
        The version is no whole number.

    Examples
    --------
    >>> split("penicillin@3"), split("penicillin")
    (('penicillin', 3), ('penicillin', None))
    """
    name, at, version = reference.partition("@")
    if at and not version.isdecimal():
        raise ReferenceError(f"reference {reference!r}: version {version!r} is no whole number; write {name}@1")
    return name, int(version) if at else None


def _found(configuration: Configuration, choice: Choice, kind: type[Kept]) -> tuple[StoredVersion, Kept] | None:
    store = ReferenceStore(choice.store or Path(configuration.references.store))
    if choice.reference is not None:
        name, version = split(choice.reference)
        states: tuple[VersionState, ...] = (*_JUDGING, "candidate", "retired") if choice.unapproved else _JUDGING
        return store.load_as(kind, name, version, states)
    name = configuration.twin.name
    states = (*_JUDGING, "candidate") if choice.unapproved else _JUDGING
    if not any(stored.state in states for stored in store.list(name)):
        return None
    return store.load_as(kind, name, None, states)


def _against(twin: Twin, stored: StoredVersion, reference: Reference) -> Callable[[str | None], Monitor | None]:
    from models.batch.fleet import Fleet
    from models.batch.monitor import BatchMonitor

    fleet = Fleet(twin, reference, stored.id)
    return lambda product: BatchMonitor(fleet) if _ours(twin, product) else None


def _against_normal(
    twin: Twin, stored: StoredVersion, reference: ContinuousReference
) -> Callable[[str | None], Monitor | None]:
    from models.continuous.monitor import ContinuousMonitor

    return lambda _: ContinuousMonitor(twin, reference, stored.id)


def _summary(stored: StoredVersion) -> str:
    return f"Reference {stored.id} ({stored.state})."


def _ours(twin: Twin, product: str | None) -> bool:
    return product is None or product == twin.product
