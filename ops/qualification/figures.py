"""The pictures of detection, delay and coverage, as SVG: the same numbers give the same bytes."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.alarms.wording import readable_name
from models.arrays.types import FloatArray
from ops.qualification import findings
from ops.qualification.plan import FAULTS, LASTS
from ops.qualification.study import Study

WIDE_IN = 7.2  # A4 within its margins
COLOURS = ("#c1272d", "#0057a4", "#a85a00", "#007a5a", "#7a3e9d", "#5c5c5c", "#000000")
STYLES = ("-", "--", "-.", ":", "-", "--", ":")
_LOOK: dict[Any, Any] = {
    "svg.fonttype": "none", "font.family": "sans-serif", "font.sans-serif": ["Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9.0, "axes.titlesize": 9.0, "axes.labelsize": 9.0, "legend.fontsize": 8.5,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.7, "axes.edgecolor": "#333333",
}  # fmt: skip
_UNDATED: dict[str, None] = {"Date": None, "Creator": None, "Format": None, "Type": None}


@contextmanager
def look(name: str) -> Iterator[None]:
    """House style; ``name`` keeps the ids of one picture apart from those of the others."""
    with mpl.rc_context({**_LOOK, "svg.hashsalt": f"patrol-{name}"}):
        yield


def svg(figure: Figure, title: str) -> str:
    """The picture as an element to stand in HTML: no prolog, no date, named for those who cannot see it."""
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata=_UNDATED)
    element = text.getvalue()[text.getvalue().index("<svg") :]
    element = re.sub(r"\s*<metadata>.*?</metadata>", "", element, flags=re.DOTALL)
    return element.replace("<svg ", f'<svg role="img" aria-label="{title}" ', 1)


def power(study: Study) -> str:
    """Heat map: share found of each fault in each tag."""
    shares = np.array([[cell.power for cell in row] for row in findings.power(study)])
    rows = [readable_name(tag) for tag in study.configuration.twin.tag_names]
    with look("power"):
        figure = Figure(figsize=(WIDE_IN, 0.9 + 0.27 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        _heat(axes, shares, 0.0, [f"{share:.0%}" for share in shares.ravel()])
        axes.set_xticks(range(len(FAULTS)), [fault.words for fault in FAULTS])
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel("fault put in (sd: usual standard deviations between batches)")
        return svg(figure, "Share of injected faults found, by tag and fault")


def delays(study: Study) -> str:
    """Curves: share found by time since onset, a fault a line."""
    horizon_h = LASTS * study.duration_s / 3600
    with look("delays"):
        figure = Figure(figsize=(WIDE_IN, 3.3), layout="constrained")
        axes = figure.add_subplot()
        for fault, colour, style in zip(FAULTS, COLOURS, STYLES, strict=True):
            hours = np.sort([one.delay_s for one in findings.everything_tried(study) if one.fault == fault]) / 3600
            if len(hours):
                at = np.concatenate([[0.0], hours[np.isfinite(hours)], [horizon_h]])
                share = np.arange(len(at) - 1) / len(hours)
                axes.step(at, 100 * np.append(share, share[-1]), style, color=colour, where="post", label=fault.words)
        axes.set_xlim(0, horizon_h)
        axes.set_ylim(0, 101)
        axes.set_xlabel("time since the fault began (h)")
        axes.set_ylabel("found so far (% of faults)")
        axes.grid(color="#dddddd", linewidth=0.6)
        axes.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False)
        return svg(figure, "Share of injected faults found by time since onset")


def coverage(study: Study) -> str:
    """T² and SPE of left-out batches over their limits, and the share of scans over any limit."""
    with look("coverage"):
        figure = Figure(figsize=(WIDE_IN, 5.4), layout="constrained")
        first, second, third = figure.subplots(3, 1, sharex=True)
        maturity = np.concatenate([trial.maturity for trial in study.trials])
        for axes, name, label in ((first, "t2", "T²"), (second, "spe", "SPE")):
            _along(axes, maturity, np.concatenate([getattr(trial, name) for trial in study.trials]))
            axes.set_ylabel(f"{label} / limit (1)")
        first.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=4, frameon=False)
        over = 100 * (1 - findings.coverage(study).within_all)
        third.bar(_middles(), over, width=0.9 / findings.BINS, color="#0057a4")
        third.axhline(100 * (1 - 0.99), color="#c1272d", linewidth=1, linestyle="--")
        third.annotate("1 %", (1.005, 1.0), color="#c1272d", xycoords=("axes fraction", "data"), va="center")
        third.set_ylabel("scans over any\nlimit (%)")
        third.set_xlabel("maturity: share of the recipe done (0 to 1)")
        third.set_xlim(0, 1)
        return svg(figure, "Statistics of left-out batches relative to their limits along the recipe")


def bands(study: Study) -> str:
    """Heat map: share of left-out readings in the band of the other batches, tag by maturity."""
    shares = findings.coverage(study).tags.T
    rows = [readable_name(tag) for tag in study.configuration.twin.tag_names]
    with look("bands"):
        figure = Figure(figsize=(WIDE_IN, 0.9 + 0.25 * len(rows)), layout="constrained")
        axes = figure.add_subplot()
        _heat(axes, shares, 0.9, [f"{100 * share:.0f}" for share in shares.ravel()])
        axes.set_xticks(np.arange(0, findings.BINS + 1, 4) - 0.5, [f"{k / 5:.1f}" for k in range(6)])
        axes.set_yticks(range(len(rows)), rows)
        axes.set_xlabel("maturity: share of the recipe done (0 to 1)")
        return svg(figure, "Share of left-out readings within the 99 % band, by tag and maturity")


def peaks(study: Study) -> str:
    """Every batch's largest statistic over its limit, the largest first."""
    order = findings.ranked(study)
    with look("peaks"):
        figure = Figure(figsize=(WIDE_IN, 2.9), layout="constrained")
        axes = figure.add_subplot()
        alarmed = [bool(study.trials[own].deviations) for own in order]
        colours = ["#c1272d" if each else "#0057a4" for each in alarmed]
        axes.bar(range(len(order)), [study.trials[own].peak.ratio for own in order], color=colours, width=0.7)
        axes.axhline(1.0, color="#000000", linewidth=1, linestyle="--")
        axes.annotate("limit", (1.005, 1.0), xycoords=("axes fraction", "data"), va="center")
        axes.set_xticks(range(len(order)), [study.trials[own].batch_id for own in order], rotation=90)
        axes.tick_params(axis="x", labelsize=8 if len(order) <= 60 else 6)
        axes.set_xlim(-0.7, len(order) - 0.3)
        axes.set_ylabel("largest statistic / limit (1)")
        axes.set_xlabel("batch (red: raised a false alarm)")
        return svg(figure, "Largest statistic of each left-out batch relative to its limit")


# -- inside ---------------------------------------------------------------------------------------------------


def _heat(axes: Axes, shares: FloatArray, low: float, words: list[str]) -> None:
    """Cells from dark (low) to white (1), each with its number."""
    rows, columns = (np.arange(n + 1) - 0.5 for n in shares.shape)
    filled = np.nan_to_num(shares, nan=1.0)
    axes.pcolormesh(columns, rows, filled, cmap="Blues_r", vmin=low, vmax=1.15 - 0.15 * low, edgecolors="#ffffff")
    axes.invert_yaxis()
    dark = low + (1 - low) * 0.5
    for (row, column), word in zip(np.ndindex(*shares.shape), words, strict=True):
        share = shares[row, column]
        label, colour = ("–", "#000000") if np.isnan(share) else (word, "#ffffff" if share < dark else "#000000")
        axes.text(column, row, label, ha="center", va="center", color=colour, fontsize=8)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def _along(axes: Axes, maturity: FloatArray, ratio: FloatArray) -> None:
    """Median, 95th percentile and largest of a ratio per bin of maturity, and the limit."""
    known = np.isfinite(maturity) & np.isfinite(ratio)
    bins = np.minimum((maturity[known] * findings.BINS).astype(int), findings.BINS - 1)
    parts = [ratio[known][bins == k] for k in range(findings.BINS)]
    spread = np.array([np.quantile(part, [0.5, 0.95, 1.0]) if len(part) else [np.nan] * 3 for part in parts])
    for column, (label, style) in enumerate((("median", "-"), ("95 % of scans below", "--"), ("largest", ":"))):
        axes.plot(_middles(), spread[:, column], style, color="#0057a4", marker="o", markersize=2.5, label=label)
    axes.axhline(1.0, color="#c1272d", linewidth=1, label="limit")
    axes.set_yscale("log")


def _middles() -> FloatArray:
    return (np.arange(findings.BINS) + 0.5) / findings.BINS
