"""Deviations emitted before a restart, so that the audit of the alarm system does not begin anew with the process."""

import logging
import time
from collections.abc import Iterator

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.kafka.clients import client_config, open_client
from connectors.kafka.stop import Stop
from connectors.messages.codec import decode_emitted
from connectors.settings import Kafka
from models.records.messages import Deviation

LOG = logging.getLogger("patrol")
_WITHIN_S = 5.0
_POLL_S = 0.05


def past_deviations(kafka: Kafka, stop: Stop, within_s: float = _WITHIN_S) -> Iterator[Deviation]:
    """All that the deviations topic holds, each deviation's revisions in order.

    Parameters
    ----------
    kafka
        The broker and the topic.
    stop
        When requested, reading ends.
    within_s
        Wall clock: where the broker is away, the topic missing or too long, it ends with what was read until then.
    """
    deadline, topic = time.monotonic() + within_s, kafka.topics.deviations
    settings: dict[str, object] = {"group.id": "patrol", "enable.auto.commit": False, "enable.partition.eof": True}
    settings |= {"auto.offset.reset": "earliest", "fetch.wait.max.ms": 50}
    consumer = open_client(Consumer, settings | client_config(kafka))
    try:
        left: set[int] | None = None
        while left or left is None:
            if stop.requested or time.monotonic() > deadline:
                LOG.warning("not all of topic %s was read within %g s: the alarm audit lacks a part", topic, within_s)
                return
            if left is not None:
                yield from _read(consumer, left)
            elif (left := _begin(consumer, topic)) is None:
                stop.wait(_POLL_S)
    finally:
        consumer.close()


def _begin(consumer: Consumer, topic: str) -> set[int] | None:
    """Go to the beginning of all partitions; None: they are not known yet."""
    try:
        known = consumer.list_topics(timeout=0.5).topics
    except KafkaException:
        return None
    if topic not in known or not known[topic].partitions:
        return None
    partitions = set(known[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in partitions])
    return partitions


def _read(consumer: Consumer, left: set[int]) -> Iterator[Deviation]:
    """What comes next; partitions at their end are taken from ``left``."""
    for message in consumer.consume(10_000, timeout=_POLL_S):
        error, value = message.error(), message.value()
        if error is not None:
            if error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition() or 0)
        elif isinstance(value, bytes):
            record = decode_emitted(value)
            if isinstance(record, Deviation):
                yield record
            else:
                LOG.warning("topic %s holds what is no deviation at offset %s", message.topic(), message.offset())
