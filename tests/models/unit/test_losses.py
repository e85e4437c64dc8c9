"""Messages that were removed before they were read stand in the record of the batch they concern, each loss once."""

import msgspec
import pytest

from models.gathering.gather import Decided, Ended, Gather
from models.records.messages import Evidence, Loss, OperatorAction
from models.records.times import to_us
from tests.conftest import event, feed, minute, scans
from tests.watched import deviations, run, watch_of

LOSS = Loss(
    topic="pat.scans", partition=2, first_offset=40, last_offset=339,
    since_us=to_us(minute(9)), until_us=to_us(minute(60)),
)  # fmt: skip
KINDS = ("started", "ended")
REMADE = Loss(topic="mes.batch-events", since_us=to_us(minute(9)))


def said(records):
    return [(d.batch_id, d.cause, d.state, d.raised_at) for d in deviations(records)]


def test_a_running_batch_is_told_what_nobody_judged_and_where_it_lay(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(10))))
    found = run(watch, feed(LOSS, scans(range(61, 70))))
    times = [("B1", "lost-messages", state, minute(9)) for state in ("UNACK", "RTNUN")]
    assert said(found) == times
    first = deviations(found)[0]
    assert (first.category, first.priority) == ("context", "low")
    assert first.message == (
        "BR-101 B1: 300 message(s) of pat.scans/2 (sent after 2026-01-05 06:09:00 UTC and before 2026-01-05 07:00:00 "
        "UTC) were removed before they were read: not judged since 06:09 UTC (batch age 0.2 h) (context, low)"
    )
    assert first.evidence == Evidence(topic="pat.scans", partition=2, first_offset=40, last_offset=339)


def test_it_waits_for_acknowledgement(twin):
    watch = watch_of(twin)
    found = deviations(run(watch, feed(event("started", -1), scans(range(10))), feed(LOSS)))
    seen = OperatorAction(
        action="acknowledge", deviation_id=found[0].deviation_id, unit="BR-101", by="anna", at=minute(9)
    )
    assert [d.state for d in deviations(run(watch, feed(seen)))] == ["NORM"]


def test_each_loss_is_a_deviation_of_its_own(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(10))))
    found = deviations(run(watch, feed(LOSS, REMADE)))
    assert [d.deviation_id for d in found] == [f"BR-101/B1/lost-messages/{n}" for n in (1, 1, 2, 2)]
    assert "messages, how many is not known, of mes.batch-events (sent after" in found[2].message


@pytest.mark.parametrize("mode", ["batch", "continuous"])
def test_a_unit_without_a_batch_is_told_as_well(twin, mode):
    watch = watch_of(msgspec.structs.replace(twin, mode=mode))
    run(watch, feed(scans(range(10))))
    assert said(run(watch, feed(LOSS)))[0] == (None, "lost-messages", "UNACK", minute(9))


def test_a_unit_of_which_nothing_was_judged_is_told_at_the_brokers_time(twin):
    assert said(run(watch_of(twin), feed(LOSS)))[0][3] == minute(60)


def test_a_batch_that_begins_in_the_gap_has_it_in_its_record_and_a_later_one_has_not(twin):
    watch = watch_of(twin)
    context = (event("started", -1), event("ended", 20), event("started", 30, "B2"), event("ended", 65, "B2"))
    run(watch, feed(*context, event("started", 66, "B3"), scans(range(10))))
    found = run(watch, feed(LOSS, scans(range(61, 70))))
    raised = [(batch, at) for batch, cause, state, at in said(found) if cause == "lost-messages" and state == "UNACK"]
    assert raised == [("B1", minute(9)), ("B2", minute(30))]


def test_a_restart_in_between_changes_nothing(twin):
    feeds = (
        feed(event("started", -1), event("started", 30, "B2"), scans(range(10))),
        feed(LOSS),
        feed(scans(range(61, 70))),
        feed(REMADE),
        feed(scans(range(71, 75))),
    )
    whole = run(watch_of(twin), *feeds)
    assert [d.cause for d in deviations(whole)].count("lost-messages") == 6
    watch, parted = watch_of(twin), []
    for each in feeds:
        parted += run(watch, each)
        watch = watch_of(twin, watch.snapshot())
    assert parted == whole


def test_a_batch_with_a_hole_is_not_learnt_and_the_next_one_is(twin):
    gather = Gather(twin)
    times = {"B1": (-1, 20), "B2": (30, 65), "B3": (66, 80)}
    context = [event(kind, m, batch) for batch, both in times.items() for kind, m in zip(KINDS, both, strict=True)]
    gathered = gather.step(feed(*context, scans(range(10))))
    gathered += gather.step(feed(LOSS))
    gather = Gather(twin, gather.snapshot())
    gathered += gather.step(feed(scans(range(61, 90))))
    gathered += gather.step(feed(*(event("released", 95, batch) for batch in times), scans(range(90, 100))))
    assert [each.batch.batch_id for each in gathered if isinstance(each, Ended)] == ["B3"]
    missing = "messages of it were removed before they were read"
    decided = [(each.batch_id, each.missing) for each in gathered if isinstance(each, Decided)]
    assert decided == [("B1", missing), ("B2", missing), ("B3", "")]
