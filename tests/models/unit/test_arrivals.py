"""Copies, wrong clocks and several streams: what plants and their gateways send, and what is taken of it."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.records.block import Block, ReadingBlock
from models.records.messages import Rejected, Remark, Score
from models.records.times import to_us
from models.records.twin import Context
from tests.conftest import START, event, feed, scans, small_twin
from tests.watched import deviations, run, watch_of

YEAR = 365 * 24 * 60  # minutes
TWIN = msgspec.structs.replace(small_twin(), context=Context(clock_reset_scans=20))


def noisy(minutes, seed=0) -> Block:
    """Scans whose values differ from one minute to another."""
    minutes = np.asarray(list(minutes), dtype=float)
    return scans(minutes, 0.5 * np.random.default_rng(seed).random(len(minutes)))


def joined(*blocks: Block) -> Block:
    """One block of several."""
    names = ("offsets", "observed_us", "values")
    first, *_ = blocks
    return msgspec.structs.replace(first, **{n: np.concatenate([getattr(b, n) for b in blocks]) for n in names})


def with_broker(block: Block, minutes) -> Block:
    """The same, with the broker's own times."""
    return msgspec.structs.replace(
        block, broker_us=(to_us(START) + np.asarray(minutes, dtype=float) * 60e6).astype(int)
    )


def age_min(said) -> float:
    """The batch's age at its last score, in minutes."""
    return [s.age_s for s in said if isinstance(s, Score)][-1] / 60


def reasons(said) -> list[str]:
    """Why messages were refused."""
    return [r.reason for r in said if isinstance(r, Rejected)]


def remarks(said, kind: str) -> list[Remark]:
    """The remarks of one kind."""
    return [r for r in said if isinstance(r, Remark) and r.kind == kind]


@pytest.mark.parametrize("copies", [1, 19, 20, 100, 500])
def test_scans_sent_again_are_counted_once_remarked_and_change_nothing(copies):
    whole = noisy(range(600))
    once = run(watch_of(TWIN), feed(event("started", 0)), feed(whole), feed(noisy(range(600, 630), 1)))
    watch = watch_of(TWIN)
    said = run(watch, feed(event("started", 0)), feed(whole), feed(whole.take(slice(600 - copies, None))),
               feed(noisy(range(600, 630), 1)))  # fmt: skip
    assert [r for r in said if not isinstance(r, Remark)] == [r for r in once if not isinstance(r, Remark)]
    assert [(r.count, bool(r.detail)) for r in remarks(said, "repeated")] == [(copies, True)]


def test_two_gateways_that_send_the_same_scans_are_one_unit():
    first = noisy(range(100))
    both = joined(*(first.take([row]) for row in range(100) for _ in range(2)))
    said = run(watch_of(TWIN), feed(event("started", 0)), *(feed(both.take([row])) for row in range(200)))
    assert (reasons(said), deviations(said), age_min(said)) == ([], [], 90)
    assert sum(r.count for r in remarks(said, "repeated")) == 100
    assert sum(bool(r.detail) for r in remarks(said, "repeated")) == 1


@pytest.mark.parametrize(
    ("wrong", "back"),
    [
        (-56 * YEAR, 125),  # a gateway boots in 1970
        (72 * YEAR, 125),  # or in 2098
        (-45, 125),  # slow by three quarters of an hour
        (72 * YEAR, 131),  # it was off for a while until it was right
    ],
)
def test_a_clock_that_was_wrong_for_a_while_leaves_the_age_right(wrong, back):
    blocks = (noisy(range(100)), noisy((wrong + 100 + k for k in range(25)), 1), noisy(range(back, 200), 2))
    said = run(watch_of(TWIN), feed(event("started", 0)), *(feed(block) for block in blocks))
    assert age_min(said) == 190
    assert "clock" in {d.cause for d in deviations(said)}
    assert len(reasons(said)) <= 1


def test_a_slow_clock_that_is_put_forward_in_steps_leaves_the_age_right():
    steps = [noisy((start - late + k for k in range(30)), late) for start, late in ((100, 45), (130, 30), (160, 15))]
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(noisy(range(100))), *map(feed, steps),
               feed(noisy(range(190, 260), 1)))  # fmt: skip
    assert age_min(said) == 250


def test_a_clock_that_is_back_is_believed_with_its_first_scan():
    watch = watch_of(TWIN)
    run(watch, feed(event("started", 0)), feed(noisy(range(100))), feed(noisy(np.arange(25) - 56 * YEAR, 1)))
    assert age_min(run(watch, feed(noisy([130], 2)))) == 130


def test_a_slow_clock_that_is_put_forward_in_small_steps_leaves_the_age_right():
    slow = ((100, 30), (130, 22), (160, 14), (190, 6))  # from which minute on, by how many
    steps = [noisy((start - late + k for k in range(30)), late) for start, late in slow]
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(noisy(range(100))), *map(feed, steps),
               feed(noisy(range(220, 290), 1)))  # fmt: skip
    assert age_min(said) == 280


@pytest.mark.parametrize("odd", [YEAR, -YEAR, 120, 3 * 24 * 60])
def test_one_odd_stamp_is_refused_and_nothing_else_changes(odd):
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(noisy(range(100))), feed(noisy([100 + odd], 1)),
               feed(noisy(range(101, 200), 2)))  # fmt: skip
    assert (len(reasons(said)), age_min(said), deviations(said)) == (1, 190, [])


def test_a_device_that_starts_in_2098_does_not_make_its_batch_72_years_old():
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(noisy(72 * YEAR + np.arange(25))),
               feed(noisy(range(26, 100), 1)))  # fmt: skip
    assert age_min(said) == 90


def test_an_hour_that_comes_twice_does_not_hold_up_the_age():
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(noisy(range(120))), feed(noisy(range(60, 240), 1)))
    assert age_min(said) == 290
    assert [d.cause for d in deviations(said)] == ["clock", "clock"]
    assert reasons(said) == []


def test_what_fills_a_pause_later_is_late_and_no_clock():
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(noisy(range(100))), feed(noisy(range(200, 210), 1)),
               feed(noisy(range(110, 170), 2)), feed(noisy(range(210, 260), 3)))  # fmt: skip
    assert (age_min(said), deviations(said), set(reasons(said))) == (250, [], {"late"})


def test_a_pause_is_believed_at_once_where_the_broker_saw_it():
    watch = watch_of(TWIN)
    run(watch, feed(event("started", 0)), feed(with_broker(noisy(range(100)), range(100))))
    said = run(watch, feed(with_broker(noisy([400], 1), [400])))
    assert [s.age_s for s in said if isinstance(s, Score)] == [400 * 60]


def test_a_scan_from_the_future_is_refused_by_the_brokers_time():
    watch = watch_of(TWIN)
    run(watch, feed(event("started", 0)), feed(with_broker(noisy(range(10)), range(10))))
    said = run(watch, feed(*(with_broker(noisy([2 * 24 * 60 + k], k), [10 + k]) for k in range(30))))
    assert reasons(said) == ["implausible-time"] * 30
    assert [d.cause for d in deviations(said)] == ["quiet"]  # nothing usable comes: the unit is not watched
    assert "messages come, but none can be used" in deviations(said)[0].message


@pytest.mark.parametrize("zone", [60, -300])
def test_an_hour_that_is_left_out_in_spring_is_no_pause_where_the_broker_knows_better(zone):
    winter, summer = noisy(zone + np.arange(120)), noisy(zone + 60 + np.arange(120, 240), 1)
    blocks = with_broker(winter, range(120)), with_broker(summer, range(120, 240))
    said = run(watch_of(TWIN), feed(event("started", zone)), *(feed(b.take([k])) for b in blocks for k in range(120)))
    assert age_min(said) == 230
    assert "clock" in {d.cause for d in deviations(said)}


def test_scans_of_one_unit_in_several_partitions_are_merged_and_remarked():
    whole = noisy(range(600))
    parts = [msgspec.structs.replace(whole.take(slice(k, None, 3)), partition=k) for k in range(3)]
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(*parts))
    assert (reasons(said), deviations(said), age_min(said)) == ([], [], 590)
    assert "partitions 0, 1, 2" in remarks(said, "several-streams")[-1].detail


def readings(minutes, seed=0) -> ReadingBlock:
    """Two tags at these minutes, each a reading of its own."""
    at = np.repeat(np.asarray(list(minutes), dtype=float), 2)
    values = 0.5 * np.random.default_rng(seed).random(len(at))
    tags = np.tile([0, 1], len(at) // 2)
    times = (to_us(START) + at * 60e6).astype(np.int64)
    return ReadingBlock("BR-101", "pat.scans", 0, np.arange(len(at)), times, tags, values)


@pytest.mark.parametrize("copies", [3, 40, 400])
def test_readings_sent_again_are_no_errors_and_no_clock(copies):
    whole = readings(range(300))
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(whole), feed(whole.take(slice(600 - copies, None))),
               feed(readings(range(300, 330), 1)))  # fmt: skip
    assert (reasons(said), deviations(said), age_min(said)) == ([], [], 320)


def test_readings_of_an_hour_that_comes_twice_do_not_hold_up_the_age():
    blocks = readings(range(120)), readings(range(60, 240), 1)
    said = run(watch_of(TWIN), feed(event("started", 0)), *map(feed, blocks))
    assert (age_min(said), reasons(said)) == (290, [])
    assert [d.cause for d in deviations(said)] == ["clock", "clock"]


def test_one_reading_of_2098_is_refused_and_the_unit_goes_on():
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(readings(range(60))),
               feed(readings([72 * YEAR], 1).take([1])), feed(readings(range(60, 120), 2)))  # fmt: skip
    assert (reasons(said), age_min(said)) == (["implausible-time"], 110)


PLANT = joined(
    noisy(range(60)), noisy(range(40, 60)), noisy([60 + YEAR], 1), noisy(range(61, 90), 2),
    noisy(np.arange(30) - 56 * YEAR, 3), noisy(range(120, 160), 4), noisy(range(100, 150), 5),
    noisy([300, 301, 290], 6),
)  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(cuts=st.lists(st.integers(1, len(PLANT) - 1), max_size=15), restart=st.booleans(), long=st.booleans())
def test_neither_cuts_nor_restarts_change_what_is_taken_of_a_wild_stream(cuts, restart, long):
    plant = PLANT if not long else readings(((PLANT.observed_us - to_us(START)) / 60e6).tolist())
    context, edges = event("started", 0), [0, *sorted(set(cuts)), len(plant)]
    once = [r for r in run(watch_of(TWIN), feed(context), feed(plant)) if not isinstance(r, Remark)]
    watch = watch_of(TWIN)
    pieces = watch.step(feed(context))
    for first, last in itertools.pairwise(edges):
        if restart:
            watch = watch_of(TWIN, watch.snapshot())
        pieces += watch.step(feed(plant.take(slice(first, last))))
    assert [r for r in pieces if not isinstance(r, Remark)] == once


def test_a_plan_of_a_year_is_kept_and_what_is_too_much_is_remarked(monkeypatch):
    monkeypatch.setattr("models.unit.timeline.KEPT", 3)
    plan = [event("started", 10 * k, f"B{k}") for k in range(5)]
    said = run(watch_of(TWIN), feed(*plan))
    assert [r.kind for r in said if isinstance(r, Remark)] == ["too-many-events", "too-many-events"]


def nothing_usable(kind: str) -> ReadingBlock | Block:
    """Ten minutes after an hour of good readings the unit sends for 20 minutes what makes no scan."""
    begin = to_us(START) + 70 * 60_000_000
    at = np.arange(20)
    came = begin + at * 60_000_000
    if kind == "repeats":
        return with_broker(joined(*(noisy(range(60)).take([59]) for _ in at)), 70 + at)
    times = came if kind == "bad" else np.full(20, begin)
    values = np.full(20, np.nan) if kind == "bad" else at / 40
    return ReadingBlock("BR-101", "pat.scans", 0, at, times, at % 2, values, came)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("kind", ["bad", "one moment", "repeats"])
def test_a_unit_whose_messages_make_no_scan_is_quiet(kind, whole):
    """All of bad quality, all of one moment, or the same scan for ever: cut or whole, after five cadences, once."""
    good = noisy(range(60)) if kind == "repeats" else readings(range(60))
    minutes = np.arange(60) if kind == "repeats" else np.repeat(np.arange(60), 2)
    watch, sent = watch_of(TWIN), nothing_usable(kind)
    assert deviations(run(watch, feed(event("started", 0)), feed(with_broker(good, minutes)))) == []
    said = deviations(run(watch, *(feed(sent.take([k])) for k in range(20)) if not whole else [feed(sent)]))
    assert [d.cause for d in said] == ["quiet"]
    assert "messages come, but none makes a scan" in said[0].message
    again = noisy(range(90, 95), 3) if kind == "repeats" else readings(range(90, 95), 3)
    later = np.arange(90, 95) if kind == "repeats" else np.repeat(np.arange(90, 95), 2)
    resumed = deviations(run(watch_of(TWIN, watch.snapshot()), feed(with_broker(again, later))))
    assert [(d.cause, d.state) for d in resumed] == [("quiet", "RTNUN")]


def test_readings_that_make_a_scan_now_and_then_leave_the_unit_watched():
    """A tag every seven minutes, of a twin that takes a reading for as long: longer than it may be quiet."""
    slow = readings(range(0, 600, 7))
    minutes = np.repeat(np.arange(0, 600, 7), 2)
    assert deviations(run(watch_of(TWIN), feed(event("started", 0)), feed(with_broker(slow, minutes)))) == []


def test_a_unit_that_was_silent_and_then_sends_again_what_it_has_sent_was_not_useless_meanwhile():
    """A gateway is away for three hours; a backlog of that says nothing that would not have been said live."""
    whole = noisy(range(60))
    again = with_broker(whole.take(slice(40, 60)), np.append([60], 240 + np.arange(19) / 60))
    later = with_broker(noisy(range(240, 300), 1), 241 + np.arange(60))
    said = run(watch_of(TWIN), feed(event("started", 0)), feed(with_broker(whole, range(60))), feed(again), feed(later))
    assert deviations(said) == []
    slow = readings(range(60)), readings(range(240, 300), 1)
    times = np.repeat(np.arange(60), 2), 240 + np.repeat(np.arange(60), 2)
    said = run(watch_of(TWIN), feed(event("started", 0)), *map(feed, map(with_broker, slow, times)))
    assert deviations(said) == []
