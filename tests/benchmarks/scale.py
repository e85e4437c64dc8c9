"""How throughput and memory grow with units, tags and reference size, and what two processes give."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import msgspec
import typer
from bytewax.recovery import init_db_dir
from rich.console import Console
from rich.progress import Progress

from connectors.kafka.embedded import free_port
from ops.terminal import progress
from tests.benchmarks.contender import Took
from tests.benchmarks.figures import append, plain_table
from tests.benchmarks.reactor import Reactor
from tests.benchmarks.site import ROOT, Load, Site, approved, brokers, written

HISTORY = ROOT / "docs" / "benchmarks" / "scale.json"
UNITS, TAGS, BATCHES = (10, 100, 1000, 10_000), (8, 16, 32, 64, 100, 256), (12, 40)
_SCANS = 120_000  # in all, at 16 tags

Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Runs of each; medians are told.")]
Quick = Annotated[bool, typer.Option("--quick", help="A few small points, to see that all works.")]
Broker = Annotated[str, typer.Option("--broker", help="embedded or kafka (Apache, needs Java and Maven).")]
History = Annotated[Path, typer.Option("--history", help="JSON to which this run is appended.")]


def main(rounds: Rounds = 3, quick: Quick = False, broker: Broker = "embedded", history: History = HISTORY) -> None:
    """The full watch on backlogs of different shapes.

    [bold]Examples[/bold]

    make bench-scale

    make bench-scale ARGS=--quick
    """
    console, rows = Console(width=None if os.isatty(1) else 150), []
    with (
        tempfile.TemporaryDirectory(prefix="patrol-bench-") as name,
        brokers([broker], Path(name)) as found,
        progress("points") as bar,
    ):
        bench = Bench(Site(found[broker], Path(name)), rounds, bar)
        for units in UNITS[:2] if quick else UNITS:
            load = Load(units=units, batches=1, scans=max(min(_SCANS // units, 1200), 12))
            rows.append(bench.point("units", units, load))
        for tags in TAGS[:1] if quick else TAGS:
            load = Load(tags=tags, batches=1, scans=min(1200, _SCANS * 16 // 20 // tags))
            rows.append(bench.point("tags", tags, load, 12 if tags < 50 else 6))
        for batches in BATCHES[1:] if not quick else ():
            rows.append(bench.point("released batches", batches, Load(batches=1), batches))
        rows += bench.processes(Load(batches=1) if quick else Load(batches=4))
    console.print(plain_table(f"The full watch on {broker}; medians of {rounds}", rows))
    append(history, {f"scale {broker}": rows}, quick)
    rates = {row["what"]: row["scans/s"] for row in rows if row["axis"] == "processes"}
    for words, name in (("2, a cluster", "cluster_of_2/1"), ("2, each its own topic", "2_apart/1")):
        print(f"ratio {name} {rates[words] / rates['1']:.3g}")


class Bench:
    """Runs the watch on loads."""

    def __init__(self, site: Site, rounds: int, bar: Progress) -> None:
        self._site, self._rounds, self._bar, self._number = site, rounds, bar, 0

    def point(self, axis: str, what: object, load: Load, batches: int = 12) -> dict[str, Any]:
        """One load's median of all rounds."""
        topic = self._published(load)
        task = self._bar.add_task(f"{axis} {what}", total=self._rounds)
        runs = []
        for _ in range(self._rounds):
            runs.append(_ended([self._start("watch", topic, load, batches)])[0])
            self._bar.advance(task)
        return _row(axis, what, load, runs)

    def processes(self, load: Load) -> list[dict[str, Any]]:
        """One process, a cluster of two, and two that know nothing of each other."""
        half = Load(units=load.units // 2, batches=load.batches)
        topic, halves = self._published(load), [self._published(half), self._published(half)]
        task = self._bar.add_task("processes", total=self._rounds)
        one, two, distance_in_words = [], [], []
        for _ in range(self._rounds):
            one += _ended([self._start("watch", topic, load)])
            two.append(_added(_ended(self._cluster(topic, load))))
            distance_in_words.append(_added(_ended([self._start("watch", each, half) for each in halves])))
            self._bar.advance(task)
        told = (("1", one), ("2, a cluster", two), ("2, each its own topic", distance_in_words))
        return [_row("processes", words, load, runs) for words, runs in told]

    # -- inside ----------------------------------------------------------------------------------------------------

    def _published(self, load: Load) -> str:
        self._number += 1
        self._site.publish(f"scale-{self._number}", load)
        return f"scale-{self._number}"

    def _start(self, name: str, topic: str, load: Load, batches: int = 12) -> "subprocess.Popen[bytes]":
        return self._process(name, self._file(topic, load, batches), load)

    def _file(self, topic: str, load: Load, batches: int = 12) -> Path:
        self._number += 1
        run = f"run-{self._number}"
        twin = approved(self._site.folder, Reactor(load.tags), batches)
        return written(self._site.folder, twin, self._site.kafka(topic, run), run)

    def _process(self, name: str, file: Path, load: Load, **environment: str) -> "subprocess.Popen[bytes]":
        words = [sys.executable, "-m", "tests.benchmarks.contender", name, str(file), str(load.total)]
        return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, **environment})

    def _cluster(self, topic: str, load: Load) -> "list[subprocess.Popen[bytes]]":
        file, addresses = self._file(topic, load), ",".join(f"127.0.0.1:{free_port()}" for _ in range(2))
        store = self._site.folder / f"recovery-{file.stem}"
        store.mkdir()
        init_db_dir(str(store), 2)
        return [self._process("cluster", file, load, PATROL_CLUSTER=f"{k},{addresses}") for k in range(2)]


def _ended(processes: "list[subprocess.Popen[bytes]]") -> list[Took]:
    emitted = [process.communicate(timeout=600)[0] for process in processes]
    return [msgspec.json.decode(each.splitlines()[-1], type=Took) for each in emitted]


def _added(runs: list[Took]) -> Took:
    """Processes side by side as one."""
    return Took(
        sum(run.scans for run in runs), max(run.seconds for run in runs), sum(run.cpu_s for run in runs),
        sum(run.peak_mb for run in runs),
    )  # fmt: skip


def _row(axis: str, what: object, load: Load, runs: list[Took]) -> dict[str, Any]:
    rate = median(run.scans / run.seconds for run in runs)
    return {
        "axis": axis, "what": what, "units": load.units, "tags": load.tags, "scans": load.total,
        "scans/s": rate, "readings/s": rate * load.tags,
        "CPU, µs a scan": median(1e6 * run.cpu_s / run.scans for run in runs),
        "peak memory, MB": median(run.peak_mb for run in runs),
    }  # fmt: skip


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(main)
    app()
