"""``patrol replay``: recorded batches through the watch that judges them live."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from models.records.errors import RecordingError
from models.records.messages import Deviation, Outbound
from ops.commands import command_app
from ops.commands.arguments import MoreScans, Scans, Store, TwinFile, Unapproved, Version

if TYPE_CHECKING:
    from rich.table import Table

    from ops.config import Configuration
    from ops.replaying import Replay

app = command_app()

Out = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="One line a deviation, in its final state; - is stdout.")
]
Revisions = Annotated[
    Path | None, typer.Option("--revisions", metavar="FILE", help="One line a revision, in order; - is stdout.")
]


@app.command()
def replay(
    twin: TwinFile,
    scans: Scans,
    more: MoreScans = None,
    store: Store = None,
    reference: Version = None,
    unapproved: Unapproved = False,
    out: Out = None,
    revisions: Revisions = None,
) -> None:
    """Watch recorded batches as if they were live, without Kafka: the same verdicts, to the bit.

    Deviations found are no error: exit 0 says that the replay ran.

    [bold]Examples[/bold]

    patrol replay ops/twins/penicillin.toml --store refs --scans dev/scans.csv.gz --out dev.jsonl

    patrol replay ops/twins/penicillin.toml --scans a.parquet b.parquet --reference penicillin@3 --unapproved --out -
    """
    from ops.config import load

    configuration = load(twin)  # first: a wrong key is said at once
    from ops.monitors import Choice, choose_monitors
    from ops.replaying import Replay
    from ops.terminal import console

    judged_by = choose_monitors(configuration, Choice(store=store, reference=reference, unapproved=unapproved))
    console.print(judged_by.summary, highlight=False)
    replayed = Replay(configuration, judged_by.monitors)
    with lines(out) as write, lines(revisions) as write_revision:
        for emitted in watched(replayed, configuration, [*scans, *(more or ())]):
            for item in emitted:
                if isinstance(item, Deviation):
                    write_revision(item)
        for deviation in replayed.deviations:
            write(deviation)
    console.print(summary(replayed))


@contextmanager
def lines(path: Path | None) -> Iterator[Callable[[Deviation], object]]:
    """What writes a deviation as one line of JSON to a file, to stdout (``-``) or nowhere (None)."""
    from connectors.messages.codec import encode

    if path is None:
        yield lambda deviation: None
    elif path == Path("-"):
        yield lambda deviation: sys.stdout.write(encode(deviation).decode() + "\n")
    else:
        try:
            file = path.open("wb")
        except OSError as exc:
            raise RecordingError(f"{path}: {exc.strerror}; give a file that can be written") from exc
        with file:
            yield lambda deviation: file.write(encode(deviation) + b"\n")


def watched(replayed: "Replay", configuration: "Configuration", files: Sequence[Path]) -> Iterator[list[Outbound]]:
    """Replay the files with a progress bar; what is said, block by block."""
    from ops.recorded import one_after_another, read
    from ops.terminal import finish, progress

    runs = one_after_another(read(files, configuration), configuration.twin)
    with progress("scans") as bar:
        task = bar.add_task("replay", total=None)
        for number, run in enumerate(runs, 1):
            bar.update(task, description=f"{number} {run.batch_id or run.unit}")
            for scans, emitted in replayed.run(run):
                bar.advance(task, scans)
                yield emitted
        finish(bar, task)


def summary(replayed: "Replay") -> "Table":
    """Per batch: scans, deviations, causes and the first one's age."""
    from rich.table import Table

    from ops.replaying import by_batch

    found = by_batch(replayed.deviations)
    table = Table(
        title=f"{len(replayed.deviations)} deviation(s) in {len(replayed.scans)} run(s)", title_justify="left"
    )
    for heading in ("batch", "scans", "deviations", "causes", "first raised"):
        table.add_column(heading, justify="right" if heading in ("scans", "deviations") else "left")
    for (unit, batch), scans in replayed.scans.items():
        deviations = found.get((unit, batch), [])
        causes = ", ".join(dict.fromkeys(map(_cause, deviations)))
        table.add_row(batch or unit, str(scans), str(len(deviations)), causes, _moment(deviations))
    return table


def _cause(deviation: Deviation) -> str:
    return deviation.cause if deviation.grade == "approved" else f"{deviation.cause} (advisory)"


def _moment(deviations: Sequence[Deviation]) -> str:
    """Batch age of the first deviation, or its time where there is no batch."""
    if not deviations:
        return ""
    age_s = deviations[0].raised_age_s
    return f"{deviations[0].raised_at:%Y-%m-%d %H:%M:%S}" if age_s is None else f"{age_s / 3600:.1f} h"
