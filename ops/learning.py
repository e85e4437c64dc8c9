"""A reference from recordings: read, fit with progress, and its limits as a table."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.progress import TaskID
from rich.table import Table

from connectors.files.runs import to_recorded_batch
from models.continuous.averages import SPANS
from models.continuous.learning import fit_continuous
from models.continuous.reference import ContinuousReference
from models.records.block import RecordedBatch
from models.reference.reference import Reference, fit_reference
from models.statistics.charts import KINDS
from ops.config import Configuration
from ops.recorded import read
from ops.terminal import finish, progress

_UNLIMITED = 1e12  # the limit of a statistic no batch can be judged by


def recorded_batches(configuration: Configuration, files: Sequence[Path]) -> list[RecordedBatch]:
    """All batches of the recordings; of a continuous process the recordings.

    Raises
    ------
    RecordingError
        A file cannot be read.
    """
    batches = []
    with progress("scans") as bar:
        task = bar.add_task("read", total=None)
        for run in read(files, configuration):
            named = replace(run, batch_id=run.unit) if configuration.twin.mode == "continuous" else run
            batches.append(to_recorded_batch(named))
            bar.advance(task, len(run.observed_us))
        finish(bar, task)
    return batches


def learn(configuration: Configuration, batches: Sequence[RecordedBatch]) -> Reference | ContinuousReference:
    """Fit a reference, with a progress bar a stage; of a continuous process at once."""
    if configuration.twin.mode == "continuous":
        return fit_continuous(configuration.twin, batches)
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


def limits_table(reference: Reference | ContinuousReference) -> Table:
    """The limits of what a reference judges by; dimensionless."""
    return _of_batches(reference) if isinstance(reference, Reference) else _of_averages(reference)


def _of_averages(reference: ContinuousReference) -> Table:
    """The limit of each moving average's distance, and of T² and SPE; dimensionless."""
    table = Table("statistic", "limit", title=f"Limits over {reference.scans} scans left out", title_justify="left")
    names = [*(f"mewma_{span}" for span in SPANS), "t2", "spe"]
    for name, limit in zip(names, [*reference.normal_model.limits, *reference.normal_model.plane_limits], strict=True):
        table.add_row(name, f"{limit:.4g}")
    return table


def _of_batches(reference: Reference) -> Table:
    """Per kind of statistic the limits along the recipe, over all its tags; dimensionless."""
    tags = len(reference.tags)
    title = f"Limits along the recipe ({reference.budget:g} false deviations a good batch)"
    table = Table("statistic", "tags", "lowest", "median", "highest", title=title, title_justify="left")
    fitted = reference.fitted
    shown = {kind: fitted.limits[:, k * tags : (k + 1) * tags] for k, kind in enumerate(KINDS)}
    shown |= {"t2": fitted.plane_limits[:, :1], "spe": fitted.plane_limits[:, 1:]}
    for kind, limits in shown.items():
        used = limits[:, (limits < _UNLIMITED).any(axis=0)]
        spread = np.nanquantile(used, [0, 0.5, 1]) if used.size else [np.nan] * 3
        table.add_row(kind, str(used.shape[1]), *(f"{value:.3g}" for value in spread))
    return table
