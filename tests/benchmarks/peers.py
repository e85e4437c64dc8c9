"""What PATrol is held against, on the same scans: each learns from training data only and keeps three scans in a row.

A peer sees rows of z: deviations from the mean trajectory in its standard deviations (batches), or from the mean of the
training rows (continuous). River's detectors learn the training rows once, in order, and are frozen then.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from river import anomaly

from connectors.files.runs import RecordedRun
from models.arrays.types import BoolArray, FloatArray
from tests.benchmarks.scoring import in_alarm

_QUANTILE = 0.999
_EXPLAINED = 0.9
_LEAST_SD = 1e-6


class Peer(Protocol):
    """Over its limit or not, row by row, and how much each tag contributes."""

    def fit(self, z: FloatArray) -> None: ...
    def over(self, z: FloatArray) -> BoolArray: ...
    def contributions(self, z: FloatArray) -> FloatArray: ...


class Envelope:
    """Any tag more than three standard deviations from its mean."""

    def fit(self, z: FloatArray) -> None:
        """Nothing beyond the mean and the standard deviation."""

    def over(self, z: FloatArray) -> BoolArray:
        over: BoolArray = (np.abs(z) > 3).any(axis=1)
        return over

    def contributions(self, z: FloatArray) -> FloatArray:
        return np.abs(z)


class PooledPca:
    """T² and SPE of pooled rows, each at its empirical 99.9 % limit (Nomikos & MacGregor 1995, variable-wise)."""

    def fit(self, z: FloatArray) -> None:
        variances, loadings = np.linalg.eigh(np.cov(z.T))
        kept = np.searchsorted(np.cumsum(variances[::-1]) / variances.sum(), _EXPLAINED) + 1
        self._loadings, self._variances = loadings[:, ::-1][:, :kept], variances[::-1][:kept]
        self._limits = [np.quantile(statistic, _QUANTILE) for statistic in self._statistics(z)]

    def over(self, z: FloatArray) -> BoolArray:
        t2, spe = self._statistics(z)
        over: BoolArray = (t2 > self._limits[0]) | (spe > self._limits[1])
        return over

    def contributions(self, z: FloatArray) -> FloatArray:
        scores = z @ self._loadings
        inside = np.abs(z * ((scores / self._variances) @ self._loadings.T)) / self._limits[0]
        return np.asarray(inside + (z - scores @ self._loadings.T) ** 2 / self._limits[1])

    def _statistics(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        scores = z @ self._loadings
        return np.sum(scores**2 / self._variances, axis=1), np.sum((z - scores @ self._loadings.T) ** 2, axis=1)


class River:
    """One of River's anomaly detectors behind its QuantileFilter."""

    def __init__(self, detector: Callable[[int], anomaly.HalfSpaceTrees | anomaly.OneClassSVM]) -> None:
        self._detector = detector

    def fit(self, z: FloatArray) -> None:
        inner = self._detector(z.shape[1])
        self._filter = anomaly.QuantileFilter(inner, q=_QUANTILE, protect_anomaly_detector=False)
        for row in z:
            self._filter.learn_one(_features(row))

    def over(self, z: FloatArray) -> BoolArray:
        scores = (self._filter.score_one(_features(row)) for row in z)
        return np.fromiter((self._filter.classify(score) for score in scores), dtype=bool, count=len(z))

    def contributions(self, z: FloatArray) -> FloatArray:
        return np.abs(z)


def _features(row: FloatArray) -> dict[int, float]:
    """Half-space trees want 0 to 1: plus or minus five standard deviations."""
    return dict(enumerate(np.clip(row / 10 + 0.5, 0, 1).tolist()))


def peers() -> dict[str, Peer]:
    """Every peer, fresh."""
    return {
        "3-sigma envelope": Envelope(),
        "pooled PCA T2+SPE": PooledPca(),
        "River HalfSpaceTrees": River(
            lambda p: anomaly.HalfSpaceTrees(limits=dict.fromkeys(range(p), (0, 1)), window_size=250, seed=1)
        ),
        "River OneClassSVM": River(lambda p: anomaly.OneClassSVM(nu=0.001)),
    }


@dataclass(frozen=True, slots=True)
class MeanTrajectory:
    """Mean and standard deviation of each tag at each scan of a batch."""

    mean: FloatArray  # (n, p)
    sd: FloatArray

    def z(self, run: RecordedRun) -> FloatArray:
        """(m, p): the scans that training batches reached; a missing reading is as expected."""
        n = min(len(run.values), len(self.mean))
        return np.nan_to_num((run.values[:n] - self.mean[:n]) / self.sd[:n])


def mean_trajectory(train: Sequence[RecordedRun]) -> MeanTrajectory:
    """Over the scans that at least five training batches reached."""
    points = sorted((len(run.values) for run in train), reverse=True)[4]
    stacked = np.full((len(train), points, train[0].values.shape[1]), np.nan)
    for k, run in enumerate(train):
        n = min(points, len(run.values))
        stacked[k, :n] = run.values[:n]
    sd = np.nanstd(stacked, axis=0)
    return MeanTrajectory(np.nanmean(stacked, axis=0), np.maximum(sd, np.nanmean(sd, axis=0) / 10 + _LEAST_SD))


def deviations(
    name: str, over: BoolArray, contributions: FloatArray, tags: Sequence[str], scan_h: FloatArray
) -> list[dict[str, object]]:
    """A batch's alarms as the shared scorer reads them; an alarm clears after an hour of scans within limits."""
    off_scans = max(1, round(1 / float(scan_h[1] - scan_h[0])))
    alarmed = in_alarm(over, off_scans=off_scans)
    starts = np.flatnonzero(alarmed & ~np.concatenate([[False], alarmed[:-1]]))
    return [
        {
            "batch_id": name, "raised_age_s": float(scan_h[k]) * 3600, "category": "process",
            "contributors": [tags[j] for j in np.argsort(-contributions[k])],
        }
        for k in starts
    ]  # fmt: skip
