"""What the trials of a study add up to: the numbers of the report."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from models.arrays.types import FloatArray
from models.limits.intervals import rate_interval, share_interval
from ops.qualification.plan import FAULTS, LARGEST, Fault
from ops.qualification.study import Study
from ops.qualification.trial import Tried

BINS = 20  # of maturity
_LABELLED = 5  # outstanding batches, at most


@dataclass(frozen=True, slots=True)
class FalseAlarms:
    """Deviations raised in left-out released batches."""

    batches: int
    count: int
    alarmed: int  # batches with one or more
    rate: tuple[float, float]  # 95 % interval of the count a batch
    share: tuple[float, float]  # 95 % interval of the share of batches alarmed

    @property
    def per_batch(self) -> float:
        """Mean count a batch."""
        return self.count / self.batches


@dataclass(frozen=True, slots=True)
class Cell:
    """One fault in one tag (or in all)."""

    tried: int
    found: int
    named: int  # of those found: with the right tag first
    median_h: float  # delay; missed count as infinite

    @property
    def power(self) -> float:
        """Share found; NaN: none was tried."""
        return self.found / self.tried if self.tried else float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the share found."""
        return share_interval(self.found, self.tried) if self.tried else (0.0, 1.0)


@dataclass(frozen=True, slots=True)
class Coverage:
    """Shares of left-out scans within limits, per bin of maturity; NaN: no scan there."""

    t2: FloatArray  # (BINS,)
    spe: FloatArray  # (BINS,)
    within_all: FloatArray  # (BINS,) no statistic counts as over its limit
    tags: FloatArray  # (BINS, p) in the 99 % band of the other batches
    t2_total: float
    spe_total: float
    tags_total: FloatArray  # (p,)


def false_alarms(study: Study) -> FalseAlarms:
    """Counts and exact intervals."""
    counts = [len(trial.deviations) for trial in study.trials]
    batches, total, alarmed = len(counts), sum(counts), sum(count > 0 for count in counts)
    return FalseAlarms(batches, total, alarmed, rate_interval(total, batches), share_interval(alarmed, batches))


def cell(tried: Sequence[Tried]) -> Cell:
    """Sum up trials of faults."""
    found = [one for one in tried if np.isfinite(one.delay_s)]
    delays = np.sort([one.delay_s for one in tried])
    median_h = float(delays[len(delays) // 2]) / 3600 if len(delays) else float("nan")
    return Cell(len(tried), len(found), sum(one.named for one in found), median_h)


def power(study: Study) -> list[list[Cell]]:
    """Per tag and fault (``FAULTS``)."""
    cells: dict[tuple[int, Fault], list[Tried]] = {}
    for one in everything_tried(study):
        cells.setdefault((one.column, one.fault), []).append(one)
    tags = range(len(study.configuration.twin.tags))
    return [[cell(cells.get((tag, fault), [])) for fault in FAULTS] for tag in tags]


def by_fault(study: Study) -> list[Cell]:
    """Per fault over all tags."""
    return [cell([one for one in everything_tried(study) if one.fault == fault]) for fault in FAULTS]


def everything_tried(study: Study) -> list[Tried]:
    """All faults of all batches."""
    return [one for trial in study.trials for one in trial.tried]


def blind_spots(study: Study) -> list[str]:
    """Tags in which fewer than half of the largest steps are found."""
    largest = FAULTS.index(LARGEST)
    names = study.configuration.twin.tag_names
    return [name for name, row in zip(names, power(study), strict=True) if row[largest].power < 0.5]


def coverage(study: Study) -> Coverage:
    """Left-out scans within limits along the recipe."""
    maturity = np.concatenate([trial.maturity for trial in study.trials])
    t2, spe = (_inside(np.concatenate([getattr(trial, name) for trial in study.trials])) for name in ("t2", "spe"))
    calm = 1.0 - np.concatenate([trial.over for trial in study.trials])
    within = np.concatenate([trial.within for trial in study.trials])
    return Coverage(
        _binned(maturity, t2), _binned(maturity, spe), _binned(maturity, calm),
        np.stack([_binned(maturity, column) for column in within.T], axis=1),
        float(np.nanmean(t2)), float(np.nanmean(spe)), _means(within),
    )  # fmt: skip


def ranked(study: Study) -> list[int]:
    """Positions of the batches, the one that stands out most first."""
    return sorted(range(len(study.trials)), key=lambda own: -study.trials[own].peak.ratio)


def outstanding(study: Study) -> list[int]:
    """Positions of the batches worth a look: those with false alarms, then the most unusual; at most five."""
    alarmed = [own for own in ranked(study) if study.trials[own].deviations]
    others = [own for own in ranked(study) if own not in alarmed]
    wanted = max(min(len(alarmed), _LABELLED), min(3, len(study.trials)))
    return (alarmed + others)[:wanted]


def _inside(ratio: FloatArray) -> FloatArray:
    """1 within the limit, 0 beyond; NaN: not judged."""
    return np.where(np.isfinite(ratio), (ratio <= 1).astype(float), np.nan)


def _binned(maturity: FloatArray, share: FloatArray) -> FloatArray:
    """Means per bin of maturity."""
    known = np.isfinite(maturity) & np.isfinite(share)
    bins = np.minimum((maturity[known] * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    sums = np.bincount(bins, weights=share[known], minlength=BINS)
    return np.where(count > 0, sums / np.maximum(count, 1), np.nan)


def _means(within: FloatArray) -> FloatArray:
    known = np.isfinite(within)
    means: FloatArray = np.where(known, within, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    return np.where(known.any(axis=0), means, np.nan)
