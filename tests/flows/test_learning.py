"""The learning flow: released batches become a candidate, rejected and open ones do not."""

import numpy as np
import pytest
from bytewax.testing import TestingSource, run_main
from msgspec.structs import replace

from connectors.store.candidates import CandidateSink
from connectors.store.references import ReferenceStore
from flows.learning import build
from models.records.block import Feed
from tests.conftest import event, feed, scans
from tests.models.unit.test_gather import deviation

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


def run(twin, folder, feeds):
    run_main(build(TestingSource(feeds), CandidateSink(twin, folder), twin))
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
    assert all("B9" not in v.batches for v in versions)


def test_doing_it_again_after_a_crash_learns_nothing_twice(twin, tmp_path):
    feeds = [f for n in range(5) for f in batch_of(n, "released")]
    run(twin, tmp_path, feeds)
    versions = run(twin, tmp_path, feeds)
    assert [v.version for v in versions] == [1]
