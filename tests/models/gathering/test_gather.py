"""Whole batches are gathered by event time, whatever order things come in; decisions wait for their batch."""

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from models.gathering.gather import Decided, Ended, Gather, Waits
from models.records.messages import Deviation, Tick
from models.records.times import to_us
from tests.conftest import event, feed, minute, scans, small_twin

LENGTH, LAST = 12, 63
PLAN = [  # four batches of 12 minutes, one after the other, of which the last is decided before it has ended
    event(kind, begin + after, f"B{number}", **named)
    for number, begin in enumerate((0, 14, 28, 50))
    for kind, after, named in (
        ("started", 0.5, {}),
        ("phase_started", 5, {"phase": "FEED"}),
        ("ended", LENGTH, {}),
        ("rejected" if number == 1 else "released", 40 if number < 3 else 9, {}),
    )
]


def run(gather, *feeds):
    return [item for one in feeds for item in gather.step(one)]


def tick(kind="quiet", m=10_000.0):
    return feed(Tick(unit="BR-101", kind=kind, now_us=to_us(minute(m))))


def kinds(gathered):
    return [type(item) for item in gathered]


def deviation(state, batch_id="B1", category="process"):
    return Deviation(
        deviation_id=f"BR-101/{batch_id}/{category}/1", revision=1, state=state, category=category, grade="approved",
        priority="high", unit="BR-101", twin="small", cause=category, message="", since_at=minute(1),
        raised_at=minute(1), changed_at=minute(1), batch_id=batch_id,
    )  # fmt: skip


def told(gathered):
    """What was gathered, in a form that can be compared."""
    ended = [item.batch for item in gathered if isinstance(item, Ended)]
    batches = {b.batch_id: (b.age_s.tolist(), b.values.tolist(), b.phases) for b in ended}
    decided = sorted((item.batch_id, item.released, item.missing) for item in gathered if isinstance(item, Decided))
    return batches, decided, len(ended)


@settings(deadline=None)
@given(st.data())
def test_whenever_context_comes_before_its_scans_the_same_batches_are_gathered(data):
    """Each event comes with any poll ahead of the scans it concerns, a decision with any; restarts lie in between."""
    cuts = [0, *sorted(data.draw(st.sets(st.integers(1, LAST - 1), max_size=6))), LAST]
    polls = [[] for _ in cuts]
    for one in data.draw(st.permutations(PLAN)):
        waits = one.event in ("released", "rejected")
        latest = max(k for k, cut in enumerate(cuts) if waits or cut <= (one.at - minute(0)).total_seconds() / 60)
        polls[data.draw(st.integers(0, latest))].append(one)
    gather, gathered = Gather(small_twin()), []
    for k, context in enumerate(polls):
        block = [scans(range(cuts[k], cuts[k + 1]), range(cuts[k], cuts[k + 1]))] if k + 1 < len(cuts) else []
        gathered += gather.step(feed(*context, *block))
        gather = Gather(small_twin(), gather.snapshot())
    gathered += run(gather, tick())
    whole = run(Gather(small_twin()), feed(*PLAN, scans(range(LAST), range(LAST))), tick())
    assert told(gathered) == told(whole)
    assert told(whole)[1] == [("B0", True, ""), ("B1", False, ""), ("B2", True, ""), ("B3", True, "")]
    order = [(item.batch.batch_id if isinstance(item, Ended) else item.batch_id) for item in gathered]
    assert all(isinstance(gathered[order.index(name)], Ended) for name in ("B0", "B1", "B2", "B3"))


def test_a_batch_is_the_scans_between_its_start_and_its_end(twin):
    said = run(
        Gather(twin),
        feed(event("started", 4.5), event("phase_started", 20, phase="FEED"), event("ended", 29.5), scans(range(40))),
    )
    assert kinds(said) == [Ended]
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
        Gather(twin),
        feed(event("started", -1), scans([0, 1, 2])),
        feed(scans([1, 2, 3])),
        feed(event("ended", 3.5), scans([4])),
    )
    assert said[0].batch.age_s.tolist() == [60.0, 120.0, 180.0, 240.0]


def test_stragglers_in_good_time_are_gathered_as_they_are_watched(twin):
    patient = replace(twin, context=replace(twin.context, lateness_s=300))
    said = run(
        Gather(patient),
        feed(event("started", -1), event("ended", 5.5), scans([0, 1, 3, 4, 2])),
        feed(scans([6, 5, 12])),
    )
    assert said[0].batch.age_s.tolist() == [60.0 * (m + 1) for m in range(6)]


def test_an_end_that_comes_late_leaves_out_the_scans_after_it(twin):
    said = run(Gather(twin), feed(event("started", -1), scans(range(20))), feed(event("ended", 9.5)))
    assert len(said[0].batch.age_s) == 10


def test_a_start_that_comes_late_finds_its_scans_unless_they_have_gone_by(twin):
    late = run(Gather(twin), feed(scans(range(9))), feed(event("started", 2), event("ended", 7), scans([9])))
    assert late[0].batch.age_s.tolist() == [0.0, 60.0, 120.0, 180.0, 240.0]
    gather = Gather(twin)
    run(gather, feed(scans(range(200))))
    gather = Gather(twin, gather.snapshot())
    said = run(gather, feed(event("started", 2), event("ended", 190), event("released", 195)), feed(scans([200])))
    assert [item.missing for item in said] == ["its start was read when its first scans had gone by"]


def test_a_decision_read_before_the_scans_waits_for_them(twin):
    gather = Gather(twin)
    assert run(gather, feed(event("started", -1), event("ended", 9.5), event("released", 60))) == []
    assert run(gather, feed(scans(range(9)))) == []
    assert kinds(run(gather, feed(scans([9, 10])))) == [Ended, Decided]


def test_the_tail_of_a_batch_may_come_after_its_decision(twin):
    gather = Gather(twin)
    run(gather, feed(event("started", -1), scans(range(6))))
    assert run(gather, feed(event("ended", 9.5), event("released", 9.6)), tick("settled", 10)) == []
    assert len(run(gather, feed(scans(range(6, 11))))[0].batch.age_s) == 10


def test_the_tail_of_a_batch_may_come_for_as_long_as_nobody_decides(twin):
    """A gateway is away at the end, and sends the rest once it is back."""
    gather = Gather(twin)
    run(gather, feed(event("started", -1), scans(range(6))), feed(event("ended", 9)), tick("settled"), tick())
    said = run(gather, feed(scans(range(6, 9))), feed(event("released", 60)), tick("settled"))
    assert kinds(said) == [Ended, Decided]
    assert len(said[0].batch.age_s) == 9


@pytest.mark.parametrize(("kind", "now", "is_over"), [
    ("settled", 13, False),  # it ended a minute ago: its last scans may be on their way
    ("settled", 60, True),
    ("quiet", 13, True),
])  # fmt: skip
def test_a_batch_whose_unit_sends_nothing_more_is_over_once_that_is_known(twin, kind, now, is_over):
    gather = Gather(twin)
    run(gather, feed(event("started", -1), scans(range(9))), feed(event("ended", 12), event("rejected", 12)))
    assert kinds(run(gather, tick(kind, now))) == ([Ended, Decided] if is_over else [])


def test_a_planned_batch_is_not_over_before_its_time(twin):
    gather = Gather(twin)
    plan = feed(event("started", 100), event("ended", 200))
    assert run(gather, plan, tick("settled", 50), tick("quiet", 60)) == []
    assert kinds(run(gather, feed(scans(range(100, 202))))) == [Ended]


def test_a_batch_played_ahead_of_time_is_over_when_its_decision_has_come_and_nothing_follows(twin):
    gather = Gather(twin)
    run(gather, feed(event("started", -1), scans(range(9)), event("ended", 9), event("released", 20)))
    assert kinds(run(gather, tick("quiet", -500))) == [Ended, Decided]


@pytest.mark.parametrize(("events", "missing"), [
    ([event("ended", 9)], "its start was not read"),
    ([event("started", 200), event("ended", 210)], "no scan of it was read"),
    ([event("started", 0, product="q"), event("ended", 9)], "its product is 'q', the twin's is 'p'"),
    ([event("started", 0), event("started", 5, "B2"), event("ended", 20, "B2")], "its end was not read"),
    ([event("started", 0), event("started", 5, "B2"), event("ended", 20)],
     "another batch started on its unit before it ended"),
    ([], ""),
])  # fmt: skip
def test_what_cannot_come_any_more_is_said_once(twin, events, missing):
    gather, decision = Gather(twin), event("released", 60)
    said = run(gather, feed(*events, decision, scans(range(40))), tick())
    said += run(Gather(twin, gather.snapshot()), feed(decision), tick())
    assert [item for item in said if isinstance(item, Decided)] == [Decided("B1", True, missing)]


def test_a_decided_batch_without_an_end_waits_for_it_and_says_so_once(twin):
    gather = Gather(twin)
    said = run(gather, feed(event("started", -1), scans(range(9)), event("released", 5)), tick("settled"), tick())
    assert said == [Waits("B1", "its end was not read yet")]
    assert kinds(run(gather, feed(event("ended", 8)))) == [Ended, Decided]


def test_a_released_batch_waits_until_its_process_deviations_are_closed(twin):
    gather = Gather(twin)
    run(gather, feed(event("started", -1), deviation("UNACK"), deviation("UNACK", category="sensor"), scans(range(9))))
    said = run(gather, feed(event("ended", 8)), feed(event("released", 60)), tick(), tick())
    assert kinds(said) == [Ended, Waits]
    assert said[1].why == "process deviation still open: BR-101/B1/process/1"
    gather = Gather(twin, gather.snapshot())
    assert run(gather, feed(deviation("RTNUN"))) == []
    assert run(gather, feed(deviation("NORM"))) == [Decided("B1", True)]


def test_a_deviation_back_to_normal_stands_in_no_ones_way(twin):
    gather = Gather(twin)
    run(gather, feed(event("started", -1), deviation("UNACK"), scans(range(9)), deviation("NORM")))
    said = run(gather, feed(event("ended", 8), event("released", 60)), tick())
    assert said[-1] == Decided("B1", True)


def test_of_several_decisions_the_last_one_counts_by_its_time(twin):
    gather = Gather(twin)
    whole = feed(event("started", -1), event("ended", 8), scans(range(10)))
    said = run(gather, whole, feed(event("rejected", 70), event("released", 60)))
    assert said[1:] == [Decided("B1", False)]
    assert run(gather, feed(event("rejected", 71)), feed(event("released", 65)), tick()) == []
    said = run(gather, feed(event("released", 80)), tick())
    assert said == [Decided("B1", True, "it had been rejected, and was thrown away")]


def test_a_clock_that_was_set_moves_no_event(twin):
    """A unit whose clock is set back by an hour sends the rest of its batch; events keep the plant's time."""
    gather = Gather(twin)
    run(gather, feed(event("started", -0.5), scans(range(30), range(30))), feed(event("ended", 49.5)))
    said = run(gather, feed(scans(range(-30, 0), range(30, 60))))
    assert said[0].batch.values[:, 0].tolist() == [float(v) for v in range(50)]
    assert said[0].batch.age_s.tolist() == [60.0 * v + 30 for v in range(50)]


def test_a_state_of_the_form_before_goes_on(twin):
    """Form 2 kept the running batch's scans as lists, and its events beside them."""
    at_us = [to_us(minute(m)) for m in range(6)]
    running = {"batch_id": "B1", "product": None, "started_us": at_us[0] - 30_000_000, "phases": [("FEED", 90.0)]}
    running |= {"observed_us": at_us, "values": [[float(m), 0.0] for m in range(6)]}
    before = {"version": 2, "running": running, "pending": [event("ended", 8.5)], "newest_us": at_us[-1]}
    before |= {"open": {"BR-101/B1/process/1": "B1"}}
    gather = Gather(twin, msgspec.msgpack.encode(before))
    said = run(gather, feed(event("released", 20), scans(range(6, 10), range(6, 10))), tick())
    assert said[0].batch.values[:, 0].tolist() == [float(v) for v in range(9)]
    assert said[0].batch.phases == (("FEED", 90.0),)
    assert kinds(said) == [Ended, Waits]


def test_a_batch_that_never_ends_does_not_fill_the_memory(twin, monkeypatch):
    monkeypatch.setattr("models.gathering.gather._LONGEST", 1500)
    gather = Gather(twin)
    run(gather, feed(event("started", 0)), *(feed(scans(range(k, k + 500))) for k in range(0, 4000, 500)))
    assert len(gather.snapshot()) < 100_000
    said = run(gather, feed(event("ended", 4000), event("released", 4001), scans([4000, 4001])))
    assert said == [Decided("B1", True, "it is longer than 1500 scans")]


def test_of_two_starts_or_ends_the_earlier_stands_whichever_comes_first(twin):
    events = [event("started", m) for m in (2, 0, 1)] + [event("ended", m) for m in (9, 8, 12)]
    said = run(Gather(twin), feed(*events, scans(range(20))), feed(event("started", 3), event("ended", 15)), tick())
    assert [item.batch.age_s.tolist() for item in said] == [[60.0 * m for m in range(8)]]
