"""What people see while a command works: on stderr, so that stdout holds results only."""

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.text import Text

console = Console(stderr=True, markup=False)  # names from the plant may hold square brackets


class _Rate(ProgressColumn):
    """Units of work done a second."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self._noun = noun

    def render(self, task: Task) -> Text:
        """The rate, e.g. ``1,200 scans/s``; empty before it is known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._noun}/s", style="progress.data.speed")


class _Count(ProgressColumn):
    """How much is done, and of how much where that is known."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self._noun = noun

    def render(self, task: Task) -> Text:
        """The count, e.g. ``300/1,200 scans``."""
        total = "" if task.total is None else f"/{task.total:,.0f}"
        return Text(f"{task.completed:,.0f}{total} {self._noun}", style="progress.download")


def progress(noun: str) -> Progress:
    """A progress bar that counts ``noun`` (``scans``, ``messages``); on a terminal only it moves."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        _Count(noun),
        _Rate(noun),
        TimeElapsedColumn(),
        console=console,
    )


def finish(bar: Progress, task: TaskID) -> None:
    """What is done is all there was: for work whose amount was not known."""
    bar.update(task, total=bar.tasks[bar.task_ids.index(task)].completed)
