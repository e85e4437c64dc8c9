"""Topics change while PATrol runs or is stopped: what is lost of them is told to the units concerned, and once."""

import time
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.inputs import reader
from connectors.inputs.source import LaneState
from connectors.kafka.clients import client_config
from connectors.kafka.stop import Stop
from connectors.kafka.topics import create_topics, describe
from connectors.messages.codec import decode_emitted
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.block import Feed
from models.records.messages import Deviation, Loss
from models.records.twin import Twin
from tests.broker.conftest import LIMIT_S, Arrived, lane, messages, publish, read, scan_count, series, site
from tests.broker.monitoring import until
from tests.broker.test_kafka_source import live, scan
from tests.broker.test_learn_process import got
from tests.broker.test_run_process import Site
from tests.conftest import event

pytestmark = pytest.mark.kafka


def admin_of(kafka: Kafka) -> AdminClient:
    return AdminClient(client_config(kafka))


def remove_before(kafka: Kafka, topic: str, offset: int) -> None:
    """What retention does."""
    admin = admin_of(kafka)  # must live until the future is done
    next(iter(admin.delete_records([TopicPartition(topic, 0, offset)]).values())).result(LIMIT_S)


def make_again(kafka: Kafka, topic: str, partitions: int) -> None:
    """Delete a topic, wait until nobody knows it, and make it again."""
    admin = admin_of(kafka)
    admin.delete_topics([topic])[topic].result(LIMIT_S)
    while describe(kafka, [topic])[0].partitions:
        pass
    while not create_topics(kafka, [topic], partitions):
        pass


def values(arrived: Arrived) -> list[float]:
    return [v for each in arrived if isinstance(each, Feed) for block in each.blocks for v in block.values[:, 0]]


def losses(arrived: Arrived) -> list[tuple[str, Loss]]:
    """(unit, loss) of all that were told, in order."""
    feeds = (each for each in arrived if isinstance(each, Feed))
    return [(each.unit, item) for each in feeds for item in each.context if isinstance(item, Loss)]


def after(kafka: Kafka, twin: Twin, stop: Stop, count: int) -> LaneState:
    """The snapshot of a lane that has read so many scans, of two units."""
    publish(kafka, kafka.topics.scans[0], [scan(m, m, unit=f"BR-{m % 2}") for m in range(count)])
    with closing(lane(kafka, twin, Metrics(), stop)) as source:
        read(source, lambda all_: scan_count(all_) == count)
        return source.snapshot()


def test_what_retention_removed_is_told_to_the_units_of_its_partition_and_the_same_after_a_kill(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    state = after(kafka, twin, stop, 40)
    publish(kafka, topic, [scan(m, m, unit="BR-0") for m in range(40, 440)])
    remove_before(kafka, topic, 340)
    with closing(lane(kafka, twin, Metrics(), stop, state)) as killed:
        told = losses(read(killed, lambda all_: scan_count(all_) > 0))
    with closing(lane(kafka, twin, metrics, stop, state)) as source:
        arrived = read(source, lambda all_: scan_count(all_) >= 100)
        read(source, lambda _: series(metrics, "patrol_lag_messages", topic=topic, partition="0") == 0)
        kept = source.snapshot()
    with closing(lane(kafka, twin, Metrics(), stop, kept)) as again:
        publish(kafka, topic, [scan(440, 440, unit="BR-0")])
        assert losses(read(again, lambda all_: scan_count(all_) > 0)) == []
    assert values(arrived) == list(range(340, 440))
    assert losses(arrived) == told
    assert [(unit, loss.count) for unit, loss in told] == [("BR-0", 300), ("BR-1", 300)]
    assert told[0][1].since_us < told[0][1].until_us
    first = next(k for k, each in enumerate(arrived) if isinstance(each, Feed) and each.blocks)
    assert losses(arrived[:first]) == told
    assert series(metrics, "patrol_lost_messages_total", topic=topic, partition="0") == 300


def test_what_is_removed_to_the_last_message_is_told_without_one_that_follows(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(real_kafka, partitions=1)
    state = after(kafka, twin, stop, 10)
    publish(kafka, kafka.topics.scans[0], [scan(m, m) for m in range(10, 50)])
    remove_before(kafka, kafka.topics.scans[0], 50)
    with closing(lane(kafka, twin, metrics, stop, state)) as source:
        told = losses(read(source, lambda all_: bool(losses(all_))))
        live(source, metrics)
    assert [(unit, loss.count, loss.until_us) for unit, loss in told] == [("BR-0", 40, 0), ("BR-1", 40, 0)]


def test_batch_events_that_were_removed_are_told_to_all_units(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(real_kafka, partitions=1)
    events = kafka.topics.batch_events[0]
    publish(kafka, events, [event("started", 0, unit="BR-0")])
    state = after(kafka, twin, stop, 10)
    publish(kafka, events, [event("ended", m, unit="BR-0") for m in range(5)])
    remove_before(kafka, events, 4)
    with closing(lane(kafka, twin, metrics, stop, state)) as source:
        told = losses(read(source, lambda all_: bool(losses(all_))))
    assert [(unit, loss.topic, loss.count) for unit, loss in told] == [("BR-0", events, 3), ("BR-1", events, 3)]


def test_what_was_removed_before_the_first_start_is_no_loss_and_no_lag(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    publish(kafka, topic, [scan(m, m) for m in range(50)])
    remove_before(kafka, topic, 50)
    with closing(lane(kafka, twin, metrics, stop)) as source:
        arrived = read(source, lambda _: series(metrics, "patrol_lag_messages", topic=topic, partition="0") == 0)
        arrived += live(source, metrics)
    assert losses(arrived) == []
    assert series(metrics, "patrol_lost_messages_total", topic=topic, partition="0") == 0


@pytest.mark.parametrize("count", [5, 40])
def test_a_topic_made_again_while_patrol_was_stopped_is_read_from_its_beginning_and_told(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop, count: int
) -> None:
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    state = after(kafka, twin, stop, 10)
    make_again(kafka, topic, 3)
    publish(kafka, topic, [scan(m, m) for m in range(100, 100 + count)])
    with closing(lane(kafka, twin, metrics, stop, state)) as source:
        arrived = read(source, lambda all_: scan_count(all_) >= count)
        live(source, metrics)
    assert values(arrived) == list(range(100, 100 + count))
    assert [(unit, loss.topic, loss.count) for unit, loss in losses(arrived)] == [
        ("BR-0", topic, 0),
        ("BR-1", topic, 0),
    ]


def test_a_topic_deleted_and_made_again_while_patrol_runs_is_read_from_its_beginning_and_told(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop, caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(reader, "_LOOK_EVERY_S", 0.5)
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    publish(kafka, topic, [scan(m, m) for m in range(10)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        read(source, lambda all_: scan_count(all_) == 10)
        live(source, metrics)
        admin = admin_of(kafka)
        admin.delete_topics([topic])[topic].result(LIMIT_S)
        read(source, lambda _: series(metrics, "patrol_caught_up") == 0 and topic in caplog.text)
        while not create_topics(kafka, [topic], 3):
            pass
        publish(kafka, topic, [scan(m, m) for m in range(100, 130)])
        arrived = read(source, lambda all_: scan_count(all_) >= 30)
        live(source, metrics)
    assert values(arrived) == list(range(100, 130))
    assert [(unit, loss.topic) for unit, loss in losses(arrived)] == [("BR-101", topic)]


def told_in(plant: Site) -> list[tuple[str, int, str]]:
    """(id, revision, batch) of the losses on the deviations topic, as they were written."""
    written = [
        decode_emitted(each.value() or b"") for each in messages(plant.kafka, plant.kafka.topics.deviations, 0, 1)
    ]
    found = [each for each in written if isinstance(each, Deviation) and each.cause == "lost-messages"]
    return [(each.deviation_id, each.revision, each.batch_id or "") for each in found]


def test_a_run_that_is_killed_says_it_once_in_the_batchs_record(real_kafka: str, tmp_path: Path) -> None:
    plant = Site(real_kafka, tmp_path)
    with plant.run():
        plant.caught_up()
        snapshot_taken(plant)
    plant.scans(7, 107)
    remove_before(plant.kafka, plant.kafka.topics.scans[0], 57)
    with plant.run():
        until(lambda: len(told_in(plant)) == 2, "the loss to be written", LIMIT_S)
    for _ in range(2):
        with plant.run():
            plant.caught_up()
    assert told_in(plant) == [("BR-101/B1/lost-messages/1", revision, "B1") for revision in (1, 2)]


def snapshot_taken(plant: Site) -> None:
    """Wait until the recovery store holds what was read: a second has passed in it since."""
    url = f"http://127.0.0.1:{plant.port}/metrics"
    before = got(url)[1]
    assert "patrol_snapshot_timestamp_seconds" in before
    began = time.time()
    until(lambda: newest(got(url)[1]) > began, "a snapshot", LIMIT_S)


def newest(text: str) -> float:
    """When the newest snapshot was written."""
    lines = (line for line in text.splitlines() if line.startswith("patrol_snapshot_timestamp_seconds{"))
    return max(float(line.rsplit(" ", 1)[1]) for line in lines)
