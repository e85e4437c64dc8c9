"""A continuous process judged against a recording of its own normal running: multivariate moving averages, frozen.

Every tag's distance from its mean is averaged over a few scans, and the averages of all tags are judged together by
their Mahalanobis distance, in the correlation that normal running showed. Directions in which normal running hardly
moved (a flow and its valve, a balance) count fully: there a fault shows first. Limits come from scans left out.

References
----------
Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53 (MEWMA).
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.block import BoolArray, FloatArray, RecordedBatch
from models.errors import ReferenceError
from models.mspc import hotelling_t2, project, spe, subspace
from models.sensor import physical_range
from models.twin import Twin

SPANS = (4, 16)  # scans: of the moving averages, weight of the newest 2 / (span + 1)
CONTINUOUS = "continuous/1"  # of meta and arrays
_BLOCKS = 10  # parts of the recording, each left out once
_SHARE = 0.01  # of the scans left out: over a limit, both averages together
_LEAST_SCANS = 4  # a tag: fewer do not tell how tags move together
_CLIP = 30.0  # standard deviations: one reading moves the averages by no more
_PROPER = 1e-9  # least scale of a tag that never moved, as a share of its size; and least variance of a direction


@dataclass(frozen=True, slots=True)
class Habits:
    """What normal running looked like; p tags, A components."""

    mean: FloatArray  # (p,) in each tag's unit of measure
    scale: FloatArray  # (p,) > 0, in each tag's unit of measure
    precision: FloatArray  # (len(SPANS), p, p) inverse covariance of the averages of standardised readings
    limits: FloatArray  # (len(SPANS),) of the distances
    loadings: FloatArray  # (p, A) of the subspace of T² and SPE
    eigenvalues: FloatArray  # (A,)
    plane_limits: FloatArray  # (2,) of T² and SPE

    def averages(self, values: FloatArray, start: FloatArray) -> FloatArray:
        """Moving averages (len(SPANS), n, p) of standardised readings (n, p), going on from ``start``.

        Where a reading is absent (NaN), the average is what the other tags' averages make it.
        """
        z = np.clip((values - self.mean) / self.scale, -_CLIP, _CLIP)
        found = np.empty((len(SPANS), *z.shape))
        for k, span in enumerate(SPANS):
            average, weight = start[k], 2 / (span + 1)
            for row, absent in enumerate(np.isnan(z)):
                average = average + weight * np.where(absent, 0.0, z[row] - average)
                if absent.any():
                    average = _foretold(average, absent, self.precision[k])
                found[k, row] = average
        return found

    def roots(self) -> FloatArray:
        """Cholesky roots (len(SPANS), p, p) of the inverse covariances, for ``distances``."""
        roots: FloatArray = np.linalg.cholesky(self.precision).astype(np.float64)
        return roots

    def plane(self, values: FloatArray) -> FloatArray:
        """T² and SPE (n, 2) of readings (n, p)."""
        z = (values - self.mean) / self.scale
        scores = project(z, self.loadings)
        return np.array([hotelling_t2(scores, self.eigenvalues), spe(z, scores, self.loadings)]).T


def distances(averages: FloatArray, roots: FloatArray) -> FloatArray:
    """Mahalanobis distances squared (n, len(SPANS)) of the averages of ``Habits.averages``."""
    ones = np.ones(roots.shape[2])
    parts = zip(averages, roots, strict=True)
    return np.array([hotelling_t2(project(average, root), ones) for average, root in parts]).T


@dataclass(frozen=True, slots=True)
class ContinuousReference:
    """What a recording of normal running taught, as a store keeps it."""

    name: str  # the twin's
    tags: tuple[str, ...]
    batches: tuple[str, ...]  # the recordings learnt
    scans: int
    habits: Habits

    def meta(self) -> dict[str, Any]:
        """All that is not an array, fit for JSON."""
        kept = {"name": self.name, "tags": list(self.tags), "batches": list(self.batches), "scans": self.scans}
        return {"form": CONTINUOUS, **kept}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers by name."""
        return {field.name: getattr(self.habits, field.name) for field in fields(Habits)}

    @classmethod
    def from_parts(cls, meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> "ContinuousReference":
        """The inverse of ``meta`` and ``arrays``."""
        habits = Habits(**{field.name: arrays[field.name] for field in fields(Habits)})
        return cls(meta["name"], tuple(meta["tags"]), tuple(meta["batches"]), meta["scans"], habits)


def fit_continuous(twin: Twin, recordings: Sequence[RecordedBatch]) -> ContinuousReference:
    """Learn from recordings of normal running.

    Parameters
    ----------
    twin
        Its tags are the columns of the recordings' values, in order.
    recordings
        One or more; NaN: no reading, or one to leave out.

    Raises
    ------
    ReferenceError
        Fewer than four scans a tag, or a tag without any reading.
    """
    low, high = physical_range(twin)
    possible = [(one.values >= low) & (one.values <= high) for one in recordings]
    runs = [np.where(good, one.values, np.nan) for good, one in zip(possible, recordings, strict=True)]
    scans, tags = sum(map(len, runs)), len(twin.tags)
    if scans < _LEAST_SCANS * tags or scans < _BLOCKS:
        wanted = max(_LEAST_SCANS * tags, _BLOCKS)
        raise ReferenceError(f"reference {twin.name}: {scans} scans of normal running, needs {wanted} or more")
    silent = ~np.isfinite(np.concatenate(runs)).any(axis=0)
    if silent.any():
        tag = twin.tag_names[int(silent.argmax())]
        raise ReferenceError(f"reference {twin.name}: tag {tag} has no reading in the recordings; leave it out")
    names = tuple(recording.batch_id for recording in recordings)
    return ContinuousReference(twin.name, twin.tag_names, names, scans, _limited(_habits(runs), runs))


# -- inside ---------------------------------------------------------------------------------------------------


def _habits(runs: Sequence[FloatArray]) -> Habits:
    """Mean, scale and correlation of runs (n, p); no limits yet."""
    whole = np.concatenate(runs)
    mean = np.nanmean(whole, axis=0)
    scale = np.maximum(np.nanstd(whole, axis=0), _PROPER * np.maximum(np.abs(mean), 1.0))
    tags, limits = len(mean), np.full(len(SPANS), np.inf)
    standardised = [np.nan_to_num((run - mean) / scale) for run in runs]
    loadings, eigenvalues = subspace(_covariance(standardised))
    nothing = Habits(
        mean, scale, np.array([np.eye(tags)] * len(SPANS)), limits, loadings, eigenvalues, np.full(2, np.inf)
    )
    averaged = [nothing.averages(run, np.zeros((len(SPANS), tags))) for run in runs]
    settled = [[one[k][min(2 * span, len(one[k]) // 3) :] for one in averaged] for k, span in enumerate(SPANS)]
    return replace(nothing, precision=np.array([np.linalg.inv(_covariance(parts)) for parts in settled]))


def _covariance(parts: Sequence[FloatArray]) -> FloatArray:
    """Second moments about 0 of parts (n, p), all directions moving a little."""
    rows = np.concatenate(parts)
    found: FloatArray = rows.T @ rows / len(rows) + _PROPER * np.eye(rows.shape[1])
    return found


def _limited(habits: Habits, runs: Sequence[FloatArray]) -> Habits:
    """The same with limits, from blocks of scans judged by what all the others taught."""
    left_out = [_left_out(runs, k, part) for k in range(len(runs)) for part in _parts(runs, k)]
    far, plane = (np.concatenate(found) for found in zip(*left_out, strict=True))
    usual = np.quantile(far, 1 - _SHARE, axis=0)
    joint = np.quantile((far / usual).max(axis=1), 1 - _SHARE)
    return replace(habits, limits=usual * joint, plane_limits=np.quantile(plane, 1 - _SHARE, axis=0))


def _parts(runs: Sequence[FloatArray], k: int) -> list[slice]:
    """The blocks of run k, about a tenth of all scans each."""
    size = sum(map(len, runs)) / _BLOCKS
    edges = np.linspace(0, len(runs[k]), max(1, round(len(runs[k]) / size)) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def _left_out(runs: Sequence[FloatArray], k: int, part: slice) -> tuple[FloatArray, FloatArray]:
    """Distances (n, len(SPANS)), and T² and SPE (n, 2), of a block of run k."""
    others = [run for j, run in enumerate(runs) if j != k]
    others += [piece for piece in (runs[k][: part.start], runs[k][part.stop :]) if len(piece)]
    habits, lead = _habits(others), min(part.start, 3 * max(SPANS))
    seen = runs[k][part.start - lead : part.stop]
    averages = habits.averages(seen, np.zeros((len(SPANS), seen.shape[1])))
    return distances(averages, habits.roots())[lead:], habits.plane(seen)[lead:]


def _foretold(average: FloatArray, absent: BoolArray, precision: FloatArray) -> FloatArray:
    """The averages (p,), those of the absent tags replaced by what the others make most likely."""
    pull = (precision[absent][:, ~absent] * average[~absent]).sum(axis=1)
    completed = average.copy()
    completed[absent] = -np.linalg.solve(precision[np.ix_(absent, absent)], pull)
    return completed
