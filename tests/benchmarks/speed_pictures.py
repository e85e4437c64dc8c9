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


def growing(axes: Axes, rows: list[dict[str, Any]], axis: str, emitted: tuple[str, str, float]) -> None:
    """One figure along one axis: what the axis means, the figure, and what it is divided by."""
    words, figure, scale = emitted
    points = [row for row in rows if row["axis"] == axis]
    at = [float(row["what"]) for row in points]
    axes.plot(at, [row[figure] / scale for row in points], "o-", color=BLUE)
    axes.set_xscale("log")
    axes.set_xticks(at, [f"{each:g}" for each in at], minor=False)
    axes.minorticks_off()
    axes.set_xlabel(words)
    axes.set_ylabel(figure if scale == 1 else f"million {figure}")
    axes.set_ylim(bottom=0)


def contenders(axes: Axes, rows: list[dict[str, Any]], where: str) -> None:
    """Scans a second of everybody, each on its own bar."""
    own = sorted((row for row in rows if row["where"] == where), key=lambda row: row["scans_per_s"])
    names = [row["contender"].replace("_", ", ") for row in own]
    bars = axes.barh(names, [row["scans_per_s"] for row in own], color=GREY)
    for bar, row in zip(bars, own, strict=True):
        if row["contender"] == "watch":
            bar.set_color(BLUE)
    axes.bar_label(bars, [f"{row['scans_per_s']:,.0f}" for row in own], padding=3)
    axes.margins(x=0.12)
    axes.set_xlabel(f"scans of 16 tags a second, {where}")


def main() -> None:
    """Write both pictures."""
    matplotlib.rcParams.update({"svg.hashsalt": "patrol", "font.size": 9})
    rows, figure = newest("scale", "scale embedded"), Figure((9, 4.8), layout="constrained")
    panels, units, tags = figure.subplots(2, 2).ravel(), "units with a running batch", "tags a scan"
    growing(panels[0], rows, "units", (units, "readings/s", 1e6))
    growing(panels[1], rows, "tags", (tags, "readings/s", 1e6))
    growing(panels[2], rows, "units", (units, "peak memory, MB", 1))
    growing(panels[3], rows, "tags", (tags, "CPU, µs a scan", 1))
    figure.savefig(DOCS / "pictures" / "scale.svg", metadata={"Date": None})
    figure = Figure((8, 2.6), layout="constrained")
    told = newest("throughput", "throughput")
    contenders(figure.subplots(), told, "kafka" if any(row["where"] == "kafka" for row in told) else "embedded")
    figure.savefig(DOCS / "pictures" / "throughput.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
