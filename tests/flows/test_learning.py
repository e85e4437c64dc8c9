"""The learning flow: released batches become a candidate, rejected and open ones do not."""

from datetime import timedelta

import numpy as np
import pytest
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSource, run_main
from msgspec.structs import replace

from connectors.store.batch_files import load, save
from connectors.store.candidates import CandidateSink
from connectors.store.fitting_process import FittingProcess
from connectors.store.references import ReferenceStore
from flows.learning import build
from models.records.block import Feed
from tests.conftest import event, feed, scans
from tests.models.gathering.test_gather import deviation, tick

LENGTH = 120


def batch_of(number: int, verdict: str, *extra: object) -> list[Feed]:
    """One batch's stream on the unit: start, scans, end, and what quality says of it."""
    begin, name = number * 200, f"B{number}"
    rng = np.random.default_rng(number)
    block = scans(range(begin, begin + LENGTH))
    course = np.sin(np.arange(LENGTH) / 20)
    values = np.stack([course, 37 + course], axis=1) + rng.normal(0, 0.05, (LENGTH, 2))
    return [
        feed(event("started", begin - 0.5, name), replace(block, values=values), *extra),
        feed(event("ended", begin + LENGTH - 0.5, name), event(verdict, begin + LENGTH + 5, name)),
    ]


def run(twin, folder, feeds, stopped=False, **how):
    fitting = FittingProcess(twin, folder)
    run_main(build(TestingSource([*feeds, tick()]), CandidateSink(twin, folder, fitting), twin), **how)
    fitting.close(abandon=stopped)
    return ReferenceStore(folder).list(twin.name)


def test_released_batches_become_a_candidate_and_nothing_more(twin, tmp_path):
    versions = run(twin, tmp_path, [f for n in range(5) for f in batch_of(n, "released")])
    assert [(v.state, v.batches) for v in versions] == [("candidate", ("B0", "B1", "B2", "B3", "B4"))]


def test_a_further_released_batch_makes_the_next_candidate(twin, tmp_path):
    run(twin, tmp_path, [f for n in range(5) for f in batch_of(n, "released")])
    versions = run(twin, tmp_path, batch_of(5, "released"))
    assert versions[-1].batches == ("B0", "B1", "B2", "B3", "B4", "B5")


@pytest.mark.parametrize("case", ["rejected", "open process deviation"])
def test_what_should_not_be_learnt_is_not(twin, tmp_path, case):
    bad = batch_of(9, "rejected") if case == "rejected" else batch_of(9, "released", deviation("RTNUN", "B9"))
    versions = run(twin, tmp_path, [f for n in range(5) for f in batch_of(n, "released")] + bad)
    assert [v.batches for v in versions] == [("B0", "B1", "B2", "B3", "B4")]


def test_a_release_whose_deviation_is_closed_later_is_learnt_then(twin, tmp_path):
    late = [*batch_of(5, "released", deviation("RTNUN", "B5")), tick(), feed(deviation("NORM", "B5"))]
    versions = run(twin, tmp_path, [f for n in range(5) for f in batch_of(n, "released")] + late)
    assert versions[-1].batches == ("B0", "B1", "B2", "B3", "B4", "B5")


def test_doing_it_again_after_a_crash_learns_nothing_twice(twin, tmp_path):
    feeds = [f for n in range(5) for f in batch_of(n, "released")]
    run(twin, tmp_path, feeds)
    versions = run(twin, tmp_path, feeds)
    assert [v.version for v in versions] == [1]
    assert left(twin, tmp_path) == []


@pytest.mark.parametrize("crash_at", [1, 4, 9, 10, 11, 12])
def test_crashes_at_any_poll_lose_no_batch_and_learn_none_twice(twin, tmp_path, crash_at):
    """Snapshots at every poll: what a batch was before its decision, while it waits and when it is being fitted."""
    init_db_dir(tmp_path, 1)
    often = {"epoch_interval": timedelta(0), "recovery_config": RecoveryConfig(str(tmp_path))}
    feeds = [one for n in range(6) for one in batch_of(n, "released")]
    feeds.insert(crash_at, TestingSource.ABORT())
    run(twin, tmp_path, feeds, stopped=True, **often)
    versions = run(twin, tmp_path, feeds, **often)
    assert versions[-1].batches == ("B0", "B1", "B2", "B3", "B4", "B5")
    assert left(twin, tmp_path) == []


def test_what_was_being_fitted_when_it_was_stopped_is_learnt_at_the_next_start(twin, tmp_path):
    stopped = run(twin, tmp_path, [f for n in range(6) for f in batch_of(n, "released")], stopped=True)
    assert stopped == []
    assert len(left(twin, tmp_path)) == 6
    assert [v.batches for v in run(twin, tmp_path, [])] == [("B0", "B1", "B2", "B3", "B4", "B5")]
    assert left(twin, tmp_path) == []


def test_a_crash_between_the_version_and_the_files_leaves_no_batch_learnt_twice(twin, tmp_path):
    feeds = [f for n in range(5) for f in batch_of(n, "released")]
    run(twin, tmp_path, feeds, stopped=True)
    kept = {path: path.read_bytes() for path in left(twin, tmp_path)}
    run(twin, tmp_path, [])
    for path, content in kept.items():
        path.write_bytes(content)
    assert [v.version for v in run(twin, tmp_path, [])] == [1]
    assert left(twin, tmp_path) == []


def test_a_batch_rejected_after_it_was_learnt_is_left_out_of_the_next_candidate(twin, tmp_path):
    run(twin, tmp_path, [f for n in range(6) for f in batch_of(n, "released")])
    versions = run(twin, tmp_path, [feed(event("rejected", 9000, "B2"))])
    assert versions[-1].batches == ("B0", "B1", "B3", "B4", "B5")
    assert versions[-1].source.endswith("rejected since: B2")
    assert [v.version for v in run(twin, tmp_path, [feed(event("rejected", 9000, "B2"))])] == [1, 2]


def test_a_damaged_or_foreign_file_is_put_aside_and_the_others_are_learnt(twin, tmp_path, caplog):
    feeds = [f for n in range(7) for f in batch_of(n, "released")]
    run(twin, tmp_path, feeds, stopped=True)
    damaged, foreign = left(twin, tmp_path)[:2]
    damaged.write_bytes(damaged.read_bytes()[:100])
    save(foreign.parent, load(foreign, twin.tag_names), ("a", "c"))
    versions = run(twin, tmp_path, [])
    assert versions[0].batches == ("B2", "B3", "B4", "B5", "B6")
    assert sorted(path.name for path in (tmp_path / twin.name / "unusable").iterdir()) == ["B0.npz", "B1.npz"]
    assert "has the tags a, c, the twin's are a, b" in caplog.text


def left(twin, folder):
    """Files of released batches that no version is known to hold."""
    return sorted((folder / twin.name / "released").glob("*"))
