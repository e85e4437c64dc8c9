"""How well PATrol detects, beside what it is held to and beside its peers: tables, and a history of all runs."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress

from ops.terminal import progress
from tests.benchmarks import contest, continuous, penicillin, uneven
from tests.benchmarks.figures import Figure, append, figure_table, plain_table

ROOT = Path(__file__).parents[2]
HISTORY = ROOT / "docs" / "benchmarks" / "detection.json"


class Section(StrEnum):
    """What can be asked for."""

    PENICILLIN = "penicillin"
    PEERS = "peers"
    TEP = "tep"
    SKAB = "skab"
    NYLON = "nylon"
    DRYER = "dryer"


Sections = Annotated[list[Section] | None, typer.Argument(metavar="[SECTION]...", help="Default: all.")]
Quick = Annotated[bool, typer.Option("--quick", help="A tenth of the work: one ten, two absent tags, no River.")]
Shared = Annotated[Path, typer.Option("--shared", help="Where data/ and bench/ are.")]
History = Annotated[Path, typer.Option("--history", help="JSON to which this run is appended.")]


def main(
    sections: Sections = None, quick: Quick = False, shared: Shared = ROOT.parent / "shared", history: History = HISTORY
) -> None:
    """Measure detection: penicillin against every figure to reach, peers on the same scans, TEP, SKAB, nylon, dryer.

    Nothing is tuned on what it is scored on: references and limits come from training batches only.

    [bold]Examples[/bold]

    make bench-detection                          everything

    make bench-detection ARGS=--quick             minutes

    make bench-detection ARGS="penicillin peers"  two sections
    """
    console = Console(width=None if os.isatty(1) else 150)
    if not (shared / "data").is_dir():
        console.print(f"Skipped: {shared}/data is not there; --shared says where the data are.")
        return
    kept: dict[str, Any] = {}
    for section in sections or list(Section):
        with progress("steps") as bar:
            title, rows, more = _measured(section, shared, quick, bar)
        if not rows:
            console.print(f"{section}: left out, {title}.")
            continue
        table = figure_table(title, rows) if isinstance(rows[0], Figure) else plain_table(title, rows)
        console.print(table)
        kept[section] = {"rows": msgspec.to_builtins(rows), **more}
    if kept:
        append(history, kept, quick)
        console.print(f"Appended to {history.name}.")


def _measured(section: Section, shared: Path, quick: bool, bar: Progress) -> tuple[str, list[Any], dict[str, Any]]:
    """Title, rows, and what else the history keeps."""
    data = shared / "data"
    if section is Section.PENICILLIN:
        rows, more = penicillin.figures(penicillin.load(shared), quick, bar)
        return "Penicillin: learnt from train (40 batches), scored on dev", rows, more
    if section is Section.PEERS:
        on = penicillin.load(shared)
        return "Peers on penicillin dev", contest.on_penicillin(on, quick, bar), {}
    if section in (Section.NYLON, Section.DRYER):
        emitted = f"{section}, each batch judged by all the others ({uneven.SAID[section]})"
        return emitted, uneven.standing_out(shared, section, quick, bar), {}
    if section is Section.TEP:
        return _tennessee_eastman(data / "tep")
    return _valve_rig(data / "skab")


def _tennessee_eastman(folder: Path) -> tuple[str, list[Any], dict[str, Any]]:
    """PATrol per fault and beside the peers."""
    title = "Tennessee Eastman: learnt from d00; to reach: 0.80 over faults 1-10, at most 0.01 false on d00_te"
    rivals = contest.on_tennessee_eastman(folder)
    each = continuous.tennessee_eastman(folder)
    faults = [one for one in each if one.fault]
    mean = sum(one.alarmed for one in faults) / len(faults)
    before = sum(one.before for one in faults) / len(faults)
    false = next(one.alarmed for one in each if not one.fault)
    own = dict(zip(rivals[0], ("PATrol", mean, false, before), strict=True))
    told = [
        dict(zip(rivals[0], (f"PATrol, fault {one.fault}", one.alarmed, "", one.before), strict=True)) for one in faults
    ]
    return title, [own, *told, *rivals], {"each": [asdict(one) for one in each]}


def _valve_rig(folder: Path) -> tuple[str, list[Any], dict[str, Any]]:
    """PATrol and the peers over the rows of all files."""
    title = "SKAB valve1 and valve2: to reach F1 0.80 with FAR below 0.10"
    rivals = contest.on_valve_rig(folder)
    each = continuous.valve_rig(folder)
    found = continuous.pooled(each)
    row = {"monitor": "PATrol", "F1": found.f1, "FAR": found.false_alarm_rate, "MAR": found.missed_alarm_rate}
    return title, [row, *rivals], {"each": [asdict(one) for one in each], "delay_rows": found.median_delay_rows}


if __name__ == "__main__":
    app = typer.Typer(add_completion=False, rich_markup_mode="rich")
    app.command()(main)
    app()
