"""A unit in several partitions of one topic is found in the newest messages, and ``patrol check`` names it."""

from pathlib import Path

import pytest
from confluent_kafka import Producer

from connectors.inputs.spread import spread_units
from connectors.kafka.clients import client_config
from connectors.messages.codec import encode
from connectors.settings import Kafka
from models.records.messages import Reading, Scan
from ops.__main__ import main
from tests.broker.conftest import LIMIT_S, publish, site
from tests.broker.test_learn_process import twin_of
from tests.conftest import minute


def scan(m: int, unit: str = "U1") -> Scan:
    return Scan(unit=unit, observed_at=minute(m), values={"a": 0.0})


def put(kafka: Kafka, partition: int, record: Scan | Reading | bytes, key: str | None = None) -> None:
    producer = Producer(client_config(kafka))
    value = record if isinstance(record, bytes) else encode(record)
    producer.produce(kafka.topics.scans[0], value, key, partition=partition)
    assert producer.flush(LIMIT_S) == 0


def test_units_keyed_by_their_id_are_each_in_one_partition(kafka: Kafka) -> None:
    publish(kafka, kafka.topics.scans[0], [scan(m, f"U{k}") for m in range(20) for k in range(9)])
    looked = spread_units(kafka, kafka.topics.scans)
    assert (looked.messages, looked.whole, looked.spread) == (180, True, ())


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ((None, None, None), "its messages have no key; give them one, its id"),
        (("U1", "U1", "U1"), "though its messages have one key: partitions were added, or its producers differ in "),
        (("U1-a", "U1-b", None), "its messages have different keys; give them one, its id"),
    ],
    ids=["no key", "one key", "several keys"],
)
def test_a_unit_in_several_partitions_is_named_with_them_and_why(
    kafka: Kafka, keys: tuple[str | None, ...], why: str
) -> None:
    for partition, key in enumerate(keys):
        put(kafka, partition, scan(partition), key)
        put(kafka, partition, scan(9, f"V{partition}"), f"V{partition}")
        put(kafka, partition, b"rubbish")
    (found,) = spread_units(kafka, kafka.topics.scans).spread
    assert str(found).startswith(f"unit U1 is in partitions 0, 1, 2 of topic {kafka.topics.scans[0]}")
    assert why in str(found)


def test_readings_count_as_scans_and_units_of_others_do_not(kafka: Kafka) -> None:
    for partition in range(2):
        for unit in ("U1", "U2"):
            put(kafka, partition, Reading(unit=unit, tag="a", observed_at=minute(partition), value=1.0))
    assert [found.unit for found in spread_units(kafka, kafka.topics.scans, ("U2", "U3")).spread] == ["U2"]


@pytest.mark.kafka
def test_of_a_long_backlog_only_the_newest_part_is_looked_at(real_kafka: str) -> None:
    kafka = site(real_kafka)  # the embedded broker does not know where the newest are
    put(kafka, 0, scan(0))
    producer = Producer(client_config(kafka) | {"linger.ms": 5})
    for m in range(2500):
        producer.produce(kafka.topics.scans[0], encode(scan(m, "U0")), "U0", partition=0)
        producer.poll(0)
    assert producer.flush(LIMIT_S) == 0
    put(kafka, 1, scan(1))
    looked = spread_units(kafka, kafka.topics.scans)
    assert (looked.messages, looked.whole, looked.spread) == (2001, True, ())


def test_topics_without_a_message_are_soon_looked_at(kafka: Kafka) -> None:
    looked = spread_units(kafka, kafka.topics.scans)
    assert (looked.messages, looked.partitions, looked.whole, looked.spread) == (0, 3, True, ())


def test_check_warns_of_the_unit_and_fails_nothing(
    kafka: Kafka, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for partition in range(3):
        put(kafka, partition, scan(partition))
    twin = twin_of(kafka, 0, tmp_path)
    twin.write_text(twin.read_text().replace("learn_port", "port"))
    assert main(["check", str(twin), "--cold-start"]) == 0
    shown = " ".join("".join(c if c.isascii() else " " for c in capsys.readouterr().err).split())
    assert "units warning unit U1 is in partitions 0, 1, 2 of topic" in shown
    assert "3 newest message(s) of 3 partition(s) looked at" in shown
