"""Whole batches are gathered by event time, whatever order things come in."""

import numpy as np
import pytest

from models.records.messages import Deviation
from models.unit.gather import Decided, Ended, Gather
from tests.conftest import event, feed, minute, scans


def run(gather, *feeds):
    return [item for one in feeds for item in gather.step(one)]


def deviation(state, batch_id="B1", category="process"):
    return Deviation(
        deviation_id=f"BR-101/{batch_id}/{category}/1", revision=1, state=state, category=category, grade="approved",
        priority="high", unit="BR-101", twin="small", cause=category, message="", since_at=minute(1),
        raised_at=minute(1), changed_at=minute(1), batch_id=batch_id,
    )  # fmt: skip


def test_a_batch_is_the_scans_between_its_start_and_its_end(twin):
    said = run(
        Gather(twin),
        feed(event("started", 4.5), event("phase_started", 20, phase="FEED"), event("ended", 29.5), scans(range(40))),
    )
    assert [type(item) for item in said] == [Ended]
    batch = said[0].batch
    assert batch.age_s.tolist() == [(m - 4.5) * 60 for m in range(5, 30)]
    assert batch.phases == (("FEED", 930.0),)


@pytest.mark.parametrize("cut", [1, 17, 31])
def test_block_boundaries_and_restarts_change_no_batch(twin, cut):
    context = (event("started", 4.5), event("ended", 29.5))
    whole = run(Gather(twin), feed(*context, scans(range(40))))
    gather = Gather(twin)
    first = run(gather, feed(*context, scans(range(cut))))
    rest = run(Gather(twin, gather.snapshot()), feed(scans(range(cut, 40))))
    assert len(first + rest) == len(whole) == 1
    np.testing.assert_array_equal((first + rest)[0].batch.values, whole[0].batch.values)


def test_repeated_and_late_scans_are_learnt_once(twin):
    said = run(
        Gather(twin), feed(event("started", -1), scans([0, 1, 2])), feed(scans([1, 2, 3])), feed(event("ended", 3))
    )
    assert said[0].batch.age_s.tolist() == [60.0, 120.0, 180.0, 240.0]


def test_a_decision_says_which_process_deviations_nobody_closed(twin):
    gather = Gather(twin)
    run(gather, feed(event("started", -1), deviation("UNACK"), deviation("UNACK", category="sensor"), scans(range(9))))
    said = run(gather, feed(event("ended", 10)), feed(event("released", 60)))
    assert isinstance(said[0], Ended)
    assert said[1] == Decided("B1", True, ("BR-101/B1/process/1",), said[1].at_us)


def test_a_deviation_back_to_normal_stands_in_no_ones_way(twin):
    gather = Gather(twin)
    run(gather, feed(event("started", -1), deviation("UNACK"), scans(range(9)), deviation("NORM")))
    said = run(gather, feed(event("ended", 8.5)), feed(event("released", 60)))
    assert said[-1].open_deviations == ()


def test_a_decision_closes_a_batch_whose_unit_sends_nothing_more(twin):
    said = run(
        Gather(twin), feed(event("started", -1), scans(range(9))), feed(event("ended", 12), event("rejected", 90))
    )
    assert [type(item) for item in said] == [Ended, Decided]
    assert not said[-1].released
