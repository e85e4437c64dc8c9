"""Moving averages of all tags together, and their distance from normal running.

References
----------
Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53 (MEWMA).
"""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import BoolArray, FloatArray
from models.statistics.mspc import hotelling_t2, project, spe

SPANS = (4, 16)  # scans: of the moving averages, weight of the newest 2 / (span + 1)
_CLIP = 30.0  # standard deviations: one reading moves the averages by no more


@dataclass(frozen=True, slots=True)
class NormalModel:
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
                    average = _predicted(average, absent, self.precision[k])
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
    """Mahalanobis distances squared (n, len(SPANS)) of the averages of ``NormalModel.averages``."""
    ones = np.ones(roots.shape[2])
    parts = zip(averages, roots, strict=True)
    return np.array([hotelling_t2(project(average, root), ones) for average, root in parts]).T


def _predicted(average: FloatArray, absent: BoolArray, precision: FloatArray) -> FloatArray:
    """The averages (p,), those of the absent tags replaced by what the others make most likely."""
    pull = (precision[absent][:, ~absent] * average[~absent]).sum(axis=1)
    completed = average.copy()
    completed[absent] = -np.linalg.solve(precision[np.ix_(absent, absent)], pull)
    return completed
