"""How long a deviation takes from the scan that shows it to Kafka, while 1000 units send a scan a second each."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import subprocess
import sys
import tempfile
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Annotated, Any

import msgspec
import numpy as np
import typer
from confluent_kafka import Consumer, Producer, TopicPartition
from rich.console import Console
from rich.progress import Progress

from connectors.kafka.topics import create_topics
from connectors.messages.codec import encode
from connectors.settings import Kafka
from models.records.messages import BatchEvent, Deviation, Scan, Score
from ops.terminal import progress
from tests.benchmarks.figures import Figure, append, figure_table
from tests.benchmarks.reactor import Reactor
from tests.benchmarks.site import PARTITIONS, ROOT, Site, approved, brokers, written

HISTORY = ROOT / "docs" / "benchmarks" / "latency.json"
_SETTLE_S = 15.0  # not measured, from the first score on: every unit gets its watch, what waited is caught up with
_START_S = 60.0  # the flow may take so long to say anything
_UPSET_EVERY, _UPSET_SCANS = 30, 5  # scans: a schedule tag of each unit is off for so long, so often

Minutes = Annotated[float, typer.Option("--minutes", min=0.2, help="How long it is measured.")]
Units = Annotated[int, typer.Option("--units", min=1, help="Units; each sends a scan a second.")]
Broker = Annotated[str, typer.Option("--broker", help="embedded or kafka (Apache, needs Java and Maven).")]
Upset = Annotated[
    int, typer.Option("--one-upset-in", min=1, help="Of so many units, one goes wrong every half minute.")
]
AtOnce = Annotated[bool, typer.Option("--at-once", help="All units send at the same moment of each second.")]
History = Annotated[Path, typer.Option("--history", help="JSON to which this run is appended.")]


class Trial(msgspec.Struct, frozen=True):
    """What the plant does."""

    units: int
    minutes: float
    one_upset_in: int = 1
    at_once: bool = False

    def __str__(self) -> str:
        upset = "every unit upset" if self.one_upset_in == 1 else f"one unit in {self.one_upset_in} upset"
        spread = "all at the same moment" if self.at_once else "evenly over the second"
        return f"{self.units} units, a scan of 16 tags a second each, {spread}, {upset}, {self.minutes:g} min"


class Plant(threading.Thread):
    """Sends each unit's scans as they are observed; every so often some show an upset."""

    def __init__(self, kafka: Kafka, trial: Trial) -> None:
        super().__init__(daemon=True)
        self._kafka, self._trial, self.over = kafka, trial, threading.Event()
        self._rows = [batch.values for batch in Reactor(16, 1.0).batches(20, seed=5)]
        self.late_s = 0.0  # at most behind its own time table

    def run(self) -> None:
        producer = Producer({"bootstrap.servers": self._kafka.bootstrap_servers, "linger.ms": 2})
        names, units, began = tuple(Reactor(16).twin().tags), self._trial.units, time.time()
        for k in range(units):
            start = BatchEvent(event="started", batch_id=f"B{k}", unit=f"U-{k:05d}", at=datetime.now(UTC), product="p")
            producer.produce(self._kafka.topics.batch_events[0], encode(start), start.unit)
        producer.flush()
        for number in count():
            if self.over.is_set():
                break
            scan, unit = divmod(number, units)
            due_s = began + 2 + (scan if self._trial.at_once else number / units)
            wait_s = due_s - time.time()
            if wait_s > 0.001:
                producer.poll(0)
                time.sleep(wait_s)
            self.late_s = max(self.late_s, -wait_s)
            values = self._rows[unit % len(self._rows)][scan % 1200].tolist()
            if unit % self._trial.one_upset_in == 0 and (scan + unit) % _UPSET_EVERY >= _UPSET_EVERY - _UPSET_SCANS:
                values[0] *= 1.3
            at = datetime.fromtimestamp(due_s, UTC) if self._trial.at_once else datetime.now(UTC)
            emitted = Scan(unit=f"U-{unit:05d}", observed_at=at, values=dict(zip(names, values, strict=True)))
            producer.produce(self._kafka.topics.scans[0], encode(emitted), emitted.unit)
        producer.flush()


class Listener(threading.Thread):
    """Reads what the watch writes and notes how old each record's scan was when it came."""

    def __init__(self, kafka: Kafka) -> None:
        super().__init__(daemon=True)
        self._kafka, self.over, self.heard = kafka, threading.Event(), threading.Event()
        self.deviations: list[tuple[float, float]] = []  # came at, seconds after its scan
        self.scores: list[tuple[float, float]] = []

    def run(self) -> None:
        decode = msgspec.json.Decoder(Deviation | Score).decode
        topics = (self._kafka.topics.deviations, self._kafka.topics.scores)
        settings = {"bootstrap.servers": self._kafka.bootstrap_servers, "group.id": "bench", "fetch.wait.max.ms": 5}
        with closing(Consumer(settings)) as consumer:
            consumer.assign([TopicPartition(topic, 0, 0) for topic in topics])
            while not self.over.is_set():
                for message in consumer.consume(500, timeout=0.005):
                    now = time.time()
                    record = decode(message.value())
                    if isinstance(record, Score):
                        self.heard.set()
                        self.scores.append((now, now - record.at.timestamp()))
                    elif record.category != "context":
                        self.deviations.append((now, now - record.changed_at.timestamp()))


def main(
    minutes: Minutes = 1.0, units: Units = 1000, broker: Broker = "kafka", one_upset_in: Upset = 1,
    at_once: AtOnce = False, history: History = HISTORY,
) -> None:  # fmt: skip
    """A scan a second of each unit, 16 tags; ``patrol run`` with snapshots every 0.1 s watches them.

    [bold]Examples[/bold]

    make bench-latency

    make bench-latency ARGS="--minutes 10"

    make bench-latency ARGS="--one-upset-in 20"

    make bench-latency ARGS="--at-once"
    """
    trial = Trial(units, minutes, one_upset_in, at_once)
    console = Console(width=None if os.isatty(1) else 150)
    with (
        tempfile.TemporaryDirectory(prefix="patrol-bench-") as name,
        brokers([broker], Path(name)) as found,
        progress("s") as bar,
    ):
        rows = _measured(Site(found[broker], Path(name)), trial, bar)
    console.print(figure_table(f"{trial}, {broker}", rows))
    run = msgspec.structs.asdict(trial) | {"rows": msgspec.to_builtins(rows)}
    append(history, {f"latency {broker}": run}, False)
    by_name = {row.name: row.measured for row in rows}
    for short, figure in (("p50_of_30ms", "deviation p50, ms"), ("p99_of_100ms", "deviation p99, ms")):
        print(f"ratio {short} {(by_name[figure] or np.nan) / (30 if '30' in short else 100):.3g}")


def _measured(site: Site, trial: Trial, bar: Progress) -> list[Figure]:
    seconds, kafka = trial.minutes * 60, site.kafka("live", "live")
    create_topics(kafka, kafka.topics.scans, PARTITIONS)
    create_topics(kafka, kafka.topics.batch_events, 1)
    twin = approved(site.folder, Reactor(16, 1.0), off_delay_s=5.0)
    file = written(site.folder, twin, kafka, "live")
    words = [sys.executable, "-m", "ops", "run", str(file)]
    plant, listener = Plant(kafka, trial), Listener(kafka)
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL) as flow:
        plant.start()
        listener.start()
        if not listener.heard.wait(_START_S):
            raise TimeoutError(f"no score within {_START_S:g} s")
        time.sleep(_SETTLE_S)
        since, cpu_s = time.time(), _cpu_s(flow.pid)
        task = bar.add_task("measuring", total=int(seconds))
        while time.time() - since < seconds:
            time.sleep(1)
            bar.advance(task)
        cpu = (_cpu_s(flow.pid) - cpu_s) / (time.time() - since)
        megabytes = _peak_mb(flow.pid)
        plant.over.set()
        plant.join()
        listener.over.set()
        flow.terminate()
    return _figures(listener, plant, since, cpu, megabytes)


def _figures(listener: Listener, plant: Plant, since: float, cpu: float, megabytes: float) -> list[Figure]:
    deviations, scores = (
        np.array([late for at, late in told if at >= since]) * 1e3 for told in (listener.deviations, listener.scores)
    )
    third = len(deviations) // 3
    note = f"{len(deviations)} revisions; the sender was at most {1e3 * plant.late_s:.0f} ms behind its time table"
    p50, p90, p99, most = np.percentile(deviations, (50, 90, 99, 100)).tolist()
    return [
        Figure("deviation p50, ms", p50, 30, 30, note=note),
        Figure("deviation p90, ms", p90),
        Figure("deviation p99, ms", p99, 100, 100),
        Figure("deviation max, ms", most),
        Figure("score p50, ms", float(np.percentile(scores, 50)), note=f"{len(scores)} scores"),
        Figure("score p99, ms", float(np.percentile(scores, 99))),
        Figure(
            "p50 of the last third over the first's", _median(deviations[-third:]) / _median(deviations[:third]), 1.5, 2
        ),
        Figure("CPU, share of one core", cpu, 0.3, 0.5),
        Figure("peak memory, MB", megabytes),
    ]


def _median(values: Any) -> float:
    return float(np.median(values))


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(main)
    app()
