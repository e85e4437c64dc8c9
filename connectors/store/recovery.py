"""The recovery store: where a flow's snapshots lie, and for which configuration they were written."""

import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from bytewax.recovery import RecoveryConfig, init_db_dir

from models.records.errors import RecoveryError

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


def open_store(folder: Path, owner: Owner) -> Recovery:
    """Open the store in ``folder``, or make it.

    Parameters
    ----------
    folder
        Made with its parents where it is not there.
    owner
        Who wants it; all but ``created_at`` must be what the store was made for.

    Raises
    ------
    RecoveryError
        It was made for another flow, twin, configuration or reference, or cannot be read or written.
    """
    note, parts = folder / _OWNER, sorted(folder.glob("part-*.sqlite3"))
    try:
        if note.exists() != bool(parts) or not all(part.stat().st_size for part in parts):
            lacks = "snapshots (part-*.sqlite3)" if note.exists() else _OWNER
            raise RecoveryError(
                f"recovery store {folder} lacks its {lacks}, as after a partial restore: restore all of it, or remove "
                "it to judge anew from the topics' beginning"
            )
        if note.exists():
            found = msgspec.json.decode(note.read_bytes(), type=Owner)
            _refuse_other(folder, found, owner)
            _drop_unfinished(folder)
            return Recovery(_config(folder), found, resumed=True)
        folder.mkdir(parents=True, exist_ok=True)
        init_db_dir(str(folder), 1)  # type: ignore[no-untyped-call]
        note.write_bytes(msgspec.json.encode(owner))
    except (OSError, sqlite3.Error, msgspec.DecodeError) as exc:
        raise RecoveryError(f"recovery store {folder}: {exc}; mend its permissions or choose another folder") from exc
    return Recovery(_config(folder), owner, resumed=False)


def is_there(folder: Path) -> bool:
    """Whether a store that was opened is still where it was."""
    return (folder / _OWNER).exists() and any(folder.glob("part-*.sqlite3"))


def snapshots(folder: Path) -> tuple[float, int]:
    """When a snapshot was last written (seconds since 1970) and the store's size in bytes; (0.0, 0): there is none."""
    newest_s, size = 0.0, 0
    for path in folder.glob("part-*.sqlite3*"):
        with suppress(FileNotFoundError):  # a write-ahead log may go while we look
            found = path.stat()
            newest_s, size = max(newest_s, found.st_mtime), size + found.st_size
    return newest_s, size


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
