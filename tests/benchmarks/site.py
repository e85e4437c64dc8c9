"""What a speed benchmark runs on: a broker of its own, a twin with an approved reference, and a backlog of scans."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
from confluent_kafka import Producer

from connectors.kafka.embedded import EmbeddedBroker
from connectors.kafka.topics import create_topics
from connectors.messages.codec import encode
from connectors.settings import Kafka, Topics
from connectors.store.references import ReferenceStore
from models.records.messages import BatchEvent, Scan
from models.records.twin import Twin
from models.reference.reference import fit_reference
from tests.benchmarks.reactor import SCANS, Reactor

ROOT = Path(__file__).parents[2]
PARTITIONS = 4
START = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
_PAUSE = 30  # scans' time between two batches of a unit


@dataclass(frozen=True, slots=True)
class Load:
    """What is published."""

    tags: int = 16
    units: int = 20
    batches: int = 10  # a unit, one after the other
    scans: int = SCANS  # of a batch
    ended: bool = True  # whether a unit's last batch ends

    @property
    def total(self) -> int:
        """Scans in all."""
        return self.units * self.batches * self.scans


@dataclass(frozen=True, slots=True)
class Site:
    """A broker and a folder."""

    bootstrap: str
    folder: Path

    def kafka(self, scans: str, run: str, **changed: object) -> Kafka:
        """Settings that read ``scans`` and its events, and write topics of one run's own, made here."""
        topics = Topics(
            scans=(scans,),
            batch_events=(f"{scans}.events",),
            lab_results=(),
            operator_actions=(f"{run}.actions",),
            deviations=f"{run}.deviations",
            scores=f"{run}.scores",
            dead_letters=f"{run}.dead-letters",
        )
        kafka = Kafka(bootstrap_servers=self.bootstrap, topics=topics, **changed)
        create_topics(kafka, (*topics.operator_actions, topics.deviations, topics.scores, topics.dead_letters), 1)
        return kafka

    def publish(self, topic: str, load: Load) -> None:
        """A backlog: all units' scans in order of time, and the events of their batches in a topic beside."""
        kafka = Kafka(bootstrap_servers=self.bootstrap)
        create_topics(kafka, (topic,), PARTITIONS)
        create_topics(kafka, (f"{topic}.events",), 1)
        producer = Producer(
            {"bootstrap.servers": self.bootstrap, "linger.ms": 20, "queue.buffering.max.messages": 10**6}
        )
        for where, unit, message in messages(load):
            producer.produce(topic if where else f"{topic}.events", message, unit)
            producer.poll(0)
        if producer.flush(60):
            raise TimeoutError(f"{topic}: the broker did not take the backlog within 60 s")


def messages(load: Load) -> Iterator[tuple[bool, str, bytes]]:
    """Whether it is a scan, its unit, and the message."""
    units = [f"U-{k:05d}" for k in range(load.units)]
    reactor, names = Reactor(load.tags), tuple(Reactor(load.tags).twin().tags)
    distinct = min(load.units, 50)  # units beyond the fiftieth repeat the first ones' readings
    for turn in range(load.batches):
        begun = START + timedelta(seconds=turn * (load.scans + _PAUSE) * reactor.cadence_s)
        batches = reactor.batches(distinct, seed=100 + turn)
        for unit in units:
            yield False, unit, _event("started", unit, turn, begun)
        for scan in range(load.scans):
            at = begun + timedelta(seconds=(scan + 1) * reactor.cadence_s)
            rows = [
                dict(zip(names, batch.values[min(scan, len(batch.values) - 1)].tolist(), strict=True))
                for batch in batches
            ]
            for k, unit in enumerate(units):
                yield True, unit, encode(Scan(unit=unit, observed_at=at, values=rows[k % distinct]))
        if load.ended or turn + 1 < load.batches:
            for unit in units:
                yield False, unit, _event("ended", unit, turn, at)


def _event(kind: str, unit: str, turn: int, at: datetime) -> bytes:
    return encode(BatchEvent(event=kind, batch_id=f"{unit}-{turn}", unit=unit, at=at, product="p"))  # type: ignore[arg-type]


@contextmanager
def brokers(names: list[str], folder: Path) -> Iterator[dict[str, str]]:
    """Bootstrap servers of ``embedded`` (Tansu) and ``kafka`` (Apache Kafka, by .ci/kafka) for as long as it lasts."""
    home = folder / "kafka"
    with EmbeddedBroker() as embedded:
        found = {"embedded": embedded.bootstrap_servers}
        try:
            if "kafka" in names:
                found["kafka"] = _ci_kafka("start", home)
            yield {name: found[name] for name in names}
        finally:
            if "kafka" in names:
                _ci_kafka("stop", home)


def _ci_kafka(word: str, home: Path) -> str:
    done = subprocess.run([ROOT / ".ci" / "kafka", word, home], stdout=subprocess.PIPE, text=True, check=True)
    return done.stdout.strip()


def approved(folder: Path, reactor: Reactor, batches: int = 12, **twin_options: float) -> Twin:
    """A twin whose reference of so many released batches lies approved in ``folder``/refs."""
    name = f"bench-{reactor.tags}-{batches}"
    twin, store, now = reactor.twin(name, **twin_options), ReferenceStore(folder / "refs"), datetime.now(UTC)
    if not store.list(twin.name):
        reference = fit_reference(twin, reactor.batches(batches, seed=1))
        stored = store.add(reference, by="benchmark", at=now, source="simulated")
        store.approve(stored.name, stored.version, by="benchmark", at=now, reason="benchmark")
    return twin


def written(folder: Path, twin: Twin, kafka: Kafka, run: str) -> Path:
    """The twin's file for one run: what ``patrol run`` is given."""
    tables = {
        "twin": {"name": twin.name, "product": twin.product, "cadence_s": twin.cadence_s, "units_max": 100_000},
        "tags": msgspec.to_builtins(twin.tags),
        "alarms": msgspec.to_builtins(twin.alarms),
        "kafka": {name: value for name, value in msgspec.to_builtins(kafka).items() if value},
        "references": {"store": str(folder / "refs")},
        "recovery": {"folder": str(folder / f"recovery-{run}")},
        "metrics": {"port": 0},
    }
    path = folder / f"{run}.toml"
    path.write_text("\n".join(f"{name} = {_toml(table)}" for name, table in tables.items()), "utf-8")
    return path


def _toml(value: object) -> str:
    """A value as TOML, tables inline; None is left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f'"{key}" = {_toml(each)}' for key, each in value.items() if each is not None) + "}"
    return msgspec.json.encode(value).decode()
