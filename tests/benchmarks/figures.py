"""A figure beside what it is held to, tables of them, and the history of all runs."""

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import msgspec
from rich.table import Table

_PACKAGES = ("patrol-pat", "numpy", "scipy", "river", "scikit-learn", "process-improve", "bytewax", "confluent-kafka")


class Figure(msgspec.Struct, frozen=True):
    """One measured figure; ``target`` is to be reached, ``least`` is the least that will do (None: nothing set)."""

    name: str
    measured: float | None
    target: float | None = None
    least: float | None = None
    high_is_good: bool = False
    note: str = ""

    def reaches(self, bar: float | None) -> bool:
        """Whether the figure is at least as good as ``bar``; a figure that could not be had never is.

        Examples
        --------
        >>> Figure("detected", 0.95, 0.97, 0.93, high_is_good=True).verdict
        'least'
        """
        if bar is None or self.measured is None:
            return False
        return self.measured >= bar if self.high_is_good else self.measured <= bar

    @property
    def verdict(self) -> str:
        """``pass``, ``least`` (only the least), ``FAIL``, or nothing where no bar is set."""
        if self.target is None:
            return ""
        return "pass" if self.reaches(self.target) else "least" if self.reaches(self.least) else "FAIL"


def figure_table(title: str, figures: list[Figure]) -> Table:
    """Measured beside target and least."""
    table = Table(title=title, title_justify="left")
    for heading in ("figure", "measured", "to reach", "least", "", "note"):
        table.add_column(heading, justify="left" if heading in ("figure", "note", "") else "right")
    colours = {"pass": "green", "least": "yellow", "FAIL": "red", "": "default"}
    for one in figures:
        sign = ">=" if one.high_is_good else "<="
        bars = ["" if bar is None else f"{sign} {bar:g}" for bar in (one.target, one.least)]
        verdict = f"[{colours[one.verdict]}]{one.verdict}[/]"
        table.add_row(one.name, _number(one.measured), *bars, verdict, one.note)
    return table


def plain_table(title: str, rows: list[dict[str, Any]]) -> Table:
    """Rows of one shape as they are; numbers rounded."""
    table = Table(title=title, title_justify="left")
    for heading in rows[0] if rows else ():
        table.add_column(heading)
    for row in rows:
        table.add_row(*(_number(cell) if isinstance(cell, (int, float)) else str(cell) for cell in row.values()))
    return table


def append(history: Path, sections: dict[str, Any], quick: bool) -> None:
    """One entry more in the history: when, which commit and versions, all figures."""
    entries: list[Any] = msgspec.json.decode(history.read_bytes()) if history.exists() else []
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "quick": quick,
        "python": platform.python_version(),
        "versions": {name: version(name) for name in _PACKAGES if _installed(name)},
        "sections": sections,
    }
    history.parent.mkdir(parents=True, exist_ok=True)
    part = history.with_suffix(".part")
    part.write_bytes(msgspec.json.format(msgspec.json.encode([*entries, entry]), indent=1) + b"\n")
    os.replace(part, history)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3g}" if isinstance(value, float) else str(value)


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False
