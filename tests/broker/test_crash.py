"""kill -9 in the middle of batches, many times: no deviation is lost and none is written twice."""

import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import msgspec
import numpy as np
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.messages.codec import encode
from connectors.messages.grouping import Grouping
from connectors.prometheus.metrics import Metrics
from models.records.block import Feed
from models.records.messages import Deviation, Scan
from models.unit.watch import Watch
from tests.broker.watch_process import busy_twin
from tests.conftest import AboveOne, event, minute

UNITS, BATCHES, SCANS, KILLS = 6, 3, 300, 12
Sent = tuple[str, str, bytes]  # topic, key, value


def plant(prefix: str) -> list[Sent]:
    """Some hours of a plant in the order in which it publishes: batches end to end, an excursion every six minutes."""
    sent: list[Sent] = []
    for m in range(BATCHES * SCANS):
        for u in range(UNITS):
            unit, batch, age = f"U{u}", f"B{u}{m // SCANS}", m % SCANS
            if age == 0:
                sent.append((f"{prefix}.events", unit, encode(event("started", m - 0.5, batch, unit))))
            high = age % 6 == 2
            values = {"a": 2.0 if high else 0.0, "b": float(u)}
            sent.append((f"{prefix}.scans", unit, encode(Scan(unit=unit, observed_at=minute(m), values=values))))
            if age % 97 == 0:
                sent.append((f"{prefix}.scans", unit, b"rubbish %d" % m))
            if age == SCANS - 1:
                sent.append((f"{prefix}.events", unit, encode(event("ended", m + 0.4, batch, unit))))
    return sent


def expected(sent: list[Sent]) -> set[tuple[str, int, str]]:
    """What an uninterrupted watch says, straight from the same messages."""
    twin, emitted = busy_twin(), set()
    grouping = Grouping(twin, Metrics())
    watches: dict[str, Watch] = {}
    for topic in ("events", "scans"):
        for offset, (where, key, value) in enumerate(sent):
            if where.endswith(topic):
                grouping.add([(value, where, 0, offset, key.encode())])
    for feed in grouping.take():
        if isinstance(feed, Feed):
            watch = watches.setdefault(feed.unit, Watch(feed.unit, twin, lambda product: AboveOne(), "sha"))
            emitted |= {(d.deviation_id, d.revision, d.state) for d in watch.step(feed) if isinstance(d, Deviation)}
    return emitted


@pytest.mark.slow
def test_a_flow_killed_at_random_moments_loses_no_deviation_and_writes_none_twice(broker, tmp_path):
    rng = random.Random(20261124)
    prefix = f"crash-{time.time_ns()}"
    create(broker, prefix)
    sent = plant(prefix)
    want = {(i, r, s) for i, r, s in expected(sent)}
    producer = Producer({"bootstrap.servers": broker, "linger.ms": 5})
    chunks = np.array_split(np.arange(len(sent)), 2 * (KILLS + 1))
    flow, kills, seen = start(broker, prefix, tmp_path), 0, 0
    try:
        for early, late in zip(chunks[::2], chunks[1::2], strict=True):
            publish(producer, [sent[i] for i in early], 0.0)
            seen = len(read(broker, prefix, lambda found, before=seen: len(found) > before))  # it is at work
            publish(producer, [sent[i] for i in late], rng.uniform(0.2, 0.7))
            if kills < KILLS:
                flow.send_signal(signal.SIGKILL)
                flow.wait(10)
                kills += 1
                flow = start(broker, prefix, tmp_path)
        final = read(broker, prefix, lambda found: len(set(found)) >= len(want), silent_s=2.0)
    finally:
        flow.send_signal(signal.SIGTERM)
        code = flow.wait(30)
    twice = [what for what, count in Counter(final).items() if count > 1]
    print(f"kills {kills}, deviations {len(want)} revisions, lost {len(want - set(final))}, twice {len(twice)}")
    assert code == 0, "SIGTERM drains and exits 0"
    assert set(final) == want
    assert twice == []
    letters = read_raw(broker, f"{prefix}.dead-letters")
    rubbish = [value for _, _, value in sent if value.startswith(b"rubbish")]
    assert sorted(letters) == sorted(rubbish), "every dead letter once"


def create(broker: str, prefix: str) -> None:
    names = ("scans", "events", "actions", "deviations", "scores", "dead-letters")
    admin = AdminClient({"bootstrap.servers": broker})  # must live until the futures are done
    for future in admin.create_topics([NewTopic(f"{prefix}.{n}", 3, 1) for n in names]).values():
        future.result(20)


def start(broker: str, prefix: str, folder: Path) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.broker.watch_process", broker, prefix, str(folder / "recovery")]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "started\n"
    return process


def publish(producer: Producer, messages: list[Sent], over_s: float) -> None:
    """Publish in order, spread over so many seconds."""
    begun = time.monotonic()
    for n, (topic, key, value) in enumerate(messages):
        producer.produce(topic, value, key)
        ahead_s = over_s * n / len(messages) - (time.monotonic() - begun)
        producer.poll(max(0.0, ahead_s))
    assert producer.flush(20) == 0


def read(broker: str, prefix: str, until, silent_s: float = 0.0) -> list[tuple[str, int, str]]:
    """All deviations written, once ``until`` holds and nothing has come for so long."""
    found: list[tuple[str, int, str]] = []

    def take(value: bytes) -> None:
        d = msgspec.json.decode(value, type=Deviation)
        found.append((d.deviation_id, d.revision, d.state))

    _consume(broker, f"{prefix}.deviations", take, lambda: until(found), silent_s)
    return found


def read_raw(broker: str, topic: str) -> list[bytes]:
    """All values of a topic."""
    found: list[bytes] = []
    _consume(broker, topic, found.append, lambda: True, 2.0)
    return found


def _consume(broker: str, topic: str, take, done, silent_s: float) -> None:
    """Read from the beginning until done and silent, at most a minute."""
    consumer = Consumer({"bootstrap.servers": broker, "group.id": "test", "auto.offset.reset": "earliest"})
    consumer.assign([TopicPartition(topic, p, 0) for p in range(3)])
    deadline, heard = time.monotonic() + 60, time.monotonic()
    while time.monotonic() < deadline and not (done() and time.monotonic() - heard >= silent_s):
        message = consumer.poll(0.1)
        if message is not None and message.error() is None:
            take(message.value())
            heard = time.monotonic()
    consumer.close()
