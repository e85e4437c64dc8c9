"""The benchmark's arithmetic: the shared scorer, chattering, and intervals of shares."""

import importlib.util
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from scipy.stats import beta

from models.arrays.types import BoolArray
from models.records.messages import Deviation

Score = dict[str, Any]


@cache
def _scorer(script: Path) -> Callable[..., Score]:
    spec = importlib.util.spec_from_file_location("score_deviations", script)
    if spec is None or spec.loader is None:
        raise FileNotFoundError(script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    scored: Callable[..., Score] = module.score
    return scored


def score(shared: Path, folder: Path, deviations: Iterable[Deviation | dict[str, Any]]) -> Score:
    """Figures of ``shared/bench/score_deviations.py`` over final deviations; ``folder`` has batches.csv, faults.csv."""
    rows = [one if isinstance(one, dict) else msgspec.to_builtins(one) for one in deviations]
    return _scorer(shared / "bench" / "score_deviations.py")(folder, rows)


def reraised_share(revisions: Sequence[Deviation], within_s: float = 1800.0) -> float:
    """Share of deviations that come back within ``within_s`` of clearing, 0 to 1; 0 where there are none.

    It comes back when it is raised again itself, or another of the same cause is raised in the same batch.

    Parameters
    ----------
    revisions
        Everything said, in order of time.
    """
    cleared: dict[tuple[str, str | None, str], Deviation] = {}
    seen: set[str] = set()
    back: set[str] = set()
    for revision in revisions:
        key = revision.unit, revision.batch_id, revision.cause
        seen.add(revision.deviation_id)
        before = cleared.get(key)
        if revision.state == "UNACK" and before is not None and before.cleared_at is not None:
            if (revision.changed_at - before.cleared_at).total_seconds() <= within_s:
                back.add(before.deviation_id)
            del cleared[key]
        if revision.state in ("RTNUN", "NORM"):
            cleared[key] = revision
    return len(back) / len(seen) if seen else 0.0


def share_interval(hits: int, of: int, confidence: float = 0.95) -> tuple[float, float]:
    """Clopper-Pearson interval of a share.

    Examples
    --------
    >>> tuple(round(end, 3) for end in share_interval(0, 40))
    (0.0, 0.088)
    """
    tail = (1 - confidence) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits, of - hits + 1))
    high = 1.0 if hits == of else float(beta.ppf(1 - tail, hits + 1, of - hits))
    return low, high


def in_alarm(over: BoolArray, on_scans: int = 3, off_scans: int = 1) -> BoolArray:
    """A peer's alarm: from ``on_scans`` scans over in a row until ``off_scans`` scans in a row are not.

    Examples
    --------
    >>> in_alarm(np.array([1, 1, 1, 0, 1, 1, 0], dtype=bool)).astype(int).tolist()
    [0, 0, 1, 0, 0, 0, 0]
    """
    alarmed = np.zeros(len(over), dtype=bool)
    run_over = run_back = 0
    active = False
    for k, now in enumerate(over):
        run_over, run_back = (run_over + 1, 0) if now else (0, run_back + 1)
        active = run_back < off_scans if active else run_over >= on_scans
        alarmed[k] = active
    return alarmed
