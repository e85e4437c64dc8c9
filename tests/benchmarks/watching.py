"""PATrol over recordings: fit, then the watch of ``patrol replay`` over runs, whole or spoilt."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.progress import Progress, TaskID

from connectors.files.runs import RecordedRun, to_recorded_batch
from models.batch.fleet import Fleet
from models.batch.monitor import BatchMonitor
from models.records.messages import Deviation
from models.reference.reference import Reference, fit_reference
from ops.config import Configuration, load
from ops.recorded import one_after_another, read
from ops.replaying import Replay

TWINS = Path(__file__).parents[2] / "ops" / "twins"
Spoil = Callable[[RecordedRun], RecordedRun]


@dataclass(frozen=True, slots=True)
class Watched:
    """What was said of some runs."""

    final: tuple[Deviation, ...]  # each deviation in its last state
    revisions: tuple[Deviation, ...]  # every revision, in order


def recording(twin: str, file: Path) -> tuple[Configuration, list[RecordedRun]]:
    """The shipped twin's configuration and all runs of one recording."""
    configuration = load(TWINS / f"{twin}.toml")
    return configuration, list(read([file], configuration))


def fit(configuration: Configuration, runs: Iterable[RecordedRun]) -> Reference:
    """A reference of these runs, as ``patrol reference fit`` learns it."""
    return fit_reference(configuration.twin, [to_recorded_batch(run) for run in runs])


def watch(
    configuration: Configuration, reference: Reference, runs: Sequence[RecordedRun], bar: Progress | None = None
) -> Watched:
    """The runs replayed against a reference, as ``patrol replay`` does."""
    twin = configuration.twin
    fleet = Fleet(twin, reference, "bench@1")
    replayed = Replay(configuration, lambda product: BatchMonitor(fleet))
    task: TaskID | None = None if bar is None else bar.add_task("  replay", total=len(runs))
    revisions: list[Deviation] = []
    for run in one_after_another(runs, twin):
        for _, emitted in replayed.run(run):
            revisions += [item for item in emitted if isinstance(item, Deviation)]
        if bar is not None and task is not None:
            bar.advance(task)
    if bar is not None and task is not None:
        bar.remove_task(task)
    return Watched(replayed.deviations, tuple(revisions))


def left_out(configuration: Configuration, runs: Sequence[RecordedRun], own: int) -> Watched:
    """Run ``own`` judged by a reference of all the others."""
    return watch(configuration, fit(configuration, [*runs[:own], *runs[own + 1 :]]), [runs[own]])


def with_gaps(share: float, seed: int) -> Spoil:
    """Each reading is missing with probability ``share``; each run has its own gaps, the same in every replay."""
    rng = np.random.default_rng(seed)

    def spoil(run: RecordedRun) -> RecordedRun:
        return replace(run, values=np.where(rng.random(run.values.shape) < share, np.nan, run.values))

    return spoil


def without(column: int) -> Spoil:
    """One tag never reads."""

    def spoil(run: RecordedRun) -> RecordedRun:
        values = run.values.copy()
        values[:, column] = np.nan
        return replace(run, values=values)

    return spoil
