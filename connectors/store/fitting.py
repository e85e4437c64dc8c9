"""Released batches into a candidate, in a process of its own (``connectors.store.fitting_process`` starts it).

Fitting takes minutes, so the flow goes on meanwhile, and stopping does not wait. What is fitted lies in files until a
version holds it, so this process may end at any moment: the next one finds either the files, or the version. Only one
at a time fits for a store's twin; it ends with the process that started it.
"""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from fcntl import LOCK_EX, flock
from pathlib import Path
from threading import Thread
from typing import NoReturn

import msgspec

from connectors.store.batch_files import file_of, files, load, move
from connectors.store.references import ReferenceStore, StoredVersion
from models.records.block import RecordedBatch
from models.records.errors import PatrolError
from models.records.twin import Twin
from models.reference.reference import LEAST_BATCHES, fit_reference

LEARNER = "patrol learn"
WAITING, RELEASED, REJECTED, UNUSABLE = "waiting", "released", "rejected", "unusable"  # folders beside the versions

Tell = Callable[[str, str], None]  # level, text


class Task(msgspec.Struct, frozen=True):
    """What the process is to do; the first thing on its standard input."""

    twin: Twin
    folder: str  # the reference store


def newest(store: ReferenceStore, name: str) -> StoredVersion | None:
    """The newest version that is not retired: what a candidate is learnt on top of."""
    usable = [stored for stored in store.list(name) if stored.state != "retired"]
    return max(usable, key=lambda stored: stored.version, default=None)


def learn_released(twin: Twin, folder: Path, tell: Tell) -> None:
    """Learn every released batch that the newest version does not hold, and leave out what was rejected since.

    Raises
    ------
    PatrolError
        The batches make no reference, or the store cannot be used; their files stay.
    """
    home, store = folder / twin.name, ReferenceStore(folder)
    with _alone(home):
        base = newest(store, twin.name)
        known = frozenset() if base is None else frozenset(base.batches)
        revoked, released = files(home / REJECTED), _released(twin, home, tell)
        fresh = [batch for path, batch in released.items() if batch.batch_id not in known and path.exists()]
        rejected = [batch_id for batch_id in known if file_of(home / REJECTED, batch_id) in revoked]
        if (fresh or rejected) and not _learn(twin, store, base, (fresh, rejected), tell):
            return
        for path in (*released, *revoked):
            path.unlink(missing_ok=True)


def main() -> NoReturn:
    """Do the task given on standard input; what is to be logged goes to standard output, a line each."""
    size = int.from_bytes(sys.stdin.buffer.read(8), "big")
    task = msgspec.msgpack.decode(sys.stdin.buffer.read(size), type=Task)
    Thread(target=_end_with_parent, daemon=True).start()
    code = 0
    try:
        learn_released(task.twin, Path(task.folder), _tell)
    except PatrolError as exc:
        _tell("error", f"no candidate was learnt, the released batches are kept: {exc}")
        code = exc.exit_code
    sys.stdout.flush()
    os._exit(code)  # the thread that waits for the parent holds standard input


# -- inside ------------------------------------------------------------------------------------------------------


def _learn(
    twin: Twin, store: ReferenceStore, base: StoredVersion | None,
    changes: tuple[list[RecordedBatch], list[str]], tell: Tell,
) -> bool:  # fmt: skip
    """Add a version with the fresh batches and without the rejected ones; False: there are too few for a reference."""
    fresh, rejected = changes
    before = () if base is None else store.load(base.name, base.version, states=(base.state,))[1].recordings
    batches = [*(batch for batch in before if batch.batch_id not in rejected), *fresh]
    if len(batches) < LEAST_BATCHES:
        tell("info", f"{len(batches)} of the {LEAST_BATCHES} released batches a first reference needs")
        return False
    tell("info", f"fitting a candidate to {len(batches)} batches, {len(fresh)} of them new")
    reference = fit_reference(twin, batches)
    source = f"released live: {', '.join(batch.batch_id for batch in fresh) or 'none'}"
    source += f"; rejected since: {', '.join(rejected)}" if rejected else ""
    stored = store.add(reference, by=LEARNER, at=datetime.now(UTC), source=source)
    tell("info", f"candidate {stored.id} learnt from {len(batches)} batches; approve it when it is to watch")
    return True


def _released(twin: Twin, home: Path, tell: Tell) -> dict[Path, RecordedBatch]:
    """The released batches by their files; what can make no reference is put aside."""
    found = {}
    for path in files(home / RELEASED):
        try:
            found[path] = load(path, twin.tag_names)
        except FileNotFoundError:  # rejected in this moment
            continue
        except ValueError as exc:
            move(path, home / UNUSABLE / path.name)
            tell("error", f"released batch {path.stem} is not learnt, it {exc}; its file is now in {home / UNUSABLE}")
    return found


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Only one process at a time fits for this twin: what another has learnt meanwhile is seen."""
    home.mkdir(parents=True, exist_ok=True)
    with (home / "learning.lock").open("ab") as file:
        flock(file, LOCK_EX)
        yield


def _tell(level: str, text: str) -> None:
    print(level, " ".join(text.split()), flush=True)


def _end_with_parent() -> None:
    """Standard input ends when the process that holds its other end does, however that ends."""
    os.read(sys.stdin.fileno(), 1)
    os._exit(1)
