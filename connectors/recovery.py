"""The recovery store: where a flow's snapshots lie, and for which configuration they were written."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from bytewax.recovery import RecoveryConfig, init_db_dir

from models.errors import RecoveryError

_OWNER = "patrol.json"


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
    note = folder / _OWNER
    try:
        if note.exists():
            found = msgspec.json.decode(note.read_bytes(), type=Owner)
            _refuse_other(folder, found, owner)
            return Recovery(_config(folder), found, resumed=True)
        folder.mkdir(parents=True, exist_ok=True)
        init_db_dir(str(folder), 1)  # type: ignore[no-untyped-call]
        note.write_bytes(msgspec.json.encode(owner))
    except (OSError, msgspec.DecodeError) as exc:
        raise RecoveryError(f"recovery store {folder}: {exc}; mend its permissions or choose another folder") from exc
    return Recovery(_config(folder), owner, resumed=False)


def _config(folder: Path) -> RecoveryConfig:
    return RecoveryConfig(str(folder), backup_interval=timedelta(0))  # type: ignore[no-untyped-call]


def _refuse_other(folder: Path, found: Owner, wanted: Owner) -> None:
    apart = [
        f"{field}: {getattr(found, field)!r} in the store, {getattr(wanted, field)!r} now"
        for field in ("flow", "twin", "config_sha256", "reference")
        if getattr(found, field) != getattr(wanted, field)
    ]
    if apart:
        raise RecoveryError(
            f"recovery store {folder} was made for something else ({'; '.join(apart)}); a running batch cannot change "
            "its judge: choose another recovery.folder, or remove this one to judge anew from the topics' beginning"
        )
