"""What an output topic already holds: read when a sink goes on from a snapshot, so that nothing is written twice."""

import logging
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.clients import FORBIDDEN, client_config
from connectors.reader import origin_of
from connectors.settings import Kafka
from connectors.stop import Stop
from models.errors import BrokerError

LOG = logging.getLogger("patrol")
ID_HEADER = "patrol-id"  # says what a message is: name#ordinal
_NEWEST = 100_000  # messages a partition looked at without a snapshot: far more than a first epoch writes
_WAIT_S = 0.5


@dataclass(slots=True)
class Written:
    """What a topic holds."""

    newest: dict[str, int] = field(default_factory=dict)  # name -> highest ordinal
    offsets: dict[str, int] = field(default_factory=dict)  # partition -> next offset


def read_tail(kafka: Kafka, topic: str, since: dict[str, int] | None, stop: Stop) -> Written:
    """Names and ordinals of the messages from the snapshot's offsets on; waits for a broker that is away.

    Parameters
    ----------
    kafka, topic
        Where to read.
    since
        Partition -> offset; None: no snapshot, the newest part of the topic is read.
    stop
        When requested, reading ends with what is there.

    Raises
    ------
    BrokerError
        The topic is not there, or may not be read.
    """
    settings: dict[str, object] = {"group.id": "patrol", "enable.auto.commit": False, "enable.partition.eof": True}
    consumer = Consumer(settings | {"auto.offset.reset": "earliest"} | client_config(kafka))
    try:
        partitions = _partitions(consumer, topic, stop)
        written = Written(offsets=dict(since or {}))
        starts = [TopicPartition(topic, p, _start(consumer, topic, p, since)) for p in partitions]
        consumer.assign(starts)
        left = set(partitions)
        while left and not stop.requested:
            for message in consumer.consume(10_000, timeout=_WAIT_S):
                _take(message, written, left)
        return written
    finally:
        consumer.close()


def _partitions(consumer: Consumer, topic: str, stop: Stop) -> list[int]:
    while not stop.requested:
        try:
            known = consumer.list_topics(timeout=_WAIT_S).topics
        except KafkaException:
            LOG.warning("the broker is away; waiting for it to see what topic %s holds", topic)
            stop.wait(_WAIT_S)
            continue
        if topic not in known or not known[topic].partitions:
            raise BrokerError(f"topic {topic!r} is not there; make it with `patrol check TWIN.toml --create-topics`")
        return sorted(known[topic].partitions)
    return []


def _start(consumer: Consumer, topic: str, partition: int, since: dict[str, int] | None) -> int:
    if since is not None and str(partition) in since:
        return since[str(partition)]
    low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), timeout=10.0)
    return int(low if since is not None else max(low, high - _NEWEST))


def _take(message: Message, written: Written, left: set[int]) -> None:
    error = message.error()
    if error is not None:
        if error.code() == KafkaError._PARTITION_EOF:
            left.discard(origin_of(message).partition)
        elif error.code() in FORBIDDEN:
            raise BrokerError(
                f"topic {origin_of(message).topic!r} cannot be read: {error.str()}; grant PATrol read access"
            )
        return
    origin = origin_of(message)
    written.offsets[str(origin.partition)] = origin.offset + 1
    value = dict(message.headers() or ()).get(ID_HEADER)
    if isinstance(value, bytes):
        what, _, ordinal = value.decode().rpartition("#")
        written.newest[what] = max(written.newest.get(what, -1), int(ordinal))
