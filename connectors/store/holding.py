"""One process a recovery folder: who holds it, and waiting until nobody does."""

import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from models.records.errors import RecoveryError

_LOCK = "patrol.lock"  # locked for as long as the process lives; what is in it is for people


@contextmanager
def held(folder: Path, wait: Callable[[str], bool] | None = None) -> Iterator[None]:
    """Hold a folder; the operating system lets go of it when the process ends, however it ends.

    Parameters
    ----------
    folder
        Made with its parents where it is not there.
    wait
        Called with who holds it for as long as another process does; False gives up. None: nobody waits.

    Raises
    ------
    RecoveryError
        Another process holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / _LOCK).open("a+")
    except OSError as exc:
        raise RecoveryError(
            f"recovery store {folder}: {exc}; mend its permissions or choose another recovery.folder"
        ) from exc
    with file:
        while not _locked(file.fileno()):
            if wait is None or not wait(holder(folder)):
                raise RecoveryError(
                    f"recovery store {folder} is in use by {holder(folder)}: one process writes a twin's records; stop "
                    "that one, or start this one with --standby"
                )
        file.truncate(0)
        file.write(f"process {os.getpid()} on {socket.gethostname()}, since {datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC")
        file.flush()
        yield


def holder(folder: Path) -> str:
    """Who holds a folder, in words; of the last one where nobody does."""
    try:
        return (folder / _LOCK).read_text() or "another process"
    except OSError:
        return "another process"


def in_use(folder: Path) -> bool:
    """Whether a process holds a folder now."""
    try:
        with (folder / _LOCK).open() as file:
            return not _locked(file.fileno())
    except OSError:
        return False


def _locked(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
