"""How far each partition has been read, and what was removed from it before it was read.

The offset at which a loss was found stays the partition's until it is known where reading goes on: so a flow that is
killed meanwhile finds the same loss again, and says it once.
"""

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from confluent_kafka import OFFSET_BEGINNING

from connectors.prometheus.metrics import Metrics
from models.records.messages import Loss
from models.records.times import to_time

LOG = logging.getLogger("patrol")
Partition = tuple[str, int]  # topic, partition


@dataclass(frozen=True, slots=True)
class Kept:
    """What is kept of a reader from run to run; a place is "topic/partition"."""

    offsets: Mapping[str, int] = field(default_factory=dict)  # place -> next offset; others start at the beginning
    times: Mapping[str, int] = field(default_factory=dict)  # place -> the broker's time of the newest message read
    ids: Mapping[str, str] = field(default_factory=dict)  # topic -> the id it had


class Positions:
    """How far some topics have been read.

    Parameters
    ----------
    topics
        Their names.
    kept
        From the run before.
    metrics
        Gets what is lost.
    """

    def __init__(self, topics: tuple[str, ...], kept: Kept, metrics: Metrics) -> None:
        self._metrics = metrics
        self.ids = {topic: known for topic, known in kept.ids.items() if topic in topics}
        named = ((place, place.rpartition("/"), offset) for place, offset in kept.offsets.items())
        self.next: dict[Partition, tuple[int, int]] = {  # next offset, and the broker's time of the message before
            (topic, int(partition)): (offset, kept.times.get(place, 0))
            for place, (topic, _, partition), offset in named
            if topic in topics
        }
        self.gaps: set[Partition] = set()  # the next offset is gone, and none has been read since
        self._losses: list[Loss] = []

    @property
    def offsets(self) -> dict[str, int]:
        """The next offset of each partition, by "topic/partition"."""
        return {f"{topic}/{partition}": offset for (topic, partition), (offset, _) in self.next.items()}

    @property
    def times(self) -> dict[str, int]:
        """The broker's time of the newest message read of each partition, where it is known."""
        return {f"{topic}/{partition}": at_us for (topic, partition), (_, at_us) in self.next.items() if at_us}

    def start(self, place: Partition) -> int:
        """Where reading of a partition begins."""
        return OFFSET_BEGINNING if place in self.gaps else self.next.get(place, (OFFSET_BEGINNING, 0))[0]

    def end(self, place: Partition, offset: int) -> None:
        """Nothing more is there; the end may lie past the last message: markers and aborted ones are none."""
        if place in self.gaps:
            self.go_on(place, offset, 0)
        before, at_us = self.next.get(place, (0, 0))
        self.next[place] = (max(before, offset), at_us)

    def go_on(self, place: Partition, offset: int, at_us: int) -> None:
        """The first message after a gap, or the end where none is left (``at_us`` 0): now it is known what is lost."""
        self.gaps.discard(place)
        if place not in self.next:
            return  # nothing had been read of it
        wanted, since_us = self.next.pop(place)
        (topic, partition), lost = place, max(0, offset - wanted)
        self._metrics.lost(topic, partition, lost)
        if lost:
            why = f"offset {wanted} is gone (retention)"
        else:
            why = f"offset {wanted} lies beyond its end (it was made again, or cut)"
        LOG.error("%s/%d: %s; reading goes on at %d: what lay between was not judged", topic, partition, why, offset)
        if lost or offset < wanted:
            first, last = (wanted, offset - 1) if lost else (0, -1)
            self._note(topic, since_us, partition=partition, first_offset=first, last_offset=last, until_us=at_us)

    def made_again(self, ids: Mapping[str, str]) -> list[str]:
        """Topics of another id than before: offsets kept of them say nothing of the new ones, and are forgotten."""
        found = [topic for topic, known in ids.items() if self.ids.get(topic, known) != known]
        self.ids |= ids
        for topic in found:
            read = {place: each for place, each in self.next.items() if place[0] == topic}
            since_us = max((at_us for _, at_us in read.values()), default=0)
            LOG.error(
                "topic %s was made again since PATrol last read it: it is read from its beginning; what the old one "
                "held and PATrol had not read%s was not judged",
                topic, f" (sent after {to_time(since_us).isoformat()})" if since_us else "",
            )  # fmt: skip
            self.next = {place: each for place, each in self.next.items() if place not in read}
            self.gaps -= read.keys()
            if read:
                self._note(topic, since_us)
        return found

    def take_losses(self) -> list[Loss]:
        """What has been lost since the last time."""
        losses, self._losses = self._losses, []
        return losses

    def assigned(self, places: Iterable[Partition]) -> None:
        """Partitions are read from now on: what is lost of them is counted from 0, so that the first is an increase."""
        for topic, partition in places:
            self._metrics.lost(topic, partition, 0)

    def _note(self, topic: str, since_us: int, **fields: int) -> None:
        self._losses.append(Loss(topic=topic, since_us=since_us, **fields))
