"""``patrol learn`` as one types it: it reads what there is, its metrics say so, and SIGTERM drains it."""

import re
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from connectors.kafka.embedded import free_port
from connectors.settings import Kafka
from models.records.messages import Scan
from tests.broker.conftest import LIMIT_S, publish, site
from tests.broker.monitoring import until
from tests.conftest import event, minute


def twin_of(kafka: Kafka, port: int, folder: Path) -> Path:
    """A twin's file with the test's own topics, port and folders."""
    topics = "\n".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in names_of(kafka))
    path = folder / "small.toml"
    path.write_text(
        f"""[twin]
name = "small"
product = "p"
cadence_s = 60
[tags.a]
unit_of_measure = "1"
[kafka]
bootstrap_servers = "{kafka.bootstrap_servers}"
settle_s = 0.2
[kafka.topics]
{topics}
[metrics]
learn_port = {port}
[references]
store = "{folder / "refs"}"
[recovery]
folder = "{folder / "recovery"}"
"""
    )
    return path


def names_of(kafka: Kafka) -> list[tuple[str, object]]:
    """The topics, as the file says them."""
    return list(msgspec.structs.asdict(kafka.topics).items())


@contextmanager
def learning(twin: Path) -> Iterator["subprocess.Popen[str]"]:
    """The command as a process."""
    words = [sys.executable, "-m", "ops", "learn", str(twin)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def got(url: str) -> tuple[int, str]:
    """Status and body; 0: nobody answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as exc:
        return exc.code, ""
    except OSError:
        return 0, ""


def test_the_learner_says_what_it_reads_and_that_it_has_caught_up(embedded: str, tmp_path: Path) -> None:
    kafka, port = site(embedded, partitions=1), free_port()
    publish(kafka, kafka.topics.batch_events[0], [event("started", -1)])
    emitted = [Scan(unit="BR-101", observed_at=minute(m), values={"a": 0.0}) for m in range(7)]
    publish(kafka, kafka.topics.scans[0], emitted)
    with learning(twin_of(kafka, port, tmp_path)) as process:
        at = f"http://127.0.0.1:{port}"
        until(lambda: got(f"{at}/readyz")[0] == 200, "the learner to be ready", LIMIT_S)
        until(lambda: 'patrol_scans_total{unit="BR-101"} 7.0' in got(f"{at}/metrics")[1], "the scans to be counted")
        served = got(f"{at}/metrics")[1]
        process.send_signal(signal.SIGTERM)
        words, _ = process.communicate(timeout=LIMIT_S)
    assert process.returncode == 0, words
    assert "patrol_caught_up 1.0" in served
    assert "patrol_broker_up 1.0" in served
    assert re.search(r'patrol_snapshot_timestamp_seconds\{flow="learning"\} [1-9]', served)
    assert "learning flow: drained and stopped" in words
