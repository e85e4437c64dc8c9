"""The watch of one unit: alarms, order, grades, and that nothing of it depends on how scans arrive."""

import itertools

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.records.block import Block
from models.records.errors import RecoveryError
from models.records.messages import OperatorAction, Rejected, Remark, Score
from models.records.twin import Context
from models.unit.watch import Watch
from tests.conftest import AboveOne, event, feed, minute, scans, small_twin
from tests.watched import deviations, excursion, run, watch_of


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


def test_scans_out_of_order_become_dead_letters_and_change_nothing(twin):
    once = run(watch_of(twin), feed(event("started", -1), scans(range(60), excursion())))
    watch = watch_of(twin)
    twice = run(watch, feed(event("started", -1), scans(range(30), excursion()[:30])), feed(scans([7, 8], 5.0)),
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
    assert not [r for r in said if isinstance(r, Rejected)]  # those that showed it are judged, too
    assert [(d.cause, d.state) for d in deviations(said)] == [
        ("clock", "UNACK"),
        ("clock", "RTNUN"),
        ("process", "UNACK"),
    ]
    assert deviations(said)[-1].raised_age_s == 21 * 60  # the age goes on where it was


def test_a_unit_s_state_is_a_few_kilobytes(twin):
    watch = watch_of(twin)
    run(watch, feed(scans(range(500))), feed(event("started", 500.5), scans(range(501, 900), 2.0)))
    assert len(watch.snapshot()) < 8192  # 4 KB of them know the last thousand scans again


def test_a_unit_s_state_stays_small_however_many_deviations_nobody_has_acknowledged(twin):
    values = np.where(np.arange(6000) % 40 < 5, 2.0, 0.0)  # each time later than what is taken for the same deviation
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(6000), values)))
    assert len(watch.unit.register.open()) >= 150
    assert len(watch.snapshot()) < 16_384
    assert watch_of(twin, watch.snapshot()).unit.register.open() == watch.unit.register.open()


def test_a_snapshot_after_every_change_holds_the_change(twin):
    values, watch = excursion(10, 100, 60), watch_of(twin)
    values[44:] = 0.0
    acted = {"deviation_id": "BR-101/B1/process/1", "unit": "BR-101", "by": "ada", "reason": "cleaned"}
    changes = (
        feed(event("started", -1), scans(range(12), values[:12])),  # raised
        feed(OperatorAction(action="comment", at=minute(11), **acted)),
        feed(OperatorAction(action="shelve", at=minute(11), until=minute(30), **acted)),
        feed(scans(range(12, 40), values[12:40])),  # the shelving is over
        feed(scans(range(40, 60), values[40:])),  # cleared
        feed(OperatorAction(action="acknowledge", at=minute(59), **acted)),
        feed(event("ended", 61), scans(62)),  # numbers begin anew
    )
    for change in changes:
        before = watch.unit.register.state()
        watch.snapshot()
        watch.step(change)
        assert watch.unit.register.state() != before
        assert watch_of(twin, watch.snapshot()).unit.register.state() == watch.unit.register.state()


class Learning(AboveOne):
    """As ``AboveOne``, with a learner that alarms all the time."""

    def judge(self, stretch):
        judgement = super().judge(stretch)
        always = np.ones(len(stretch), dtype=bool)
        learner = msgspec.structs.replace(judgement.findings[0], name="learner", grade="advisory", over=always)
        return msgspec.structs.replace(judgement, findings=(*judgement.findings, learner))


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


def test_a_state_of_another_form_is_refused_with_what_to_do(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(5))))
    older = msgspec.msgpack.encode(msgspec.msgpack.decode(watch.snapshot()) | {"version": 2})
    with pytest.raises(RecoveryError, match="unit BR-101 is of form 2, this PATrol reads 5: choose another recovery"):
        watch_of(twin, older)


def test_so_is_one_that_holds_other_things(twin):
    values = msgspec.msgpack.Ext(1, b"\x06\xb4\xa3<f8\x91\x02" + bytes(16))
    older = msgspec.msgpack.encode({"version": 3, "lives": [], "ordinals": {}, "assembly": [values, values, None]})
    with pytest.raises(RecoveryError, match="unit BR-101 is of form 3, this PATrol reads 5: choose another recovery"):
        watch_of(twin, older)
