"""Deviations, scores and dead letters to Kafka: every delivery confirmed, none written twice.

Each message carries its record's identity in a header (``patrol-id``). The sink's snapshot is its topic's next offsets;
when it goes on from one it reads the topic's tail from there and leaves out what it finds. So a flow that was killed
and does an epoch again loses nothing and repeats nothing. While the broker is away an epoch waits; nothing is dropped.
"""

import logging
import time
from contextlib import suppress
from functools import partial
from typing import TypeVar

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.kafka.clients import client_config, is_away, open_client
from connectors.kafka.stop import Stop
from connectors.kafka.tail import Written, read_tail
from connectors.messages.outgoing import ID_HEADER, LARGEST_LETTER, Output, identity, message
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.errors import DeliveryError
from models.records.messages import Rejected

LOG = logging.getLogger("patrol")
W = TypeVar("W", bound=Output)
_LEAST_LETTER = 16  # bytes: below, cutting helps no more
_WAIT_S = 0.2  # between two looks at what is still unconfirmed


class KafkaSink(FixedPartitionedSink[W, dict[str, int]]):
    """One output topic.

    Parameters
    ----------
    kafka
        The broker.
    topic
        Where the records go.
    metrics
        Gets the broker's state.
    stop
        When requested, an epoch waits no longer than ``drain_s`` for its deliveries.
    """

    def __init__(self, kafka: Kafka, topic: str, metrics: Metrics, stop: Stop) -> None:
        self._kafka, self._topic, self._metrics, self._stop = kafka, topic, metrics, stop

    def list_parts(self) -> list[str]:
        """The one writer; its name is part of the recovery store."""
        return [self._topic]

    def part_fn(self, item_key: str) -> int:
        """All keys go through the one writer."""
        return 0

    def build_part(self, step_id: str, for_part: str, resume_state: dict[str, int] | None) -> "Writer[W]":
        """The writer; reads what its topic holds since its snapshot (without one: its newest part)."""
        writer: Writer[W] = Writer(self._kafka, self._topic, self._metrics, self._stop)  # connects meanwhile
        writer.resume(read_tail(self._kafka, self._topic, resume_state, self._stop))
        return writer


class Writer(StatefulSinkPartition[W, dict[str, int]]):
    """Writes one topic."""

    def __init__(self, kafka: Kafka, topic: str, metrics: Metrics, stop: Stop) -> None:
        self._topic, self._stop, self._metrics, self._drain_s = topic, stop, metrics, kafka.drain_s
        self._seen: dict[str, int] = {}
        self._offsets: dict[str, int] = {}
        self._errors: list[str] = []
        self._too_large: list[tuple[Output, str, int]] = []  # dead letters to be cut, and to how many bytes
        self._deadline: float | None = None  # while stopping
        settings: dict[str, object] = {
            "enable.idempotence": True,
            "acks": "all",
            "linger.ms": 1,  # a poll's records come together anyhow
            "message.timeout.ms": 0,  # a broker that is away is waited for
        }
        self._producer = open_client(Producer, settings | client_config(kafka, self._on_error))

    def resume(self, written: Written) -> None:
        """Leave out what the topic holds.

        Also asks for the topic: with the answer librdkafka gets its producer id; left alone it looks for one every
        half second, and the first epoch waits for that.
        """
        self._seen, self._offsets = written.newest, dict(written.offsets)
        with suppress(KafkaException):  # the broker is away: it is waited for when there is something to write
            self._producer.list_topics(self._topic, timeout=_WAIT_S)

    def write_batch(self, items: list[W]) -> None:
        """Send what the topic does not hold yet."""
        for item in items:
            name, ordinal = identity(item)
            if ordinal <= self._seen.get(name, -1):
                continue
            self._send(item, f"{name}#{ordinal}")
        self._producer.poll(0)
        self._cut()
        self._check()

    def snapshot(self) -> dict[str, int]:
        """The topic's next offsets, once every record of the epoch is confirmed.

        Raises
        ------
        DeliveryError
            The broker refused a record, or the flow is stopping and ``drain_s`` has passed.
        """
        while (left := self._producer.flush(_WAIT_S)) or self._too_large:
            self._check(left)
            self._cut()
        self._check()
        self._metrics.broker(True)
        return dict(self._offsets)

    def close(self) -> None:
        """Give what is still on its way a moment."""
        self._producer.flush(_WAIT_S)

    # -- inside --------------------------------------------------------------------------------------------------

    def _send(self, item: Output, id_: str, most: int = LARGEST_LETTER) -> None:
        key, value, headers = message(item, most)
        headers = [(ID_HEADER, id_.encode()), *headers]
        delivered = partial(self._on_delivery, item, id_, most)
        while True:
            try:
                self._producer.produce(self._topic, value, key, headers=headers, on_delivery=delivered)
                return
            except BufferError:  # the local queue is full: wait for confirmations
                self._producer.poll(_WAIT_S)
                self._check(len(self._producer))
            except KafkaException as exc:
                self._refused(item, id_, most, exc.args[0])
                return

    def _on_delivery(self, item: Output, id_: str, most: int, error: KafkaError | None, sent: Message) -> None:
        if error is not None:
            self._refused(item, id_, most, error)
            return
        partition, offset = sent.partition(), sent.offset()
        if partition is not None and offset is not None:
            place = str(partition)
            self._offsets[place] = max(self._offsets.get(place, 0), offset + 1)

    def _refused(self, item: Output, id_: str, most: int, error: KafkaError) -> None:
        """Kafka does not take a record; a dead letter that is too large for its topic is cut further."""
        if isinstance(item, Rejected) and error.code() == KafkaError.MSG_SIZE_TOO_LARGE and most >= _LEAST_LETTER:
            self._too_large.append((item, id_, min(most, len(item.raw)) // 2))
        else:
            self._errors.append(error.str())

    def _cut(self) -> None:
        again, self._too_large = self._too_large, []
        for item, id_, most in again:
            self._send(item, id_, most)

    def _on_error(self, error: KafkaError) -> None:
        self._metrics.broker_error(error.name())
        if is_away(error):
            self._metrics.broker(False)

    def _check(self, waiting: int = 0) -> None:
        """Raise when Kafka refused a record, or when the flow is stopping and has waited long enough."""
        if self._errors:
            raise DeliveryError(self._topic, len(self._errors), self._errors[0])
        if waiting and self._stop.requested:
            self._deadline = self._deadline or time.monotonic() + self._drain_s
            if time.monotonic() > self._deadline:
                raise DeliveryError(self._topic, waiting, f"no confirmation within {self._drain_s:g} s of stopping")
