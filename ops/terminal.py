"""What people see while a command works: on stderr, so that stdout holds results only."""

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

console = Console(stderr=True)


class _Rate(ProgressColumn):
    """Units of work done a second."""

    def __init__(self, noun: str) -> None:
        super().__init__()
        self._noun = noun

    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f} {self._noun}/s", style="progress.data.speed")


def progress(noun: str) -> Progress:
    """A progress bar that counts ``noun`` (``scans``, ``messages``); on a terminal only it moves."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(noun),
        _Rate(noun),
        TimeElapsedColumn(),
        console=console,
    )
