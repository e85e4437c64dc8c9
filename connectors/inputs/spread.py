"""Units whose scans lie in several partitions of one topic: looked for in a bounded part, the newest messages."""

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from connectors.kafka.clients import as_bytes, client_config, open_client, place_of
from connectors.messages.codec import decode
from connectors.settings import Kafka
from models.records.errors import BrokerError
from models.records.messages import Origin, Reading, Scan

_MOST, _MOST_EACH = 20_000, 2_000  # messages: over all partitions, of one
_WITHIN_S = 5.0  # wall clock
_ANSWER_S = 2.0
_POLL_S = 0.1
_JUST_MADE = frozenset(
    {KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, KafkaError.UNKNOWN_TOPIC_OR_PART}
)  # for some moments a topic that has just been made answers so


@dataclass(slots=True)
class Spread:
    """Where one unit's scans and readings lie in one topic."""

    unit: str
    topic: str
    partitions: set[int] = field(default_factory=set)
    keys: set[bytes] = field(default_factory=set)  # b"": none

    def __str__(self) -> str:
        """What is wrong, as far as the keys show it, and what to do."""
        where = (
            f"unit {self.unit} is in partitions {', '.join(map(str, sorted(self.partitions)))} of topic {self.topic}"
        )
        if self.keys == {b""}:
            return f"{where}: its messages have no key; give them one, its id"
        if len(self.keys) == 1:
            return (
                f"{where}, though its messages have one key: partitions were added, or its producers differ in "
                "their partitioner; give them the same"
            )
        return f"{where}: its messages have different keys; give them one, its id"


@dataclass(frozen=True, slots=True)
class Looked:
    """What was looked at, and what was found."""

    messages: int
    partitions: int
    whole: bool  # False: there were more than are looked at, or time was up
    spread: tuple[Spread, ...]  # in order of unit and topic


def spread_units(
    kafka: Kafka, topics: Collection[str], units: Collection[str] = (), within_s: float = _WITHIN_S
) -> Looked:
    """Read the newest 2000 messages of every partition, at most 20 000 in all, for a few seconds.

    Parameters
    ----------
    kafka, topics
        The broker, and the topics of scans.
    units
        Those of interest; none: all.
    within_s
        Wall clock.

    Raises
    ------
    BrokerError
        The broker does not answer, or refuses.
    """
    deadline = time.monotonic() + within_s
    settings: dict[str, object] = {"group.id": "patrol", "enable.auto.commit": False, "enable.partition.eof": True}
    settings |= {"auto.offset.reset": "earliest", "fetch.wait.max.ms": 50}
    consumer = open_client(Consumer, settings | client_config(kafka))
    found: dict[tuple[str, str], Spread] = {}
    count = 0
    try:
        places = _begin(consumer, topics, deadline)
        left = set(places)
        while left and count < _MOST and time.monotonic() < deadline:
            for message in consumer.consume(1000, timeout=_POLL_S):
                if _is_end(message):
                    left.discard(place_of(message)[:2])
                else:
                    count += 1
                    _note(message, units, found)
    except KafkaException as exc:
        raise BrokerError(f"{', '.join(topics)}: {exc.args[0].str()}; check the broker and the network") from exc
    finally:
        consumer.close()
    several = [found[key] for key in sorted(found) if len(found[key].partitions) > 1]
    return Looked(count, len(places), not left, tuple(several))


def _begin(consumer: Consumer, topics: Collection[str], deadline: float) -> list[tuple[str, int]]:
    """Go to the newest messages of each partition."""
    known = consumer.list_topics(timeout=_ANSWER_S).topics
    places = [(topic, partition) for topic in topics if topic in known for partition in known[topic].partitions]
    each = min(_MOST_EACH, max(1, _MOST // max(1, len(places))))
    begins = []
    for topic, partition in places:
        low, high = _ends(consumer, TopicPartition(topic, partition), deadline)
        begins.append(TopicPartition(topic, partition, max(low, high - each)))
    consumer.assign(begins)
    return places


def _ends(consumer: Consumer, place: TopicPartition, deadline: float) -> tuple[int, int]:
    """The offsets of the oldest message and after the newest."""
    while True:
        try:
            return consumer.get_watermark_offsets(place, timeout=_ANSWER_S)
        except KafkaException as exc:
            if exc.args[0].code() not in _JUST_MADE or time.monotonic() > deadline:
                raise
            time.sleep(_POLL_S)


def _is_end(message: Message) -> bool:
    """Whether it is no message but the end of a partition."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return error is not None


def _note(message: Message, units: Collection[str], found: dict[tuple[str, str], Spread]) -> None:
    topic, partition, offset = place_of(message)
    record = decode(as_bytes(message.value()), Origin(topic=topic, partition=partition, offset=offset))
    if isinstance(record, Scan | Reading) and (not units or record.unit in units):
        spread = found.setdefault((record.unit, topic), Spread(record.unit, topic))
        spread.partitions.add(partition)
        spread.keys.add(as_bytes(message.key()))
