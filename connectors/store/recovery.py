"""The recovery store: where a flow's snapshots lie, and for which configuration they were written."""

import pickle
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from bytewax.recovery import RecoveryConfig, init_db_dir

from models.records.errors import RecoveryError, causes

_OWNER = "patrol.json"
_DROP = """
DELETE FROM snaps WHERE snap_epoch >= (
    SELECT CASE WHEN count(front.worker_frontier) = ex.worker_count THEN min(front.worker_frontier)
                ELSE ex.resume_epoch END
    FROM exs AS ex LEFT JOIN fronts AS front USING (ex_num)
    WHERE ex.ex_num = (SELECT max(ex_num) FROM exs)
    GROUP BY ex.ex_num
)
"""  # where the next run begins: as far as every worker of the last one got, else where that one began
_STATE = """
SELECT ser_change FROM snaps WHERE step_id LIKE '%.watch%' AND length(ser_change) > 40 ORDER BY snap_epoch DESC LIMIT 1
"""  # of a unit; one that has judged nothing yet is empty
_TABLES = {"parts", "exs", "fronts", "commits", "snaps"}
_SQLITE = re.compile(r"sqlite(?:(?!Some\().)*(?:Some\(\"([^\"]*)\"\))?", re.IGNORECASE | re.DOTALL)


class _Form(msgspec.Struct):
    version: int


_FORM = msgspec.msgpack.Decoder(_Form)


class Owner(msgspec.Struct, frozen=True, kw_only=True):
    """What a store's snapshots belong to."""

    flow: str
    twin: str
    config_sha256: str
    reference: str  # "name@version sha256"; "" for a cold start
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Recovery:
    """A store ready for use."""

    config: RecoveryConfig
    owner: Owner
    resumed: bool  # False: it is new


def open_store(folder: Path, owner: Owner, forms: tuple[int, ...] = ()) -> Recovery:
    """Open the store in ``folder``, or make it; the caller holds the folder.

    Parameters
    ----------
    folder
        Made with its parents where it is not there.
    owner
        Who wants it; all but ``created_at`` must be what the store was made for.
    forms
        The forms of a unit's state that can be read, the present one first; none: any.

    Raises
    ------
    RecoveryError
        It was made for another flow, twin, configuration or reference, holds states of another form, is damaged, or
        cannot be read or written.
    """
    with _named(folder):
        found = look(folder, owner, forms)
        if found is not None:
            _drop_unfinished(folder)
            return Recovery(_config(folder), found, resumed=True)
        _make(folder, owner)
        return Recovery(_config(folder), owner, resumed=False)


def look(folder: Path, owner: Owner, forms: tuple[int, ...] = ()) -> Owner | None:
    """Whose store ``folder`` holds, nothing changed in it; None: it holds none. Raises as ``open_store`` does."""
    with _named(folder):
        note, parts = folder / _OWNER, sorted(folder.glob("part-*.sqlite3"))
        if not note.exists():
            if any(map(_begun, parts)):
                raise _damaged(folder, f"{_OWNER} is missing")
            return None
        found = msgspec.json.decode(note.read_bytes(), type=Owner)
        _refuse_other(folder, found, owner)
        _refuse_damaged(folder, parts)
        if forms:
            _refuse_other_form(folder, parts, forms)
        return found


def snapshots(folder: Path) -> tuple[float, int]:
    """When a snapshot was last written (seconds since 1970) and the store's size in bytes; (0.0, 0): there is none."""
    newest_s, size = 0.0, 0
    for path in folder.glob("part-*.sqlite3*"):
        with suppress(FileNotFoundError):  # a write-ahead log may go while we look
            found = path.stat()
            newest_s, size = max(newest_s, found.st_mtime), size + found.st_size
    return newest_s, size


def engine_error(folder: Path, exc: BaseException) -> RecoveryError | None:
    """What a person is told of an error or panic of the engine's when it is about the store; None: it is not."""
    for cause in causes(exc):
        if found := _SQLITE.search(str(cause)):
            return RecoveryError(
                f"recovery folder {folder}: {found[1] or 'cannot be read or written'}; make room on its disk, mend its "
                "permissions or choose another recovery.folder, and start again: what was not kept is judged again"
            )
    return None


@contextmanager
def _named(folder: Path) -> Iterator[None]:
    try:
        yield
    except (RecoveryError, KeyboardInterrupt):
        raise
    except BaseException as exc:  # a panic of the engine's is no Exception
        if not (isinstance(exc, (OSError, sqlite3.Error, msgspec.DecodeError)) or engine_error(folder, exc)):
            raise
        raise RecoveryError(
            f"recovery store {folder}: {exc}; mend its disk or permissions, restore the whole folder, or choose another"
        ) from exc


def _damaged(folder: Path, how: str) -> RecoveryError:
    return RecoveryError(
        f"recovery store {folder} is damaged: {how}; restore the whole folder, or remove it to judge anew from the "
        "topics' beginning"
    )


def _begun(part: Path) -> bool:
    """Whether a flow has run on it; one killed while the store was made has not."""
    if part.stat().st_size == 0:
        return False
    with closing(sqlite3.connect(part)) as store:
        tables = store.execute("SELECT count(*) FROM sqlite_master WHERE name = 'exs'").fetchone()[0]
        return bool(tables and store.execute("SELECT count(*) FROM exs").fetchone()[0])


def _make(folder: Path, owner: Owner) -> None:
    """A new store; its note last, so that one half made is made again."""
    folder.mkdir(parents=True, exist_ok=True)
    for half in folder.glob("part-*.sqlite3*"):
        half.unlink()
    init_db_dir(str(folder), 1)  # type: ignore[no-untyped-call]
    _write(folder / _OWNER, msgspec.json.encode(owner))


def _write(path: Path, content: bytes) -> None:
    """Whole or not at all."""
    beside = path.with_suffix(".new")
    beside.write_bytes(content)
    beside.replace(path)


def _refuse_damaged(folder: Path, parts: list[Path]) -> None:
    """Bytewax panics over a store that lacks a part, or a table of one."""
    if not parts:
        raise _damaged(folder, "its part files are missing")
    for part in parts:
        if part.stat().st_size == 0:
            raise _damaged(folder, f"{part.name} is empty")
        with closing(sqlite3.connect(part)) as store:
            tables = {name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            if missing := sorted(_TABLES - tables):
                raise _damaged(folder, f"{part.name} lacks {', '.join(missing)}")
            (count,) = store.execute("SELECT max(part_count) FROM parts").fetchone()
        if count != len(parts):
            raise _damaged(folder, f"it holds {len(parts)} of {count} part files")


def _refuse_other_form(folder: Path, parts: list[Path], forms: tuple[int, ...]) -> None:
    """Look at one state of a unit: they are all of one form, as another one is refused here."""
    for part in parts:
        with closing(sqlite3.connect(part)) as store:
            kept = store.execute(_STATE).fetchone()
        if kept is None:
            continue
        found = _FORM.decode(pickle.loads(kept[0])).version  # as the engine reads it
        if found not in forms:
            raise RecoveryError(
                f"recovery store {folder} holds states of form {found}, this PATrol reads form {forms[0]}: "
                "choose another recovery.folder, remove this one to judge anew from the topics' beginning, or start "
                "the PATrol that wrote it"
            )


def _config(folder: Path) -> RecoveryConfig:
    return RecoveryConfig(str(folder), backup_interval=timedelta(0))  # type: ignore[no-untyped-call]


def _drop_unfinished(folder: Path) -> None:
    """Drop the snapshots of the epoch in which the last run was killed.

    Bytewax 0.21 writes an epoch's snapshots before it counts the epoch as done, leaves them behind when it is killed in
    between, and numbers the next run's epochs from there. A key that the next run does not touch in that epoch keeps
    the dead run's snapshot, which later runs believe, though its source was set back: units ahead of their scans.
    """
    for part in folder.glob("part-*.sqlite3"):
        with closing(sqlite3.connect(part)) as store, store:
            store.execute(_DROP)


def _refuse_other(folder: Path, found: Owner, wanted: Owner) -> None:
    differences = [
        f"{field}: {getattr(found, field)!r} in the store, {getattr(wanted, field)!r} now"
        for field in ("flow", "twin", "config_sha256", "reference")
        if getattr(found, field) != getattr(wanted, field)
    ]
    if differences:
        how = "; ".join(differences)
        raise RecoveryError(
            f"recovery store {folder} was made for something else ({how}); a running batch cannot change its judge: "
            "choose another recovery.folder, or remove this one to judge anew from the topics' beginning"
        )
