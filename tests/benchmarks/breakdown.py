"""Where a backlog's time goes: CPU and wall clock of the watch's parts, for 20 units and for 1000."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import logging
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from functools import wraps
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from rich.console import Console

from connectors.inputs.source import Lane
from connectors.messages.grouping import Grouping
from connectors.outputs.sink import Writer
from flows.joint_judging import JointJudging
from models.batch.fleet import Fleet
from models.statistics.residuals import Residual
from models.unit.running import RunningBatch
from models.unit.watch import Watch
from ops.config import load
from tests.benchmarks import contender
from tests.benchmarks.figures import append, plain_table
from tests.benchmarks.reactor import Reactor
from tests.benchmarks.site import ROOT, Load, Site, approved, brokers, written

HISTORY = ROOT / "docs" / "benchmarks" / "breakdown.json"
_PARTS = (
    (Lane, "next_batch", "reading", "of it:"),
    (Grouping, "add", "  messages", "consumed and decoded into rows by unit"),
    (Grouping, "take", "  arrays", "a block a unit"),
    (JointJudging, "settle", "the watch", "of it:"),
    (Fleet, "judge", "  the monitor", "of it:"),
    (Residual, "advance", "    residuals", "schedule bank, regressions, sizes, T² and SPE"),
    (RunningBatch, "_scored", "  scores", "one in ten scans, with contributors"),
    (Writer, "write_batch", "writing", "encode, produce"),
    (Writer, "snapshot", "confirmation", "waiting for Kafka at an epoch's end"),
    (Watch, "snapshot", "snapshots", "of the units touched"),
)
_cpu: defaultdict[str, float] = defaultdict(float)
_wall: defaultdict[str, float] = defaultdict(float)


def timed(function: Callable[..., Any], name: str) -> Callable[..., Any]:
    """The same function, its time noted."""

    @wraps(function)
    def measured(*given: Any, **named: Any) -> Any:
        cpu, wall = time.thread_time(), time.perf_counter()
        try:
            return function(*given, **named)
        finally:
            _cpu[name] += time.thread_time() - cpu
            _wall[name] += time.perf_counter() - wall

    return measured


def rows(file: Path, words: str, scans: int) -> list[dict[str, Any]]:
    """One run, a row a part."""
    logging.disable(logging.WARNING)
    for kind, method, name, _ in _PARTS:
        setattr(kind, method, timed(getattr(kind, method), name))
    took = contender.watch(load(file), scans)
    parts = [(name, _cpu[name], _wall[name], meaning) for _, _, name, meaning in _PARTS]
    every = ("all threads", took.cpu_s, took.seconds, "librdkafka, Bytewax, recovery store too")
    return [
        {
            "backlog": words, "part": name, "CPU, µs a scan": 1e6 * cpu / scans, "wall, µs a scan": 1e6 * wall / scans,
            "": told,
        }
        for name, cpu, wall, told in (*parts, every)
    ]  # fmt: skip


def main() -> None:
    """Measure both backlogs on the embedded broker."""
    found: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="patrol-bench-") as name, brokers(["embedded"], Path(name)) as broker:
        site, twin = Site(broker["embedded"], Path(name)), approved(Path(name), Reactor(16))
        for words, backlog in (("20 units", Load(batches=5)), ("1000 units", Load(units=1000, batches=1, scans=120))):
            topic = f"backlog-{backlog.units}"
            site.publish(topic, backlog)
            file = written(site.folder, twin, site.kafka(topic, f"run-{topic}"), f"run-{topic}")
            with get_context("spawn").Pool(1) as pool:
                found += pool.apply(rows, (file, words, backlog.total))
    Console(width=None if os.isatty(1) else 150).print(plain_table("Where a backlog's time goes", found))
    append(HISTORY, {"breakdown": found}, False)


if __name__ == "__main__":
    main()
