"""The reference store: immutable versions with checksums in a folder, and an append-only trail of their states.

Versions are numbered 1, 2, 3... and never overwritten; a version without a line in the trail is a candidate. At most
one version of a name is approved, and only an approved one judges.
"""

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from connectors.store.packed import pack, unpack
from connectors.store.reference_files import (
    Description,
    StateChange,
    StoredVersion,
    VersionState,
    append,
    as_reference_error,
    changes,
    description,
    publish,
    trail,
    version_numbers,
    zoned,
)
from connectors.store.software import software
from models.continuous.reference import CONTINUOUS, ContinuousReference
from models.records.errors import ReferenceError
from models.reference.reference import Reference

__all__ = ["ReferenceStore", "StoredVersion", "VersionState"]

AnyReference = Reference | ContinuousReference  # of batches, or of a continuous process
Kept = TypeVar("Kept", Reference, ContinuousReference)
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")


class ReferenceStore:
    """Versions of references in a folder, which is made when the first one is added.

    Times and persons are arguments: the store reads no clock and asks for no login.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def add(self, reference: AnyReference, *, by: str, at: datetime, source: str) -> StoredVersion:
        """Store a reference as the next version, a candidate.

        Raises
        ------
        ReferenceError
            The folder cannot be written, or nobody is named.
        """
        home = self._home(reference.name)
        raw = pack(reference.meta(), reference.arrays())
        described = Description(
            name=reference.name, version=0, sha256=hashlib.sha256(raw).hexdigest(), created_at=zoned(at),
            created_by=_person(by), source=source, batches=tuple(reference.batches), software=software(),
        )  # fmt: skip
        with as_reference_error(home):
            home.mkdir(parents=True, exist_ok=True)
            version = publish(home, described, raw)
        change = StateChange(version=version, sha256=described.sha256, state="candidate", by=by, at=at, reason="learnt")
        with trail(home) as file:
            append(file, [change])
        return self._version(reference.name, version)

    def approve(self, name: str, version: int | None, *, by: str, at: datetime, reason: str = "") -> StoredVersion:
        """Approve a version (None: the newest); the one approved before is retired.

        Raises
        ------
        ReferenceError
            There is no such version, its checksum fails, or it is approved already.
        """
        chosen = self._version(name, version)
        self._verified(chosen)
        with trail(self._home(name)) as file:
            stored = self.list(name)
            if any(one.version == chosen.version and one.state == "approved" for one in stored):
                raise ReferenceError(f"{chosen.id} is approved already, by {chosen.approved_by}; nothing to do")
            before = [one for one in stored if one.state == "approved"]
            retired = [_change(one, "retired", by, at, f"{chosen.id} approved in its place") for one in before]
            append(file, [*retired, _change(chosen, "approved", by, at, reason)])
        return self._version(name, chosen.version)

    def retire(self, name: str, version: int | None, *, by: str, at: datetime, reason: str = "") -> StoredVersion:
        """Retire a version (None: the approved one): it judges nothing any more, and stays in the store.

        Raises
        ------
        ReferenceError
            There is no such version, or it is retired already.
        """
        chosen = self._chosen(name, ("approved",)) if version is None else self._version(name, version)
        with trail(self._home(name)) as file:
            if self._version(name, chosen.version).state == "retired":
                raise ReferenceError(f"{chosen.id} is retired already; nothing to do")
            append(file, [_change(chosen, "retired", by, at, reason)])
        return self._version(name, chosen.version)

    def list(self, name: str | None = None) -> list[StoredVersion]:
        """All versions, of one name or of all, by name and number; none where there is no store yet.

        Raises
        ------
        ReferenceError
            A description or the trail of states cannot be read.
        """
        if name is None:
            homes = sorted(self._folder.glob("*/")) if self._folder.is_dir() else []
            return [stored for home in homes if _NAME.fullmatch(home.name) for stored in self.list(home.name)]
        home = self._home(name)
        with as_reference_error(home):
            history = changes(home)
            return [_stored(description(home, version), history) for version in version_numbers(home)]

    def load(
        self, name: str, version: int | None = None, *, states: Sequence[VersionState] = ("approved",)
    ) -> tuple[StoredVersion, Reference]:
        """A version that stands in one of ``states`` (no version: the newest that does), its checksum verified.

        Raises
        ------
        ReferenceError
            There is no such version, it stands otherwise, is a continuous process's, or its checksum fails.
        """
        return self.load_as(Reference, name, version, states)

    def load_as(
        self, kind: type[Kept], name: str, version: int | None, states: Sequence[VersionState]
    ) -> tuple[StoredVersion, Kept]:
        """As ``load``, of this kind."""
        stored, reference = self.load_any(name, version, states)
        if not isinstance(reference, kind):
            raise ReferenceError(
                f"{stored.id} is a {type(reference).__name__}, wanted a {kind.__name__}: the twin's mode has changed; "
                "fit the reference anew, or restore twin.mode"
            )
        return stored, reference

    def load_any(
        self, name: str, version: int | None, states: Sequence[VersionState]
    ) -> tuple[StoredVersion, AnyReference]:
        """As ``load``, of either kind."""
        stored = self._chosen(name, states) if version is None else self._version(name, version)
        if stored.state not in states:
            raise ReferenceError(
                f"{stored.id} is {stored.state}, wanted {' or '.join(states)}; "
                f"approve it: patrol reference approve {stored.id} --store {self._folder} --by NAME"
            )
        raw = self._verified(stored)
        try:
            meta, arrays = unpack(raw)
            kind = ContinuousReference if meta.get("form") == CONTINUOUS else Reference
            return stored, kind.from_parts(meta, arrays)
        except (ValueError, KeyError) as exc:
            raise ReferenceError(f"{self._file(stored)}: cannot be read: {exc}; fit the reference anew") from exc

    # -- inside -----------------------------------------------------------------------------------------------

    def _home(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise ReferenceError(f"{name!r} is no reference's name; use a-z 0-9 . _ -, a letter or digit first")
        return self._folder / name

    def _file(self, stored: StoredVersion) -> Path:
        return self._home(stored.name) / str(stored.version) / "reference.npz"

    def _version(self, name: str, version: int | None) -> StoredVersion:
        versions = self.list(name)
        if not versions:
            raise ReferenceError(
                f"{self._home(name)}: holds no reference {name!r}; fit one: patrol reference fit TWIN.toml"
            )
        if version is None:
            return versions[-1]
        for stored in versions:
            if stored.version == version:
                return stored
        there = ", ".join(stored.id for stored in versions)
        raise ReferenceError(f"{self._home(name)}: holds no version {name}@{version}; it holds {there}")

    def _chosen(self, name: str, states: Sequence[VersionState]) -> StoredVersion:
        newest = self._version(name, None)
        fitting = [stored for stored in self.list(name) if stored.state in states]
        if not fitting:
            raise ReferenceError(
                f"{self._home(name)}: no version of {name!r} is {' or '.join(states)}; "
                f"approve one: patrol reference approve {newest.id} --store {self._folder} --by NAME"
            )
        return fitting[-1]

    def _verified(self, stored: StoredVersion) -> bytes:
        """The bytes of a version, if they are those that were stored."""
        file = self._file(stored)
        with as_reference_error(file):
            raw = file.read_bytes()
        found = hashlib.sha256(raw).hexdigest()
        if found != stored.sha256:
            raise ReferenceError(
                f"{file}: SHA-256 is {found}, expected {stored.sha256}: it was changed after it was stored; "
                "restore the file from a backup, or fit the reference anew"
            )
        return raw


def _stored(described: Description, history: Sequence[StateChange]) -> StoredVersion:
    mine = [change for change in history if change.version == described.version]
    for change in mine:
        if change.sha256 != described.sha256:
            raise ReferenceError(
                f"{described.name}@{described.version}: reference.json says SHA-256 {described.sha256}, "
                f"states.jsonl {change.sha256} ({change.state} by {change.by}): restore the changed one from a backup"
            )
    approval = next((change for change in reversed(mine) if change.state == "approved"), None)
    return StoredVersion(
        name=described.name,
        version=described.version,
        state=mine[-1].state if mine else "candidate",
        sha256=described.sha256,
        created_at=described.created_at,
        created_by=described.created_by,
        source=described.source,
        batches=described.batches,
        approved_by=None if approval is None else approval.by,
        approved_at=None if approval is None else approval.at,
    )


def _change(stored: StoredVersion, state: VersionState, by: str, at: datetime, reason: str) -> StateChange:
    return StateChange(
        version=stored.version, sha256=stored.sha256, state=state, by=_person(by), at=zoned(at), reason=reason
    )


def _person(by: str) -> str:
    if not by.strip():
        raise ReferenceError(f"by is {by!r}: the audit trail needs the name of who does it; give --by NAME")
    return by
