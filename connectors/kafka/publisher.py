"""Records out to Kafka from a command (flows have sinks): every one confirmed, or an error."""

import time
from typing import Any

from confluent_kafka import KafkaError, Message, Producer

from connectors.kafka.clients import client_config, open_client
from connectors.messages.codec import encode
from connectors.settings import Kafka
from models.records.errors import DeliveryError
from models.records.messages import Record


class Publisher:
    """Publishes records; use as a context manager: leaving it waits for every confirmation.

    Parameters
    ----------
    kafka
        The broker.
    timeout_s
        Wall clock: how long the broker may be away before a record counts as not delivered.
    """

    def __init__(self, kafka: Kafka, timeout_s: float = 30.0) -> None:
        ours = {"linger.ms": 10, "enable.idempotence": True, "message.timeout.ms": int(timeout_s * 1000)}
        self._producer = open_client(Producer, client_config(kafka) | ours)
        self._timeout_s = timeout_s
        self._topic, self._failed, self._reason = "", 0, ""

    def publish(self, topic: str, key: str, record: Record) -> None:
        """Hand a record over; waits while the queue is full.

        Raises
        ------
        DeliveryError
            The broker refused one handed over before.
        """
        while True:
            try:
                self._producer.produce(topic, encode(record), key.encode(), on_delivery=self._delivered)
                break
            except BufferError:
                self._producer.poll(0.1)
        self._producer.poll(0)
        self._raise_failed()

    def now(self) -> float:
        """Seconds of wall clock."""
        return time.monotonic()

    def wait(self, wait_s: float) -> None:
        """Pass the time (wall clock) with confirmations."""
        self._producer.poll(wait_s)

    def flush(self) -> None:
        """Wait until all is confirmed.

        Raises
        ------
        DeliveryError
            Something was not, within the time allowed.
        """
        queued = self._producer.flush(self._timeout_s + 1)
        if queued:
            self._failed, self._reason = self._failed + queued, self._reason or f"no answer in {self._timeout_s:g} s"
        self._raise_failed()

    def __enter__(self) -> "Publisher":
        """The publisher itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for every confirmation (``flush``); after an exception drop what is still queued."""
        if kind is None:
            self.flush()
        else:
            self._producer.purge()

    def _delivered(self, error: KafkaError | None, message: Message) -> Any:
        if error is not None:
            self._topic, self._reason = message.topic() or "", error.str()
            self._failed += 1

    def _raise_failed(self) -> None:
        if self._failed:
            raise DeliveryError(self._topic, self._failed, self._reason)
