"""The files of the reference store: written once, checked against their checksums, and what becomes of damage."""

import hashlib
import io
import json
import os
import zipfile
from pathlib import Path

import numpy as np
import pytest

from connectors.store.packed import pack, unpack
from connectors.store.references import ReferenceStore
from models.records.errors import ReferenceError
from models.reference.reference import Reference
from tests.connectors.conftest import AT, add


def test_nothing_in_a_file_says_when_it_was_written() -> None:
    packed = pack({"name": "p"}, {"mean": np.zeros(3)})
    assert {entry.date_time[0] for entry in zipfile.ZipFile(io.BytesIO(packed)).infolist()} == {1980}


def test_a_changed_file_is_neither_loaded_nor_approved(
    store: ReferenceStore, reference: Reference, tmp_path: Path
) -> None:
    add(store, reference)
    file = tmp_path / "refs" / "reactor" / "1" / "reference.npz"
    raw = bytearray(file.read_bytes())
    expected = hashlib.sha256(raw).hexdigest()
    raw[len(raw) // 2] ^= 1
    os.chmod(file, 0o644)
    file.write_bytes(raw)
    found = hashlib.sha256(raw).hexdigest()
    for attempt in (
        lambda: store.load("reactor", 1, states=("candidate",)),
        lambda: store.approve("reactor", 1, by="B", at=AT),
    ):
        with pytest.raises(ReferenceError, match=rf"reference.npz: SHA-256 is {found}, expected {expected}.*restore"):
            attempt()


def test_a_checksum_changed_with_its_file_does_not_match_the_trail(
    store: ReferenceStore, reference: Reference, tmp_path: Path
) -> None:
    add(store, reference)
    file = tmp_path / "refs" / "reactor" / "1" / "reference.json"
    described = json.loads(file.read_bytes())
    os.chmod(file, 0o644)
    file.write_text(json.dumps({**described, "sha256": "0" * 64}))
    with pytest.raises(ReferenceError, match=r"reactor@1: reference.json says SHA-256 000.*states.jsonl"):
        store.load("reactor", 1, states=("candidate",))


def test_a_version_moved_to_another_number_is_refused(
    store: ReferenceStore, reference: Reference, tmp_path: Path
) -> None:
    add(store, reference)
    (tmp_path / "refs" / "reactor" / "1").rename(tmp_path / "refs" / "reactor" / "5")
    with pytest.raises(ReferenceError, match=r"5/reference.json: describes reactor@1"):
        store.list()


def test_a_damaged_trail_names_its_line(store: ReferenceStore, reference: Reference, tmp_path: Path) -> None:
    add(store, reference)
    with (tmp_path / "refs" / "reactor" / "states.jsonl").open("a") as file:
        file.write('{"version": 1, "state": "appro')
    with pytest.raises(ReferenceError, match=r"states.jsonl: line 2: cannot be read.*restore"):
        store.load("reactor")


def test_a_version_whose_trail_was_never_written_is_a_candidate(
    store: ReferenceStore, reference: Reference, tmp_path: Path
) -> None:
    add(store, reference)
    (tmp_path / "refs" / "reactor" / "states.jsonl").unlink()  # killed between the version and its first line
    assert [(one.id, one.state) for one in store.list()] == [("reactor@1", "candidate")]


def test_a_draft_left_behind_is_no_version(store: ReferenceStore, reference: Reference, tmp_path: Path) -> None:
    add(store, reference)
    (tmp_path / "refs" / "reactor" / ".draft-x").mkdir()
    assert add(store, reference) == "reactor@2"


def test_versions_are_written_once(store: ReferenceStore, reference: Reference, tmp_path: Path) -> None:
    add(store, reference)
    files = list((tmp_path / "refs" / "reactor" / "1").iterdir())
    assert sorted(file.name for file in files) == ["reference.json", "reference.npz"]
    assert {file.stat().st_mode & 0o222 for file in files} == {0}
    before = {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files}
    add(store, reference)
    store.approve("reactor", 1, by="B", at=AT)
    assert {file: (file.read_bytes(), file.stat().st_mtime_ns) for file in files} == before


def test_a_folder_that_cannot_be_written_is_named(reference: Reference, tmp_path: Path) -> None:
    (tmp_path / "refs").write_text("a file where the store's folder should be")
    with pytest.raises(ReferenceError, match=r"refs/reactor: .*check the store's folder"):
        add(ReferenceStore(tmp_path / "refs"), reference)


def test_a_file_that_is_no_reference_is_a_value_error() -> None:
    packed = pack({"name": "p"}, {"mean": np.zeros(3)})
    for raw in (b"", b"PK, or not", packed[:-30]):
        with pytest.raises(ValueError, match="not a packed reference"):
            unpack(raw)
