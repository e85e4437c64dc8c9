"""All batches, each left out once, over several processes."""

import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass

from connectors.files.runs import RecordedRun, to_recorded_batch
from models.arrays.types import FloatArray
from models.records.errors import ConfigError, ReferenceError
from models.reference.alignment import learn_recipe, recorded_maturity
from models.reference.envelope import Envelope, envelope, stacked, usual_spread
from models.reference.reference import LEAST_BATCHES
from ops.config import Configuration
from ops.qualification.plan import POINTS
from ops.qualification.trial import Trial, tried_out

PER_CELL, QUICK_PER_CELL = 20, 5  # batches in which each tag and fault is tried


@dataclass(frozen=True, slots=True)
class Study:
    """What was found, in the order of the runs."""

    configuration: Configuration
    runs: tuple[RecordedRun, ...]
    trials: tuple[Trial, ...]
    envelope: Envelope  # of all batches
    trends: FloatArray  # (B, POINTS, p) all batches on the envelope's points
    spread: FloatArray  # (p,) one usual standard deviation between batches, in each tag's unit of measure
    duration_s: float  # of the longest batch
    per_cell: int


def check_runs(configuration: Configuration, runs: Sequence[RecordedRun]) -> None:
    """Refuse what cannot be qualified.

    Raises
    ------
    ConfigError
        The twin is a continuous one.
    RecordingError
        A run names no batch.
    ReferenceError
        Too few batches, or one given twice.
    """
    twin = configuration.twin
    if twin.mode == "continuous":
        raise ConfigError(
            f"{configuration.path}: twin.mode is 'continuous': qualify is for batch twins, it leaves one released "
            "batch out at a time; replay a recording of normal operation instead: patrol replay"
        )
    for run in runs:
        to_recorded_batch(run)
    names = [run.batch_id for run in runs]
    twice = sorted({str(name) for name in names if names.count(name) > 1})
    if twice:
        raise ReferenceError(f"batch {', '.join(twice)}: given twice; give every recording once")
    if len(runs) <= LEAST_BATCHES:
        raise ReferenceError(
            f"{len(runs)} batches: each is judged by what the others teach, and a reference needs {LEAST_BATCHES}; "
            f"give {LEAST_BATCHES + 1} released batches or more"
        )


def study(
    configuration: Configuration,
    runs: Sequence[RecordedRun],
    per_cell: int = PER_CELL,
    processes: int = 1,
    done: Callable[[str], None] = lambda batch: None,
) -> Study:
    """Leave each batch out once.

    Parameters
    ----------
    configuration
        The twin's file.
    runs
        Released batches.
    per_cell
        Batches in which each tag and fault is tried; more than there are: all.
    processes
        How many work side by side; 1: none but this one.
    done
        Told each batch as it is finished.
    """
    check_runs(configuration, runs)
    batches = [to_recorded_batch(run) for run in runs]
    recipe = learn_recipe(configuration.twin, batches)
    trends = stacked([(recorded_maturity(recipe, batch), batch.values) for batch in batches], POINTS)
    whole = envelope(trends)
    spread = usual_spread(whole)
    task = _Task(configuration, tuple(runs), spread, min(per_cell, len(runs)))
    found: dict[int, Trial] = {}
    for own, trial in _all(task, processes):
        found[own] = trial
        done(trial.batch_id)
    trials = tuple(found[own] for own in range(len(runs)))
    return Study(configuration, task.runs, trials, whole, trends, spread, recipe.duration_s, task.per_cell)


# -- inside ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Task:
    configuration: Configuration
    runs: tuple[RecordedRun, ...]
    spread: FloatArray
    per_cell: int

    def trial(self, own: int) -> Trial:
        """The trial in which run ``own`` is left out."""
        return tried_out(self.configuration, self.runs, own, self.spread, self.per_cell)


def _all(task: _Task, processes: int) -> Iterator[tuple[int, Trial]]:
    """Every trial as it is finished."""
    everything = range(len(task.runs))
    if processes == 1:
        yield from ((own, task.trial(own)) for own in everything)
        return
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=spawn, initializer=_take, initargs=(task,)) as pool:
        waiting = {pool.submit(_trial, own): own for own in everything}
        try:
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        finally:  # interrupted: what waits is not begun
            pool.shutdown(wait=False, cancel_futures=True)


_given: list[_Task] = []  # in a worker process: the task, sent once rather than with every batch


def _take(task: _Task) -> None:
    _given[:] = [task]


def _trial(own: int) -> Trial:
    return _given[0].trial(own)
