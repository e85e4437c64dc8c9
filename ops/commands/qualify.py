"""``patrol qualify``: the performance qualification report of a reference."""

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.records.errors import ConfigError, RecordingError
from ops.commands import command_app
from ops.commands.arguments import MoreScans, Scans, Store, TwinFile

if TYPE_CHECKING:
    from connectors.files.runs import RecordedRun
    from ops.config import Configuration
    from ops.qualification.study import Study

app = command_app()

Out = Annotated[Path, typer.Option("--out", metavar="FILE", help="The report: one HTML file.")]
Quick = Annotated[bool, typer.Option("--quick", help="A quarter of the injected faults: for a first look.")]
Processes = Annotated[int | None, typer.Option("--processes", min=1, help="Side by side. Default: one a core.")]
At = Annotated[str | None, typer.Option("--at", metavar="TIME", help="Creation time to print, UTC. Default: now.")]


@app.command()
def qualify(
    twin: TwinFile,
    scans: Scans,
    out: Out,
    more: MoreScans = None,
    store: Store = None,
    reference: Annotated[
        str | None, typer.Option("--reference", metavar="NAME@VERSION", help="Default: the newest not retired.")
    ] = None,
    quick: Quick = False,
    processes: Processes = None,
    at: At = None,
) -> None:
    """Write the performance qualification report: what a reference would do with batches it has never seen.

    Give the released batches that the reference was learnt from. Each is left out once, a reference is learnt from the
    others, and it judges the one left out as `patrol replay` would: every deviation is a false alarm. Then faults of
    known size are put into it, tag by tag. The report says how many were found, how soon, and whether the acceptance
    criteria are met; it has a place for signatures. The same inputs and --at give the same file, byte for byte.

    [bold]Examples[/bold]

    patrol qualify ops/twins/penicillin.toml --scans train/scans.csv.gz --store refs --out report.html

    patrol qualify ops/twins/penicillin.toml --scans a.csv b.csv --reference penicillin@2 --out r.html --quick
    """
    from ops.config import load

    configuration = load(twin)  # first: a wrong key is said at once
    created = _moment(at)
    from ops.qualification.provenance import qualified, source
    from ops.qualification.report import written
    from ops.terminal import console

    _check_folder(out)
    files = [*scans, *(more or ())]
    judged = qualified(configuration, store, reference)
    found = _study(configuration, _runs(configuration, files), quick, processes or os.cpu_count() or 1)
    text, summary = written(found, judged, [source(file) for file in files], created)
    out.write_text(text, encoding="utf-8")
    console.print(summary, highlight=False)
    console.print(f"{out}: {len(text.encode()) / 1e6:.1f} MB", highlight=False)


def _runs(configuration: "Configuration", files: list[Path]) -> "list[RecordedRun]":
    from ops.qualification.study import check_runs
    from ops.recorded import read

    runs = [] if configuration.twin.mode == "continuous" else list(read(files, configuration))
    check_runs(configuration, runs)
    return runs


def _study(configuration: "Configuration", runs: "list[RecordedRun]", quick: bool, processes: int) -> "Study":
    """The study, with a progress bar."""
    from ops.qualification.study import PER_CELL, QUICK_PER_CELL, study
    from ops.terminal import progress

    with progress("batches") as bar:
        task = bar.add_task("left out", total=len(runs))

        def done(batch: str) -> None:
            bar.advance(task)

        return study(configuration, runs, QUICK_PER_CELL if quick else PER_CELL, min(processes, len(runs)), done)


def _moment(at: str | None) -> datetime:
    if at is None:
        return datetime.now(UTC)
    try:
        moment = datetime.fromisoformat(at)
    except ValueError as exc:
        raise ConfigError(f"--at {at!r}: not a time; write 2026-01-31T12:00:00Z") from exc
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _check_folder(out: Path) -> None:
    """Said before minutes of work rather than after."""
    if out.is_dir() or not out.parent.is_dir():
        raise RecordingError(f"{out}: cannot be written; give a file in a folder that is there")
