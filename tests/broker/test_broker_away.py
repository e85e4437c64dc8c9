"""The broker is away, at the start or later: PATrol waits, says so, and goes on where it was."""

import signal
import subprocess
from contextlib import ExitStack, closing

import pytest
from confluent_kafka import TopicPartition
from confluent_kafka.admin import AdminClient

from connectors.inputs.source import LaneState
from connectors.kafka.clients import client_config
from connectors.kafka.embedded import EmbeddedBroker, free_port
from connectors.kafka.stop import Stop
from connectors.kafka.topics import create_topics
from connectors.prometheus.metrics import Metrics
from models.records.twin import Twin
from tests.broker.conftest import every, lane, publish, read, scan_count, series, site, ticks
from tests.broker.test_kafka_source import live, passed, quiet_twin, scan
from tests.places import ROOT

CI_KAFKA = ROOT / ".ci" / "kafka"


def away(metrics: Metrics) -> bool:
    return series(metrics, "patrol_broker_up") == 0


def test_a_broker_that_is_away_at_the_start_is_waited_for_quietly(
    twin: Twin, metrics: Metrics, stop: Stop, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    port = free_port()
    kafka = site(f"127.0.0.1:{port}", made=False)
    with closing(lane(kafka, twin, metrics, stop)) as source:
        assert not read(source, lambda _: away(metrics))
        assert not read(source, passed(1.5))
        assert series(metrics, "patrol_caught_up") == 0
        with EmbeddedBroker(port):
            create_topics(kafka, every(kafka))
            publish(kafka, kafka.topics.scans[0], [scan(1)])
            read(source, lambda all_: scan_count(all_) == 1)
            assert series(metrics, "patrol_broker_up") == 1
    assert capfd.readouterr().err == ""
    emitted = [record.getMessage() for record in caplog.records if record.name == "patrol"]
    assert len(emitted) <= 2 * 2, "each of two readers says when it is away and when it is back"
    assert series(metrics, "patrol_broker_errors_total", kind="_TRANSPORT")


def test_a_broker_that_dies_is_waited_for_and_no_unit_is_called_quiet_meanwhile(
    twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    port = free_port()
    kafka = site(f"127.0.0.1:{port}", made=False)
    known: LaneState = {"offsets": {}, "units": ["BR-101"]}
    with ExitStack() as first:
        first.enter_context(EmbeddedBroker(port))
        create_topics(kafka, every(kafka))
        source = lane(kafka, quiet_twin(twin, 0.8), metrics, stop, known)
        assert ticks(live(source, metrics)) == []
    with closing(source):
        assert ticks(read(source, lambda _: away(metrics))) == []
        assert not read(source, passed(1.5))
        with EmbeddedBroker(port):  # in memory only: it comes back empty
            create_topics(kafka, every(kafka))
            publish(kafka, kafka.topics.scans[0], [scan(m) for m in range(20, 23)])
            read(source, lambda all_: scan_count(all_) == 3)


def test_a_lost_broker_is_said_though_nothing_was_due(
    twin: Twin, metrics: Metrics, stop: Stop, caplog: pytest.LogCaptureFixture
) -> None:
    with EmbeddedBroker() as broker:
        source = lane(site(broker.bootstrap_servers), twin, metrics, stop)
        live(source, metrics)
    with closing(source):
        read(source, lambda _: away(metrics), within_s=10.0)
    assert "the broker is away" in caplog.text
    assert series(metrics, "patrol_caught_up") == 0


def test_no_unit_is_called_quiet_while_the_broker_hangs(twin: Twin, metrics: Metrics, stop: Stop) -> None:
    with EmbeddedBroker() as broker:
        kafka = site(broker.bootstrap_servers)
        publish(kafka, kafka.topics.scans[0], [scan(1)])
        with closing(lane(kafka, quiet_twin(twin, 0.6), metrics, stop)) as source:
            read(source, lambda all_: scan_count(all_) == 1)
            live(source, metrics)
            broker.send_signal(signal.SIGSTOP)
            try:
                assert ticks(read(source, passed(2.0))) == []
            finally:
                broker.send_signal(signal.SIGCONT)
            arrived = read(source, lambda all_: bool(ticks(all_)))
            assert ticks(arrived) == [("BR-101", "quiet")]


@pytest.mark.kafka
def test_nothing_is_lost_or_repeated_when_kafka_is_killed_and_comes_back(
    real_kafka: str, kafka_folder: str, twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    kafka = site(real_kafka)
    publish(kafka, kafka.topics.scans[0], [scan(m, m) for m in range(100)])
    with closing(lane(kafka, quiet_twin(twin, 0.6), metrics, stop)) as source:
        arrived = read(source, lambda all_: scan_count(all_) == 100)
        subprocess.run([CI_KAFKA, "kill", kafka_folder], check=True)
        assert ticks(read(source, lambda _: away(metrics))) == []
        assert not read(source, passed(2.0))
        subprocess.run([CI_KAFKA, "restart", kafka_folder], check=True, stdout=subprocess.DEVNULL)
        publish(kafka, kafka.topics.scans[0], [scan(m, m) for m in range(100, 200)])
        arrived += read(source, lambda all_: scan_count(all_) == 100)
        arrived += read(source, lambda all_: bool(ticks(all_)))
    values = [v for feed in arrived for block in feed.blocks for v in block.values[:, 0]]
    assert sorted(values) == list(range(200))


@pytest.mark.kafka
def test_what_retention_took_is_said_and_the_rest_is_read(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop, caplog: pytest.LogCaptureFixture
) -> None:
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    publish(kafka, topic, [scan(m, m) for m in range(10)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        read(source, lambda all_: scan_count(all_) == 10)
        state = source.snapshot()
    publish(kafka, topic, [scan(m, m) for m in range(10, 20)])
    admin = AdminClient(client_config(kafka))  # must live until the future is done
    next(iter(admin.delete_records([TopicPartition(topic, 0, 15)]).values())).result(10)
    with closing(lane(kafka, twin, metrics, stop, state)) as source:
        arrived = read(source, lambda all_: scan_count(all_) == 5)
        live(source, metrics)
    assert [v for feed in arrived for block in feed.blocks for v in block.values[:, 0]] == [15, 16, 17, 18, 19]
    assert f"{topic}/0: offset 10 is gone (retention)" in caplog.text
    assert series(metrics, "patrol_lost_messages_total", topic=topic, partition="0") == 5
