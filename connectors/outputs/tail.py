"""What an output topic already holds: read when a sink goes on from a snapshot, so that nothing is written twice."""

import logging
import time
from collections import deque
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.kafka.clients import FORBIDDEN, client_config, open_client, place_of
from connectors.kafka.stop import Stop
from connectors.messages.outgoing import identity_of
from connectors.settings import Kafka
from models.records.errors import BrokerError, StoppedError

LOG = logging.getLogger("patrol")
_NEWEST = 100_000  # messages a partition looked at without a snapshot: far more than a first epoch writes
_TAIL_BASE = -2000  # librdkafka: offset -2000 - n is n messages before the end
_STOPPED = "stopped while it read what the output topics hold; nothing was written"
_ANSWER_S = 0.5
_POLL_S = 0.05
_MISSING_S = 3.0  # wall clock a topic made just now may take to be known


@dataclass(slots=True)
class Written:
    """What a topic holds."""

    newest: dict[str, int] = field(default_factory=dict)  # name -> highest ordinal
    offsets: dict[str, int] = field(default_factory=dict)  # partition -> next offset
    places: dict[str, deque[tuple[int, str]]] = field(default_factory=dict)  # partition -> offset and id of each record


def read_tail(kafka: Kafka, topic: str, since: dict[str, int] | None, stop: Stop) -> Written:
    """Names and ordinals of the messages from the snapshot's offsets on; waits for a broker that is away.

    Parameters
    ----------
    kafka, topic
        Where to read.
    since
        Partition -> offset; None: no snapshot, the newest part of the topic is read.
    stop
        When requested, reading ends after ``drain_s``.

    Raises
    ------
    BrokerError
        The topic is not there, or may not be read.
    StoppedError
        Stopped before its end: who has not read all of it must not write.
    """
    settings: dict[str, object] = {"group.id": "patrol", "enable.auto.commit": False, "enable.partition.eof": True}
    settings |= {
        "auto.offset.reset": "earliest",
        "fetch.wait.max.ms": 50,
    }  # the end of a partition is reported after this
    consumer = open_client(Consumer, settings | client_config(kafka))
    try:
        partitions = _partitions(consumer, topic, stop)
        written = Written(offsets=dict(since or {}))
        consumer.assign([TopicPartition(topic, p, _start(p, since)) for p in partitions])
        left = set(partitions)
        limit_s: float | None = None  # while stopping
        while left:
            if stop.requested:
                limit_s = limit_s or time.monotonic() + kafka.drain_s
                if time.monotonic() > limit_s:
                    raise StoppedError(_STOPPED)
            for message in consumer.consume(10_000, timeout=_POLL_S):
                _take(message, written, left)
        return written
    finally:
        consumer.close()


def _partitions(consumer: Consumer, topic: str, stop: Stop) -> list[int]:
    missing_since: float | None = None
    while True:
        try:
            known = consumer.list_topics(timeout=_ANSWER_S).topics
        except KafkaException as exc:
            if stop.requested:
                raise StoppedError(_STOPPED) from exc
            LOG.warning("the broker is away; waiting for it to see what topic %s holds", topic)
            stop.wait(_ANSWER_S)
            continue
        if topic in known and known[topic].partitions:
            return sorted(known[topic].partitions)
        missing_since = missing_since or time.monotonic()
        if time.monotonic() - missing_since > _MISSING_S:
            raise BrokerError(f"topic {topic!r} is not there; make it with `patrol check TWIN.toml --create-topics`")
        stop.wait(_POLL_S)


def _start(partition: int, since: dict[str, int] | None) -> int:
    if since is None:
        return _TAIL_BASE - _NEWEST
    return since.get(str(partition), OFFSET_BEGINNING)


def _take(message: Message, written: Written, left: set[int]) -> None:
    (topic, partition, offset), error = place_of(message), message.error()
    if error is not None:
        if error.code() == KafkaError._PARTITION_EOF:
            left.discard(partition)
        elif error.code() in FORBIDDEN:
            raise BrokerError(f"topic {topic!r} cannot be read: {error.str()}; grant PATrol read access")
        return
    written.offsets[str(partition)] = offset + 1
    named = identity_of(dict(message.headers() or ()), message.value())
    if named is not None:
        what, ordinal = named
        written.newest[what] = max(written.newest.get(what, -1), ordinal)
        written.places.setdefault(str(partition), deque()).append((offset, f"{what}#{ordinal}"))
