"""The demo in plain lines, where there is no terminal to draw on, and its summary."""

from collections.abc import Iterator

from rich import box
from rich.table import Table
from rich.text import Text

from models.alarms.wording import readable_name
from models.records.messages import BatchEvent, Deviation
from ops.demo.results import ACTIVE, DemoResults, Injected

SHAPES = {"high": "▲ HIGH", "medium": "◆ MEDIUM", "low": "● LOW"}  # told apart by word and shape, not by colour alone
COLOURS = {"high": "bold red", "medium": "yellow", "low": "cyan"}


def event_line(event: BatchEvent) -> str:
    """What the plant says of a batch."""
    what = {"started": "started", "ended": "ended", "released": "released", "rejected": "rejected"}
    text = f"phase {event.phase}" if event.event == "phase_started" else what[event.event]
    return f"{event.unit} {event.batch_id} {text}"


def injected_line(each: Injected) -> str:
    """What is broken on purpose, and when."""
    return (
        f"{each.unit} {each.batch_id} INJECTED {each.fault.category} fault at batch age "
        f"{each.fault.start_s / 3600:.1f} h: {each.fault.words}"
    )


def deviation_line(deviation: Deviation, results: DemoResults) -> str:
    """A deviation's new state."""
    if deviation.revision > 1 and deviation.state not in ACTIVE:
        return f"{deviation.unit} {deviation.batch_id} {deviation.state} {deviation.cause}: condition gone"
    return f"{SHAPES[deviation.priority]} {deviation.message} [{mark(deviation, results)}]"


def mark(deviation: Deviation, results: DemoResults) -> str:
    """What the truth says of it."""
    match = results.match(deviation)
    if match is not None:
        return f"injected: {match.fault.words}"
    if deviation.category == "context":
        return "context"
    return "not injected: false alarm" if deviation.grade == "approved" else "not injected: false note"


def summary(results: DemoResults, first_s: float | None) -> Iterator[Table | Text]:
    """Faults injected, found, how fast; false alarms."""
    begun = results.begun
    if begun:
        yield _faults(begun)
    found = [each for each in begun if each.found is not None]
    right = sum(each.called_rightly for each in found)
    yield Text(f"Faults injected: {len(begun)}, found: {len(found)}, cause named rightly: {right}.")
    alarms, notes, watched = len(results.false_alarms), len(results.false_notes), results.batches
    yield Text(
        f"False alarms: {alarms} (advisory notes: {notes}) in {watched} finished batches; {results.scans} scans."
    )
    if first_s is not None:
        yield Text(f"First deviation on the screen {first_s:.0f} s after the start of the command.")


def _faults(begun: list[Injected]) -> Table:
    table = Table("Unit", "Batch", "Injected", "PATrol said", "Batch time", "Wall clock", box=box.SIMPLE_HEAD)
    for each in begun:
        answer, batch_time, wall = "not found", "-", "-"
        if each.found is not None and each.delay_h is not None and each.delay_wall_s is not None:
            answer, batch_time, wall = _named(each.found), f"{each.delay_h:.2f} h", f"{each.delay_wall_s:.1f} s"
        table.add_row(each.unit, each.batch_id, f"{each.fault.category}: {each.fault.words}", answer, batch_time, wall)
    return table


def _named(found: Deviation) -> str:
    """E.g. ``sensor: ph``, ``process: feed rate``."""
    first = found.cause.partition(":")[2] or next((each.tag for each in found.contributors), "?")
    return f"{found.category}: {readable_name(first)}"
