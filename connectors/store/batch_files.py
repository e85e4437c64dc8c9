"""Whole batches as files: how one waits for a decision, and for the reference that is to learn it."""

import os
import zipfile
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import numpy as np

from models.records.block import RecordedBatch

_LONGEST_NAME = 200  # of a file, bytes; file systems take 255


def save(folder: Path, batch: RecordedBatch, tags: tuple[str, ...]) -> None:
    """Write one batch's file, whole or not at all, and wait until it is on the disk."""
    folder.mkdir(parents=True, exist_ok=True)
    path = file_of(folder, batch.batch_id)
    draft = path.with_name(f"{path.name}.part")
    with draft.open("wb") as file:
        np.savez(
            file,
            batch_id=np.array(batch.batch_id),
            age_s=batch.age_s,
            values=batch.values,
            phases=np.array([name for name, _ in batch.phases], dtype=str),
            phase_ages_s=np.array([age for _, age in batch.phases], dtype=float),
            tags=np.array(tags, dtype=str),
        )
        file.flush()
        os.fsync(file.fileno())
    move(draft, path)


def load(path: Path, tags: tuple[str, ...]) -> RecordedBatch:
    """Read one batch's file.

    Raises
    ------
    ValueError
        It is none, or its batch has other tags.
    """
    try:
        with np.load(path, allow_pickle=False) as parts:
            found = tuple(parts["tags"].tolist()) if "tags" in parts else tags
            phases = zip(parts["phases"].tolist(), parts["phase_ages_s"].tolist(), strict=True)
            batch = RecordedBatch(str(parts["batch_id"]), parts["age_s"], parts["values"], tuple(phases))
    except (zipfile.BadZipFile, KeyError, EOFError) as exc:
        raise ValueError(f"cannot be read: {exc}") from exc
    if found != tags or batch.values.shape != (len(batch.age_s), len(tags)):
        raise ValueError(f"has the tags {', '.join(found)}, the twin's are {', '.join(tags)}")
    if len(batch.age_s) < 2:
        raise ValueError("has a single scan, a reference needs two or more of a batch")
    return batch


def move(path: Path, target: Path) -> None:
    """Rename a file, and wait until that is on the disk."""
    target.parent.mkdir(parents=True, exist_ok=True)
    os.replace(path, target)
    for folder in {path.parent, target.parent}:
        descriptor = os.open(folder, os.O_RDONLY)
        with suppress(OSError):  # some file servers cannot
            os.fsync(descriptor)
        os.close(descriptor)


def file_of(folder: Path, batch_id: str) -> Path:
    """Where a batch's file lies; any id makes a safe name.

    Examples
    --------
    >>> file_of(Path("waiting"), "A/1").name
    'A%2F1.npz'
    >>> len(file_of(Path("waiting"), "°" * 256).name)
    204
    """
    name = quote(batch_id, safe="")
    if len(name) > _LONGEST_NAME:
        name = name[: _LONGEST_NAME - 65] + "-" + sha256(batch_id.encode("utf-8", "surrogatepass")).hexdigest()
    return folder / f"{name}.npz"


def files(folder: Path) -> list[Path]:
    """The batches' files in a folder, by name."""
    return sorted(folder.glob("*.npz"))
