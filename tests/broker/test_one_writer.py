"""A twin has one writer, wherever its runs are: what has been shut out writes no more, and nothing is there twice."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from connectors.kafka.embedded import free_port
from connectors.kafka.stop import Stop
from connectors.outputs.outbox import Outbox
from connectors.outputs.sink import KafkaSink, Writer
from connectors.outputs.tail import read_tail
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.errors import StoppedError, WriterError
from models.records.messages import Scan
from tests.broker.conftest import LIMIT_S, messages, publish, site
from tests.broker.monitoring import until
from tests.broker.test_kafka_sink import deviation
from tests.broker.test_learn_process import got, twin_of
from tests.conftest import event, minute


def writer(kafka: Kafka, outbox: Outbox, stop: Stop) -> Writer:
    """The writer of deviations."""
    out = KafkaSink(kafka, kafka.topics.deviations, outbox, stop).build_part("out", kafka.topics.deviations, None)
    out.write_batch([])  # what the topic holds has been read
    return out


def test_who_opened_last_writes_and_whoever_wrote_before_is_refused(kafka: Kafka, stop: Stop) -> None:
    with closing(Outbox(kafka, "t", Metrics(), stop)) as first, closing(Outbox(kafka, "t", Metrics(), stop)) as second:
        before = writer(kafka, first, stop)
        before.write_batch([deviation("d1")])
        before.snapshot()
        after = writer(kafka, second, stop)
        before.write_batch([deviation("d2")])
        with pytest.raises(WriterError, match=rf"another run writes as patrol\.t\.{kafka.topics.deviations} now"):
            before.snapshot()
        after.write_batch([deviation("d1"), deviation("d2")])
        after.snapshot()
    assert sorted(found.key() for found in messages(kafka, kafka.topics.deviations, 2)) == [b"d1", b"d2"]


def test_another_twin_may_write_to_the_same_topics(kafka: Kafka, stop: Stop) -> None:
    with closing(Outbox(kafka, "t", Metrics(), stop)) as one, closing(Outbox(kafka, "u", Metrics(), stop)) as other:
        for number, outbox in enumerate((one, other, one)):
            out = writer(kafka, outbox, stop)
            out.write_batch([deviation(f"d{number}")])
            out.snapshot()
    assert len(messages(kafka, kafka.topics.deviations, 3)) == 3


def test_who_is_stopped_before_it_has_read_its_topic_does_not_write(real_kafka: str) -> None:
    kafka, stop = site(real_kafka, drain_s=0.0), Stop()
    stop.request()
    with pytest.raises(StoppedError, match="nothing was written"):
        read_tail(kafka, kafka.topics.deviations, None, stop)


class Hosts:
    """Runs of one twin on recovery folders of their own, as on several hosts."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.kafka, self.folder, self.ports = site(bootstrap, partitions=1), folder, dict[str, int]()
        publish(self.kafka, self.kafka.topics.batch_events[0], [event("started", -1)])
        self.scans(0, 300)

    def scans(self, first: int, last: int) -> None:
        emitted = [Scan(unit="BR-101", observed_at=minute(m), values={"a": float(m % 3)}) for m in range(first, last)]
        publish(self.kafka, self.kafka.topics.scans[0], emitted)

    @contextmanager
    def run(self, host: str, *options: str) -> Iterator["subprocess.Popen[str]"]:
        own = self.folder / host
        own.mkdir(exist_ok=True)
        self.ports[host] = free_port()
        twin = twin_of(self.kafka, self.ports[host], own)
        twin.write_text(twin.read_text().replace("learn_port", "port"))
        words = [sys.executable, "-W", "ignore", "-m", "ops", "run", str(twin), *options]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def ready(self, host: str) -> None:
        until(lambda: got(f"http://127.0.0.1:{self.ports[host]}/readyz")[0] == 200, f"{host} to be ready", LIMIT_S)

    def scores(self) -> list[bytes]:
        found = messages(self.kafka, self.kafka.topics.scores, 1, partitions=1)
        return [dict(message.headers() or ())["patrol-id"] for message in found]


@pytest.fixture
def hosts(real_kafka: str, tmp_path: Path) -> Hosts:
    """A twin on a real Kafka: the embedded broker keeps no claims."""
    return Hosts(real_kafka, tmp_path)


@pytest.mark.slow
@pytest.mark.kafka
def test_a_second_run_on_another_host_ends_and_names_the_writer(hosts: Hosts) -> None:
    with hosts.run("east") as first:
        hosts.ready("east")
        with hosts.run("west") as second:
            words, _ = second.communicate(timeout=LIMIT_S)
        assert second.returncode == 8, words
        assert re.search(rf"east/\S+, process {first.pid}, since .* writes for this twin; end it, or start", words), (
            words
        )
        hosts.scans(300, 400)
        first.send_signal(signal.SIGTERM)
        assert first.wait(LIMIT_S) == 0
    scores = hosts.scores()
    assert len(scores) == len(set(scores))


@pytest.mark.slow
@pytest.mark.kafka
def test_a_standby_takes_over_from_a_host_that_stands_still_and_shuts_it_out(hosts: Hosts) -> None:
    with hosts.run("east") as first:
        hosts.ready("east")
        with hosts.run("west", "--standby") as second:
            first.send_signal(signal.SIGSTOP)
            hosts.ready("west")
            hosts.scans(300, 400)
            first.send_signal(signal.SIGCONT)
            words, _ = first.communicate(timeout=LIMIT_S)
            assert first.returncode == 8, words
            second.send_signal(signal.SIGTERM)
            words, _ = second.communicate(timeout=LIMIT_S)
            assert second.returncode == 0, words
            assert "takes over the writing" in words
    scores = hosts.scores()
    assert len(scores) == len(set(scores))
    assert len(scores) >= 40
