"""What two runs have written, record by record: lost, twice, changed."""

import time
from collections import Counter
from dataclasses import dataclass, field

from confluent_kafka import Consumer, KafkaError, TopicPartition

from tests.chaos.site import INPUTS, OUTPUTS, Site

_MADE_AGAIN = "/lost-messages/"
Content = tuple[bytes, bytes, tuple[tuple[str, bytes], ...]]  # key, value, headers


@dataclass(slots=True)
class Written:
    """One output topic."""

    records: dict[str, Content] = field(default_factory=dict)  # id -> the first of that id
    times: Counter[str] = field(default_factory=Counter)


def written(site: Site, kind: str, within_s: float = 60.0) -> Written:
    """All that a topic holds, committed; the site's own name in it is blanked."""
    settings = {"bootstrap.servers": site.bootstrap, "group.id": "chaos", "enable.partition.eof": True}
    consumer, found = Consumer(settings | {"isolation.level": "read_committed"}), Written()
    left = set(range(3))
    consumer.assign([TopicPartition(site.topic(kind), p, 0) for p in left])
    limit = time.monotonic() + within_s
    while left:
        assert time.monotonic() < limit, f"{site.topic(kind)} was not read within {within_s:g} s"
        for message in consumer.consume(5000, timeout=0.1):
            error = message.error()
            if error is not None and error.code() == KafkaError._PARTITION_EOF:
                left.discard(message.partition())
            elif error is None:
                name = site.name.encode()
                headers = dict(message.headers() or ())
                id_ = headers.pop("patrol-id").replace(name, b"*").decode()
                found.times[id_] += 1
                content = (message.key() or b"", (message.value() or b"").replace(name, b"*"))
                told = tuple(sorted((key, value.replace(name, b"*")) for key, value in headers.items()))
                found.records.setdefault(id_, (*content, told))
    consumer.close()
    return found


def unequal_inputs(site: Site, uninterrupted: Site) -> list[str]:
    """Input partitions that do not hold the same; the laboratory's topic, which is made again, left out."""
    kinds = [kind for kind in INPUTS if kind != "lab"]
    found = {kind: [_messages(each, kind) for each in (site, uninterrupted)] for kind in kinds}
    return [
        f"{kind}/{partition}: {len(one.get(partition, ()))} and {len(other.get(partition, ()))} messages"
        for kind, (one, other) in found.items()
        for partition in sorted(one.keys() | other.keys())
        if one.get(partition) != other.get(partition)
    ]


def _messages(site: Site, kind: str) -> dict[int, list[tuple[bytes, bytes]]]:
    """Keys and values of each partition, in order."""
    consumer = Consumer({"bootstrap.servers": site.bootstrap, "group.id": "chaos", "enable.partition.eof": True})
    left = set(consumer.list_topics(timeout=10).topics[site.topic(kind)].partitions)
    found: dict[int, list[tuple[bytes, bytes]]] = {partition: [] for partition in left}
    consumer.assign([TopicPartition(site.topic(kind), partition, 0) for partition in left])
    limit = time.monotonic() + 60
    while left:
        assert time.monotonic() < limit, f"{site.topic(kind)} was not read within 60 s"
        for message in consumer.consume(5000, timeout=0.1):
            if message.error() is None:
                value = (message.value() or b"").replace(site.name.encode(), b"*")
                found[message.partition() or 0].append((message.key() or b"", value))
            else:
                left.discard(message.partition())
    consumer.close()
    return found


@dataclass(frozen=True, slots=True)
class Difference:
    """One output topic of a run beside the uninterrupted one's."""

    kind: str
    records: int  # of the uninterrupted run
    lost: list[str]
    more: list[str]  # that the uninterrupted run does not have
    twice: list[str]
    changed: list[str]

    @property
    def none(self) -> bool:
        """Whether they are equal, byte for byte."""
        return not (self.lost or self.more or self.twice or self.changed)

    def __str__(self) -> str:
        """Figures, and the first of each."""
        parts = {name: getattr(self, name) for name in ("lost", "more", "twice", "changed")}
        figures = ", ".join(f"{len(ids)} {name}" for name, ids in parts.items())
        first = "".join(f"\n  {name}: {ids[:4]}" for name, ids in parts.items() if ids)
        return f"{self.kind}: {self.records} records, {figures}{first}"


def compare(site: Site, uninterrupted: Site) -> list[Difference]:
    """The differences of every output topic; that a topic was made again is told in the one run only, and rightly."""
    found = []
    for kind in OUTPUTS:
        one, other = written(site, kind), written(uninterrupted, kind)
        both = one.records.keys() & other.records.keys()
        twice = [id_ for id_, count in (one.times + other.times - Counter(both)).items() if count > 1]
        found.append(
            Difference(
                kind=kind,
                records=len(other.records),
                lost=sorted(other.records.keys() - one.records.keys()),
                more=sorted(id_ for id_ in one.records.keys() - other.records.keys() if _MADE_AGAIN not in id_),
                twice=sorted({*twice, *(id_ for id_, count in one.times.items() if count > 1)}),
                changed=sorted(id_ for id_ in both if one.records[id_] != other.records[id_]),
            )
        )
    return found
