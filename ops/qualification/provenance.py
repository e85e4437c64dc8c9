"""Where a report's numbers come from: files, checksums, software, and who approved the reference."""

import hashlib
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from connectors.store.reference_files import StateChange, changes
from connectors.store.references import ReferenceStore, StoredVersion, VersionState
from connectors.store.software import software
from models.records.errors import ReferenceError
from models.reference.reference import Reference
from ops.config import Configuration
from ops.monitors import check_fits, split
from ops.qualification.study import Study


@dataclass(frozen=True, slots=True)
class Source:
    """One recording."""

    name: str
    size: int  # bytes
    sha256: str  # hex


@dataclass(frozen=True, slots=True)
class Qualified:
    """The reference in question."""

    stored: StoredVersion
    reference: Reference
    history: tuple[StateChange, ...]

    def learnt_from(self, study: Study) -> bool:
        """Whether it was learnt from the batches of the study: the same names with the same scans."""
        mine = sorted((batch.batch_id, len(batch.age_s)) for batch in self.reference.recordings)
        return mine == sorted((str(run.batch_id), len(run.observed_us)) for run in study.runs)


def source(path: Path) -> Source:
    """A recording that was read: its name, size and checksum."""
    raw = path.read_bytes()
    return Source(path.name, len(raw), hashlib.sha256(raw).hexdigest())


def qualified(configuration: Configuration, store: Path | None, command: str | None) -> Qualified | None:
    """The version asked for, or the newest that is not retired; None: none is stored and none was asked for.

    Raises
    ------
    ReferenceError
        The version is not there, its checksum fails, or it is about other tags.
    """
    folder = store or Path(configuration.references.store)
    kept = ReferenceStore(folder)
    name, number = (configuration.twin.name, None) if command is None else split(command)
    if command is None and not any(each.state != "retired" for each in kept.list(name)):
        return None
    found: tuple[VersionState, ...] = (
        ("approved", "candidate") if number is None else ("approved", "candidate", "retired")
    )
    stored, reference = kept.load(name, number, states=found)
    check_fits(configuration.twin, stored, reference)
    history = tuple(change for change in changes(folder / stored.name) if change.version == stored.version)
    if reference.budget != configuration.twin.alarms.budget:
        raise ReferenceError(
            f"{stored.id}: learnt for a budget of {reference.budget:g}, but alarms.budget of the twin is "
            f"{configuration.twin.alarms.budget:g}; fit it anew: patrol reference fit {configuration.path}"
        )
    return Qualified(stored, reference, history)


def versions() -> dict[str, str]:
    """PATrol (with the commit where it runs from a checkout), Python, and the libraries the numbers come from."""
    more = {name: version(name) for name in ("bytewax", "matplotlib")}
    return {**software(), "commit": commit(Path(__file__).parent), **more}


def commit(folder: Path) -> str:
    """The git commit PATrol runs from, marked where files differ from it; "installed package" without a checkout."""
    command: Sequence[str] = ("git", "-C", str(folder), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*")
    try:
        completed = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "installed package"
    return completed.stdout.strip()
