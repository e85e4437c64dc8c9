"""One writer for a recovery folder: a lock that ends with the process that holds it, however it ends."""

import fcntl
import os
import socket
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from models.records.errors import RecoveryError

_LOCK = "patrol.lock"


class HeldError(RecoveryError):
    """Another process holds the folder."""


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Who holds a folder; written into the lock file for people, the lock itself is the kernel's."""

    pid: int
    host: str
    since: datetime


class Hold:
    """A folder held by this process until it ends; kill -9 ends it, too."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor
        self._seen: dict[Path, int] = {}

    def lost(self) -> str | None:
        """The name of a file of the store that is no longer there, or is another one; None: all is well."""
        own = {self.folder / _LOCK: os.fstat(self._descriptor).st_ino}
        for path, inode in (own | self._seen).items():
            try:
                if path.stat().st_ino != inode:
                    return path.name
            except (FileNotFoundError, NotADirectoryError):
                return path.name
            except OSError:  # a file server that is away for a moment: the store's own writes will tell
                return None
        for path in (*self.folder.glob("part-*.sqlite3"), self.folder / "patrol.json"):
            with suppress(OSError):  # not made yet
                self._seen[path] = path.stat().st_ino
        return None

    def release(self) -> None:
        """Let others have it; a process that ends need not."""
        os.close(self._descriptor)


def hold(folder: Path) -> Hold:
    """Hold a folder, which is made where it is not there.

    Raises
    ------
    HeldError
        Another process holds it.
    RecoveryError
        It cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        while True:
            descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
            if _lock(folder, descriptor):
                return Hold(folder, descriptor)
            os.close(descriptor)
    except OSError as exc:
        raise RecoveryError(
            f"recovery folder {folder}: {exc.strerror or exc}; mend its permissions or disk, or choose another "
            "recovery.folder"
        ) from exc


def _lock(folder: Path, descriptor: int) -> bool:
    """Lock the file; False: it was removed meanwhile."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = _holder(descriptor)
        os.close(descriptor)
        raise HeldError(
            f"recovery folder {folder} is held by {holder}: one run writes it at a time; stop that one, choose another "
            "recovery.folder, or start with --standby to take over when it ends"
        ) from None
    try:
        if (folder / _LOCK).stat().st_ino != os.fstat(descriptor).st_ino:
            return False
    except FileNotFoundError:
        return False
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, msgspec.json.encode(_ourselves()), 0)
    return True


def _ourselves() -> Holder:
    return Holder(pid=os.getpid(), host=socket.gethostname(), since=datetime.now(UTC).replace(microsecond=0))


def _holder(descriptor: int) -> str:
    try:
        found = msgspec.json.decode(os.pread(descriptor, 4096, 0), type=Holder)
    except (OSError, msgspec.DecodeError):
        return "another process"
    return f"process {found.pid} on {found.host} since {found.since:%Y-%m-%d %H:%M:%S} UTC"
