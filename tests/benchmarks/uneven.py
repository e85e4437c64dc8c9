"""Nylon and dryer: real batches of uneven length, none labelled; each is judged by a reference of all the others."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from process_improve.batch import BatchPCA, resample_to_reference
from rich.progress import Progress

from connectors.files.runs import RecordedRun
from models.records.messages import Deviation
from ops.config import Configuration
from tests.benchmarks.watching import left_out, recording

SAID = {
    "nylon": "Kassidas (1997) and the package's notes name no batch; lengths 113 to 135 scans, two far longer",
    "dryer": "the package's notes on Garcia-Munoz (2004) call batch 34 an outlier, 71 joined from 100 recordings",
}
_COMPONENTS = 3
_CONFIDENCE = 0.99


def standing_out(shared: Path, name: str, quick: bool, bar: Progress) -> list[dict[str, Any]]:
    """One row a batch that PATrol or batch-wise PCA singles out when it is left out."""
    configuration, runs = recording(name, shared / "data" / "batch" / f"{name}.csv")
    peer = _batch_pca(runs, configuration, bar)
    task = bar.add_task(f"{name}: leave one out", total=len(runs))
    rows = []
    for own, run in enumerate(runs):
        if not quick or own % 10 == 0:
            found = left_out(configuration, runs, own).final
            t2, spe = peer[str(run.batch_id)]
            if found or max(t2, spe) > 1:
                told = _told(found, configuration)
                rows.append(
                    {"batch": run.batch_id, "scans": len(run.rows), **told, "PCA T2/limit": t2, "SPE/limit": spe}
                )
        bar.advance(task)
    bar.remove_task(task)
    return rows


def _told(found: tuple[Deviation, ...], configuration: Configuration) -> dict[str, Any]:
    """The first deviation: which tags, and when."""
    if not found:
        return {"deviations": 0, "first scan": "", "cause": "", "tags": ""}
    first = min(found, key=lambda one: one.raised_at)
    age_s = first.raised_age_s or 0.0
    tags = ", ".join(one.tag for one in first.contributors[:3])
    return {
        "deviations": len(found), "first scan": round(age_s / configuration.twin.cadence_s) + 1,
        "cause": first.cause, "tags": tags,
    }  # fmt: skip


def _batch_pca(runs: list[RecordedRun], configuration: Configuration, bar: Progress) -> dict[str, tuple[float, float]]:
    """process-improve's batch-wise PCA, each batch left out: T² and SPE of the whole batch over their 99 % limits."""
    tags = list(configuration.twin.tag_names)
    frames = {str(run.batch_id): pd.DataFrame(run.values, columns=tags).ffill().bfill() for run in runs}
    usual = int(np.argsort([len(frame) for frame in frames.values()])[len(frames) // 2])
    names = list(frames)
    task = bar.add_task("  process-improve", total=len(names))
    found = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a library, about columns that never vary
        aligned = resample_to_reference(frames, columns_to_align=tags, reference_batch=names[usual])
        for own in names:
            model = BatchPCA(n_components=_COMPONENTS).fit({k: v for k, v in aligned.items() if k != own})
            judged = model.diagnose({own: aligned[own]})
            t2 = float(np.ravel(judged.hotellings_t2)[-1]) / float(model.hotellings_t2_limit(_CONFIDENCE))
            found[own] = t2, float(np.ravel(judged.spe)[-1]) / float(model.spe_limit(_CONFIDENCE))
            bar.advance(task)
    bar.remove_task(task)
    return found
