"""What a screen reads: from some hours back, in the right order, and what is none of PATrol's is left out."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from connectors.inputs.plant_reader import PlantReader, PollResult
from connectors.inputs.since import offsets_since
from connectors.kafka.topics import create_topics
from connectors.settings import Kafka
from models.records.messages import Scan, Score
from models.records.times import to_us
from ops.console.access.people import Person
from ops.console.acting import ActionRequest, Desk
from ops.console.clocks import Clocks
from ops.console.plant import Plant
from tests.broker.conftest import LIMIT_S, every, messages, publish, site
from tests.conftest import event, minute, small_twin
from tests.ops.console.conftest import deviation


def scan(m: float) -> Scan:
    return Scan(unit="BR-101", observed_at=minute(m), values={"a": m})


def read(reader: PlantReader, until: Callable[[list[PollResult]], bool]) -> list[PollResult]:
    """Poll until something holds of all that has come."""
    polled: list[PollResult] = []
    deadline = time.monotonic() + LIMIT_S
    while not until(polled):
        assert time.monotonic() < deadline, f"not within {LIMIT_S:g} s: {polled[-3:]}"
        polled.append(reader.poll())
        time.sleep(0.005)
    reader.close()
    return polled


def a_moment_later() -> datetime:
    """A time after all that has been published and before all that will be (brokers stamp in milliseconds)."""
    at = datetime.now(UTC) + timedelta(milliseconds=5)
    while datetime.now(UTC) <= at + timedelta(milliseconds=5):
        time.sleep(0.001)
    return at


def scans_of(polled: list[PollResult]) -> list[float]:
    """First tag's readings in the order in which they came."""
    return [v for each in polled for feed in each.feeds for block in feed.blocks for v in block.values[:, 0].tolist()]


def emitted_of(polled: list[PollResult]) -> list[object]:
    return [record for each in polled for record in each.emitted]


def test_what_is_older_than_wanted_is_not_read_but_every_deviation_is(kafka: Kafka) -> None:
    topics = kafka.topics
    publish(kafka, topics.scans[0], [scan(1)])
    publish(kafka, topics.deviations, [deviation()], key="d1")
    since = a_moment_later()
    publish(kafka, topics.scans[0], [scan(2), scan(3)])
    publish(kafka, topics.deviations, [b"not ours", deviation(2, "ACKED")], key="d1")
    publish(kafka, topics.scores, [Score(unit="BR-101", at=minute(3), twin="small")])
    polled = read(PlantReader(kafka, small_twin(), since), lambda n: len(emitted_of(n)) == 3 and len(scans_of(n)) == 2)
    assert scans_of(polled) == [2.0, 3.0]
    assert [getattr(record, "revision", 0) for record in emitted_of(polled)].count(1) == 1


def test_what_comes_while_the_beginning_is_looked_for_is_not_missed(kafka: Kafka) -> None:
    """Where nothing is so new, the beginning is the end as it was, not as it is when reading begins."""
    publish(kafka, kafka.topics.scans[0], [scan(1)])
    later = a_moment_later()
    found = offsets_since(kafka, kafka.topics.scans, later)
    publish(kafka, kafka.topics.scans[0], [scan(2)])
    assert found is not None
    assert all(offset >= 0 for offset in found.values())
    polled = read(PlantReader(kafka, small_twin(), later), lambda n: bool(scans_of(n)))
    assert scans_of(polled)[-1] == 2.0


def test_batch_events_come_ahead_of_the_scans_that_are_there(kafka: Kafka) -> None:
    publish(kafka, kafka.topics.scans[0], [scan(m) for m in range(5)])
    publish(kafka, kafka.topics.batch_events[0], [event("started", 0)])
    reader = PlantReader(kafka, small_twin(), datetime.now(UTC) - timedelta(hours=1))
    polled = read(reader, lambda n: len(scans_of(n)) == 5)
    order = [bool(feed.context) for each in polled for feed in each.feeds]
    assert order[0] is True


def test_it_waits_for_a_broker_that_is_away_and_for_topics_that_are_not_there() -> None:
    away = PlantReader(Kafka(bootstrap_servers="127.0.0.1:1"), small_twin(), datetime.now(UTC))
    assert away.poll() == PollResult()
    assert (away.live, away.caught_up, away.answers()) == (False, False, False)
    away.close()


def test_topics_made_after_the_start_are_read(broker: str) -> None:
    kafka = site(broker, made=False)
    reader = PlantReader(kafka, small_twin(), datetime.now(UTC) - timedelta(hours=1))
    assert reader.poll() == PollResult()
    create_topics(kafka, every(kafka), 3)
    publish(kafka, kafka.topics.scans[0], [scan(1)])
    assert scans_of(read(reader, lambda n: bool(scans_of(n)))) == [1.0]


@pytest.mark.parametrize("action", ["acknowledge", "comment"])
def test_an_action_is_on_the_operators_topic_keyed_by_unit_when_the_page_is_answered(kafka: Kafka, action: str) -> None:
    plant = Plant(small_twin(), Clocks(60.0, lambda: to_us(minute(30))))
    plant.deviation(deviation())
    desk = Desk(kafka, plant)
    made = desk.act(
        ActionRequest(action=action, deviation_id="BR-101/B1/process/1", reason="seen"), Person("ada", "operator")
    )
    found = messages(kafka, kafka.topics.operator_actions[0], 1)
    assert [message.key() for message in found] == [b"BR-101"]
    assert b'"by":"ada"' in found[0].value()
    assert made.at == minute(30)
