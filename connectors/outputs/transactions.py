"""One transactional producer: what is written is there whole or not at all, and a twin has one writer.

A producer that opens a transactional id fences whoever opened it before: what that one had on its way is aborted, and
what it still sends is refused, wherever it runs. So nothing that a killed, stopped or forgotten process had in flight
comes after its successor has read what the topics hold.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from connectors.kafka.clients import client_config, is_away, open_client
from connectors.kafka.stop import Stop
from connectors.messages.outgoing import ID_HEADER, LARGEST_LETTER, Output, message
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.errors import BrokerError, DeliveryError, StoppedError, WriterError
from models.records.messages import Rejected

LOG = logging.getLogger("patrol")
_LEAST_LETTER = 16  # bytes: below, cutting helps no more
_ANSWER_S = 1.0
_LOOK_S = 0.2
_ONE_BY_ONE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER})
_LONG = 3  # tries
_ATTEMPTS = 30  # at one transaction: a dead letter is halved 16 times at most
_TIMEOUTS_MS = (900_000, 60_000)  # how long the broker keeps an open transaction: Kafka's own limit, and a low one
_UNDONE = frozenset(
    {
        KafkaError._PURGE_QUEUE,
        KafkaError._PURGE_INFLIGHT,
        KafkaError._MSG_TIMED_OUT,
        KafkaError._STATE,
        KafkaError.OUT_OF_ORDER_SEQUENCE_NUMBER,
        KafkaError._GAPLESS_GUARANTEE,
    }
)  # for another record's sake, or the broker's


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A record on its way."""

    topic: str
    item: Output
    id: str  # name#ordinal
    most: int = LARGEST_LETTER  # bytes of it that are written, if it is a dead letter


class Transactions:
    """The writer's own producer; ``fence`` first.

    Parameters
    ----------
    kafka
        The broker; ``topics.deviations`` and the twin's name make the transactional id.
    twin
        The twin's name.
    metrics
        Gets the broker's state.
    closed
        Whether to give up what is being done.
    """

    def __init__(self, kafka: Kafka, twin: str, metrics: Metrics, closed: Callable[[], bool]) -> None:
        self.id = f"patrol.{twin}.{kafka.topics.deviations}"
        self.offsets: defaultdict[str, dict[str, int]] = defaultdict(dict)  # topic -> partition -> next offset
        self._kafka, self._metrics, self._closed = kafka, metrics, closed
        self._refused: KafkaError | None = None  # why the client took no more in the transaction that is open
        self._producer: Producer

    def fence(self, stop: Stop) -> None:
        """Become the one writer; waits for a broker that is away.

        Raises
        ------
        BrokerError
            The broker refuses the transactional id.
        StoppedError
            Stopped before that.
        """
        if not any(self._fenced(timeout_ms, stop) for timeout_ms in _TIMEOUTS_MS):
            raise BrokerError(f"transaction.timeout.ms: the broker takes none of {_TIMEOUTS_MS}; raise its limit")

    def write(self, records: Sequence[Outgoing]) -> None:
        """Write records in one transaction, again where it had to be aborted.

        Raises
        ------
        DeliveryError
            The broker refuses a record.
        WriterError
            Another run of the twin has become the writer.
        """
        error: KafkaError | None = None
        for _ in range(_ATTEMPTS):
            error = self._written(records)
            if error is None:
                self._metrics.broker(True)
                return
            if len(records) == 1:
                records = [self._cut(records[0], error)]
            elif error.code() in _ONE_BY_ONE:  # what fits one by one may be too large together
                for record in records:
                    self.write([record])
                return
        raise DeliveryError(records[0].topic, len(records), "" if error is None else error.str())

    # -- inside --------------------------------------------------------------------------------------------------

    def _fenced(self, timeout_ms: int, stop: Stop) -> bool:
        """Whether it is the writer now; False: the broker wants a shorter time-out."""
        settings: dict[str, object] = {
            "transactional.id": self.id,
            "transaction.timeout.ms": timeout_ms,
            "acks": "all",
            "linger.ms": 1,  # a poll's records come together anyhow
        }
        self._producer = open_client(Producer, settings | client_config(self._kafka, self._on_error))
        tries = 0
        while not (stop.requested and tries * _ANSWER_S > self._kafka.drain_s):
            tries += 1
            try:
                self._producer.init_transactions(_ANSWER_S)
                return True
            except KafkaException as exc:
                error: KafkaError = exc.args[0]
                if error.code() == KafkaError.INVALID_TRANSACTION_TIMEOUT:
                    return False
                if not error.retriable():
                    raise BrokerError(
                        f"transactional id {self.id!r} cannot be used: {error.str()}; grant PATrol write and describe "
                        "on it"
                    ) from exc
            if tries == _LONG:
                LOG.warning("the broker does not answer yet; waiting to become the writer %s", self.id)
        raise StoppedError("stopped while it waited for the broker: nothing was read or written")

    def _written(self, records: Sequence[Outgoing]) -> KafkaError | None:
        """One transaction; what it had to be aborted for, or None."""
        self._refused = None
        self._producer.begin_transaction()
        for record in records:
            self._produce(record)
        error = self._refused or self._insist(self._producer.commit_transaction)
        if error is None:
            return None
        self._insist(self._producer.abort_transaction)
        return self._refused or error  # what the broker said of a record, where it is told by now

    def _produce(self, record: Outgoing) -> None:
        key, value, headers = message(record.item, record.most)
        headers = [(ID_HEADER, record.id.encode()), *headers]
        delivered = partial(self._on_delivery, record)
        while not self._closed():
            try:
                self._producer.produce(record.topic, value, key, headers=headers, on_delivery=delivered)
                break
            except BufferError:  # the local queue is full: wait for confirmations
                self._producer.poll(_LOOK_S)
            except KafkaException as exc:
                self._refused = exc.args[0]
                break

    def _insist(self, step: Callable[[float], None]) -> KafkaError | None:
        """Commit or abort, however long the broker is away; why what was written has to be aborted, or None."""
        while not self._closed():
            try:
                step(_ANSWER_S)
                return None
            except KafkaException as exc:
                error: KafkaError = exc.args[0]
                if error.code() == KafkaError._FENCED:
                    raise WriterError(
                        f"another run writes as {self.id} now, and what this one had not committed is left to it; see "
                        "which of the two is to go on, and start the other with --standby"
                    ) from exc
                if error.txn_requires_abort():
                    return error
                if not error.retriable():
                    raise DeliveryError(self._kafka.topics.deviations, 1, error.str()) from exc
        raise StoppedError("closed while it waited for the broker")

    def _on_delivery(self, record: Outgoing, error: KafkaError | None, sent: Message) -> None:
        if error is not None:
            if error.code() not in _UNDONE:
                self._refused = self._refused or error
            return
        partition, offset = sent.partition(), sent.offset()
        if partition is not None and offset is not None:
            place, known = str(partition), self.offsets[record.topic]
            known[place] = max(known.get(place, 0), offset + 1)

    def _cut(self, record: Outgoing, error: KafkaError) -> Outgoing:
        """A dead letter that is too large for its topic is cut further; nothing else may be refused."""
        if error.code() in _UNDONE:
            return record
        too_large = error.code() == KafkaError.MSG_SIZE_TOO_LARGE and record.most >= _LEAST_LETTER
        if not (too_large and isinstance(record.item, Rejected)):
            raise DeliveryError(record.topic, 1, error.str())
        return replace(record, most=min(record.most, len(record.item.raw)) // 2)

    def _on_error(self, error: KafkaError) -> None:
        self._metrics.broker_error(error.name())
        if is_away(error):
            self._metrics.broker(False)
