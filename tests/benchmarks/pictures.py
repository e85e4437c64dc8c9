"""Draws the pictures of docs/concepts.md anew, from the tests' own small reactor.

``python -m tests.benchmarks.pictures``.
"""

from collections.abc import Callable
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from models.arrays.grid import at_position
from models.batch.fleet import Fleet
from models.batch.monitor import BatchMonitor
from models.records.block import RecordedBatch, Stretch
from models.reference.fitting import statistics_of
from models.reference.reference import fit_reference
from models.statistics.charts import KINDS
from models.statistics.residuals import Residual, Residuals
from models.statistics.trajectory import position_of
from tests.released import COOLANT, FEED, PH, TEMPERATURE, grown, reactor_twin, released, spoilt

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
TWIN = reactor_twin()
REFERENCE = fit_reference(TWIN, released())
FITTED = REFERENCE.fitted
GREY, BLUE, RED = "0.7", "#1f5fa8", "#c0392b"


def position(batch: RecordedBatch) -> np.ndarray:
    return position_of(batch.age_s / REFERENCE.recipe.duration_s, len(FITTED.limits))


def residuals(batch: RecordedBatch) -> Residuals:
    return Residual(FITTED.trajectory).advance(position(batch), batch.values)


def hours(batch: RecordedBatch) -> np.ndarray:
    return batch.age_s / 3600


def trajectory(axes: Axes) -> None:
    """One tag of the released batches, their median, and a batch whose sensor reads 1.5 K too much for a while."""
    batch = spoilt(grown(51), TEMPERATURE, 80, 120, 1.5)
    for one in released():
        axes.plot(hours(one), one.values[:, TEMPERATURE], color=GREY, lw=0.5)
    axes.plot(hours(batch), at_position(FITTED.trajectory.median, position(batch))[:, TEMPERATURE], color="black", lw=1)
    axes.plot(hours(batch), batch.values[:, TEMPERATURE], color=RED, lw=1)
    axes.set_ylabel("temperature, °C")


def schedule(axes: Axes) -> None:
    """A feed 10 % low from the middle on, against the shifted and scaled master the bank has found."""
    batch = grown(50, feed_gain=0.9)
    axes.plot(hours(batch), batch.values[:, FEED], color=RED, lw=1)
    axes.plot(hours(batch), residuals(batch).expected[:, FEED], color="black", lw=1)
    axes.set_ylabel("feed, L/h")


def one_step(axes: Axes) -> None:
    """Coolant that sticks 80 L/h too far open: what its law predicts (black), and what is seen (red)."""
    batch = spoilt(grown(52), COOLANT, 80, 120, 80.0)
    axes.plot(hours(batch), batch.values[:, COOLANT], color=RED, lw=1)
    axes.plot(hours(batch), residuals(batch).expected[:, COOLANT], color="black", lw=0.8)
    axes.set_ylabel("coolant, L/h")


def size(axes: Axes) -> None:
    """How large an error of the coolant's law may be, scan by scan, and the errors of a good batch."""
    good = residuals(grown(53))
    age = hours(grown(53))
    axes.plot(age, np.abs(good.innovation[:, COOLANT]), color=GREY, lw=0.8)
    axes.plot(age, good.size[:, COOLANT], color=BLUE, lw=1)
    axes.set_ylabel("coolant, spreads")


def limits(axes: Axes) -> None:
    """The statistic of single errors, of a good batch and of one whose pH probe is off: its limit varies with age."""
    column = KINDS.index("residual") * len(TWIN.tags) + PH
    for batch, colour in ((grown(53), GREY), (spoilt(grown(51), PH, 80, 120, 0.3), RED)):
        sized = residuals(batch).resized(at_position(FITTED.size, position(batch)))
        judged = statistics_of(FITTED.trajectory).advance(sized, at_position(FITTED.limits, position(batch)))
        axes.plot(hours(batch), judged[:, column], color=colour, lw=1)
    axes.plot(hours(grown(53)), at_position(FITTED.limits, position(grown(53)))[:, column], color=BLUE, lw=1)
    axes.set_ylabel("pH, |e|")


def causes(axes: Axes) -> None:
    """A feed that stays low is the process; a meter that spikes once is its sensor, one scan later."""
    spiky = grown(54)
    spiky.values[100, FEED] *= 1.3
    for height, batch in enumerate((grown(50, feed_gain=0.9), spiky)):
        emitted = BatchMonitor(Fleet(TWIN, REFERENCE, "reactor@1")).judge(Stretch(batch.age_s, batch.values))
        for finding in emitted.findings:
            shown = hours(batch)[finding.over]
            colour = RED if finding.category == "process" else BLUE
            axes.scatter(shown, np.full(len(shown), height), color=colour, s=6)
    axes.set_yticks([0, 1], ["feed low", "one spike"])
    axes.set_ylim(-0.5, 1.5)


PICTURES: tuple[Callable[[Axes], None], ...] = (trajectory, schedule, one_step, size, limits, causes)


def main() -> None:
    matplotlib.rcParams |= {"svg.hashsalt": "patrol", "font.size": 9}
    FOLDER.mkdir(exist_ok=True)
    for draw in PICTURES:
        figure = Figure(figsize=(7, 2.1), layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.set_xlabel("batch age, h")
        axes.set_title(" ".join((draw.__doc__ or "").split()), fontsize=8, loc="left")
        figure.savefig(FOLDER / f"{draw.__name__}.svg", metadata={"Date": None})


if __name__ == "__main__":
    main()
