"""One consumer over all partitions of some topics: it waits for a broker that is away, and skips nothing."""

import logging
import time
from collections.abc import Iterator, Mapping

from confluent_kafka import TIMESTAMP_NOT_AVAILABLE, Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import TopicMetadata

from connectors.inputs.lag import Lag
from connectors.inputs.merging import Merging
from connectors.inputs.positions import Kept, Partition, Positions
from connectors.kafka.clients import FORBIDDEN, as_bytes, client_config, is_away, open_client, place_of
from connectors.kafka.topics import topic_ids
from connectors.messages.grouping import Arrival
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.errors import BrokerError

LOG = logging.getLogger("patrol")
_PROBE_S = 1.0  # wall clock between two looks for an absent broker or topic
_PROBE_WAIT_S = 0.2  # how long a look may take; nothing else can be done meanwhile
_LOOK_EVERY_S = 20.0  # between two looks for partitions that were added, and for topics that are gone
_UNKNOWN = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC, KafkaError._UNKNOWN_PARTITION)
_AT_ONCE = 500  # messages: few enough to be still in the cache when they are decoded


class Reader:
    """Reads topics from given offsets.

    Parameters
    ----------
    kafka
        The broker.
    topics
        All their partitions are read.
    kept
        Where the run before came to; a topic that was made again since is read from its beginning.
    metrics
        Gets lag, losses, errors and the broker's absence.
    """

    def __init__(self, kafka: Kafka, topics: tuple[str, ...], kept: Kept, metrics: Metrics) -> None:
        self._topics, self._metrics, self._kafka = topics, metrics, kafka
        self.positions = Positions(topics, kept, metrics)
        settings: dict[str, object] = {
            "group.id": "patrol",  # required by librdkafka; no group is joined and nothing is committed
            "enable.auto.commit": False,
            "enable.partition.eof": True,
            "auto.offset.reset": "error",
            "fetch.wait.max.ms": 100,
            "fetch.queue.backoff.ms": 10,  # its default of a second leaves a backlog's reader without messages
        }
        self._consumer = open_client(Consumer, settings | client_config(kafka, self._on_error))
        self._lag = Lag(self._consumer, metrics)
        self._merging = Merging()
        self._paused: set[Partition] = set()
        self._places: set[Partition] = set()
        self._ended: set[Partition] = set()  # read to their end at least once
        self._away = self._in_doubt = False
        self._probed_s = self._looked_s = float("-inf")
        self._missing: tuple[str, ...] = ()
        self._gone = False  # a topic or a partition was not there when it was read: look at once

    @property
    def behind(self) -> int:
        """Messages not read yet, as far as the broker has reported."""
        return self._lag.behind

    @property
    def caught_up(self) -> bool:
        """Whether every partition has been read to its end once since the start."""
        return not self._topics or (
            bool(self._places) and self._ended >= self._places and not (self._missing or self._gone or self._merging)
        )

    @property
    def in_doubt(self) -> bool:
        """Whether something speaks against the broker being there."""
        return self._in_doubt

    @property
    def live(self) -> bool:
        """Whether it is caught up and nothing speaks against the broker being there."""
        return self.caught_up and not self._in_doubt

    def answers(self) -> bool:
        """Ask whether the broker is there, and has no partition that is not read yet; waits a moment.

        A broker that hangs gives no error for long, and a unit whose messages go to a partition that was added just
        now is not still.
        """
        self._look()
        return self.live

    def poll(self, count: int) -> Iterator[Arrival]:
        """At most ``count`` messages that are there now; never waits for more. Take them all before the next poll.

        Raises
        ------
        BrokerError
            The broker forbids reading.
        """
        if not self._topics or ((not self._places or self._in_doubt) and not self._find_broker()):
            return
        if time.monotonic() - self._looked_s >= (_PROBE_S if self._gone or self._missing else _LOOK_EVERY_S):
            self._look()
        self._fetch(count)
        gaps, read = self.positions.gaps, self.positions.next
        for place, (at_us, offset, value, key) in self._merging.given(self._places - self._ended, count):
            if value is None:
                self.positions.end(place, offset)
                continue
            if gaps and place in gaps:
                self.positions.go_on(place, offset, at_us)
            read[place] = offset + 1, at_us
            yield value, *place, offset, key, at_us
        self._lag.export(self._places, read)

    def seek_end(self) -> None:
        """Not caught up until all that is there now has been read: something came between."""
        if self._places:
            self._ended.clear()
            self._merging.drop()
            self._consumer.assign([self._from(place) for place in sorted(self._places)])

    def close(self) -> None:
        """Close the consumer."""
        self._consumer.close()

    # -- inside --------------------------------------------------------------------------------------------------

    def _fetch(self, count: int) -> None:
        """What there is, so many messages at most."""
        full = self._merging.full
        if full != self._paused:
            self._consumer.resume([TopicPartition(*place) for place in self._paused - full])
            self._consumer.pause([TopicPartition(*place) for place in full - self._paused])
            self._paused = full
        left, add = count, self._merging.add
        while left > 0:
            messages = self._consumer.consume(min(left, _AT_ONCE), timeout=0)
            left = left - _AT_ONCE if len(messages) == _AT_ONCE else 0
            for message in messages:
                (topic, partition, offset), error = place_of(message), message.error()
                if error is not None:
                    self._on_message_error(error, (topic, partition), offset)
                    continue
                kind, at_ms = message.timestamp()
                at_us = 1000 * at_ms if kind != TIMESTAMP_NOT_AVAILABLE else 0
                add((topic, partition), (at_us, offset, as_bytes(message.value()), as_bytes(message.key())))

    def _find_broker(self) -> bool:
        """Look for the broker, now and then; assign all partitions the first time."""
        now = time.monotonic()
        if now - self._probed_s < _PROBE_S:
            return bool(self._places)
        self._probed_s = now
        known = self._ask()
        if known is not None:
            self._note_missing(known)
        if known is None or self._missing or self._places:
            return bool(self._places)
        self.positions.made_again(topic_ids(self._kafka, self._topics))
        self._places = {(topic, partition) for topic in self._topics for partition in known[topic].partitions}
        self.positions.assigned(self._places)
        self._consumer.assign([self._from(place) for place in sorted(self._places)])
        self._looked_s, self._gone = now, False
        return True

    def _note_missing(self, known: Mapping[str, TopicMetadata]) -> None:
        missing = tuple(topic for topic in self._topics if topic not in known or not known[topic].partitions)
        if missing and missing != self._missing:
            LOG.warning("waiting for topic %s: `patrol check --create-topics` makes it", ", ".join(missing))
        self._missing = missing

    def _look(self) -> None:
        """Read partitions that were added, from their beginning; see which topics are gone, and which came back."""
        self._looked_s = time.monotonic()
        known = self._ask()
        if known is None:
            return
        gone = self._gone or bool(self._missing)
        self._note_missing(known)
        self._drop({place for place in self._places if place[0] in self._missing})
        there = {(topic, p) for topic in self._topics if topic in known for p in known[topic].partitions}
        if gone and there - self._places:
            again = self.positions.made_again(topic_ids(self._kafka, sorted({topic for topic, _ in there})))
            self._drop({place for place in self._places if place[0] in again})
        self._gone, added = False, sorted(there - self._places)
        if added:
            LOG.warning("partitions that are read from now on: %s", ", ".join(f"{topic}/{p}" for topic, p in added))
            self._places |= set(added)
            self.positions.assigned(added)
            self._consumer.incremental_assign([self._from(place) for place in added])

    def _drop(self, places: set[Partition]) -> None:
        """Read partitions no more; those that come back are added, those of the same topic at their offsets."""
        if places:
            self._consumer.incremental_unassign([TopicPartition(*place) for place in sorted(places)])
            self._places -= places
            self._ended -= places
            self._paused -= places
            self._merging.drop(places)

    def _ask(self) -> dict[str, TopicMetadata] | None:
        """The topics there are; None when the broker does not answer."""
        if not self._topics:
            return {}
        try:
            known: dict[str, TopicMetadata] = self._consumer.list_topics(timeout=_PROBE_WAIT_S).topics
        except KafkaException as exc:
            self._metrics.broker_error(exc.args[0].name())
            self._set_away(True, exc.args[0].str())
            return None
        self._set_away(False)
        return known

    def _from(self, place: Partition) -> TopicPartition:
        return TopicPartition(*place, self.positions.start(place))

    def _on_message_error(self, error: KafkaError, place: Partition, offset: int) -> None:
        if error.code() == KafkaError._PARTITION_EOF:
            self._ended.add(place)
            self._merging.add(place, (0, offset, None, b""))
            return
        self._metrics.broker_error(error.name())
        if error.code() in FORBIDDEN:
            raise BrokerError(f"topic {place[0]!r} cannot be read: {error.str()}; grant PATrol read access")
        if error.code() in (KafkaError.OFFSET_OUT_OF_RANGE, KafkaError._AUTO_OFFSET_RESET):
            self.positions.gaps.add(place)
            self._consumer.incremental_unassign([TopicPartition(*place)])
            self._consumer.incremental_assign([self._from(place)])
        elif error.code() in _UNKNOWN:
            self._gone = True
            self._drop(self._places & {place})

    def _on_error(self, error: KafkaError) -> None:
        self._metrics.broker_error(error.name())
        if is_away(error):
            self._in_doubt = True  # one broker or connection may be lost without harm: ask before it is believed

    def _set_away(self, away: bool, why: str = "") -> None:
        if away and not self._away:
            LOG.warning("reading %s: the broker is away (%s); waiting for it", ", ".join(self._topics), why)
        elif self._away and not away:
            LOG.warning("reading %s: the broker is back", ", ".join(self._topics))
        self._away = self._in_doubt = away
        self._metrics.broker(not away)
