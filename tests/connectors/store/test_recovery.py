"""What a killed run leaves behind in the recovery store is not believed by the runs after it."""

import pickle
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import bytewax.operators as op
import msgspec
import pytest
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulLogic
from bytewax.testing import TestingSink, TestingSource, run_main

from connectors.store.recovery import Owner, Recovery, engine_error, look, open_store
from models.records.errors import RecoveryError

OWNER = Owner(flow="sum", twin="t", config_sha256="1", reference="", created_at=datetime(2026, 1, 5, tzinfo=UTC))


class Sum(StatefulLogic[int, int, int]):
    """Adds up a key's values over all runs."""

    def __init__(self, resume: int | None) -> None:
        self.total = resume or 0

    def on_item(self, value: int) -> tuple[Iterable[int], bool]:
        self.total += value
        return [self.total], StatefulLogic.RETAIN

    def snapshot(self) -> int:
        return self.total


def run(recovery: Recovery, items: list[object]) -> list[tuple[str, int]]:
    """Sums by key of all items so far; the source goes on where the last run ended."""
    found: list[tuple[str, int]] = []
    flow = Dataflow("sum")
    source = TestingSource(items)
    op.output("out", op.stateful("total", op.input("in", flow, source), Sum), TestingSink(found))
    run_main(flow, epoch_interval=timedelta(0), recovery_config=recovery.config)
    return found


def killed_before_its_epoch_counted(folder: Path, key: str, state: int) -> None:
    """Leave what Bytewax leaves when it is killed between an epoch's snapshots and its being counted as done."""
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as store, store:
        (front,) = store.execute("SELECT worker_frontier FROM fronts ORDER BY ex_num DESC").fetchone()
        step = store.execute("SELECT step_id FROM snaps WHERE state_key = ?", (key,)).fetchone()[0]
        store.execute(
            "INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)",
            (step, key, front, pickle.dumps(state)),
        )


def test_snapshots_of_an_epoch_that_never_ended_are_dropped(tmp_path: Path) -> None:
    killed = TestingSource.ABORT
    items: list[object] = [("a", 1), ("a", 2), killed()]
    assert run(open_store(tmp_path, OWNER), items)[:2] == [("a", 1), ("a", 3)]
    killed_before_its_epoch_counted(tmp_path, "a", 1000)
    items += [("b", 5), ("b", 6), killed()]
    found = run(open_store(tmp_path, OWNER), items)
    assert ("b", 11) in found, "this run does not touch the key"
    items += [("a", 4)]
    assert run(open_store(tmp_path, OWNER), items)[-1] == ("a", 7)


def test_a_store_of_another_configuration_is_refused_and_says_how_they_differ(tmp_path: Path) -> None:
    open_store(tmp_path, OWNER)
    other = Owner(flow="sum", twin="t", config_sha256="2", reference="", created_at=OWNER.created_at)
    with pytest.raises(RecoveryError, match=r"config_sha256: '1' in the store, '2' now.*remove this one"):
        open_store(tmp_path, other)


def test_a_store_that_cannot_be_read_is_named_with_a_remedy(tmp_path: Path) -> None:
    open_store(tmp_path, OWNER)
    (tmp_path / "part-0.sqlite3").write_bytes(b"no database " * 100)
    with pytest.raises(RecoveryError, match="not a database; mend its disk"):
        open_store(tmp_path, OWNER)


def without_note(folder: Path) -> None:
    (folder / "patrol.json").unlink()


def without_parts(folder: Path) -> None:
    (folder / "part-0.sqlite3").unlink()


def emptied(folder: Path) -> None:
    (folder / "part-0.sqlite3").write_bytes(b"")


def without_a_table(folder: Path) -> None:
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as store, store:
        store.execute("DROP TABLE exs")


@pytest.mark.parametrize(
    ("damage", "how"),
    [
        (without_note, "patrol.json is missing"),
        (without_parts, "its part files are missing"),
        (emptied, "part-0.sqlite3 is empty"),
        (without_a_table, "part-0.sqlite3 lacks exs"),
    ],
)
def test_a_store_of_which_something_is_missing_is_refused(
    tmp_path: Path, damage: Callable[[Path], None], how: str
) -> None:
    run(open_store(tmp_path, OWNER), [("a", 1)])
    damage(tmp_path)
    with pytest.raises(RecoveryError, match=rf"{tmp_path} is damaged: {how}; restore the whole folder"):
        open_store(tmp_path, OWNER)


def kept_state(folder: Path, form: int) -> None:
    """Leave a unit's state of some form, as the watch keeps it."""
    state = msgspec.msgpack.encode({"version": form, "ordering": [msgspec.msgpack.Ext(1, b"x" * 80)]})
    with closing(sqlite3.connect(folder / "part-0.sqlite3")) as store, store:
        row = ("deviation.watch.stateful_batch", "BR-101", 1, pickle.dumps(state))
        store.execute("INSERT INTO snaps (step_id, state_key, snap_epoch, ser_change) VALUES (?, ?, ?, ?)", row)


def test_states_of_another_form_are_refused_before_the_flow_starts(tmp_path: Path) -> None:
    open_store(tmp_path, OWNER)
    kept_state(tmp_path, 3)
    assert look(tmp_path, OWNER, forms=(3,)) == OWNER
    with pytest.raises(RecoveryError, match=r"holds states of form 3, this PATrol reads form 4: choose another"):
        open_store(tmp_path, OWNER, forms=(4,))


def test_looking_at_a_store_changes_nothing_in_it(tmp_path: Path) -> None:
    assert look(tmp_path, OWNER) is None
    run(open_store(tmp_path, OWNER), [("a", 1), ("a", 2), TestingSource.ABORT()])
    killed_before_its_epoch_counted(tmp_path, "a", 1000)
    with closing(sqlite3.connect(tmp_path / "part-0.sqlite3")) as store:
        before = store.execute("SELECT * FROM snaps").fetchall()
        look(tmp_path, OWNER)
        assert store.execute("SELECT * FROM snaps").fetchall() == before


def test_an_error_of_the_engine_about_the_store_is_told_as_one() -> None:
    told = 'called `Result::unwrap()` on an `Err` value: SqliteFailure(Error { code: DiskFull }, Some("disk is full"))'
    assert "recovery folder kept: disk is full; make room" in str(engine_error(Path("kept"), RuntimeError(told)))
    assert engine_error(Path("kept"), RuntimeError("index out of bounds")) is None


def test_a_store_that_was_killed_while_it_was_made_is_made_again(tmp_path: Path) -> None:
    open_store(tmp_path, OWNER)
    without_note(tmp_path)
    assert not open_store(tmp_path, OWNER).resumed
