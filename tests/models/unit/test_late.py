"""What comes late: batch events, actions and readings after the scans they concern, as docs/concepts.md promises."""

import numpy as np
import pytest

from models.records.block import ReadingBlock
from models.records.messages import OperatorAction, Rejected, Remark, Score
from models.records.times import to_us
from tests.conftest import START, event, feed, minute, scans
from tests.watched import deviations, excursion, run, watch_of


def remarks(said) -> list[str]:
    """The kinds of what is remarked."""
    return [record.kind for record in said if isinstance(record, Remark)]


def test_a_late_start_judges_the_last_64_of_the_scans_that_wait_by_its_own_time(twin):
    watch = watch_of(twin)
    run(watch, feed(scans(range(100), excursion(90, 95, 100))))
    said = run(watch, feed(event("started", 5)))
    assert watch.unit.running.monitor.seen == 64
    assert [(d.cause, d.state) for d in deviations(said)] == [("no-batch", "RTNUN"), ("process", "UNACK")]
    assert deviations(said)[-1].raised_age_s == 85 * 60  # the age counts from its start
    assert remarks(said) == []


def test_of_scans_that_wait_those_before_the_start_are_not_judged(twin):
    watch = watch_of(twin)
    run(watch, feed(scans(range(30), excursion(2, 4, 30))))
    said = run(watch, feed(event("started", 10)))
    assert (watch.unit.running.monitor.seen, deviations(said)) == (20, [])


def test_a_late_start_over_a_running_batch_takes_what_comes_and_judges_nothing_again(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", 0), scans(range(30))))
    said = run(watch, feed(event("started", 20, "B2")), feed(scans(range(30, 60))))
    assert (watch.unit.running.batch_id, watch.unit.running.monitor.seen) == ("B2", 30)
    assert [s.age_s for s in said if isinstance(s, Score) and s.batch_id == "B2"][-1] == 30 * 60  # of minute 50
    assert [d.cause for d in deviations(said)] == ["overlap"]
    assert remarks(said) == ["late-event"]


def test_a_late_end_takes_back_nothing_and_ends_the_batch_at_the_newest_scan_judged(twin):
    watch = watch_of(twin)
    before = run(watch, feed(event("started", 0), scans(range(30), excursion(25, 29, 30))))
    said = run(watch, feed(event("ended", 20)), feed(scans(range(30, 40))))
    assert [d.state for d in deviations(before)] == ["UNACK"]
    assert (deviations(said)[0].state, deviations(said)[0].changed_at) == ("RTNUN", minute(29))
    assert remarks(said) == ["late-event"]
    assert watch.unit.running is None


def test_a_late_phase_counts_from_its_own_time(twin):
    watch = watch_of(twin)
    said = run(watch, feed(event("started", 0), scans(range(10))), feed(event("phase_started", 3, phase="FEED")))
    assert (watch.unit.running.phase, watch.unit.running.phase_us) == ("FEED", watch.unit.running.started_us + 180e6)
    assert remarks(said) == ["late-event"]


@pytest.mark.parametrize("at", [11, 30])
def test_an_action_applies_once_to_what_is_open_whenever_it_comes(twin, at):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(15), excursion(10, 15, 60)[:15])))
    ack = OperatorAction(
        action="acknowledge", deviation_id="BR-101/B1/process/1", unit="BR-101", by="ada", at=minute(at)
    )
    said = run(watch, feed(ack), feed(scans(range(15, 40), excursion(10, 35, 60)[15:40])))
    assert [(d.state, d.changed_at) for d in deviations(said)] == [("ACKED", minute(at))]
    assert remarks(said) == []


def test_a_start_that_comes_after_scans_that_name_their_batch_confirms_it_and_moves_nothing(twin):
    watch = watch_of(twin)
    run(watch, feed(scans(range(10), batch_ids=("B1",) * 10)))
    started_us = watch.unit.running.started_us
    said = run(watch, feed(event("started", -5)), feed(scans(range(10, 12))))
    assert (watch.unit.running.started_us, watch.unit.running.implied) == (started_us, False)
    assert remarks(said) == []


def readings(*said: tuple[float, float]) -> ReadingBlock:
    """Readings of the first tag: (minute, value)."""
    minutes, values = np.array(said).T
    times = (to_us(START) + minutes * 60e6).astype(np.int64)
    return ReadingBlock("BR-101", "pat.scans", 0, np.arange(len(said)), times, np.zeros(len(said), dtype=int), values)


def test_a_reading_whose_scan_has_been_made_is_a_dead_letter_and_makes_none(twin):
    steady = [(m + 0.5, 0.01 * m) for m in range(20)]
    watch = watch_of(twin)
    run(watch, feed(event("started", 0)), feed(readings(*steady[:15])))
    said = run(watch, feed(readings((3.7, 5.0))), feed(readings(*steady[15:])))
    assert [record.reason for record in said if isinstance(record, Rejected)] == ["late"]
    assert (watch.unit.running.monitor.seen, deviations(said)) == (19, [])


def test_readings_of_one_interval_count_by_their_times_in_whatever_order_they_come(twin):
    steady = [(m + 0.5, 0.01 * m) for m in range(10)]
    said = run(
        watch_of(twin), feed(event("started", 0)), feed(readings(*steady, (10.8, 2.0), (10.6, 0.0), (11.5, 0.0)))
    )
    assert [(d.state, d.raised_at) for d in deviations(said)] == [("UNACK", minute(11))]
    assert not [record for record in said if isinstance(record, Rejected)]


def test_events_that_come_ahead_apply_by_their_times_in_whatever_order_they_came(twin):
    plan = [
        event("started", 5),
        event("phase_started", 12, phase="FEED"),
        event("ended", 25),
        event("started", 30, "B2"),
    ]
    values = excursion(10, 14, 50)
    once = run(watch_of(twin), feed(*plan, scans(range(50), values)))
    said = run(watch_of(twin), *(feed(one) for one in reversed(plan)), feed(scans(range(50), values)))
    assert said == once
    assert [s.batch_id for s in said if isinstance(s, Score) and s.batch_id][-1] == "B2"
