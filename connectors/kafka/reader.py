"""One consumer over all partitions of some topics: it waits for a broker that is away, and skips nothing."""

import logging
import time
from collections.abc import Iterator, Mapping

from confluent_kafka import (
    OFFSET_BEGINNING,
    TIMESTAMP_NOT_AVAILABLE,
    Consumer,
    KafkaError,
    KafkaException,
    TopicPartition,
)
from confluent_kafka.admin import TopicMetadata

from connectors.kafka.clients import FORBIDDEN, as_bytes, client_config, is_away, open_client, place_of
from connectors.kafka.topics import topic_ids
from connectors.messages.grouping import Arrival
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.errors import BrokerError

LOG = logging.getLogger("patrol")
_PROBE_S = 1.0  # wall clock between two looks for an absent broker or topic
_PROBE_WAIT_S = 0.2  # how long a look may take; nothing else can be done meanwhile
_LAG_EVERY_S = 1.0
_LOOK_EVERY_S = 20.0  # between two looks for partitions that were added, and for topics that are gone
_AT_ONCE = 500  # messages: few enough to be still in the cache when they are decoded


class Reader:
    """Reads topics from given offsets.

    Parameters
    ----------
    kafka
        The broker.
    topics
        All their partitions are read.
    offsets
        "topic/partition" -> next offset; others start at the beginning.
    metrics
        Gets lag, errors and the broker's absence.
    ids
        Topic -> the id it had when the offsets were kept: a topic that was made again is read from its beginning.
    """

    def __init__(
        self, kafka: Kafka, topics: tuple[str, ...], offsets: dict[str, int], metrics: Metrics,
        ids: Mapping[str, str] | None = None,
    ) -> None:  # fmt: skip
        self._topics, self._metrics, self._kafka = topics, metrics, kafka
        self.ids = {topic: known for topic, known in (ids or {}).items() if topic in topics}
        named = ((place.rpartition("/"), offset) for place, offset in offsets.items())
        self._next = {(topic, int(partition)): offset for (topic, _, partition), offset in named if topic in topics}
        settings: dict[str, object] = {
            "group.id": "patrol",  # required by librdkafka; no group is joined and nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 100,
            "fetch.queue.backoff.ms": 10,  # its default of a second leaves a backlog's reader without messages
        }
        self._consumer = open_client(Consumer, settings | client_config(kafka, self._on_error))
        self._places: set[str] = set()
        self._ended: set[str] = set()  # partitions read to their end at least once
        self._away = self._in_doubt = False
        self._probed_s = self._lag_s = self._looked_s = float("-inf")
        self._missing: tuple[str, ...] = ()
        self._behind: dict[str, int] = {}  # "topic/partition" -> messages not read yet

    @property
    def behind(self) -> int:
        """Messages not read yet, as far as the broker has reported."""
        return sum(self._behind.values())

    @property
    def offsets(self) -> dict[str, int]:
        """The next offset of each partition, by "topic/partition"."""
        return {f"{topic}/{partition}": offset for (topic, partition), offset in self._next.items()}

    @property
    def caught_up(self) -> bool:
        """Whether every partition has been read to its end once since the start."""
        return not self._topics or (bool(self._places) and self._ended >= self._places and not self._missing)

    @property
    def live(self) -> bool:
        """Whether it is caught up and nothing speaks against the broker being there."""
        return self.caught_up and not self._in_doubt

    def answers(self) -> bool:
        """Ask whether the broker is there (a broker that hangs gives no error for long); waits a moment."""
        return self._ask() is not None

    def poll(self, count: int) -> Iterator[Arrival]:
        """At most ``count`` messages that are there now; never waits for more. Take them all before the next poll.

        Raises
        ------
        BrokerError
            The broker forbids reading.
        """
        if not self._topics or ((not self._places or self._in_doubt) and not self._find_broker()):
            return
        if time.monotonic() - self._looked_s >= _LOOK_EVERY_S:
            self._look()
        left = count
        while left > 0:
            messages = self._consumer.consume(min(left, _AT_ONCE), timeout=0)
            left = left - _AT_ONCE if len(messages) == _AT_ONCE else 0
            for message in messages:
                (topic, partition, offset), error = place_of(message), message.error()
                if error is not None:
                    self._on_message_error(error, topic, partition, offset)
                    continue
                self._next[topic, partition] = offset + 1
                kind, at_ms = message.timestamp()
                at_us = 1000 * at_ms if kind != TIMESTAMP_NOT_AVAILABLE else 0
                yield as_bytes(message.value()), topic, partition, offset, as_bytes(message.key()), at_us
        self._export_lag()

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _find_broker(self) -> bool:
        """Look for the broker, now and then; assign all partitions the first time."""
        now = time.monotonic()
        if now - self._probed_s < _PROBE_S:
            return bool(self._places)
        self._probed_s = now
        known = self._ask()
        if known is None:
            return bool(self._places)
        self._note_missing(known)
        if self._missing or self._places:
            return bool(self._places)
        self._forget_remade()
        self._assign([(topic, partition) for topic in self._topics for partition in known[topic].partitions])
        self._looked_s = now
        return True

    def _note_missing(self, known: Mapping[str, TopicMetadata]) -> None:
        missing = tuple(topic for topic in self._topics if topic not in known or not known[topic].partitions)
        if missing and missing != self._missing:
            LOG.warning("waiting for topic %s: `patrol check --create-topics` makes it", ", ".join(missing))
        self._missing = missing

    def _look(self) -> None:
        """Read partitions that were added, from their beginning; see which topics are gone."""
        self._looked_s = time.monotonic()
        known = self._ask()
        if known is None:
            return
        self._note_missing(known)
        there = {(topic, p) for topic in self._topics if topic in known for p in known[topic].partitions}
        added = sorted(place for place in there if f"{place[0]}/{place[1]}" not in self._places)
        if added:
            LOG.warning(
                "partitions were added and are read from their beginning: %s",
                ", ".join(f"{topic}/{partition}" for topic, partition in added),
            )
            self._places |= {f"{topic}/{partition}" for topic, partition in added}
            self._consumer.incremental_assign([TopicPartition(t, p, OFFSET_BEGINNING) for t, p in added])

    def _forget_remade(self) -> None:
        """Offsets of a topic that has been made again since they were kept say nothing of the new one."""
        ids = topic_ids(self._kafka, self._topics)
        for topic, known in ids.items():
            if self.ids.get(topic, known) != known:
                LOG.error("topic %s was made again since PATrol last read it: it is read from its beginning", topic)
                self._next = {place: offset for place, offset in self._next.items() if place[0] != topic}
        self.ids |= ids

    def _ask(self) -> dict[str, TopicMetadata] | None:
        """The topics there are; None when the broker does not answer."""
        if not self._topics:
            return {}
        try:
            known: dict[str, TopicMetadata] = self._consumer.list_topics(timeout=_PROBE_WAIT_S).topics
        except KafkaException as exc:
            self._metrics.broker_error(exc.args[0].name())
            self._in_doubt = True
            self._set_away(True, exc.args[0].str())
            return None
        self._in_doubt = False
        self._set_away(False)
        return known

    def _assign(self, partitions: list[tuple[str, int]]) -> None:
        self._places = {f"{topic}/{partition}" for topic, partition in partitions}
        self._consumer.assign([TopicPartition(t, p, self._next.get((t, p), OFFSET_BEGINNING)) for t, p in partitions])

    def _on_message_error(self, error: KafkaError, topic: str, partition: int, offset: int) -> None:
        place = f"{topic}/{partition}"
        if error.code() == KafkaError._PARTITION_EOF:
            self._ended.add(place)  # the end may lie past the last message: markers and aborted ones are none
            self._next[topic, partition] = max(self._next.get((topic, partition), 0), offset)
            return
        self._metrics.broker_error(error.name())
        if error.code() in FORBIDDEN:
            raise BrokerError(f"topic {topic!r} cannot be read: {error.str()}; grant PATrol read access")
        if error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):
            self._note_lost(topic, partition)
            self._consumer.incremental_unassign([TopicPartition(topic, partition)])
            self._consumer.incremental_assign([TopicPartition(topic, partition, OFFSET_BEGINNING)])

    def _note_lost(self, topic: str, partition: int) -> None:
        """Messages were removed before they were read: counted, for nobody judges them any more."""
        wanted, place = self._next.pop((topic, partition), 0), TopicPartition(topic, partition)
        try:
            low, _ = self._consumer.get_watermark_offsets(place, timeout=_PROBE_WAIT_S)
        except KafkaException:
            low = wanted
        self._metrics.lost(topic, partition, max(0, low - wanted))
        LOG.error(
            "%s/%d: offset %d is gone (retention); reading goes on at %d, the oldest: what lay between was not judged",
            topic, partition, wanted, low,
        )  # fmt: skip

    def _on_error(self, error: KafkaError) -> None:
        self._metrics.broker_error(error.name())
        if is_away(error):
            self._in_doubt = True  # one broker or connection may be lost without harm: ask before it is believed

    def _set_away(self, away: bool, why: str = "") -> None:
        if away and not self._away:
            LOG.warning("reading %s: the broker is away (%s); waiting for it", ", ".join(self._topics), why)
        elif self._away and not away:
            LOG.warning("reading %s: the broker is back", ", ".join(self._topics))
        self._away = away
        self._metrics.broker(not away)

    def _export_lag(self) -> None:
        now = time.monotonic()
        if now - self._lag_s < _LAG_EVERY_S:
            return
        self._lag_s = now
        for place in self._places:
            topic, _, partition = place.rpartition("/")
            _, high = self._consumer.get_watermark_offsets(TopicPartition(topic, int(partition)), cached=True)
            if high >= 0:
                self._behind[place] = max(0, high - self._next.get((topic, int(partition)), 0))
                self._metrics.lag(topic, int(partition), self._behind[place])
