"""What several units bring in one poll is judged in one go, and nobody can tell from what is said."""

from datetime import timedelta

import numpy as np
import pytest
from bytewax.errors import BytewaxRuntimeError
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import TestingSink, TestingSource, run_main
from msgspec.structs import replace

from flows.deviation import Ends, Taps, build
from flows.joint_judging import JointJudging
from flows.watch import WatchLogic
from models.batch.fleet import Fleet
from models.batch.monitor import BatchMonitor
from models.records.block import Block
from models.records.messages import Deviation, Remark
from models.records.times import to_us
from models.reference.reference import fit_reference
from models.unit.watch import Watch
from tests.conftest import START, AboveOne, event, feed, scans, small_twin
from tests.released import grown, reactor_twin, released

UNITS = ("BR-101", "BR-102", "BR-103", "BR-104")
TWIN = small_twin()


class Beside(AboveOne):
    """The rule's monitor, judged beside others."""

    def __init__(self, peers):
        super().__init__()
        self.peers = peers


class Peers:
    """Notes how many it judges in one go."""

    def __init__(self):
        self.sizes = []

    def judge(self, monitors, stretches):
        self.sizes.append(len(monitors))
        return [monitor.judge(stretch) for monitor, stretch in zip(monitors, stretches, strict=True)]


class Broken:
    """Judges nothing."""

    def judge(self, monitors, stretches):
        raise ArithmeticError("no verdict")


def watches(peers, twin=TWIN):
    return lambda unit, state: Watch(unit, twin, lambda product: Beside(peers), "", state)


def shift(minutes=40, step=4):
    """A batch on every unit, fed in polls of all units, with excursions."""
    values = np.where(np.arange(minutes) % 15 == 10, 2.0, 0.0)
    items = [feed(event("started", -1, unit=unit), unit=unit) for unit in UNITS]
    for m in range(0, minutes, step):
        items += [feed(scans(range(m, m + step), values[m : m + step], unit=unit), unit=unit) for unit in UNITS]
    return items


def run(items, watches, batch_size, taps=None, recovery=None):
    records = ([], [], [])
    flow = build(TestingSource(items, batch_size), Ends(*map(TestingSink, records)), watches, taps or Taps())
    run_main(flow, epoch_interval=timedelta(0), recovery_config=recovery)
    return [record for stream in records for record in stream]


def by_unit(records):
    return {unit: [record for key, record in records if key == unit] for unit in UNITS}


def test_the_feeds_of_one_poll_are_judged_in_one_go():
    peers = Peers()
    run(shift(), watches(peers), len(UNITS))
    assert peers.sizes == [len(UNITS)] * 10


def test_two_feeds_of_a_unit_in_one_poll_are_judged_one_after_the_other():
    peers = Peers()
    run(shift(), watches(peers), 2 * len(UNITS))
    assert sum(peers.sizes) == 40
    assert max(peers.sizes) == len(UNITS)


@pytest.mark.parametrize("batch_size", [3, 4, 7, 100])
def test_what_the_units_say_does_not_depend_on_what_came_together(batch_size):
    assert by_unit(run(shift(), watches(Peers()), batch_size)) == by_unit(run(shift(), watches(Peers()), 1))


def test_every_feed_is_told_once_when_it_has_been_judged():
    peers, tapped = Peers(), []
    items = shift()
    run(items, watches(peers), len(UNITS), Taps(judged=lambda one: tapped.append((id(one), len(peers.sizes)))))
    assert [one for one, _ in tapped] == [id(item) for item in items]
    assert [goes for _, goes in tapped[len(UNITS) :]] == sorted([k + 1 for k in range(10)] * len(UNITS))


def test_a_snapshot_before_the_records_are_taken_holds_what_they_say_and_loses_none():
    judged, items = [], shift()
    joint_judging = JointJudging(lambda one: judged.append(id(one)))
    logics = {unit: WatchLogic(watches(Peers()), joint_judging, None) for unit in UNITS}
    alone = {unit: watches(Peers())(unit, None) for unit in UNITS}
    for poll in (items[:4], items[4:8], items[8:12], items[12:16]):
        pending = {one.unit: logics[one.unit].on_item(one)[0] for one in poll}
        emitted = {one.unit: alone[one.unit].step(one) for one in poll}
        assert {unit: logics[unit].snapshot() for unit in UNITS} == {unit: alone[unit].snapshot() for unit in UNITS}
        assert {unit: joint_judging.emitted(*each) for unit, each in pending.items()} == emitted
    assert judged == [id(item) for item in items[:16]]


@pytest.mark.parametrize("crash_at", [5, 12, 21, 30])
def test_a_crash_between_polls_changes_no_verdict(tmp_path, crash_at):
    init_db_dir(str(tmp_path), 1)
    recovery, items = RecoveryConfig(str(tmp_path)), shift()
    items.insert(crash_at, TestingSource.ABORT())
    before = run(items, watches(Peers()), len(UNITS), recovery=recovery)
    after = run(items, watches(Peers()), len(UNITS), recovery=recovery)
    whole = run(shift(), watches(Peers()), len(UNITS))
    verdicts = [
        {(one.deviation_id, one.revision): one for _, one in some if isinstance(one, Deviation)}
        for some in ([*before, *after], whole)
    ]
    assert verdicts[0] == verdicts[1] != {}


def test_a_fleet_of_units_says_what_each_would_say_alone():
    twin, reference = reactor_twin(), fit_reference(reactor_twin(), released())
    batches = [grown(seed, feed_gain=gain) for seed, gain in ((21, 1.0), (22, 0.7), (23, 1.0), (24, 1.3))]
    batches[2].values[50:60, 2] = np.nan

    def poll(k, first, last):
        unit, batch, rows = UNITS[k], batches[k], slice(first, last)
        observed_us = to_us(START) + (batch.age_s[rows] * 1e6).astype(np.int64)
        block = Block(unit, "pat.scans", 0, np.arange(first, first + len(observed_us)), observed_us, batch.values[rows])
        context = () if first else (event("started", 0, unit=unit),)
        return replace(feed(block, unit=unit), context=context)

    items = [poll(k, first, first + 5) for first in range(0, 160, 5) for k in range(len(UNITS))]
    fleet = Fleet(twin, reference, "reactor@1")
    emitted = run(
        items, lambda unit, state: Watch(unit, twin, lambda product: BatchMonitor(fleet), "", state), len(UNITS)
    )
    for unit in UNITS:
        alone = Watch(unit, twin, lambda product: BatchMonitor(Fleet(twin, reference, "reactor@1")))
        steps = [record for one in items if one.unit == unit for record in alone.step(one)]
        records = [record for record in steps if not isinstance(record, Remark)]
        key = lambda record: (type(record).__name__, repr(record))  # noqa: E731
        assert sorted(by_unit(emitted)[unit], key=key) == sorted(records, key=key)
    assert {record.unit for _, record in emitted if isinstance(record, Deviation)} >= {"BR-102", "BR-104"}


def test_where_one_unit_cannot_be_judged_the_flow_stops_and_no_feed_beside_it_counts_as_judged():
    judged = []
    with pytest.raises(BytewaxRuntimeError) as failed:
        run(shift(), watches(Broken()), len(UNITS), Taps(judged=judged.append))
    cause = failed.value
    while cause.__cause__ is not None:
        cause = cause.__cause__
    assert repr(cause) == "ArithmeticError('no verdict')"
    assert len(judged) == len(UNITS)  # the starts of the batches


def test_a_feed_beside_one_that_cannot_be_judged_is_neither_said_nor_in_a_snapshot():
    joint_judging, items = JointJudging(lambda one: None), shift()
    logics = [WatchLogic(watches(Broken()), joint_judging, None) for _ in UNITS]
    first = [replace(one, context=start.context) for start, one in zip(items[:4], items[4:8], strict=True)]
    pending = [logic.on_item(one)[0][0] for logic, one in zip(logics, first, strict=True)]
    with pytest.raises(ArithmeticError):
        joint_judging.emitted(pending[0])
    with pytest.raises(RuntimeError, match="BR-102"):
        joint_judging.emitted(pending[1])
    with pytest.raises(RuntimeError, match="BR-103"):
        logics[2].snapshot()
