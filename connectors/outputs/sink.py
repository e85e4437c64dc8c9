"""Deviations, scores and dead letters to Kafka: every delivery committed, none written twice.

Each message carries its record's identity in a header (``patrol-id``). The sink's snapshot is its topic's next offsets;
when it goes on from one it becomes the one writer, then reads the topic's tail from there and leaves out what it finds.
So a flow that was killed and does an epoch again loses nothing and repeats nothing. While the broker is away an epoch
waits; nothing is dropped.
"""

from collections import deque
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition

from connectors.kafka.stop import Stop
from connectors.messages.outgoing import Output, identity
from connectors.outputs.outbox import Outbox
from connectors.outputs.tail import Written, read_tail
from connectors.outputs.transactions import Outgoing
from connectors.settings import Kafka

_MOST_AHEAD = 100_000  # messages: a record so far back that was not emitted again will not be
W = TypeVar("W", bound=Output)


class KafkaSink(FixedPartitionedSink[W, dict[str, int]]):
    """One output topic.

    Parameters
    ----------
    kafka
        The broker.
    topic
        Where the records go.
    outbox
        Writes them; the twin's other topics share it.
    stop
        When requested, what the topic holds is read no further.
    """

    def __init__(self, kafka: Kafka, topic: str, outbox: Outbox, stop: Stop) -> None:
        self._kafka, self._topic, self._outbox, self._stop = kafka, topic, outbox, stop

    def list_parts(self) -> list[str]:
        """The one writer; its name is part of the recovery store."""
        return [self._topic]

    def part_fn(self, item_key: str) -> int:
        """All keys go through the one writer."""
        return 0

    def build_part(self, step_id: str, for_part: str, resume_state: dict[str, int] | None) -> "Writer[W]":
        """The writer; what its topic holds since its snapshot (without one: its newest part) is read meanwhile."""
        self._outbox.open()
        return Writer(self._topic, self._outbox, self._tail(resume_state))

    def _tail(self, since: dict[str, int] | None) -> Future[Written]:
        """What the topic holds, read beside the other topics and while the source gets ready.

        By a daemon thread: the exit waits for those of a pool, and the broker may be away.
        """
        tail: Future[Written] = Future()

        def read() -> None:
            try:
                tail.set_result(read_tail(self._kafka, self._topic, since, self._stop))
            except Exception as exc:  # noqa: BLE001 - raised where the tail is awaited
                tail.set_exception(exc)

        self._outbox.tails.append(tail)
        Thread(target=read, name=f"tail of {self._topic}", daemon=True).start()
        return tail


class Writer(StatefulSinkPartition[W, dict[str, int]]):
    """Writes one topic; leaves out what it held when the flow began.

    Parameters
    ----------
    topic
        Its name.
    outbox
        Takes what is to be written.
    tail
        What the topic holds.
    """

    def __init__(self, topic: str, outbox: Outbox, tail: Future[Written]) -> None:
        self._topic, self._outbox, self._tail = topic, outbox, tail
        self._seen: dict[str, int] = {}
        self._ahead: dict[str, deque[tuple[int, str]]] = {}
        self._offsets: dict[str, int] | None = None  # None: the tail has not been read
        self._met: set[str] = set()  # of what the topic held: emitted again, and left out

    def write_batch(self, items: list[W]) -> None:
        """Send what the topic does not hold yet."""
        self._known_offsets()
        for item in items:
            name, ordinal = identity(item)
            if ordinal > self._seen.get(name, -1):
                self._outbox.send(Outgoing(self._topic, item, f"{name}#{ordinal}"))
            elif self._ahead:
                self._met.add(f"{name}#{ordinal}")

    def snapshot(self) -> dict[str, int]:
        """The topic's next offsets, once every record of the epoch is committed. Raises as ``Outbox.settle`` does.

        Where the topic holds more than the flow has come to again, the first of that: a flow that is killed before it
        has caught up with what was written must find it once more.
        """
        offsets = self._known_offsets() | self._outbox.settle(self._topic)
        for partition, records in list(self._ahead.items()):
            end = offsets[partition]
            while records and (records[0][1] in self._met or end - records[0][0] > _MOST_AHEAD):
                self._met.discard(records.popleft()[1])
            if records:
                offsets[partition] = min(end, records[0][0])
            else:
                del self._ahead[partition]
        return offsets

    def _known_offsets(self) -> dict[str, int]:
        """The topic's next offsets when the flow began. Raises as ``read_tail`` does."""
        if self._offsets is None:
            self._outbox.await_tails()
            written = self._tail.result()
            self._seen, self._offsets, self._ahead = written.newest, written.offsets, written.places
        return self._offsets
