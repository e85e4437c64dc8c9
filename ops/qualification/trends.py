"""Pictures of every tag's trajectory: the envelope, all released batches, and those that stand out."""

from collections.abc import Iterator

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from models.alarms.wording import readable_name
from ops.qualification import findings
from ops.qualification.figures import COLOURS, STYLES, WIDE_IN, look, svg
from ops.qualification.plan import POINTS
from ops.qualification.study import Study

_ROWS, _COLUMNS = 4, 2  # tags on a page


def trends(study: Study) -> list[str]:
    """A picture for every eight tags."""
    tags = list(range(len(study.configuration.twin.tags)))
    per_page = _ROWS * _COLUMNS
    return [_page(study, tags[first : first + per_page], first) for first in range(0, len(tags), per_page)]


def _page(study: Study, tags: list[int], number: int) -> str:
    rows = -(-len(tags) // _COLUMNS)
    with look(f"courses-{number}"):
        figure = Figure(figsize=(WIDE_IN, 1.95 * rows + 0.5), layout="constrained")
        places = figure.subplots(rows, _COLUMNS, squeeze=False).ravel()
        for axes, tag in zip(places, tags, strict=False):
            _trend(axes, study, tag)
        for axes in places[len(tags) :]:
            axes.set_visible(False)
        for axes in places[max(len(tags) - _COLUMNS, 0) : len(tags)]:
            axes.set_xlabel("maturity (0 to 1)")
        handles, labels = places[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside upper center", ncols=min(len(labels), 7), frameon=False)
        return svg(
            figure, "Trajectories: " + ", ".join(readable_name(study.configuration.twin.tag_names[tag]) for tag in tags)
        )


def _trend(axes: Axes, study: Study, tag: int) -> None:
    at = np.linspace(0, 1, POINTS)
    name = study.configuration.twin.tag_names[tag]
    unit = study.configuration.twin.tags[name].unit_of_measure or "1"
    mean, half = study.envelope.mean[:, tag], study.envelope.half[:, tag]
    axes.fill_between(at, mean - half, mean + half, color="#b9d3ea", linewidth=0, label="99 % band")
    lines = [np.column_stack([at, trend])[np.isfinite(trend)] for trend in study.trends[:, :, tag]]
    axes.add_collection(LineCollection(lines, colors="#777777", linewidths=0.35, alpha=0.35), autolim=True)
    axes.plot(at, mean, color="#000000", linewidth=1.1, label="mean")
    for own, colour, style in _labelled(study):
        label = study.trials[own].batch_id
        axes.plot(at, study.trends[own, :, tag], style, color=colour, linewidth=0.9, label=label)
    axes.set_title(f"{readable_name(name)} ({unit})", loc="left")
    axes.set_xlim(0, 1)
    low, high = float(np.nanmin(study.trends[:, :, tag])), float(np.nanmax(study.trends[:, :, tag]))
    room = 0.06 * (high - low) or 0.06 * (1 + abs(high))
    axes.set_ylim(low - room, high + room)


def _labelled(study: Study) -> Iterator[tuple[int, str, str]]:
    yield from zip(findings.outstanding(study), COLOURS, STYLES, strict=False)
