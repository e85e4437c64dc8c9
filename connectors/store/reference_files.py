"""The files of the reference store: written once or appended to, never changed.

STORE/NAME/VERSION/reference.npz    the reference
STORE/NAME/VERSION/reference.json   its SHA-256, who learnt it, when, from what, with which software
STORE/NAME/states.jsonl             one line a change of state: the audit trail
"""

import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from typing import BinaryIO, Literal

import msgspec

from models.records.errors import ReferenceError
from models.records.messages import UtcTime

VersionState = Literal["candidate", "approved", "retired"]


class Description(msgspec.Struct, frozen=True, kw_only=True):
    """``reference.json``: what is known of a version when it is written."""

    name: str
    version: int
    sha256: str  # hex, of reference.npz
    created_at: UtcTime
    created_by: str
    source: str  # the recordings it was learnt from
    batches: tuple[str, ...]
    software: dict[str, str]


class StoredVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version and how it stands."""

    name: str
    version: int
    state: VersionState
    sha256: str
    created_at: datetime
    created_by: str
    source: str
    batches: tuple[str, ...]
    approved_by: str | None = None  # who approved it last, also when it is retired by now
    approved_at: datetime | None = None

    @property
    def id(self) -> str:
        """``name@version``."""
        return f"{self.name}@{self.version}"


class StateChange(msgspec.Struct, frozen=True, kw_only=True):
    """A line of ``states.jsonl``."""

    version: int
    sha256: str  # what the person who changed the state saw
    state: VersionState
    by: str
    at: UtcTime
    reason: str


def publish(home: Path, described: Description, raw: bytes) -> int:
    """Write a version beside the others, then give it the next free number; two writers never get the same one.

    Raises
    ------
    OSError
        The folder cannot be written.
    """
    number = max(version_numbers(home), default=0) + 1
    while True:
        draft = Path(tempfile.mkdtemp(prefix=".draft-", dir=home))
        try:
            _write(draft / "reference.npz", raw)
            numbered = msgspec.structs.replace(described, version=number)
            _write(draft / "reference.json", msgspec.json.format(msgspec.json.encode(numbered), indent=2) + b"\n")
            draft.chmod(0o755)
            draft.rename(home / str(number))
            return number
        except OSError:
            if not (home / str(number)).exists():
                raise
            number += 1  # another writer was faster
        finally:
            shutil.rmtree(draft, ignore_errors=True)


def version_numbers(home: Path) -> list[int]:
    """The versions that are there, in order."""
    if not home.is_dir():
        return []
    return sorted(int(entry.name) for entry in home.iterdir() if entry.name.isascii() and entry.name.isdigit())


def description(home: Path, version: int) -> Description:
    """``reference.json`` of a version.

    Raises
    ------
    ReferenceError
        It cannot be read, or is that of another version.
    """
    file = home / str(version) / "reference.json"
    with as_reference_error(file):
        described = msgspec.json.decode(file.read_bytes(), type=Description)
    if (described.name, described.version) != (home.name, version):
        raise ReferenceError(
            f"{file}: describes {described.name}@{described.version}; "
            "a version cannot be copied or renamed: fit it anew, or restore the folder"
        )
    return described


def changes(home: Path) -> list[StateChange]:
    """The trail, oldest first.

    Raises
    ------
    ReferenceError
        A line cannot be read.
    """
    file = home / "states.jsonl"
    if not file.exists():
        return []
    with as_reference_error(file):
        lines = file.read_bytes().splitlines()
    read = []
    for number, line in enumerate(lines, 1):
        with as_reference_error(f"{file}: line {number}"):
            read.append(msgspec.json.decode(line, type=StateChange))
    return read


@contextmanager
def trail(home: Path) -> Iterator[BinaryIO]:
    """The trail, open for appending and ours alone until closed."""
    with as_reference_error(home / "states.jsonl"), (home / "states.jsonl").open("ab") as file:
        flock(file, LOCK_EX)
        yield file


def append(file: BinaryIO, history: Iterable[StateChange]) -> None:
    """Write lines in one go and wait until they are on the disk."""
    file.write(b"".join(msgspec.json.encode(change) + b"\n" for change in history))
    file.flush()
    os.fsync(file.fileno())


@contextmanager
def as_reference_error(what: Path | str) -> Iterator[None]:
    """What goes wrong with a file, as ``ReferenceError``."""
    try:
        yield
    except OSError as exc:
        raise ReferenceError(f"{what}: {exc.strerror or exc}; check the store's folder and its permissions") from exc
    except msgspec.DecodeError as exc:
        raise ReferenceError(f"{what}: cannot be read: {exc}; restore the file from a backup") from exc


def zoned(at: datetime) -> datetime:
    """A point in time that says its zone.

    Raises
    ------
    ValueError
        It has none.
    """
    if at.tzinfo is None:
        raise ValueError(f"at is {at.isoformat()}, wanted a time with a zone")
    return at


def _write(file: Path, content: bytes) -> None:
    with file.open("wb") as opened:
        opened.write(content)
        opened.flush()
        os.fsync(opened.fileno())
    file.chmod(0o444)
