"""How many messages are there that have not been read yet, as far as the broker has reported."""

import time
from collections.abc import Iterable, Mapping

from confluent_kafka import Consumer, TopicPartition

from connectors.prometheus.metrics import Metrics

_EVERY_S = 1.0  # wall clock between two looks


class Lag:
    """Of all partitions that one consumer reads.

    Parameters
    ----------
    consumer
        Knows the ends of its partitions.
    metrics
        Gets the lag.
    """

    def __init__(self, consumer: Consumer, metrics: Metrics) -> None:
        self._consumer, self._metrics = consumer, metrics
        self._looked_s = float("-inf")
        self._behind: dict[tuple[str, int], int] = {}

    @property
    def behind(self) -> int:
        """Messages not read yet."""
        return sum(self._behind.values())

    def export(self, partitions: Iterable[tuple[str, int]], read: Mapping[tuple[str, int], tuple[int, int]]) -> None:
        """Look, now and then; ``read`` has the next offset of each partition first."""
        now_s = time.monotonic()
        if now_s - self._looked_s < _EVERY_S:
            return
        self._looked_s = now_s
        for topic, partition in partitions:
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
            if high >= 0:
                behind = max(0, high - read.get((topic, partition), (0, 0))[0])
                self._behind[topic, partition] = behind
                self._metrics.lag(topic, partition, behind)
