"""How long a reference takes to fit, calibration included, and how much memory."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated

import msgspec
import numpy as np
import typer
from rich.console import Console

from models.reference.reference import fit_reference
from ops.terminal import finish, progress
from tests.benchmarks.figures import Figure, append, figure_table
from tests.benchmarks.reactor import Reactor
from tests.benchmarks.site import ROOT

HISTORY = ROOT / "docs" / "benchmarks" / "fit.json"
_LIMITS_S = {40: (10.0, 30.0), 400: (300.0, 300.0)}  # released batches -> to reach, least
_TAGS, _SCANS = 21, 1150

Batches = Annotated[list[int] | None, typer.Option("--batches", min=5, help="Released batches; 40 and 400.")]
Only = Annotated[bool, typer.Option("--only", hidden=True, help="Fit here and print what it took.")]
History = Annotated[Path, typer.Option("--history", help="JSON to which this run is appended.")]


def main(batches: Batches = None, only: Only = False, history: History = HISTORY) -> None:
    """Batches of 1150 scans of 21 tags.

    [bold]Examples[/bold]

    make bench-fit

    make bench-fit ARGS="--batches 40"
    """
    if only:
        print(*_fitted((batches or [40])[0]))
        return
    console, rows = Console(width=None if os.isatty(1) else 150), []
    for count in batches or list(_LIMITS_S):
        words = [sys.executable, "-m", "tests.benchmarks.fit", "--only", "--batches", str(count)]
        done = subprocess.run(words, stdout=subprocess.PIPE, check=True, cwd=ROOT, text=True)
        seconds, cpu_s, megabytes, without = map(float, done.stdout.split())
        note = f"{cpu_s:.1f} s of CPU; {megabytes:.0f} MB at most, {without:.0f} MB with the recordings alone"
        rows.append(Figure(f"{count} batches, s", seconds, *_LIMITS_S.get(count, (None, None)), note=note))
    console.print(figure_table(f"Fitting a reference: batches of {_SCANS} scans of {_TAGS} tags", rows))
    append(history, {"fit": msgspec.to_builtins(rows)}, False)
    for row in rows:
        print(f"ratio fit_{row.name.split()[0]}_of_target {(row.measured or np.nan) / (row.target or np.nan):.3g}")


def _fitted(count: int) -> tuple[float, float, float, float]:
    """Seconds, of CPU, and megabytes at most, with the fit and before it."""
    reactor = Reactor(_TAGS)
    batches = reactor.batches(count, 1, _SCANS)
    before, since, cpu = _peak_mb(), time.perf_counter(), time.process_time()
    with progress("batches") as bar:
        tasks = {}

        def tell(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done)

        fit_reference(reactor.twin(), batches, tell)
        for task in tasks.values():
            finish(bar, task)
    return time.perf_counter() - since, time.process_time() - cpu, _peak_mb(), before


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(main)
    app()
