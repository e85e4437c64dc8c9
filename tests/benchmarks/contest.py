"""The peers on penicillin, Tennessee Eastman and the valve rig, scored as PATrol is."""

import gzip
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from process_improve.batch import BatchMonitor, BatchPCA
from rich.progress import Progress

from connectors.files.runs import RecordedRun
from models.arrays.types import BoolArray, FloatArray
from tests.benchmarks.peers import Peer, deviations, mean_trajectory, peers
from tests.benchmarks.penicillin import Penicillin
from tests.benchmarks.scoring import Score, in_alarm, score

_SHOWN = {
    "false_alarms_per_good_batch": "false alarms", "detected": "detected", "delay_h_median": "median delay, h",
    "delay_h_p75": "p75, h", "category_correct": "category", "cause_top1": "tag first", "cause_top3": "first three",
    "deviations_per_fault": "deviations a fault",
}  # fmt: skip
_HOURLY = 5  # scans: process-improve's on-line projection is slow
_NORMAL, _FAULT = 400, 160  # rows learnt in the valve rig; row at which a Tennessee Eastman fault starts


def shown(name: str, found: Score) -> dict[str, Any]:
    """One row of the comparison."""
    return {"monitor": name, **{heading: found[key] for key, heading in _SHOWN.items()}}


def on_penicillin(on: Penicillin, quick: bool, bar: Progress) -> list[dict[str, Any]]:
    """Every peer on dev."""
    mean = mean_trajectory(on.train)
    pooled = np.concatenate([mean.z(run) for run in on.train])
    rows, tags = [], on.configuration.twin.tag_names
    for name, peer in peers().items():
        if quick and name.startswith("River"):
            continue
        task = bar.add_task(f"{name} on penicillin", total=len(on.dev))
        peer.fit(pooled)
        found: list[Any] = []
        for run in on.dev:
            z = mean.z(run)
            found += deviations(str(run.batch_id), peer.over(z), peer.contributions(z), tags, _ages_h(run))
            bar.advance(task)
        rows.append(shown(name, score(on.shared, on.folder, found)))
        bar.remove_task(task)
    if not quick:
        rows.append(shown("process-improve batch PCA, on line", score(on.shared, on.folder, _batch_pca(on, bar))))
    return rows


def _batch_pca(on: Penicillin, bar: Progress) -> list[Any]:
    """Nomikos and MacGregor's on-line scheme as the package has it, hourly scans, 99.9 % limits."""
    length = min(len(run.values) for run in on.train)
    tags = list(on.configuration.twin.tag_names)
    task = bar.add_task("process-improve on penicillin", total=len(on.dev))
    found: list[Any] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = BatchPCA(n_components=3).fit({str(run.batch_id): _hourly(run, tags, length) for run in on.train})
        monitor = BatchMonitor(model, conf_level=0.999, spe_statistic="instantaneous", spe_window=2)
        monitor.fit({str(run.batch_id): _hourly(run, tags, length) for run in on.train})
        mean = mean_trajectory(on.train)
        for run in on.dev:
            told = monitor.monitor(_hourly(run, tags, length))
            ages, z = _ages_h(run)[:length:_HOURLY], np.abs(mean.z(run)[:length:_HOURLY])
            over = np.asarray(told.t2_alarm | told.spe_alarm, dtype=bool)[: len(z)]
            found += deviations(str(run.batch_id), over, z, tags, ages)
            bar.advance(task)
    bar.remove_task(task)
    return found


def _hourly(run: RecordedRun, tags: list[str], length: int) -> pd.DataFrame:
    """So many scans, every fifth kept; a shorter batch is held at its last (what follows is not looked at)."""
    frame = pd.DataFrame(run.values, columns=tags).ffill().bfill()
    return frame.reindex(range(length)).ffill().iloc[::_HOURLY].reset_index(drop=True)


def _ages_h(run: RecordedRun) -> FloatArray:
    return np.asarray((run.observed_us - run.started_us) / 3.6e9)


def on_tennessee_eastman(folder: Path) -> list[dict[str, Any]]:
    """Mean share of rows in alarm over the faults, and false alarms; limits from d00 only."""
    train = _table(folder / "d00.dat.gz").T
    tests = {int(file.name[1:3]): _table(file) for file in sorted(folder.glob("d*_te.dat.gz"))}
    rows = []
    for name, peer in peers().items():
        alarmed = {fault: _continuous(peer, train, rows_) for fault, rows_ in tests.items()}
        faults = [alarmed[fault][_FAULT:].mean() for fault in alarmed if fault]
        before = [alarmed[fault][:_FAULT].mean() for fault in alarmed if fault]
        row = {"monitor": name, "rows 160-960 in alarm": float(np.mean(faults))}
        rows.append({**row, "false, d00_te": float(alarmed[0].mean()), "false, rows 0-159": float(np.mean(before))})
    return rows


def on_valve_rig(folder: Path) -> list[dict[str, Any]]:
    """F1, false and missed alarms over the rows after the first 400 of every file."""
    files = [*sorted((folder / "valve1").glob("*.csv")), *sorted((folder / "valve2").glob("*.csv"))]
    tables = [pd.read_csv(file, sep=";") for file in files]
    rows = []
    for name, peer in peers().items():
        hits = np.zeros((2, 2))
        for table in tables:
            values = table.drop(columns=["datetime", "anomaly", "changepoint"], errors="ignore").to_numpy(float)
            alarmed = _continuous(peer, values[:_NORMAL], values[_NORMAL:])
            np.add.at(hits, (table["anomaly"].to_numpy(int)[_NORMAL:], alarmed.astype(int)), 1)
        (right, false), (missed, hit) = hits
        shares = map(float, (2 * hit / (2 * hit + false + missed), false / (false + right), missed / (hit + missed)))
        rows.append({"monitor": name, **dict(zip(("F1", "FAR", "MAR"), shares, strict=True))})
    return rows


def _continuous(peer: Peer, train: FloatArray, test: FloatArray) -> BoolArray:
    mean, sd = train.mean(axis=0), np.maximum(train.std(axis=0), 1e-9)
    peer.fit((train - mean) / sd)
    return in_alarm(peer.over((test - mean) / sd))


def _table(file: Path) -> FloatArray:
    with gzip.open(file, "rt") as text:
        return np.loadtxt(text)
