"""Deviations, scores and dead letters to a real broker: every delivery confirmed, none written twice."""

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from statistics import median

import msgspec
import pytest
from confluent_kafka.admin import AdminClient, NewTopic

from connectors.kafka.clients import client_config
from connectors.kafka.embedded import EmbeddedBroker
from connectors.kafka.stop import Stop
from connectors.messages.outgoing import Output
from connectors.outputs.outbox import Outbox
from connectors.outputs.sink import KafkaSink, Writer
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.errors import BrokerError, DeliveryError
from models.records.messages import Deviation, Origin, Rejected, Score
from tests.broker.conftest import messages, series, site
from tests.broker.test_broker_away import CI_KAFKA
from tests.conftest import minute


def deviation(name: str, revision: int = 1, message: str = "m") -> Deviation:
    """A revision of a deviation."""
    at = minute(revision)
    return Deviation(
        deviation_id=name, revision=revision, state="UNACK", category="process", grade="approved", priority="high",
        unit="BR-101", twin="t", cause="process", message=message, since_at=at, raised_at=at, changed_at=at,
    )  # fmt: skip


def score(m: float, unit: str = "BR-101") -> Score:
    """A score at minute ``m``."""
    return Score(unit=unit, at=minute(m), twin="t", batch_id="B1", t2=1.0, t2_limit=2.0)


def letter(offset: int, raw: bytes = b"{", reason: str = "malformed") -> Rejected:
    """A dead letter of the message at ``offset``."""
    origin = Origin(topic="pat.scans", partition=2, offset=offset)
    return Rejected(reason=reason, detail="truncated", raw=raw, origin=origin, key="BR-101")


@contextmanager
def writer(
    kafka: Kafka, topic: str, stop: Stop, resume: dict[str, int] | None = None, metrics: Metrics | None = None
) -> Iterator[Writer[Output]]:
    """The sink's one writer, as Bytewax builds it."""
    with closing(Outbox(kafka, "t", metrics or Metrics(), stop)) as outbox:
        sink: KafkaSink[Output] = KafkaSink(kafka, topic, outbox, stop)
        out = sink.build_part("out", sink.list_parts()[0], resume)
        out.write_batch([])  # what the topic holds has been read
        yield out


def test_a_deviation_and_a_score_are_keyed_by_what_they_are_about(kafka: Kafka, stop: Stop) -> None:
    topics = kafka.topics
    with writer(kafka, topics.deviations, stop) as out:
        out.write_batch([deviation("d1")])
        out.snapshot()
    with writer(kafka, topics.scores, stop) as out:
        out.write_batch([score(5)])
        out.snapshot()
    (emitted,) = messages(kafka, topics.deviations, 1)
    assert (emitted.key(), msgspec.json.decode(emitted.value(), type=Deviation)) == (b"d1", deviation("d1"))
    (stood,) = messages(kafka, topics.scores, 1)
    assert (stood.key(), msgspec.json.decode(stood.value(), type=Score)) == (b"BR-101", score(5))


def test_the_first_epoch_does_not_wait_for_the_producers_id(kafka: Kafka, stop: Stop) -> None:
    waited_s = []
    for n in range(5):
        with writer(kafka, kafka.topics.deviations, stop) as out:
            out.write_batch([deviation(f"d{n}")])
            began_s = time.monotonic()
            out.snapshot()
            waited_s.append(time.monotonic() - began_s)
    assert median(waited_s) < 0.3  # librdkafka looks for an id it has missed every half second


def test_a_dead_letter_keeps_its_bytes_and_key_and_says_why_and_from_where(kafka: Kafka, stop: Stop) -> None:
    topic = kafka.topics.dead_letters
    with writer(kafka, topic, stop) as out:
        out.write_batch([letter(41, raw=b"\xff{")])
        out.snapshot()
    (found,) = messages(kafka, topic, 1)
    assert (found.key(), found.value()) == (b"BR-101", b"\xff{")
    emitted = {name: value for name, value in found.headers() if name != "patrol-id"}
    assert emitted == {
        "reason": b"malformed",
        "detail": b"truncated",
        "source-topic": b"pat.scans",
        "source-partition": b"2",
        "source-offset": b"41",
    }


EPOCH: dict[str, tuple[list[Output], list[Output]]] = {  # what is written before the crash, and what comes after it
    "deviations": ([deviation("d1"), deviation("d2"), deviation("d1", 2)], [deviation("d1", 3), deviation("d3")]),
    "scores": ([score(1), score(2), score(2, "BR-102")], [score(3)]),
    "dead_letters": ([letter(1), letter(2), letter(2, reason="unknown-tag")], [letter(3)]),
}


@pytest.mark.parametrize("snapshot_before", [False, True], ids=["first-epoch", "later-epoch"])
@pytest.mark.parametrize("output", EPOCH)
def test_an_epoch_done_again_after_a_crash_is_written_once(
    kafka: Kafka, stop: Stop, output: str, snapshot_before: bool
) -> None:
    topic, (done, new) = getattr(kafka.topics, output), EPOCH[output]
    with writer(kafka, topic, stop) as out:
        resume = out.snapshot() if snapshot_before else None
        out.write_batch(done)
        out.snapshot()  # confirmed by Kafka, lost with the process before it reached the recovery store
    with writer(kafka, topic, stop, resume) as out:
        out.write_batch([*done, *new])
        resume = out.snapshot()
    found = messages(kafka, topic, len(done + new))
    assert len(found) == len(done + new)
    following = {str(each.partition()): each.offset() + 1 for each in found}  # each partition's are in order
    assert resume == following, "the snapshot is the topic's next offsets"


def test_a_flow_killed_before_it_has_caught_up_with_what_was_written_repeats_nothing(kafka: Kafka, stop: Stop) -> None:
    topic, revisions = kafka.topics.deviations, [deviation(f"d{n}") for n in range(9)]
    with writer(kafka, topic, stop) as out:
        resume = out.snapshot()
        out.write_batch(revisions)
        out.snapshot()
    for done in (2, 5, 9):  # each life comes a little further, keeps a snapshot, and is killed
        with writer(kafka, topic, stop, resume) as out:
            out.write_batch(revisions[:done])
            resume = out.snapshot()
            revisions = revisions[done:] if done < 9 else revisions
    with writer(kafka, topic, stop, resume) as out:
        out.write_batch([deviation("d9")])
        out.snapshot()
    assert sorted(found.key() for found in messages(kafka, topic, 10)) == [b"d%d" % n for n in range(10)]


def test_what_lies_before_the_snapshot_is_not_read_again(kafka: Kafka, stop: Stop) -> None:
    topic = kafka.topics.deviations
    with writer(kafka, topic, stop) as out:
        out.write_batch([deviation(f"d{n}") for n in range(50)])
        resume = out.snapshot()
    with writer(kafka, topic, stop, resume) as out:
        assert out.snapshot() == resume
        out.write_batch([deviation("d50")])
        out.snapshot()
    assert len(messages(kafka, topic, 51)) == 51


def test_an_output_topic_that_is_missing_is_an_error_before_anything_runs(broker: str, stop: Stop) -> None:
    kafka = site(broker, made=False)
    with pytest.raises(BrokerError, match=r"scores' is not there; make it"), writer(kafka, kafka.topics.scores, stop):
        pass


def test_nothing_is_written_to_any_topic_before_what_all_of_them_hold_is_known(broker: str, stop: Stop) -> None:
    kafka = site(broker)
    missing = msgspec.structs.replace(kafka.topics, scores=f"{kafka.topics.scores}.missing")
    with closing(Outbox(kafka, "t", Metrics(), stop)) as outbox:
        first, second = (
            KafkaSink[Output](kafka, topic, outbox, stop).build_part("out", topic, None)
            for topic in (missing.deviations, missing.scores)
        )
        for each in (lambda: first.write_batch([deviation("d1")]), second.snapshot, first.snapshot):
            with pytest.raises(BrokerError, match=r"missing' is not there; make it"):
                each()
    assert messages(kafka, kafka.topics.deviations, 0) == []


def test_a_message_too_large_for_a_dead_letter_is_cut_and_says_so(kafka: Kafka, stop: Stop) -> None:
    topic, raw = kafka.topics.dead_letters, b"x" * 1_048_000  # as large as Kafka takes; headers come on top
    with writer(kafka, topic, stop) as out:
        out.write_batch([letter(7, raw)])
        out.snapshot()
    (found,) = messages(kafka, topic, 1)
    assert raw.startswith(found.value())
    assert len(found.value()) > 500_000
    assert dict(found.headers())["cut-from-bytes"] == b"1048000"


@pytest.mark.kafka
@pytest.mark.parametrize(("most", "key"), [(2000, "who"), (100_000, "k" * 120_000)])
def test_a_dead_letter_is_cut_until_its_topic_takes_it(real_kafka: str, stop: Stop, most: int, key: str) -> None:
    kafka = site(real_kafka, made=False)
    topic = kafka.topics.dead_letters
    admin = AdminClient(client_config(kafka))  # must live until the future is done
    small = NewTopic(topic, 3, 1, config={"max.message.bytes": str(most)})
    admin.create_topics([small])[topic].result(10)
    with writer(kafka, topic, stop) as out:
        out.write_batch([msgspec.structs.replace(letter(7, b"x" * 900_000), key=key)])
        out.snapshot()
    (found,) = messages(kafka, topic, 1)
    assert 0 < len(found.value()) < most
    assert dict(found.headers())["cut-from-bytes"] == b"900000"


@pytest.mark.kafka
def test_a_record_kafka_refuses_stops_the_flow(real_kafka: str, stop: Stop) -> None:
    kafka = site(real_kafka, made=False)
    topic = kafka.topics.deviations
    admin = AdminClient(client_config(kafka))  # must live until the future is done
    small = NewTopic(topic, 1, 1, config={"max.message.bytes": "2000"})
    admin.create_topics([small])[topic].result(10)
    with writer(kafka, topic, stop) as out:
        out.write_batch([deviation("d1"), deviation("d2", message="m" * 5000)])
        with pytest.raises(DeliveryError, match="too large"):
            out.snapshot()


def test_while_the_broker_is_away_an_epoch_waits_but_a_stop_waits_no_longer_than_it_may(stop: Stop) -> None:
    with EmbeddedBroker() as broker:
        kafka = site(broker.bootstrap_servers, drain_s=1.0)
        away = ExitStack()
        out = away.enter_context(writer(kafka, kafka.topics.deviations, stop))
    with away:
        out.write_batch([deviation("d1"), deviation("d2")])
        threading.Timer(1.0, stop.request).start()
        begun = time.monotonic()
        with pytest.raises(DeliveryError, match=r"2 record\(s\) not delivered to topic .* within 1 s of stopping"):
            out.snapshot()
        assert 1.5 < time.monotonic() - begun < 5, "waited for the stop, and then drain_s"


@pytest.mark.kafka
def test_an_epoch_is_confirmed_when_kafka_comes_back(real_kafka: str, kafka_folder: str, stop: Stop) -> None:
    kafka = site(real_kafka)
    metrics = Metrics()
    alive = ExitStack()
    out = alive.enter_context(writer(kafka, kafka.topics.deviations, stop, metrics=metrics))
    subprocess.run([CI_KAFKA, "kill", kafka_folder], check=True)
    back = threading.Timer(2.0, subprocess.run, [[CI_KAFKA, "restart", kafka_folder]], {"stdout": subprocess.DEVNULL})
    back.start()
    with alive:
        out.write_batch([deviation(f"d{n}") for n in range(100)])
        out.snapshot()
    back.join()
    assert series(metrics, "patrol_broker_up") == 1
    assert len({emitted.key() for emitted in messages(kafka, kafka.topics.deviations, 100)}) == 100
