"""Scans and their context from a real broker: nothing skipped, nothing ahead of its context, no false silence."""

import itertools
import time
from contextlib import closing
from functools import partial

import msgspec
import numpy as np
import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewPartitions

from connectors.inputs import reader
from connectors.inputs.source import Lane
from connectors.kafka.clients import client_config
from connectors.kafka.stop import Stop
from connectors.kafka.topics import create_topics
from connectors.messages.codec import encode
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.block import Block, Feed, ReadingBlock
from models.records.messages import LabResult, OperatorAction, Reading, Rejected, Scan, Tick
from models.records.times import to_us
from models.records.twin import Context, Twin
from tests.broker.conftest import LIMIT_S, Arrived, lane, publish, read, scan_count, series, site, ticks
from tests.conftest import event, minute


def scan(m: float, a: float = 0.0, unit: str = "BR-101") -> Scan:
    """A scan at minute ``m``."""
    return Scan(unit=unit, observed_at=minute(m), values={"a": a, "b": 1.0})


def quiet_twin(twin: Twin, quiet_after_s: float) -> Twin:
    """The twin, with its units quiet after so long."""
    return msgspec.structs.replace(twin, context=Context(quiet_after_s=quiet_after_s))


def lead_up(arrived: Arrived) -> Arrived:
    """What arrived before the first scan."""
    return list(itertools.takewhile(lambda feed: not (isinstance(feed, Feed) and feed.blocks), arrived))


def live(source: Lane, metrics: Metrics) -> Arrived:
    """What arrives until the source has caught up."""
    return read(source, lambda _: series(metrics, "patrol_caught_up") == 1)


def test_every_kind_of_record_arrives_as_it_was_sent(kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop) -> None:
    topics, at = kafka.topics, minute(3)
    started = event("started", 0)
    lab = LabResult(batch_id="B1", unit="BR-101", analyte="x", value=2.0, unit_of_measure="g/L",
                    sampled_at=at, reported_at=at)  # fmt: skip
    action = OperatorAction(action="comment", deviation_id="d", unit="BR-101", by="anna", at=at)
    publish(kafka, topics.batch_events[0], [started])
    publish(kafka, topics.lab_results[0], [lab])
    publish(kafka, topics.operator_actions[0], [action])
    publish(kafka, topics.scans[0], [scan(1, 0.5), Reading(unit="BR-101", tag="b", observed_at=at, value=4.0)])
    publish(kafka, topics.scans[0], [b"rubbish", None], key="who")
    with closing(lane(kafka, twin, metrics, stop)) as source:
        arrived = read(source, lambda all_: scan_count(all_) == 2 and len(dead(all_)) == 2)
    feeds = [feed for feed in arrived if isinstance(feed, Feed)]
    context = [emitted for feed in feeds for emitted in feed.context if not isinstance(emitted, Tick)]
    assert sorted(context, key=repr) == [started, lab, action]
    blocks = [block for feed in feeds for block in feed.blocks]
    block = next(block for block in blocks if isinstance(block, Block))
    readings = next(block for block in blocks if isinstance(block, ReadingBlock))
    assert block.values.tolist() == [[0.5, 1.0]]
    assert block.observed_us.tolist() == [to_us(minute(1))]
    assert (readings.tag_index.tolist(), readings.values.tolist()) == ([1], [4.0])
    assert [(letter.reason, letter.key) for letter in dead(arrived)] == [("malformed", "who")] * 2


def test_all_partitions_are_read_and_each_units_scans_stay_in_order(
    broker: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(broker, partitions=8, poll_messages=37)
    sent = [scan(m, unit=f"BR-{u}") for m in range(100) for u in range(10)]
    publish(kafka, kafka.topics.scans[0], sent)
    with closing(lane(kafka, twin, metrics, stop)) as source:
        arrived = read(source, lambda all_: scan_count(all_) >= len(sent))
    for u in range(10):
        blocks = [
            block for feed in arrived if isinstance(feed, Feed) and feed.unit == f"BR-{u}" for block in feed.blocks
        ]
        observed = np.concatenate([block.observed_us for block in blocks])
        assert observed.tolist() == [to_us(minute(m)) for m in range(100)]


def test_in_a_backlog_a_poll_takes_eight_times_as_many_scans(
    broker: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(broker, partitions=1, poll_messages=20)
    publish(kafka, kafka.topics.scans[0], [scan(m) for m in range(1000)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        arrived = read(source, lambda all_: scan_count(all_) == 1000)
    polls = [len(block) for feed in arrived if isinstance(feed, Feed) for block in feed.blocks]
    assert polls[0] <= 20
    assert max(polls) == 160


def test_a_lane_goes_on_from_its_snapshot_without_loss_or_repetition(
    broker: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka, values = site(broker, poll_messages=40), []
    publish(kafka, kafka.topics.scans[0], [scan(m, m, unit=f"BR-{m % 7}") for m in range(200)])
    state = None
    while len(values) < 200:
        with closing(lane(kafka, twin, metrics, stop, state)) as source:
            arrived = read(source, lambda all_: scan_count(all_) > 0)
            state = source.snapshot()
        values += [v for feed in arrived if isinstance(feed, Feed) for block in feed.blocks for v in block.values[:, 0]]
    assert sorted(values) == list(range(200))
    assert set(state["units"]) == {f"BR-{u}" for u in range(7)}


def test_context_is_read_to_its_end_before_the_first_scan(
    broker: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(broker, poll_messages=50)
    publish(kafka, kafka.topics.scans[0], [scan(m) for m in range(300)])
    publish(kafka, kafka.topics.batch_events[0], [event("started", m, f"B{m}") for m in range(1000)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        arrived = read(source, lambda all_: scan_count(all_) == 300)
    before = [emitted for feed in lead_up(arrived) if isinstance(feed, Feed) for emitted in feed.context]
    assert len(before) == 1000


def test_without_context_topics_scans_are_read_all_the_same(
    broker: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(broker)
    bare = msgspec.structs.replace(kafka.topics, batch_events=(), lab_results=(), operator_actions=())
    kafka = msgspec.structs.replace(kafka, topics=bare)
    publish(kafka, bare.scans[0], [scan(1)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        read(source, lambda all_: scan_count(all_) == 1)
        live(source, metrics)


def test_context_settles_when_no_scan_follows(kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop) -> None:
    with closing(lane(kafka, twin, metrics, stop)) as source:
        live(source, metrics)
        publish(kafka, kafka.topics.batch_events[0], [event("ended", 5)])
        arrived = read(source, lambda all_: len(ticks(all_)) == 1)
        assert ticks(arrived) == [("BR-101", "settled")]
        assert arrived[0].context == (event("ended", 5),)
        assert not read(source, passed(3 * kafka.settle_s)), "it settles once"


def test_context_of_a_backlog_settles_once_it_is_caught_up(
    kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    publish(kafka, kafka.topics.scans[0], [scan(1)])
    publish(kafka, kafka.topics.batch_events[0], [event("ended", 5)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        arrived = read(source, lambda all_: bool(ticks(all_)))
        assert series(metrics, "patrol_caught_up") == 1
        assert (ticks(arrived), scan_count(arrived)) == ([("BR-101", "settled")], 1)


def test_a_unit_without_scans_is_said_to_be_quiet_once_until_its_next_scan(
    kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    publish(kafka, kafka.topics.scans[0], [scan(1)])
    with closing(lane(kafka, quiet_twin(twin, 0.3), metrics, stop)) as source:
        arrived = read(source, lambda all_: bool(ticks(all_)))
        assert ticks(arrived) == [("BR-101", "quiet")]
        assert arrived[-1].context[0].still_s == 0.3
        assert not read(source, passed(0.6)), "it is said once"
        publish(kafka, kafka.topics.scans[0], [scan(2)])
        arrived = read(source, lambda all_: bool(ticks(all_)))
        assert (scan_count(arrived), ticks(arrived)) == (1, [("BR-101", "quiet")])


def test_a_unit_that_sends_is_not_quiet(kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop) -> None:
    with closing(lane(kafka, quiet_twin(twin, 1.0), metrics, stop)) as source:
        arrived: Arrived = []
        for m in range(10):
            publish(kafka, kafka.topics.scans[0], [scan(m)])
            arrived += read(source, passed(0.2))
        assert (scan_count(arrived), ticks(arrived)) == (10, [])


def test_nobody_is_quiet_while_the_source_catches_up(broker: str, twin: Twin, metrics: Metrics, stop: Stop) -> None:
    kafka = site(broker, poll_messages=1)
    publish(kafka, kafka.topics.scans[0], [scan(0, unit="BR-OLD"), *(scan(m) for m in range(30))])
    with closing(lane(kafka, quiet_twin(twin, 0.3), metrics, stop)) as source:
        arrived: Arrived = []
        while series(metrics, "patrol_caught_up") != 1:
            arrived += read(source, passed(0.02))
            time.sleep(0.03)  # a flow that is slow: the backlog takes far longer than the period
            if scan_count(arrived) < 31:
                assert ticks(arrived) == []
        caught_up = time.monotonic()
        found = ticks(arrived) + ticks(read(source, lambda all_: len(ticks(all_)) == 2))
        assert sorted(found) == [("BR-101", "quiet"), ("BR-OLD", "quiet")]
        assert time.monotonic() - caught_up > 0.2, "a full period counts from being caught up"


def test_a_unit_that_fell_silent_while_nobody_watched_is_quiet_a_full_period_after_the_restart(
    kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    publish(kafka, kafka.topics.scans[0], [scan(1)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        read(source, lambda all_: scan_count(all_) == 1)
        state = source.snapshot()
    begun = time.monotonic()
    with closing(lane(kafka, quiet_twin(twin, 1.0), Metrics(), stop, state)) as source:
        arrived = read(source, lambda all_: bool(ticks(all_)))
    assert (ticks(arrived), scan_count(arrived)) == ([("BR-101", "quiet")], 0)
    assert time.monotonic() - begun > 1.0


def test_a_topic_that_is_missing_is_waited_for(
    broker: str, twin: Twin, metrics: Metrics, stop: Stop, caplog: pytest.LogCaptureFixture
) -> None:
    from connectors.kafka.topics import create_topics, describe

    kafka = site(broker, made=False)
    with closing(lane(kafka, twin, metrics, stop)) as source:
        assert not read(source, lambda _: "waiting for topic" in caplog.text)
        assert [state.partitions for state in describe(kafka, kafka.topics.scans)] == [0], "nothing is made unasked"
        create_topics(kafka, (*kafka.topics.scans, *kafka.topics.context))
        publish(kafka, kafka.topics.scans[0], [scan(1)])
        read(source, lambda all_: scan_count(all_) == 1)


def test_a_stop_ends_the_lane(kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop) -> None:
    with closing(lane(kafka, twin, metrics, stop)) as source:
        live(source, metrics)
        stop.request()
        with pytest.raises(StopIteration):
            source.next_batch()


def dead(arrived: Arrived) -> list[Rejected]:
    """The dead letters."""
    return [letter for letter in arrived if isinstance(letter, Rejected)]


def passed(seconds: float):
    """True once so much wall clock has passed."""
    until = time.monotonic() + seconds
    return lambda _: time.monotonic() >= until


@pytest.mark.kafka
def test_partitions_added_while_it_runs_are_read_from_their_beginning(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reader, "_LOOK_EVERY_S", 0.2)
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    publish(kafka, topic, [scan(k) for k in range(5)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        live(source, metrics)
        admin = AdminClient(client_config(kafka))
        admin.create_partitions([NewPartitions(topic, 3)])[topic].result(10)
        for unit in range(12):
            publish(kafka, topic, [scan(k, unit=f"U{unit}") for k in range(5)], key=f"U{unit}")
        arrived = read(source, lambda all_: scan_count(all_) == 60)
    partitions = {block.partition for feed in arrived if isinstance(feed, Feed) for block in feed.blocks}
    assert partitions == {0, 1, 2}


@pytest.mark.kafka
def test_a_topic_made_again_is_read_from_its_beginning(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    publish(kafka, topic, [scan(k) for k in range(5)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        live(source, metrics)
        state = source.snapshot()
    admin = AdminClient(client_config(kafka))
    admin.delete_topics([topic])[topic].result(10)
    make = partial(create_topics, kafka, [topic])
    deadline = time.monotonic() + LIMIT_S
    while not make() and time.monotonic() < deadline:  # a topic that is being deleted is there for a moment
        stop.wait(0.05)
    publish(kafka, topic, [scan(k) for k in range(10, 18)])
    with closing(lane(kafka, twin, metrics, stop, state)) as source:
        arrived = read(source, lambda all_: scan_count(all_) == 8)
    assert scan_count(arrived) == 8


@pytest.mark.kafka
def test_aborted_messages_and_markers_are_no_lag(real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop) -> None:
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    producer = Producer({"bootstrap.servers": real_kafka, "transactional.id": topic})
    producer.init_transactions()
    for count, ends in ((5, producer.commit_transaction), (50, producer.abort_transaction)):
        producer.begin_transaction()
        for k in range(count):
            producer.produce(topic, encode(scan(k)))
        producer.flush()
        ends()
    with closing(lane(kafka, twin, metrics, stop)) as source:
        read(source, lambda _: series(metrics, "patrol_lag_messages", topic=topic, partition="0") == 0)
        assert source.snapshot()["offsets"][f"{topic}/0"] == 57
