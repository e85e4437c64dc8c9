"""The live table: units, their batches and phases, T² and SPE, and the open deviations."""

from datetime import datetime

from rich import box
from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from models.records.messages import Deviation
from ops.demo.lines import COLOURS, SHAPES, mark
from ops.demo.results import ACTIVE, DemoResults, UnitNow

_ROWS = 8  # deviations shown


def screen(results: DemoResults, header: str) -> Group:
    """All there is to see at this moment."""
    return Group(Text(header, style="bold"), _units(results), _deviations(results))


def _units(results: DemoResults) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    for name, width in (("Unit", 7), ("Batch", 6), ("Phase", 10), ("Progress", 22), ("T²", 10), ("SPE", 10)):
        table.add_column(name, min_width=width, no_wrap=True)
    table.add_column("Injected (PATrol does not know)", ratio=1)
    for unit in results.units.values():
        table.add_row(*_unit(unit, results))
    return table


def _unit(unit: UnitNow, results: DemoResults) -> tuple[Text | Table | str, ...]:
    acting = results.acting(unit)
    injected = Text("" if acting is None else f"✱ {acting.fault.category}: {acting.fault.words}", style="magenta")
    score = unit.score
    if score is None or score.batch_id is None or unit.batch_id is None:
        return unit.unit, unit.batch_id or "-", Text("idle", style="dim"), "", "", "", injected
    return (
        unit.unit,
        score.batch_id,
        score.phase or "-",
        _progress(score.maturity or 0.0),
        _ratio(score.t2, score.t2_limit),
        _ratio(score.spe, score.spe_limit),
        injected,
    )


def _progress(maturity: float) -> Table:
    row = Table.grid(padding=(0, 1))
    row.add_row(ProgressBar(total=1.0, completed=maturity, width=16), f"{maturity:4.0%}")
    return row


def _ratio(value: float | None, limit: float | None) -> Text:
    """A statistic as a share of its limit."""
    if value is None or not limit:
        return Text("-", style="dim")
    share = value / limit
    return Text(f"{share:.0%} ▲ over", style="bold red") if share > 1 else Text(f"{share:.0%}", style="green")


def _deviations(results: DemoResults) -> Table:
    table = Table(box=box.SIMPLE_HEAD, expand=True, pad_edge=False)
    for name, width in (("Priority", 8), ("State", 6), ("Age", 7)):
        table.add_column(name, min_width=width, no_wrap=True)
    table.add_column("Deviation", ratio=3)
    table.add_column("Truth", ratio=2)
    newest = list(reversed(results.deviations.values()))
    ordered = [d for d in newest if d.state in ACTIVE] + [d for d in newest if d.state not in ACTIVE]
    for deviation in ordered[:_ROWS]:
        table.add_row(*_deviation(deviation, results))
    if not ordered:
        table.add_row("", "", "", Text("no deviation so far", style="dim"), "")
    return table


def _deviation(deviation: Deviation, results: DemoResults) -> tuple[Text | str, ...]:
    active, truth = deviation.state in ACTIVE, mark(deviation, results)
    colour = COLOURS[deviation.priority] if active else "dim"
    wrong = truth.startswith("not injected")
    sign = "✗" if wrong else "·" if deviation.category == "context" else "✓"
    message = deviation.message.rpartition(" (")[0] + (", advisory" if deviation.grade == "advisory" else "")
    return (
        Text(SHAPES[deviation.priority], style=colour),
        Text(deviation.state, style=colour),
        Text(_age(deviation, results), style=colour),
        Text(message, style="" if active else "dim"),
        Text(f"{sign} {truth}", style="bold red" if wrong else "magenta" if active else "dim"),
    )


def _age(deviation: Deviation, results: DemoResults) -> str:
    """How long its condition has been there, in batch time."""
    unit = results.units.get(deviation.unit)
    now: datetime | None = deviation.cleared_at or (unit.score.at if unit and unit.score else None)
    return "" if now is None else f"{max(0.0, (now - deviation.raised_at).total_seconds()) / 3600:.1f} h"
