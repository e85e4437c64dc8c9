"""Scans and their context from Kafka, as feeds by unit.

One source partition (a lane) owns two consumers: one for the context topics, one for the scans. Scans never run ahead
of the context already held: at the start the context is read to its end first, and at every poll it is polled after the
scans were fetched and goes ahead of them. Offsets are kept in the flow's snapshots, not in a consumer group.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NotRequired, TypedDict

from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition

from connectors.inputs.idleness import Idleness
from connectors.inputs.losses import Losses
from connectors.inputs.positions import Kept
from connectors.inputs.pulse import Pulse
from connectors.inputs.reader import Reader
from connectors.kafka.stop import Stop
from connectors.messages.grouping import Grouping
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.block import Feed
from models.records.messages import Rejected, Tick
from models.records.twin import Twin

LANE = "lane-0"
_PACE = timedelta(milliseconds=15)  # from poll to poll, so that units' scans come together; not in a backlog
_BACKLOG = 8  # times as many scans a poll: a block costs the same however few it holds, but an epoch waits for it


class LaneState(TypedDict):
    """What a lane goes on from."""

    offsets: dict[str, int]  # "topic/partition" -> next offset
    units: list[str]  # units that have sent scans
    left_out: NotRequired[list[str]]  # units that are not watched, and have been named in a dead letter
    topics: NotRequired[dict[str, str]]  # the id of each topic the offsets are of
    times: NotRequired[dict[str, int]]  # "topic/partition" -> the broker's time of the newest message read
    unknown: NotRequired[list[tuple[str, str]]]  # units and tags that a dead letter has named
    streams: NotRequired[dict[str, list[str]]]  # "topic/partition" -> units that have sent scans from it


class KafkaSource(FixedPartitionedSource[Feed | Rejected, LaneState]):
    """All input topics of a twin.

    Parameters
    ----------
    kafka
        The broker and the topics.
    twin
        Gives the arrays' columns, and how long a unit may be quiet.
    metrics
        Gets what arrives, and the broker's state.
    stop
        When requested, the lane ends and the flow drains.
    silences
        Ticks that raised ``quiet`` deviations before a restart: scans judged again do not bring them back.
    """

    def __init__(self, kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop, silences: Sequence[Tick] = ()) -> None:
        self._kafka, self._twin, self._metrics, self._stop = kafka, twin, metrics, stop
        self._silences = silences

    def list_parts(self) -> list[str]:
        """The one lane; its name is part of the recovery store."""
        return [LANE]

    def build_part(self, step_id: str, for_part: str, resume_state: LaneState | None) -> "Lane":
        """The lane, from where its snapshot left it."""
        lane = Lane(self._kafka, self._twin, self._metrics, self._stop, resume_state)
        lane.first = [Feed(tick.unit, (tick,)) for tick in self._silences]
        return lane


class Lane(StatefulSourcePartition[Feed | Rejected, LaneState]):
    """Reads all partitions of all input topics of one twin."""

    def __init__(self, kafka: Kafka, twin: Twin, metrics: Metrics, stop: Stop, resume: LaneState | None) -> None:
        self._metrics, self._stop, self._poll = metrics, stop, kafka.poll_messages
        self._ask = self._poll  # for so many scans next
        before = resume or LaneState(offsets={}, units=[])
        kept = Kept(before["offsets"], before.get("times", {}), before.get("topics", {}))
        self._context = Reader(kafka, kafka.topics.context, kept, metrics)
        self._scans = Reader(kafka, kafka.topics.scans, kept, metrics)
        self._losses = Losses(before.get("streams", {}))
        self._grouping = Grouping(twin, metrics, kafka.topics)
        self._grouping.admission.know(before["units"], before.get("left_out", []))
        self._grouping.unknown.update((unit, tag) for unit, tag in before.get("unknown", []))
        self._idleness = Idleness(kafka, twin, before["units"])
        self._polled_at: datetime | None = None  # None: the next poll is due at once
        self._pulse, self._was_in_doubt = Pulse(), False
        self.first: list[Feed] = []  # emitted ahead of all that arrives

    def next_batch(self) -> list[Feed | Rejected]:
        """What has arrived; nothing while the broker is away."""
        if self._stop.requested:
            raise StopIteration
        began = datetime.now(UTC)
        self._look_for_interruptions()
        if not self._context.caught_up:
            arrived = self._read_context()
        else:
            arrived = self._grouping.add(self._scans.poll(self._ask))
            self._ask = self._poll if arrived < self._poll else _BACKLOG * self._poll
            arrived += self._read_context()  # polled after the scans, emitted ahead of them
        live = self._context.live and self._scans.live
        self._metrics.caught_up(live)
        out = self._take()
        if not live:
            self._idleness.forget_time()
        else:
            out += self._idleness.ticks(self._scans.answers, self._grouping.newest_us)
        self._polled_at = began if arrived < self._poll else None
        first, self.first = self.first, []
        return [*first, *out]

    def next_awake(self) -> datetime | None:
        """At once in a backlog, in a moment otherwise."""
        return None if self._polled_at is None else self._polled_at + _PACE

    def snapshot(self) -> LaneState:
        """Where the next poll begins."""
        context, scans = self._context.positions, self._scans.positions
        return {
            "offsets": context.offsets | scans.offsets,
            "units": self._idleness.units,
            "left_out": list(self._grouping.admission.lettered),
            "topics": context.ids | scans.ids,
            "times": context.times | scans.times,
            "unknown": sorted(self._grouping.unknown),
            "streams": self._losses.streams,
        }

    def close(self) -> None:
        """Close both consumers."""
        self._pulse.close()
        self._context.close()
        self._scans.close()

    def _look_for_interruptions(self) -> None:
        """After a standstill, or a broker that was away, context is read to its end before any scan, as at a start."""
        in_doubt = self._context.in_doubt or self._scans.in_doubt
        if self._pulse.stood_still() or (self._was_in_doubt and not in_doubt):
            self._context.seek_end()
        self._was_in_doubt = in_doubt

    def _take(self) -> list[Feed | Rejected]:
        """What was read; what was lost goes ahead of it, to the units known until now where there are any."""
        lost = [*self._context.positions.take_losses(), *self._scans.positions.take_losses()]
        told = self._losses.feeds(lost, self._idleness.units)
        out = self._grouping.take()
        self._idleness.arrived(out)
        self._losses.arrived(out)
        if lost and not told:
            told = self._losses.feeds(lost, self._idleness.units)
        return [*told, *out]

    def _read_context(self) -> int:
        """All context that is there."""
        arrived = count = self._grouping.add(self._context.poll(self._poll))
        while count == self._poll:
            count = self._grouping.add(self._context.poll(self._poll))
            arrived += count
        return arrived
