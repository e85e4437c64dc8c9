"""The watch of one unit: context, order, alarms, and that nothing of it depends on how scans arrive."""

import dataclasses
import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.block import Block
from models.records import Deviation, OperatorAction, Rejected, Remark, Score, Tick
from models.twin import Context
from models.watch import Watch
from tests.conftest import AboveOne, event, feed, minute, scans, small_twin


def watch_of(twin, state=None):
    return Watch("BR-101", twin, lambda product: AboveOne() if product == "p" else None, "sha", state)


def run(watch, *feeds):
    return [record for one in feeds for record in watch.step(one)]


def deviations(records):
    return [r for r in records if isinstance(r, Deviation)]


def excursion(first=10, last=14, end=60):
    return np.where((np.arange(end) >= first) & (np.arange(end) <= last), 2.0, 0.0)


def test_an_excursion_is_raised_when_it_begins_and_cleared_after_its_off_delay(twin):
    said = deviations(run(watch_of(twin), feed(event("started", -1), scans(range(60), excursion()))))
    assert [(d.state, d.changed_at) for d in said] == [("UNACK", minute(10)), ("RTNUN", minute(24))]
    assert said[0].deviation_id == "BR-101/B1/process/1"
    assert said[0].raised_age_s == 660
    assert said[0].evidence.first_offset == 10
    assert said[1].cleared_at == minute(24)
    assert "since 06:10 UTC" in said[0].message


def test_a_second_excursion_soon_after_joins_the_first_and_a_later_one_is_new(twin):
    values = excursion(10, 14, 120)
    values[30], values[80] = 2.0, 2.0
    said = deviations(run(watch_of(twin), feed(event("started", -1), scans(range(120), values))))
    assert [(d.deviation_id[-1], d.state) for d in said] == [
        ("1", "UNACK"), ("1", "RTNUN"), ("1", "UNACK"), ("1", "RTNUN"), ("2", "UNACK"), ("2", "RTNUN"),
    ]  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(
    cuts=st.lists(st.integers(1, 99), max_size=12),
    bad=st.lists(st.integers(0, 99), max_size=25),
    lateness=st.sampled_from([0.0, 300.0]),
    restart=st.booleans(),
)
def test_neither_block_boundaries_nor_restarts_change_a_word(cuts, bad, lateness, restart):
    twin = msgspec.structs.replace(small_twin(), context=Context(lateness_s=lateness))
    values = np.zeros(100)
    values[bad] = 2.0
    context = (event("started", 5), event("phase_started", 40, phase="FEED"), event("ended", 80),
               event("started", 85, "B2"))  # fmt: skip
    whole = scans(range(100), values)
    once = run(watch_of(twin), feed(*context, whole))
    watch, pieces = watch_of(twin), []
    pieces += watch.step(feed(*context))
    edges = [0, *sorted(set(cuts)), 100]
    for first, last in itertools.pairwise(edges):
        if restart:
            watch = watch_of(twin, watch.snapshot())
        pieces += watch.step(feed(whole.take(slice(first, last))))
    assert pieces == once


@pytest.mark.parametrize("arrives_after", [0, 20, 45])
def test_context_applies_by_its_time_whichever_came_first(twin, arrives_after):
    """A start that comes after its scans finds them waiting (up to 64 scans)."""
    on_time = run(watch_of(twin), feed(event("started", 5), scans(range(50), excursion(10, 12, 50))))
    watch = watch_of(twin)
    late = run(watch, feed(scans(range(arrives_after), excursion(10, 12, 50)[:arrives_after]))) if arrives_after else []
    rest = range(arrives_after, 50)
    late += run(watch, feed(event("started", 5), scans(rest, excursion(10, 12, 50)[list(rest)])))
    ids = [(d.deviation_id, d.revision, d.state, d.changed_at) for d in deviations(on_time) if d.category == "process"]
    assert [
        (d.deviation_id, d.revision, d.state, d.changed_at) for d in deviations(late) if d.category == "process"
    ] == ids


def test_an_acknowledged_deviation_returns_to_normal(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(12), excursion()[:12])))
    ack = OperatorAction(
        action="acknowledge", deviation_id="BR-101/B1/process/1", unit="BR-101", by="ada", at=minute(11.5)
    )
    said = deviations(run(watch, feed(ack, scans(range(12, 60), excursion()[12:]))))
    assert [(d.state, d.by) for d in said] == [("ACKED", "ada"), ("NORM", None)]


def test_a_shelved_deviation_comes_back_when_its_time_is_up(twin):
    watch = watch_of(twin)
    values = excursion(10, 100, 60)
    run(watch, feed(event("started", -1), scans(range(12), values[:12])))
    shelve = OperatorAction(
        action="shelve", deviation_id="BR-101/B1/process/1", unit="BR-101", by="ada", at=minute(11.5),
        reason="probe is being cleaned", until=minute(30),
    )  # fmt: skip
    said = deviations(run(watch, feed(shelve), feed(scans(range(12, 60), values[12:]))))
    assert [(d.state, d.changed_at) for d in said] == [("SHLVD", minute(11.5)), ("UNACK", minute(30))]
    assert said[0].comment == "probe is being cleaned"


def test_an_action_on_nothing_is_remarked(twin):
    ack = OperatorAction(action="acknowledge", deviation_id="nothing", unit="BR-101", by="ada", at=minute(1))
    said = run(watch_of(twin), feed(event("started", 0), ack, scans(range(5))))
    assert [r.kind for r in said if isinstance(r, Remark)] == ["unknown-deviation"]


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
    run(watch, feed(Tick(unit="BR-101", kind="settled")))
    assert watch.unit.running is None


def test_scans_twice_or_out_of_order_become_dead_letters_and_change_nothing(twin):
    once = run(watch_of(twin), feed(event("started", -1), scans(range(60), excursion())))
    watch = watch_of(twin)
    twice = run(watch, feed(event("started", -1), scans(range(30), excursion()[:30])), feed(scans([7, 8])),
                feed(scans(range(30, 60), excursion()[30:])))  # fmt: skip
    letters = [r for r in twice if isinstance(r, Rejected)]
    assert [letter.reason for letter in letters] == ["late", "late"]
    assert b'"observed_at":"2026-01-05T06:07:00Z"' in letters[0].raw
    assert [d.deviation_id for d in deviations(twice)] == [d.deviation_id for d in deviations(once)]


def test_stragglers_within_the_lateness_are_put_in_order(twin):
    patient = msgspec.structs.replace(twin, context=Context(lateness_s=300))
    in_order = run(watch_of(patient), feed(event("started", -1), scans(range(60), excursion())))
    order = [0, 2, 1, 4, 3, *range(5, 60)]
    shuffled = Block(**{f: getattr(scans(range(60), excursion()), f) for f in Block.__slots__}).take(order)
    said = run(watch_of(patient), feed(event("started", -1), shuffled))
    assert [(d.state, d.changed_at) for d in deviations(said)] == [
        (d.state, d.changed_at) for d in deviations(in_order)
    ]
    assert not [r for r in said if isinstance(r, Rejected)]


def test_a_clock_that_jumps_back_is_said_and_the_batch_goes_on(twin):
    watch = watch_of(twin)
    said = run(watch, feed(event("started", -1), scans(range(20))), feed(scans([5, 6, 7, 8, 9], 2.0)))
    assert [r.reason for r in said if isinstance(r, Rejected)] == ["late", "late"]
    assert [(d.cause, d.state) for d in deviations(said)] == [
        ("clock", "UNACK"),
        ("clock", "RTNUN"),
        ("process", "UNACK"),
    ]
    assert deviations(said)[-1].raised_age_s == 21 * 60  # the age goes on where it was


def test_a_unit_that_goes_quiet_is_said_and_heard_again(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(10))))
    quiet = deviations(run(watch, feed(Tick(unit="BR-101", kind="quiet", still_s=300))))
    assert [(d.cause, d.category, d.state, d.raised_at) for d in quiet] == [("quiet", "context", "UNACK", minute(14))]
    heard = deviations(run(watch, feed(scans([20]))))
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


def test_a_unit_s_state_is_a_few_kilobytes(twin):
    watch = watch_of(twin)
    run(watch, feed(scans(range(500))), feed(event("started", 500.5), scans(range(501, 900), 2.0)))
    assert len(watch.snapshot()) < 4096


class Learning(AboveOne):
    """As ``AboveOne``, with a learner that alarms all the time."""

    def judge(self, stretch):
        judgement = super().judge(stretch)
        always = np.ones(len(stretch), dtype=bool)
        learner = dataclasses.replace(judgement.findings[0], name="learner", grade="advisory", over=always)
        return dataclasses.replace(judgement, findings=(*judgement.findings, learner))


def test_where_reference_and_learner_disagree_for_long_it_is_said_once_and_scored(twin):
    watch = Watch("BR-101", twin, lambda product: Learning())
    said = run(watch, feed(event("started", -1), scans(range(200))), feed(scans(range(200, 300))))
    assert [r.kind for r in said if isinstance(r, Remark)] == ["disagreement"]
    assert [s.disagreement for s in said if isinstance(s, Score)][-1] > 0.9


def test_an_advisory_deviation_is_approved_when_the_reference_sees_it_too(twin):
    watch = Watch("BR-101", twin, lambda product: Learning())
    said = deviations(run(watch, feed(event("started", -1), scans(range(60), excursion()))))
    assert [(d.revision, d.grade, d.priority, d.changed_at) for d in said] == [
        (1, "advisory", "low", minute(0)), (2, "approved", "high", minute(10)),
    ]  # fmt: skip
