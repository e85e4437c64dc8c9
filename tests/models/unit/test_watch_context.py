"""The watch of one unit and its context: starts, ends, phases and silence, said in the words of the plant."""

import numpy as np
import pytest

from models.records.messages import Rejected, Remark, Score, Tick
from models.records.times import to_us
from tests.conftest import event, feed, minute, scans
from tests.watched import deviations, excursion, run, watch_of


def test_at_batch_end_its_deviations_clear_and_its_state_is_dropped(twin):
    watch = watch_of(twin)
    said = run(watch, feed(event("started", -1), event("ended", 30), scans(range(40), excursion(10, 100, 40))))
    assert [(d.state, d.changed_at) for d in deviations(said)] == [("UNACK", minute(10)), ("RTNUN", minute(30))]
    assert watch.unit.running is None
    assert [s.batch_id for s in said if isinstance(s, Score)][-1] is None


def test_an_end_applies_without_further_scans_once_the_source_says_all_is_there(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(10))), feed(event("ended", 20)))
    assert watch.unit.running is not None
    run(watch, feed(Tick(unit="BR-101", kind="settled", now_us=to_us(minute(19)))))
    assert watch.unit.running is not None  # planned, and not yet due
    run(watch, feed(Tick(unit="BR-101", kind="settled", now_us=to_us(minute(20)))))
    assert watch.unit.running is None


def test_a_unit_that_goes_quiet_is_said_and_heard_again(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(10))))
    quiet = deviations(run(watch, feed(Tick(unit="BR-101", kind="quiet", still_s=300))))
    assert [(d.cause, d.category, d.state, d.raised_at) for d in quiet] == [("quiet", "context", "UNACK", minute(14))]
    heard = deviations(run(watch, feed(scans([20, 21]))))  # the second one shows that it was a pause
    assert [(d.cause, d.state) for d in heard] == [("quiet", "RTNUN")]


def test_an_idle_unit_may_be_quiet(twin):
    assert deviations(run(watch_of(twin), feed(Tick(unit="BR-101", kind="quiet", still_s=300)))) == []


def test_scans_without_a_batch_are_said_after_a_while_until_one_starts(twin):
    said = deviations(run(watch_of(twin), feed(scans(range(45))), feed(event("started", 44.5), scans([45, 46]))))
    assert [(d.cause, d.state, d.changed_at) for d in said] == [
        ("no-batch", "UNACK", minute(30)), ("no-batch", "RTNUN", minute(44.5)),
    ]  # fmt: skip


def test_a_batch_that_never_ends_is_overdue(twin):
    said = deviations(run(watch_of(twin), feed(event("started", 0), scans(range(0, 800, 5)))))
    assert [(d.cause, d.state, d.raised_at) for d in said] == [("overdue", "UNACK", minute(755))]


@pytest.mark.parametrize("cut", [1, 150, 152, 155])
def test_an_overdue_batch_is_said_at_the_same_scan_however_the_scans_are_cut(twin, cut):
    minutes, values = np.arange(0, 800, 5), np.where(np.arange(160) % 9 == 7, 2.0, 0.0)
    once = run(watch_of(twin), feed(event("started", 0), scans(minutes, values)))
    whole, watch = scans(minutes, values), watch_of(twin)
    first = run(watch, feed(event("started", 0), whole.take(slice(0, cut))))
    assert first + run(watch, feed(whole.take(slice(cut, None)))) == once


def test_two_batches_on_one_unit_overlap_and_the_first_is_taken_to_have_ended(twin):
    watch = watch_of(twin)
    said = run(watch, feed(event("started", 0), event("started", 20, "B2"), scans(range(30))),
               feed(event("ended", 31), scans([32])))  # fmt: skip
    assert watch.unit.running.batch_id == "B2"
    assert [(d.cause, d.batch_id, d.state) for d in deviations(said)] == [
        ("overlap", "B2", "UNACK"), ("overlap", "B2", "RTNUN"),
    ]  # fmt: skip


def test_a_product_without_a_reference_is_said(twin):
    said = run(watch_of(twin), feed(event("started", 0, product="other"), scans(range(5), 9.0)))
    assert [d.cause for d in deviations(said)] == ["unknown-product"]


def test_scans_that_name_their_batch_need_no_events(twin):
    block = scans(range(60), excursion(), batch_ids=("B1",) * 30 + ("B2",) * 30)
    watch = watch_of(twin)
    said = run(watch, feed(block))
    assert deviations(said)[0].deviation_id == "BR-101/B1/process/1"
    assert watch.unit.running.batch_id == "B2"


def test_scans_of_another_batch_than_the_running_one_become_dead_letters(twin):
    said = run(watch_of(twin), feed(event("started", -1), scans(range(3), batch_ids=("B1", "B9", None))))
    assert [(r.reason, r.origin.offset) for r in said if isinstance(r, Rejected)] == [("other-batch", 1)]


def test_a_late_phase_applies_from_the_next_scan_and_is_remarked(twin):
    watch = watch_of(twin)
    said = run(watch, feed(event("started", -1), scans(range(10))), feed(event("phase_started", 3, phase="FEED")))
    assert [r.kind for r in said if isinstance(r, Remark)] == ["late-event"]
    assert watch.unit.running.phase == "FEED"
