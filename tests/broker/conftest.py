"""Brokers for the tests: the embedded one always, a real Apache Kafka where one is named."""

import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition

from connectors.inputs.source import LANE, KafkaSource, Lane, LaneState
from connectors.kafka.clients import client_config
from connectors.kafka.embedded import EmbeddedBroker
from connectors.kafka.stop import Stop
from connectors.kafka.topics import create_topics
from connectors.messages.codec import encode
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka, Topics
from models.records.block import Feed
from models.records.messages import Record, Rejected, Tick
from models.records.twin import Twin

Arrived = list[Feed | Rejected]
LIMIT_S = 30.0


@pytest.fixture(scope="session")
def embedded() -> Iterator[str]:
    """One embedded broker for the whole session: bootstrap servers."""
    with EmbeddedBroker() as broker:
        yield broker.bootstrap_servers


@pytest.fixture
def real_kafka() -> str:
    """A real Apache Kafka, started by .ci/kafka: bootstrap servers."""
    return environment("PATROL_KAFKA", "host:port of an Apache Kafka: `PATROL_KAFKA=$(.ci/kafka start DIR)`")


@pytest.fixture
def kafka_folder(real_kafka: str) -> str:
    """The folder of a real Apache Kafka that a test may kill and start again."""
    return environment("PATROL_KAFKA_DIR", "the DIR that .ci/kafka was started with, to kill it and start it again")


@pytest.fixture(params=["embedded", pytest.param("real_kafka", marks=pytest.mark.kafka)])
def broker(request: pytest.FixtureRequest) -> str:
    """Each broker in turn: bootstrap servers."""
    return str(request.getfixturevalue(request.param))


@pytest.fixture
def kafka(broker: str) -> Kafka:
    """Settings with topics of the test's own, three partitions each, made."""
    return site(broker)


@pytest.fixture
def metrics() -> Metrics:
    """Series of the test's own."""
    return Metrics()


@pytest.fixture
def stop() -> Stop:
    """A stop nobody has requested yet."""
    return Stop()


def environment(name: str, meaning: str) -> str:
    """A variable; without it the test is skipped, or fails where a real Kafka is required."""
    if name in os.environ:
        return os.environ[name]
    if os.environ.get("PATROL_REQUIRE_KAFKA") == "1":
        pytest.fail(f"{name} is not set ({meaning}), and PATROL_REQUIRE_KAFKA=1")
    pytest.skip(f"{name} is not set: {meaning}")


def site(bootstrap: str, partitions: int = 3, made: bool = True, **changed: object) -> Kafka:
    """Settings with topics nobody else uses; short times."""
    own = f"t{time.time_ns()}"
    topics = Topics(
        scans=(f"{own}.scans",),
        batch_events=(f"{own}.events",),
        lab_results=(f"{own}.lab",),
        operator_actions=(f"{own}.actions",),
        deviations=f"{own}.deviations",
        scores=f"{own}.scores",
        dead_letters=f"{own}.dead-letters",
    )
    kafka = Kafka(bootstrap_servers=bootstrap, topics=topics, settle_s=0.2, **changed)
    if made:
        create_topics(kafka, every(kafka), partitions)
    return kafka


def every(kafka: Kafka) -> tuple[str, ...]:
    """All its topics."""
    topics = kafka.topics
    return (*topics.scans, *topics.context, topics.deviations, topics.scores, topics.dead_letters)


def publish(kafka: Kafka, topic: str, records: Iterable[Record | bytes | None], key: str | None = None) -> None:
    """Publish in order and wait until all is confirmed; the key is the record's unit unless it is given."""
    producer = Producer(client_config(kafka) | {"linger.ms": 0})
    for record in records:
        value = encode(record) if isinstance(record, Record) else record
        producer.produce(topic, value, key or getattr(record, "unit", None))
        producer.poll(0)
    assert producer.flush(LIMIT_S) == 0


def messages(kafka: Kafka, topic: str, count: int, partitions: int = 3) -> list[Message]:
    """What a topic holds: at least ``count`` messages, and then until its ends."""
    settings = {"group.id": "test", "enable.partition.eof": True, "fetch.wait.max.ms": 50}
    found: list[Message] = []
    ended: set[int] = set()
    deadline = time.monotonic() + LIMIT_S
    with closing(Consumer(client_config(kafka) | settings)) as consumer:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(partitions)])
        while len(found) < count or len(ended) < partitions:
            assert time.monotonic() < deadline, f"{topic}: {len(found)} of {count} messages within {LIMIT_S:g} s"
            for message in consumer.consume(1000, timeout=0.05):
                if message.error() is None:
                    found.append(message)
                    ended.discard(message.partition())
                else:
                    ended.add(message.partition())
    return found


def lane(kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop, resume: LaneState | None = None) -> Lane:
    """The source's one lane, as Bytewax builds it."""
    return KafkaSource(kafka, twin, metrics, stop).build_part("arrivals", LANE, resume)


def read(source: Lane, until: Callable[[Arrived], bool], within_s: float = LIMIT_S) -> Arrived:
    """Poll as Bytewax does until something holds of all that arrived."""
    arrived: Arrived = []
    deadline = time.monotonic() + within_s
    while not until(arrived):
        assert time.monotonic() < deadline, f"not within {within_s:g} s; arrived: {arrived[-5:]}"
        batch = source.next_batch()
        arrived += batch
        due = source.next_awake()
        if due is not None:
            time.sleep(max(0.0, (due - datetime.now(UTC)).total_seconds()))
    return arrived


def scan_count(arrived: Arrived) -> int:
    """Scans and readings in feeds."""
    return sum(len(block) for feed in arrived if isinstance(feed, Feed) for block in feed.blocks)


def ticks(arrived: Arrived) -> list[tuple[str, str]]:
    """(unit, kind) of every tick, in order."""
    feeds = (feed for feed in arrived if isinstance(feed, Feed))
    return [(emitted.unit, emitted.kind) for feed in feeds for emitted in feed.context if isinstance(emitted, Tick)]


def series(metrics: Metrics, name: str, **labels: str) -> float | None:
    """A series' value now."""
    return metrics.registry.get_sample_value(name, labels)
