"""Detection without batches: the Tennessee Eastman process learnt from a recording, the valve rig from a cold start.

A row is *in alarm* while a deviation of the process or of a sensor is open: raised, and not yet cleared.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from connectors.files.recordings import read_recording
from models.adaptive.monitor import AdaptiveMonitor
from models.arrays.types import BoolArray, FloatArray, IntArray
from models.continuous.learning import fit_continuous
from models.continuous.monitor import ContinuousMonitor
from models.records.block import Block, Feed, RecordedBatch
from models.records.messages import Deviation
from models.records.twin import Twin
from models.unit.unit import Monitors
from models.unit.watch import Watch
from ops.config import Configuration, load

TWINS = Path(__file__).parents[2] / "ops/twins"
_START_US = 1_767_225_600_000_000  # any time will do
_FAULT = 160  # the row where a fault begins
_NORMAL = 400  # rows of the rig that are known to be normal


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
    configuration = load(TWINS / "tennessee-eastman.toml")
    normal = np.asarray(np.loadtxt(folder / "d00.dat.gz").T, dtype=np.float64)
    recording = RecordedBatch("d00", np.arange(len(normal)) * configuration.twin.cadence_s, normal)
    reference = fit_continuous(configuration.twin, [recording])
    return [
        _fault(file, configuration.twin, lambda _: ContinuousMonitor(configuration.twin, reference, "normal@1"))
        for file in sorted(folder.glob("d*_te.dat.gz"))
    ]


def valve_rig(folder: Path) -> list[ValveRig]:
    """Every recording of ``valve1`` and ``valve2``; ``folder`` is ``shared/data/skab``."""
    configuration = load(TWINS / "valve-rig.toml")
    files = sorted(folder.glob("valve[12]/*.csv"))
    return [_recording(file, configuration) for file in files]


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


def _fault(file: Path, twin: Twin, monitors: Monitors) -> TennesseeEastman:
    values, fault = np.loadtxt(file), int(file.name[1:3])
    observed_us = _START_US + np.arange(len(values)) * int(twin.cadence_s * 1e6)
    alarmed = in_alarm(twin, monitors, observed_us, values)
    return TennesseeEastman(
        fault,
        float(alarmed[:_FAULT].mean()),
        float((alarmed[_FAULT:] if fault else alarmed).mean()),
        delay(alarmed[_FAULT:]),
    )


def _recording(file: Path, configuration: Configuration) -> ValveRig:
    (run,) = read_recording(file, configuration.recording, configuration.twin)
    with file.open(newline="") as lines:
        closed = np.array([float(row["anomaly"]) > 0 for row in csv.DictReader(lines, delimiter=";")])
    twin = configuration.twin
    alarmed = in_alarm(twin, lambda _: AdaptiveMonitor(twin), run.observed_us, run.values)[_NORMAL:]
    closed = closed[_NORMAL:]
    begins = np.flatnonzero(np.diff(closed, prepend=False) & closed)
    ends = np.flatnonzero(np.diff(closed, append=False) & closed) + 1
    return ValveRig(
        f"{file.parent.name}/{file.stem}",
        int((alarmed & closed).sum()),
        int((alarmed & ~closed).sum()),
        int((~alarmed & closed).sum()),
        int((~alarmed & ~closed).sum()),
        tuple(delay(alarmed[first:last]) for first, last in zip(begins, ends, strict=True)),
    )


def in_alarm(twin: Twin, monitors: Monitors, observed_us: IntArray, values: FloatArray) -> BoolArray:
    """Whether a deviation of the process or of a sensor is open at each scan."""
    watch, there, alarmed = Watch("unit", twin, monitors, ""), set[str](), np.zeros(len(values), dtype=bool)
    for row in range(len(values)):
        block = Block("unit", "recording", 0, np.array([row]), observed_us[row : row + 1], values[row : row + 1])
        for emitted in watch.step(Feed("unit", (), (block,))):
            if isinstance(emitted, Deviation) and emitted.category != "context":
                (there.add if emitted.state in ("UNACK", "ACKED") else there.discard)(emitted.deviation_id)
        alarmed[row] = bool(there)
    return alarmed
