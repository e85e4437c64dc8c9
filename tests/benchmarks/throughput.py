"""How fast a backlog is worked off: the full watch beside merely reading it, and beside what many would write."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from ops.terminal import progress
from tests.benchmarks.contender import Took
from tests.benchmarks.figures import append, plain_table
from tests.benchmarks.reactor import Reactor
from tests.benchmarks.site import ROOT, Load, Site, approved, brokers, written

HISTORY = ROOT / "docs" / "benchmarks" / "throughput.json"
_PEERS = ("bytewax_river", "bare_river")
_QUIX = os.environ.get("PATROL_QUIX", "")  # a Python that has it: see the Makefile
_PEER_SHARE = 10  # they read a backlog smaller by so much

Rounds = Annotated[int, typer.Option("--rounds", min=1, help="Runs of each; medians are told.")]
Quick = Annotated[bool, typer.Option("--quick", help="One round on the embedded broker, a tenth of the scans.")]
Broker = Annotated[list[str] | None, typer.Option("--broker", help="embedded or kafka (Apache, needs Java and Maven).")]
History = Annotated[Path, typer.Option("--history", help="JSON to which this run is appended.")]


def main(rounds: Rounds = 5, quick: Quick = False, broker: Broker = None, history: History = HISTORY) -> None:
    """A backlog of 16-tag scans of 20 running batches; 100 tags and 1000 units beside it.

    Each contender is a process of its own; they take turns, so that what else the machine does meets all of them.

    [bold]Examples[/bold]

    make bench-throughput

    make bench-throughput ARGS="--quick"
    """
    names = ["embedded"] if quick else broker or ["embedded", "kafka"]
    loads = {"": Load(batches=1 if quick else 10)}
    if not quick:
        loads |= {"100 tags": Load(tags=100, batches=1), "1000 units": Load(units=1000, batches=1, scans=240)}
    console, rows = Console(width=None if os.isatty(1) else 150), []
    with (
        tempfile.TemporaryDirectory(prefix="patrol-bench-") as folder,
        brokers(names, Path(folder)) as found,
        progress("runs") as bar,
    ):
        for name, bootstrap in found.items():
            site = Site(bootstrap, Path(folder))
            for words, load in loads.items():
                rows += _measured(site, f"{name} {words}".strip(), load, 1 if quick else rounds, bar)
    console.print(plain_table("Working off a backlog; medians", [shown(row) for row in rows]))
    append(history, {"throughput": rows}, quick)
    for name, value in ratios(rows):
        print(f"ratio {name} {value:.3g}")


def _measured(site: Site, words: str, load: Load, rounds: int, bar: Progress) -> list[dict[str, Any]]:
    """Each contender's median of all rounds; peers beside the first load only."""
    own = words.replace(" ", "-")
    twin, few = (
        approved(site.folder, Reactor(load.tags)),
        Load(load.tags, load.units, 1, max(load.batches * load.scans // _PEER_SHARE, 200)),
    )
    contenders = ["bare", "watch", "bare_tuned", *_peers(words, load)]
    site.publish(f"{own}.many", load)
    site.publish(f"{own}.few", few)
    took: dict[str, list[Took]] = defaultdict(list)
    task = bar.add_task(words, total=rounds * len(contenders))
    for turn in range(rounds):
        for name in contenders[:: 1 if turn % 2 == 0 else -1]:
            topic, scans = (f"{own}.few", few.total) if "river" in name else (f"{own}.many", load.total)
            if name == "quix_river":
                took[name].append(_took([_QUIX, "tests/benchmarks/quix_peer.py", site.bootstrap, topic, str(scans)]))
            else:
                run = f"{own}-{name}-{turn}"
                file = written(site.folder, twin, site.kafka(topic, run), run)
                took[name].append(
                    _took([sys.executable, "-m", "tests.benchmarks.contender", name, str(file), str(scans)])
                )
            bar.advance(task)
    return [_row(words, load, name, runs) for name, runs in took.items()]


def _peers(words: str, load: Load) -> tuple[str, ...]:
    """Beside the first load only; Quix needs a broker that assigns a group's partitions at once."""
    if (load.tags, load.units) != (16, 20):
        return ()
    return (*_PEERS, "quix_river") if _QUIX and words.startswith("kafka") else _PEERS


def _took(words: list[str]) -> Took:
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, cwd=ROOT)
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Took)


def _row(words: str, load: Load, name: str, runs: list[Took]) -> dict[str, Any]:
    rate = median(run.scans / run.seconds for run in runs)
    cpu = median(run.cpu_s / run.scans for run in runs)
    return {
        "where": words, "contender": name, "scans_per_s": rate, "readings_per_s": rate * load.tags,
        "cpu_us_per_scan": 1e6 * cpu, "scans": runs[0].scans, "rounds": len(runs),
        "all_scans_per_s": [run.scans / run.seconds for run in runs],
    }  # fmt: skip


def shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row as people read it."""
    return {
        "where": row["where"], "contender": row["contender"], "scans/s": f"{row['scans_per_s']:,.0f}",
        "readings/s": f"{row['readings_per_s']:,.0f}", "CPU, µs a scan": row["cpu_us_per_scan"],
        "scans": f"{row['scans']:,}", "rounds": row["rounds"],
    }  # fmt: skip


def ratios(rows: list[dict[str, Any]]) -> list[tuple[str, float]]:
    """The watch's rate over each other contender's, the bare loop first."""
    rates = {(row["where"], row["contender"]): row["scans_per_s"] for row in rows}
    found = [
        (f"watch/{contender} {where}".replace(" ", "-"), rates[where, "watch"] / rate)
        for (where, contender), rate in rates.items()
        if contender != "watch"
    ]
    return sorted(found, key=lambda pair: not pair[0].startswith("watch/bare-"))


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(main)
    app()
