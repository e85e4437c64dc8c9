"""All that the console shows: deviations and scores, and the scans and batch events they are about."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from connectors.inputs.positions import Kept
from connectors.inputs.reader import Reader
from connectors.inputs.since import offsets_since
from connectors.messages.codec import decode_emitted
from connectors.messages.grouping import Arrival, Grouping
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.block import Feed
from models.records.messages import Deviation, Score
from models.records.twin import Twin

Emitted = Deviation | Score
_RETRY_S = 1.0


@dataclass(frozen=True, slots=True)
class PollResult:
    """What one poll brought."""

    feeds: tuple[Feed, ...] = ()  # batch events ahead of the scans they concern
    emitted: tuple[Emitted, ...] = ()


class PlantReader:
    """Reads scans, batch events, deviations and scores; waits for a broker that is away.

    Parameters
    ----------
    kafka
        The broker and the topics.
    twin
        Gives the arrays' columns, and which units there are.
    since
        Scans, batch events and scores the broker took earlier are not read; deviations all are.
    """

    def __init__(self, kafka: Kafka, twin: Twin, since: datetime) -> None:
        self._kafka, self._since, self._poll = kafka, since, kafka.poll_messages
        self._metrics = Metrics()  # nobody scrapes them: they are the flow's, the console has its own
        self._grouping = Grouping(twin, self._metrics, kafka.topics)
        self._readers: tuple[Reader, Reader, Reader] | None = None
        self._tried_s = float("-inf")

    @property
    def live(self) -> bool:
        """Whether all there was has been read, and nothing speaks against the broker being there."""
        return self._readers is not None and all(reader.live for reader in self._readers)

    @property
    def caught_up(self) -> bool:
        """Whether all there was has been read once since the start."""
        return self._readers is not None and all(reader.caught_up for reader in self._readers)

    @property
    def behind(self) -> int:
        """Messages not read yet, as far as the broker has reported."""
        return sum(reader.behind for reader in self._readers or ())

    def answers(self) -> bool:
        """Ask whether the broker is there (one that hangs gives no error for long); waits a moment."""
        return self._readers is not None and self._readers[1].answers()

    def poll(self) -> PollResult:
        """What is there now; never waits for more.

        Raises
        ------
        BrokerError
            The broker forbids reading.
        """
        readers = self._readers or self._start()
        if readers is None:
            return PollResult()
        events, scans, emitted = readers
        said = _decoded(emitted.poll(self._poll))
        self._grouping.admission.know(record.unit for record in said)  # those that are judged are shown
        if events.caught_up:
            self._grouping.add(scans.poll(self._poll))
        self._grouping.add(events.poll(self._poll))  # polled after the scans, and given ahead of them
        feeds = tuple(each for each in self._grouping.take() if isinstance(each, Feed))
        return PollResult(feeds, tuple(said))

    def close(self) -> None:
        """Close the consumers."""
        for reader in self._readers or ():
            reader.close()

    def _start(self) -> tuple[Reader, Reader, Reader] | None:
        now_s = time.monotonic()
        if now_s - self._tried_s < _RETRY_S:
            return None
        self._tried_s = now_s
        topics = self._kafka.topics
        offsets = offsets_since(self._kafka, (*topics.batch_events, *topics.scans, topics.scores), self._since)
        if offsets is None:
            return None
        kept = Kept(offsets)
        self._readers = (
            Reader(self._kafka, topics.batch_events, kept, self._metrics),
            Reader(self._kafka, topics.scans, kept, self._metrics),
            Reader(self._kafka, (topics.deviations, topics.scores), kept, self._metrics),
        )
        return self._readers


def _decoded(arrived: Iterable[Arrival]) -> list[Emitted]:
    """Records; what is none of PATrol's (somebody else writes there) is left out."""
    records = (decode_emitted(value) for value, *_ in arrived)
    return [record for record in records if record is not None]
