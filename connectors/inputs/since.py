"""Where to begin reading, so that only the last hours come: offsets by the broker's time of each message."""

from datetime import datetime

from confluent_kafka import Consumer, KafkaException, TopicPartition

from connectors.kafka.clients import client_config, open_client
from connectors.settings import Kafka

_ANSWER_S = 2.0


def offsets_since(kafka: Kafka, topics: tuple[str, ...], at: datetime) -> dict[str, int] | None:
    """Offset of the first message the broker took at ``at`` or later, by "topic/partition".

    Topics that are not there are left out (they will be read from their beginning); None: the broker does not answer.
    """
    settings: dict[str, object] = {"group.id": "patrol", "enable.auto.commit": False}
    consumer = open_client(Consumer, settings | client_config(kafka))
    try:
        known = consumer.list_topics(timeout=_ANSWER_S).topics
        wanted = [
            TopicPartition(topic, partition, int(at.timestamp() * 1000))
            for topic in topics
            if topic in known
            for partition in known[topic].partitions
        ]
        ends = [consumer.get_watermark_offsets(place, timeout=_ANSWER_S)[1] for place in wanted]  # asked first:
        found = consumer.offsets_for_times(wanted, timeout=_ANSWER_S) if wanted else []  # what comes meanwhile counts
        return {
            f"{place.topic}/{place.partition}": place.offset if place.offset >= 0 else end
            for place, end in zip(found, ends, strict=True)
        }
    except KafkaException:
        return None
    finally:
        consumer.close()
