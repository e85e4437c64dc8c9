"""Draws the pictures of docs/performance.md from the newest entries of docs/benchmarks/."""

from pathlib import Path
from typing import Any

import matplotlib
import msgspec
from matplotlib.axes import Axes
from matplotlib.figure import Figure

DOCS = Path(__file__).parents[2] / "docs"
BLUE, GREY = "#1f5fa8", "0.6"


def newest(name: str, section: str) -> list[dict[str, Any]]:
    """The rows of the last run that is no quick one."""
    entries: list[dict[str, Any]] = msgspec.json.decode((DOCS / "benchmarks" / f"{name}.json").read_bytes())
    whole = [entry for entry in entries if section in entry["sections"] and not entry["quick"]]
    return list(whole[-1]["sections"][section])


def growing(axes: Axes, beside: Axes, rows: list[dict[str, Any]], axis: str, words: str) -> None:
    """Throughput and peak memory along one axis."""
    points = [row for row in rows if row["axis"] == axis]
    at = [float(row["what"]) for row in points]
    axes.plot(at, [row["readings/s"] / 1e6 for row in points], "o-", color=BLUE)
    beside.plot(at, [row["peak memory, MB"] for row in points], "o-", color=BLUE)
    for each in (axes, beside):
        each.set_xscale("log")
        each.set_xticks(at, [f"{each:g}" for each in at], minor=False)
        each.set_xlabel(words)
        each.set_ylim(bottom=0)
    axes.set_ylabel("million readings a second")
    beside.set_ylabel("peak memory, MB")


def contenders(axes: Axes, rows: list[dict[str, Any]], where: str) -> None:
    """Scans a second of everybody, each on its own bar."""
    own = sorted((row for row in rows if row["where"] == where), key=lambda row: row["scans_per_s"])
    names = [row["contender"].replace("_", ", ") for row in own]
    bars = axes.barh(names, [row["scans_per_s"] for row in own], color=GREY)
    for bar, row in zip(bars, own, strict=True):
        if row["contender"] == "watch":
            bar.set_color(BLUE)
    axes.bar_label(bars, [f"{row['scans_per_s']:,.0f}" for row in own], padding=3)
    axes.set_xscale("log")
    axes.set_xlim(right=2e6)
    axes.set_xlabel(f"scans of 16 tags a second, {where}")


def main() -> None:
    """Write both pictures."""
    matplotlib.rcParams.update({"svg.hashsalt": "patrol", "font.size": 9})
    rows, figure = newest("scale", "scale embedded"), Figure((8, 5.2), layout="constrained")
    axes = figure.subplots(2, 2)
    growing(axes[0, 0], axes[1, 0], rows, "units", "units with a running batch")
    growing(axes[0, 1], axes[1, 1], rows, "tags", "tags a scan")
    figure.savefig(DOCS / "pictures" / "scale.svg", metadata={"Date": None})
    figure = Figure((8, 2.6), layout="constrained")
    told = newest("throughput", "throughput")
    contenders(figure.subplots(), told, "kafka" if any(row["where"] == "kafka" for row in told) else "embedded")
    figure.savefig(DOCS / "pictures" / "throughput.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
