"""What running batches cost in memory and in the recovery store, whether that grows, and how long a restart takes."""

import os

from models.batch.monitor import BatchMonitor

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import gc
import pickle
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer
from confluent_kafka import Consumer, Producer, TopicPartition
from rich.console import Console
from rich.progress import Progress

from connectors.messages.codec import encode
from connectors.settings import Kafka
from connectors.store.references import ReferenceStore
from models.batch.fleet import Fleet
from models.records.block import Block, Feed, RecordedBatch
from models.records.messages import BatchEvent, Scan
from models.records.times import to_us
from models.records.twin import Twin
from models.reference.reference import Reference
from models.unit.watch import Watch
from ops.terminal import progress
from tests.benchmarks.figures import Figure, append, figure_table
from tests.benchmarks.reactor import Reactor
from tests.benchmarks.site import ROOT, START, Load, Site, approved, brokers, written

HISTORY = ROOT / "docs" / "benchmarks" / "state.json"
_LEAST_KB, _STEPS = 16.0, 10
_LIMIT_S = 120.0

Batches = Annotated[
    int, typer.Option("--batches", min=100, help="Batches started and ended, to see that nothing stays.")
]
Units = Annotated[int, typer.Option("--units", min=10, help="Batches that run at a time.")]
Broker = Annotated[str, typer.Option("--broker", help="embedded or kafka (Apache, needs Java and Maven).")]
History = Annotated[Path, typer.Option("--history", help="JSON to which this run is appended.")]


def main(batches: Batches = 10_000, units: Units = 1000, broker: Broker = "kafka", history: History = HISTORY) -> None:
    """State of running batches of 16 tags: memory, snapshots, growth, restart after kill -9.

    [bold]Examples[/bold]

    make bench-state

    make bench-state ARGS="--batches 1000 --broker embedded"
    """
    console = Console(width=None if os.isatty(1) else 150)
    with (
        tempfile.TemporaryDirectory(prefix="patrol-bench-") as name,
        brokers([broker], Path(name)) as found,
        progress("steps") as bar,
    ):
        folder = Path(name)
        twin = approved(folder, Reactor(16))
        _, reference = ReferenceStore(folder / "refs").load_as(Reference, twin.name, None, ("approved",))
        fleet = Fleet(twin, reference, "bench@1")
        rows = [*running(fleet, units), *growth(fleet, batches, bar)]
        rows += restart(Site(found[broker], folder), twin, units, bar)
    console.print(figure_table(f"{units} running batches of 16 tags; {batches} started and ended; {broker}", rows))
    append(history, {"state": msgspec.to_builtins(rows)}, False)
    named = {row.name: row.measured or np.nan for row in rows}
    print(f"ratio state_of_16KB {named['state of a running batch, KB'] / _LEAST_KB:.3g}")
    print(f"ratio memory_after_all_batches {named['memory after all batches over that after a tenth']:.3g}")


def running(fleet: Fleet, units: int) -> list[Figure]:
    """Watches in the middle of their batches."""
    batch, before = Reactor(16).batches(1, seed=2)[0], _memory_mb()
    watches = [_started(fleet, f"U-{k}", "B") for k in range(units)]
    for watch in watches:
        watch.step(_scans(watch, batch, slice(0, 600)))
    gc.collect()
    held = (_memory_mb() - before) / units * 1024
    since = time.perf_counter()
    states = [watch.snapshot() for watch in watches]
    packed_ms = 1e3 * (time.perf_counter() - since)
    pickled = sum(len(pickle.dumps(state)) for state in states)
    since = time.perf_counter()
    for watch in watches:
        watch.step(_scans(watch, batch, slice(600, 601)))
    scan_us = 1e6 * (time.perf_counter() - since) / units
    return [
        Figure("state of a running batch, KB", pickled / units / 1024, _LEAST_KB, _LEAST_KB),
        Figure("memory of a running batch, KB", held),
        Figure(f"snapshot of all {units}, ms", packed_ms),
        Figure(f"snapshot of all {units}, MB", pickled / 2**20),
        Figure("one scan alone, µs", scan_us, 1000, 1000),
    ]


def growth(fleet: Fleet, batches: int, bar: Progress) -> list[Figure]:
    """Twenty units run batch after batch."""
    batch = Reactor(16).batches(1, seed=3)[0]
    watches = [Watch(f"U-{k}", fleet.twin, lambda _: BatchMonitor(fleet)) for k in range(20)]
    memory, sizes = [], []
    task = bar.add_task("batches started and ended", total=_STEPS)
    for step in range(_STEPS):
        for turn in range(batches // len(watches) // _STEPS):
            for watch in watches:
                _whole(watch, batch, f"B-{step}-{turn}")
        gc.collect()
        memory.append(_memory_mb())
        sizes.append(max(len(watch.snapshot()) for watch in watches))
        bar.advance(task)
    note = "MB after each tenth: " + " ".join(f"{each:.0f}" for each in memory)
    return [
        Figure("memory after all batches over that after a tenth", memory[-1] / memory[0], 1.02, 1.1, note=note),
        Figure("largest idle state at the end over that after a tenth", sizes[-1] / sizes[0], 1.0, 1.0),
    ]


def restart(site: Site, twin: Twin, units: int, bar: Progress) -> list[Figure]:
    """Kill ``patrol run`` with so many batches running; how long until a started one says something new."""
    site.publish("restart", Load(units=units, batches=1, scans=30, ended=False))
    kafka = site.kafka("restart", "restart")
    words = [sys.executable, "-m", "ops", "run", str(written(site.folder, twin, kafka, "restart"))]
    task = bar.add_task("restart", total=2)
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL) as flow:
        _await_scores(kafka, 0, 3 * units)
        time.sleep(1.0)  # an epoch closes
        flow.send_signal(signal.SIGKILL)
    emitted = _end(kafka)
    bar.advance(task)
    store = sum(file.stat().st_size for file in site.folder.glob("recovery-restart/**/*") if file.is_file())
    since = time.perf_counter()
    with subprocess.Popen(words, cwd=ROOT, stderr=subprocess.DEVNULL) as flow:
        producer = Producer({"bootstrap.servers": site.bootstrap})
        names, at = tuple(twin.tags), START + timedelta(seconds=60 * twin.cadence_s)
        for k in range(units):
            scan = Scan(unit=f"U-{k:05d}", observed_at=at, values=dict.fromkeys(names, 1.0))
            producer.produce(kafka.topics.scans[0], encode(scan), scan.unit)
        producer.flush()
        _await_scores(kafka, emitted, 1)
        first_s = time.perf_counter() - since
        _await_scores(kafka, emitted, units)
        all_s = time.perf_counter() - since
        flow.terminate()
    bar.advance(task)
    return [
        Figure("restart after kill -9 to the first verdict, s", first_s),
        Figure(f"restart after kill -9 to a verdict of all {units}, s", all_s),
        Figure("recovery store, MB", store / 2**20),
    ]


def _await_scores(kafka: Kafka, since: int, count: int) -> int:
    """Wait for so many scores from an offset on; the next offset."""
    settings = {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "bench", "fetch.wait.max.ms": 5}
    until = time.monotonic() + _LIMIT_S
    with closing(Consumer(settings)) as consumer:
        consumer.assign([TopicPartition(kafka.topics.scores, 0, since)])
        end, found = since, 0
        while found < count:
            if time.monotonic() > until:
                raise TimeoutError(f"{found} of {count} scores within {_LIMIT_S:g} s")
            for message in consumer.consume(1000, timeout=0.01):
                if message.error() is None:
                    found, end = found + 1, (message.offset() or 0) + 1
    return end


def _end(kafka: Kafka) -> int:
    """The next offset of the scores: all is read (the embedded broker's watermark is not to be trusted)."""
    settings = {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "bench", "auto.offset.reset": "earliest"}
    with closing(Consumer(settings)) as consumer:
        consumer.assign([TopicPartition(kafka.topics.scores, 0, 0)])
        end, heard = 0, time.monotonic()
        while time.monotonic() - heard < 1.0:
            for message in consumer.consume(1000, timeout=0.05):
                end, heard = (message.offset() or 0) + 1, time.monotonic()
    return end


def _started(fleet: Fleet, unit: str, batch_id: str) -> Watch:
    watch = Watch(unit, fleet.twin, lambda _: BatchMonitor(fleet))
    watch.step(Feed(unit, (BatchEvent(event="started", batch_id=batch_id, unit=unit, at=START, product="p"),)))
    return watch


def _scans(watch: Watch, batch: RecordedBatch, rows: slice, since: datetime = START) -> Feed:
    unit, offsets = watch.subject.unit, np.arange(len(batch.age_s))[rows]
    observed_us = to_us(since) + (batch.age_s[rows] * 1e6).astype(np.int64)
    return Feed(unit, (), (Block(unit, "scans", 0, offsets, observed_us, batch.values[rows]),))


def _whole(watch: Watch, batch: RecordedBatch, batch_id: str) -> None:
    """A batch of 60 scans from start to end, after what the unit did before."""
    unit = watch.subject.unit
    since = datetime.fromtimestamp((watch.unit.last_us or to_us(START)) / 1e6 + 60, UTC)
    end = since + timedelta(seconds=float(batch.age_s[59]) + 1)
    watch.step(Feed(unit, (BatchEvent(event="started", batch_id=batch_id, unit=unit, at=since, product="p"),)))
    watch.step(_scans(watch, batch, slice(0, 60), since))
    watch.step(Feed(unit, (BatchEvent(event="ended", batch_id=batch_id, unit=unit, at=end),)))
    watch.step(_scans(watch, batch, slice(60, 61), since))


def _memory_mb() -> float:
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS"))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(main)
    app()
