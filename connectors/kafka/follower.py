"""A plain consumer of deviations and scores, as a screen or a script would have one."""

import time

from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from connectors.kafka.clients import client_config, is_away, open_client
from connectors.messages.codec import decode_emitted
from connectors.settings import Kafka
from models.records.errors import BrokerError
from models.records.messages import Deviation, Score

_FIND_S = 20.0


class Follower:
    """Reads the deviations and scores topics from their beginning; use as a context manager.

    Parameters
    ----------
    kafka
        The broker and the topics' names.

    Raises
    ------
    BrokerError
        The topics are not there.
    """

    def __init__(self, kafka: Kafka) -> None:
        settings: dict[str, object] = {"group.id": "patrol-follower", "enable.auto.commit": False}
        settings |= {"fetch.wait.max.ms": 50, "auto.offset.reset": "earliest"}
        self._consumer = open_client(Consumer, settings | client_config(kafka))
        places = [place for topic in (kafka.topics.deviations, kafka.topics.scores) for place in self._places(topic)]
        self._consumer.assign(places)  # no group: joining one takes long, and nothing is to be shared

    def poll(self, timeout_s: float) -> list[Deviation | Score]:
        """What has come; waits at most so long (wall clock) for something.

        Raises
        ------
        BrokerError
            The broker refuses.
        """
        records = []
        for message in self._consumer.consume(1000, timeout=timeout_s):
            error, value = message.error(), message.value()
            if error is not None:
                if not is_away(error) and error.code() != KafkaError._PARTITION_EOF:
                    raise BrokerError(f"topic {message.topic()!r} cannot be read: {error.str()}")
            elif value:
                record = decode_emitted(value)
                records += [] if record is None else [record]
        return records

    def __enter__(self) -> "Follower":
        """The follower itself, already at the topics' beginning."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the consumer."""
        self._consumer.close()

    def _places(self, topic: str) -> list[TopicPartition]:
        deadline = time.monotonic() + _FIND_S
        while time.monotonic() < deadline:
            try:
                known = self._consumer.list_topics(topic, timeout=1.0).topics[topic]
            except KafkaException:
                continue
            if known.partitions:
                return [TopicPartition(topic, partition, OFFSET_BEGINNING) for partition in known.partitions]
            time.sleep(0.05)
        raise BrokerError(f"topic {topic!r} is not there; make it with `patrol check TWIN.toml --create-topics`")
