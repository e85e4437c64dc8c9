"""The way out: a thread of its own writes and commits, so that the flow does not wait for the broker; an epoch does."""

import time
from collections import Counter
from concurrent.futures import Future
from threading import Condition, Thread

from connectors.kafka.stop import Stop
from connectors.outputs.tail import Written
from connectors.outputs.transactions import Outgoing, Transactions
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.errors import DeliveryError
from models.records.messages import Deviation

_LOOK_S = 0.2  # between two looks at what is still uncommitted
_LINGER_S = 0.25  # scores and dead letters wait so long for company; deviations and the end of an epoch do not


class Outbox:
    """All that one run of a twin writes.

    Parameters
    ----------
    kafka
        The broker.
    twin
        The twin's name: it has one writer.
    metrics
        Gets the broker's state.
    stop
        When requested, ``settle`` waits no longer than ``drain_s``.
    """

    def __init__(self, kafka: Kafka, twin: str, metrics: Metrics, stop: Stop) -> None:
        self._stop, self._drain_s = stop, kafka.drain_s
        self._transactions = Transactions(kafka, twin, metrics, lambda: self._closed)
        self._changed = Condition()
        self._pending: list[Outgoing] = []
        self._uncommitted: Counter[str] = Counter()  # topic -> records handed in and not committed
        self._due = self._closed = False
        self._failure: Exception | None = None
        self._deadline: float | None = None  # while stopping
        self._thread: Thread | None = None
        self.tails: list[Future[Written]] = []  # what the topics hold, being read

    def open(self) -> None:
        """Become the twin's one writer; does nothing the second time. Raises as ``Transactions.fence`` does."""
        if self._thread is None:
            self._transactions.fence(self._stop)
            self._thread = Thread(target=self._run, name="outbox", daemon=True)
            self._thread.start()

    def await_tails(self) -> None:
        """Until all tails are read: nothing is written to any topic before. Raises as ``read_tail`` does."""
        while self.tails:
            self.tails[-1].result()
            self.tails.pop()

    def send(self, record: Outgoing) -> None:
        """Hand in a record; a deviation is written at once. Raises as ``settle``, for what was handed in before."""
        with self._changed:
            self._raise_failure()
            self._pending.append(record)
            self._uncommitted[record.topic] += 1
            if isinstance(record.item, Deviation):
                self._wake()

    def settle(self, topic: str) -> dict[str, int]:
        """The topic's next offset by partition, as far as written to, once all that was handed in is committed.

        Raises
        ------
        DeliveryError
            The broker refused a record, or the flow is stopping and ``drain_s`` has passed.
        WriterError
            Another run of the twin has become the writer.
        """
        with self._changed:
            while self._uncommitted[topic]:
                self._wake()
                self._changed.wait(_LOOK_S)
                self._raise_failure()
                self._raise_late(topic)
            return dict(self._transactions.offsets[topic])

    def close(self) -> None:
        """End the thread; what is not committed is aborted by the next writer."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(2.0)

    # -- the flow's side -------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        self._due = True
        self._changed.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _raise_late(self, topic: str) -> None:
        left = self._uncommitted[topic]
        if left and self._stop.requested:
            self._deadline = self._deadline or time.monotonic() + self._drain_s
            if time.monotonic() > self._deadline:
                raise DeliveryError(topic, left, f"no confirmation within {self._drain_s:g} s of stopping")

    # -- the thread's side -----------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while records := self._next():
                self._transactions.write(records)
                with self._changed:
                    self._uncommitted.subtract(record.topic for record in records)
                    self._changed.notify_all()
        except Exception as exc:  # noqa: BLE001 - whatever it is, the flow is to hear of it
            with self._changed:
                self._failure = exc
                self._changed.notify_all()

    def _next(self) -> list[Outgoing]:
        """What has been handed in, when it is due; nothing: closed."""
        with self._changed:
            while not self._closed:
                self._changed.wait_for(lambda: self._due or self._closed, _LINGER_S)
                records, self._pending, self._due = self._pending, [], False
                if records:
                    return records
        return []
