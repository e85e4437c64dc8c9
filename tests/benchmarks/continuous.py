"""Detection without batches: the Tennessee Eastman process learnt from a recording, the valve rig from a cold start.

    python -m tests.benchmarks.continuous ../shared/data

A row is *in alarm* while a deviation of the process or of a sensor is open: raised, and not yet cleared.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from models.block import BoolArray


@dataclass(frozen=True, slots=True)
class TennesseeEastman:
    """One test recording: 960 rows, its fault from row 160 on."""

    fault: int  # 0: none
    before: float  # share of rows 0-159 in alarm, 0 to 1
    alarmed: float  # share of rows 160-959 in alarm, 0 to 1; of fault 0: false alarms
    delay_rows: float  # from row 160 to the first row in alarm; inf: none


@dataclass(frozen=True, slots=True)
class ValveRig:
    """One recording of the water rig, its rows after the first 400."""

    file: str  # "valve1/0"
    true_positive: int  # rows
    false_positive: int
    false_negative: int
    true_negative: int
    delays_rows: tuple[float, ...]  # from each anomaly's first row to the first in alarm; inf: missed


@dataclass(frozen=True, slots=True)
class Pooled:
    """Over the rows of all recordings, as the SKAB board has it."""

    f1: float  # 0 to 1
    false_alarm_rate: float  # share of the normal rows in alarm, 0 to 1
    missed_alarm_rate: float  # share of the anomalous rows not in alarm, 0 to 1
    median_delay_rows: float


def tennessee_eastman(folder: Path) -> list[TennesseeEastman]:
    """Every ``dNN_te`` there, judged by what ``d00`` taught; ``folder`` is ``shared/data/tep``."""
    raise NotImplementedError


def valve_rig(folder: Path) -> list[ValveRig]:
    """Every recording of ``valve1`` and ``valve2``; ``folder`` is ``shared/data/skab``."""
    raise NotImplementedError


def pooled(files: list[ValveRig]) -> Pooled:
    """Figures over the rows of all files together."""
    hit, false, missed, right = (
        sum(getattr(one, name) for one in files)
        for name in ("true_positive", "false_positive", "false_negative", "true_negative")
    )
    delays = [delay for one in files for delay in one.delays_rows]
    return Pooled(
        2 * hit / (2 * hit + false + missed), false / (false + right), missed / (hit + missed), float(np.median(delays))
    )


def delay(alarmed: BoolArray) -> float:
    """Rows until the first in alarm; inf: none."""
    return float(alarmed.argmax()) if alarmed.any() else float("inf")


def main(shared: Path) -> None:
    """Print both tables."""
    for row in tennessee_eastman(shared / "tep"):
        print(row)
    rig = valve_rig(shared / "skab")
    for file in rig:
        print(file)
    print(pooled(rig))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
