"""A reference from recordings: read, fit with progress, and its limits as a table."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from rich.progress import TaskID
from rich.table import Table

from connectors.recordings import to_recorded_batch
from models.block import RecordedBatch
from models.errors import ReferenceError
from models.reference import Reference, fit_reference
from models.statistics import JOINT, KINDS
from ops.config import Configuration
from ops.recorded import read
from ops.terminal import finish, progress

_UNLIMITED = 1e12  # the limit of a statistic no batch can be judged by


def recorded_batches(configuration: Configuration, files: Sequence[Path]) -> list[RecordedBatch]:
    """All batches of the recordings.

    Raises
    ------
    RecordingError
        A file cannot be read.
    ReferenceError
        The twin has no batches to learn.
    """
    if configuration.twin.mode == "continuous":
        raise ReferenceError(f"twin {configuration.twin.name!r} is continuous: it learns on line, nothing to fit")
    batches = []
    with progress("scans") as bar:
        task = bar.add_task("read", total=None)
        for run in read(files, configuration):
            batches.append(to_recorded_batch(run))
            bar.advance(task, len(run.observed_us))
        finish(bar, task)
    return batches


def learn(configuration: Configuration, batches: Sequence[RecordedBatch]) -> Reference:
    """Fit a reference, with a progress bar a stage."""
    with _stages() as say:
        return fit_reference(configuration.twin, batches, say)


@contextmanager
def _stages() -> Iterator[Callable[[str, int, int], None]]:
    """What is told of each stage's progress: (stage, done, total)."""
    with progress("batches") as bar:
        tasks: dict[str, TaskID] = {}

        def say(stage: str, done: int, total: int) -> None:
            if stage not in tasks:
                tasks[stage] = bar.add_task(stage, total=total)
            bar.update(tasks[stage], completed=done, total=total)

        yield say


def limits_table(reference: Reference) -> Table:
    """Per kind of statistic the limits along the recipe, over all its tags; dimensionless."""
    tags = len(reference.tags)
    title = f"Limits along the recipe ({reference.budget:g} false deviations a good batch)"
    table = Table("statistic", "tags", "lowest", "median", "highest", title=title, title_justify="left")
    columns = {kind: slice(k * tags, (k + 1) * tags) for k, kind in enumerate(KINDS)}
    columns |= {kind: slice(len(KINDS) * tags + k, len(KINDS) * tags + k + 1) for k, kind in enumerate(JOINT)}
    for kind, part in columns.items():
        limits = reference.fitted.limits[:, part]
        used = limits[:, (limits < _UNLIMITED).any(axis=0)]
        spread = np.nanquantile(used, [0, 0.5, 1]) if used.size else [np.nan] * 3
        table.add_row(kind, str(used.shape[1]), *(f"{value:.3g}" for value in spread))
    return table
