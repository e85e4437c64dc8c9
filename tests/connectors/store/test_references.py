"""The reference store: versions never change, candidates judge nothing, and who did what is on record."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from connectors.store.references import ReferenceStore
from models.records.errors import ReferenceError
from models.reference.reference import Reference
from tests.connectors.conftest import AT, LATER, add, trail


def test_a_reference_comes_back_as_it_was_stored(store: ReferenceStore, reference: Reference) -> None:
    stored = store.add(reference, by="A. Smith", at=AT, source="train.csv")
    assert (stored.id, stored.state, stored.created_by, stored.created_at) == ("reactor@1", "candidate", "A. Smith", AT)
    assert (stored.source, stored.batches) == ("train.csv", reference.batches)
    _, loaded = store.load("reactor", 1, states=("candidate",))
    assert loaded.meta() == reference.meta()
    ours, theirs = loaded.arrays(), reference.arrays()
    assert ours.keys() == theirs.keys()
    for name, array in theirs.items():
        assert ours[name].dtype == array.dtype
        np.testing.assert_array_equal(ours[name], array)


def test_the_same_reference_has_the_same_checksum_and_another_one_another(
    store: ReferenceStore, reference: Reference
) -> None:
    first, second = (store.add(reference, by="A", at=at, source="") for at in (AT, LATER))
    assert (first.version, second.version) == (1, 2)
    assert first.sha256 == second.sha256
    assert store.add(replace(reference, budget=0.5), by="A", at=AT, source="").sha256 != first.sha256


def test_a_store_that_is_not_there_yet_is_empty_and_what_it_lacks_is_named(store: ReferenceStore) -> None:
    assert store.list() == store.list("reactor") == []
    with pytest.raises(ReferenceError, match=r"holds no reference 'reactor'; fit one: patrol reference fit"):
        store.load("reactor")


def test_a_candidate_judges_nothing_unless_asked_for(store: ReferenceStore, reference: Reference) -> None:
    add(store, reference)
    with pytest.raises(ReferenceError, match=r"no version of 'reactor' is approved; .*approve reactor@1 --store"):
        store.load("reactor")
    with pytest.raises(ReferenceError, match=r"reactor@1 is candidate, wanted approved"):
        store.load("reactor", 1)
    add(store, reference)
    assert store.load("reactor", states=("approved", "candidate"))[0].id == "reactor@2"  # the newest


def test_approving_a_version_retires_the_one_before_and_both_are_on_record(
    store: ReferenceStore, reference: Reference, tmp_path: Path
) -> None:
    for _ in range(2):
        add(store, reference)
    store.approve("reactor", 1, by="B. Jones", at=AT, reason="report 17")
    approved = store.approve("reactor", None, by="C. Miller", at=LATER)
    assert (approved.id, approved.approved_by, approved.approved_at) == ("reactor@2", "C. Miller", LATER)
    assert [(one.id, one.state, one.approved_by) for one in store.list()] == [
        ("reactor@1", "retired", "B. Jones"),
        ("reactor@2", "approved", "C. Miller"),
    ]
    assert store.load("reactor")[0].id == "reactor@2"
    assert [(line["version"], line["state"], line["by"], line["reason"]) for line in trail(tmp_path)] == [
        (1, "candidate", "A. Smith", "learnt"),
        (2, "candidate", "A. Smith", "learnt"),
        (1, "approved", "B. Jones", "report 17"),
        (1, "retired", "C. Miller", "reactor@2 approved in its place"),
        (2, "approved", "C. Miller", ""),
    ]
    assert {line["sha256"] for line in trail(tmp_path)} == {approved.sha256}


def test_an_earlier_version_can_be_approved_again(store: ReferenceStore, reference: Reference) -> None:
    for _ in range(2):
        add(store, reference)
    for version in (1, 2, 1):
        store.approve("reactor", version, by="B", at=AT)
    assert store.load("reactor")[0].id == "reactor@1"


def test_a_retired_version_judges_nothing_and_stays(store: ReferenceStore, reference: Reference) -> None:
    add(store, reference)
    store.approve("reactor", None, by="B", at=AT)
    assert store.retire("reactor", None, by="B", at=LATER, reason="recipe changed").state == "retired"
    with pytest.raises(ReferenceError, match="no version of 'reactor' is approved"):
        store.load("reactor")
    assert store.load("reactor", 1, states=("retired",))[0].state == "retired"


def test_what_is_so_already_is_refused_and_changes_nothing(
    store: ReferenceStore, reference: Reference, tmp_path: Path
) -> None:
    add(store, reference)
    store.approve("reactor", 1, by="B", at=AT)
    with pytest.raises(ReferenceError, match="reactor@1 is approved already"):
        store.approve("reactor", 1, by="C", at=AT)
    store.retire("reactor", 1, by="B", at=AT)
    with pytest.raises(ReferenceError, match="reactor@1 is retired already"):
        store.retire("reactor", 1, by="C", at=AT)
    assert len(trail(tmp_path)) == 3


@pytest.mark.parametrize("by", ["", "  "])
def test_nobody_approves_nothing(store: ReferenceStore, reference: Reference, by: str) -> None:
    add(store, reference)
    with pytest.raises(ReferenceError, match="audit trail needs the name"):
        store.approve("reactor", 1, by=by, at=AT)
    with pytest.raises(ReferenceError, match="audit trail needs the name"):
        store.add(reference, by=by, at=AT, source="")
    assert [one.state for one in store.list()] == ["candidate"]


def test_a_version_that_is_not_there_is_named_with_those_that_are(store: ReferenceStore, reference: Reference) -> None:
    add(store, reference)
    with pytest.raises(ReferenceError, match="holds no version reactor@7; it holds reactor@1"):
        store.approve("reactor", 7, by="B", at=AT)


@pytest.mark.parametrize("name", ["../reactor", "", "/etc", "Reactor", "a/b"])
def test_a_name_never_leads_out_of_the_store(store: ReferenceStore, name: str) -> None:
    with pytest.raises(ReferenceError, match="is no reference's name"):
        store.load(name)


def test_a_time_without_a_zone_is_a_callers_mistake(store: ReferenceStore, reference: Reference) -> None:
    with pytest.raises(ValueError, match="wanted a time with a zone"):
        store.add(reference, by="A", at=datetime(2026, 1, 5), source="")  # noqa: DTZ001
    assert store.list() == []


def test_writers_at_the_same_time_get_versions_of_their_own(reference: Reference, tmp_path: Path) -> None:
    with ThreadPoolExecutor(6) as writers:
        ids = list(writers.map(lambda _: add(ReferenceStore(tmp_path / "refs"), reference), range(12)))
    assert sorted(ids) == sorted(f"reactor@{version}" for version in range(1, 13))
    store = ReferenceStore(tmp_path / "refs")
    assert [one.version for one in store.list("reactor")] == list(range(1, 13))
    assert len(trail(tmp_path)) == 12
    assert [path.name for path in (tmp_path / "refs" / "reactor").iterdir() if path.name.startswith(".")] == []
