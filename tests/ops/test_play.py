"""Recordings played to the embedded broker and read back by a plain consumer."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import Consumer, TopicPartition

from connectors.kafka.embedded import EmbeddedBroker
from models.records.messages import BatchEvent
from ops.__main__ import main
from ops.commands.play import pace, paced
from ops.playing import Message


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture
def prefix(culture: Path, broker: EmbeddedBroker) -> str:
    """The test's own topics on the broker, named in the twin's file."""
    name = culture.name.replace("_", "-")
    twin = culture / "twin.toml"
    text = twin.read_text().replace("127.0.0.1:1", broker.bootstrap_servers)
    topics = f'scans = ["{name}.scans"]\nbatch_events = ["{name}.events"]\n'
    twin.write_text(f"{text}\n[kafka.topics]\n{topics}")
    return name


def play(culture: Path, *words: str) -> int:
    twin, recording = str(culture / "twin.toml"), str(culture / "dev.csv")
    return main(["play", twin, recording, "--speed", "max", "--create-topics", *words])


def arrived(broker: EmbeddedBroker, topic: str) -> list[tuple[str, dict[str, object]]]:
    """Key and record of every message, in order."""
    consumer = Consumer({"bootstrap.servers": broker.bootstrap_servers, "group.id": "t", "enable.partition.eof": True})
    consumer.assign([TopicPartition(topic, 0, 0)])
    found = []
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        message = consumer.poll(0.2)
        if message is None or message.error():
            if found:
                break
            continue
        found.append((message.key().decode(), json.loads(message.value())))
    consumer.close()
    return found


def test_every_scan_and_event_arrives_keyed_by_its_unit(culture: Path, prefix: str, broker: EmbeddedBroker) -> None:
    assert play(culture, "--release") == 0
    scans = arrived(broker, f"{prefix}.scans")
    assert len(scans) == 155 + 152 + 154
    assert all(key == record["unit"] and record["type"] == "scan/1" for key, record in scans)
    assert [len([key for key, _ in scans if key == unit]) for unit in ("T1", "T2", "F1")] == [155, 152, 154]
    times = [str(record["observed_at"]) for _, record in scans]
    assert times == sorted(times)
    events = [record["event"] for key, record in arrived(broker, f"{prefix}.events") if key == "F1"]
    assert events == ["started", "ended", "released"]


def test_it_starts_now_unless_the_recorded_times_are_kept(culture: Path, prefix: str, broker: EmbeddedBroker) -> None:
    assert play(culture, "--limit-scans", "2") == 0
    assert play(culture, "--limit-scans", "2", "--keep-times") == 0
    times = [str(record["observed_at"]) for key, record in arrived(broker, f"{prefix}.scans") if key == "T1"]
    assert times[2:] == ["2020-01-01T00:06:00Z", "2020-01-01T00:12:00Z"]
    assert times[0] > "2026"


def test_readings_are_one_message_a_tag(culture: Path, prefix: str, broker: EmbeddedBroker) -> None:
    assert play(culture, "--as-readings", "--limit-scans", "5", "--unit", "dev.csv=BR-7") == 0
    readings = arrived(broker, f"{prefix}.scans")
    assert len(readings) == 3 * 5 * 3
    assert {key for key, _ in readings} == {"BR-7"}
    assert {record["tag"] for _, record in readings} == {"ph", "oxygen", "feed"}
    batches = [record["batch_id"] for _, record in arrived(broker, f"{prefix}.events")]
    assert batches == ["T1", "T1", "T2", "T2", "F1", "F1"]  # one after another, not all at once


def test_nothing_is_created_unless_asked(culture: Path, prefix: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", str(culture / "twin.toml"), str(culture / "dev.csv"), "--speed", "max"]) == 6
    assert f"topic '{prefix}.scans' is not there" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--speed", "fast"], "neither max nor a number above 0"),
        (["--speed", "-1"], "neither max nor a number above 0"),
        (["--unit", "other.csv=BR-1"], "names 0 of the files"),
    ],
)
def test_wrong_usage_is_named(words: list[str], said: str, culture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["play", str(culture / "twin.toml"), str(culture / "dev.csv"), *words]) == 2
    assert said in capsys.readouterr().err


def test_messages_are_paced_by_their_time_over_the_speed() -> None:
    clock = Clock()
    event = BatchEvent(event="ended", batch_id="B", unit="U", at="2026-01-05T06:00:00Z")  # type: ignore[arg-type]
    timed = [Message(at_us, "t", event) for at_us in (5_000_000, 65_000_000, 65_000_000, 605_000_000)]
    left = [clock.seconds for _ in paced(timed, pace("60"), clock)]
    assert left == pytest.approx([100.0, 101.0, 101.0, 110.0])


class Clock:
    """A clock that only waiting moves, a little less each time than asked."""

    seconds = 100.0

    def now(self) -> float:
        return self.seconds

    def wait(self, wait_s: float) -> None:
        self.seconds += wait_s if wait_s < 0.1 else wait_s / 2
