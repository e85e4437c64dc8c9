"""What was removed before it was read is known once reading goes on, and concerns the units that send there."""

import pytest

from connectors.inputs.losses import Losses
from connectors.inputs.positions import Kept, Positions
from connectors.prometheus.metrics import Metrics
from models.records.block import Feed
from models.records.messages import Loss
from tests.conftest import feed, scans

KEPT = Kept({"pat.scans/0": 40, "pat.scans/1": 7, "other/0": 3}, {"pat.scans/0": 5_000_000}, {"pat.scans": "a"})
PLACE = ("pat.scans", 0)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def positions(metrics: Metrics) -> Positions:
    return Positions(("pat.scans",), KEPT, metrics)


def lost(metrics: Metrics) -> float | None:
    labels = {"topic": "pat.scans", "partition": "0"}
    return metrics.registry.get_sample_value("patrol_lost_messages_total", labels)


def test_a_gap_is_counted_at_the_first_message_after_it(positions: Positions, metrics: Metrics) -> None:
    positions.gaps.add(PLACE)
    assert (positions.offsets["pat.scans/0"], positions.take_losses()) == (40, [])  # killed now, it is found again
    positions.go_on(PLACE, 340, 9_000_000)
    assert positions.take_losses() == [
        Loss(topic="pat.scans", partition=0, first_offset=40, last_offset=339, since_us=5_000_000, until_us=9_000_000)
    ]
    assert (positions.take_losses(), positions.gaps, lost(metrics)) == ([], set(), 300)


def test_where_nothing_is_left_the_end_says_it(positions: Positions, metrics: Metrics) -> None:
    positions.gaps.add(PLACE)
    positions.end(PLACE, 440)
    assert [(loss.count, loss.until_us) for loss in positions.take_losses()] == [(400, 0)]
    assert (positions.offsets["pat.scans/0"], lost(metrics)) == (440, 400)


def test_a_partition_that_ends_before_what_was_read_has_lost_nobody_knows_what(positions: Positions) -> None:
    positions.gaps.add(PLACE)
    positions.go_on(PLACE, 0, 9_000_000)
    assert [(loss.partition, loss.count, loss.since_us) for loss in positions.take_losses()] == [(0, 0, 5_000_000)]


def test_a_topic_of_another_id_is_read_from_its_beginning_and_told_once(positions: Positions) -> None:
    assert positions.made_again({"pat.scans": "b"}) == ["pat.scans"]
    assert positions.take_losses() == [Loss(topic="pat.scans", since_us=5_000_000)]
    assert (positions.offsets, positions.ids) == ({}, {"pat.scans": "b"})
    assert positions.made_again({"pat.scans": "b"}) == []


def test_what_is_kept_is_taken_up_again(positions: Positions, metrics: Metrics) -> None:
    kept = Kept(positions.offsets, positions.times, positions.ids)
    assert kept == Kept({"pat.scans/0": 40, "pat.scans/1": 7}, KEPT.times, KEPT.ids)


def told(losses: Losses, loss: Loss, known: list[str]) -> list[str]:
    return [each.unit for each in losses.feeds([loss], known)]


def test_the_units_that_send_from_a_partition_are_told_or_all_where_none_is_known() -> None:
    losses = Losses({"pat.scans/0": ["U1", "U2"], "pat.scans/1": ["U3"]})
    losses.arrived([feed(scans([1], unit="U4"), unit="U4")])
    losses = Losses(losses.streams)
    known = ["U1", "U2", "U3", "U4", "U5"]
    assert told(losses, Loss(topic="pat.scans", partition=0), known) == ["U1", "U2", "U4"]
    assert told(losses, Loss(topic="pat.scans"), known) == ["U1", "U2", "U4", "U3"]
    assert told(losses, Loss(topic="pat.scans", partition=7), known) == known
    assert told(losses, Loss(topic="mes.batch-events", partition=0), known) == known


def test_several_losses_are_one_feed_a_unit() -> None:
    both = [Loss(topic="pat.scans", partition=0), Loss(topic="mes.batch-events", partition=0)]
    assert Losses({}).feeds(both, ["U1"]) == [Feed("U1", tuple(both))]
