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
    """Normal running in numbers: p tags, A components."""

    mean: FloatArray  # (p,) in each tag's unit of measure
    scale: FloatArray  # (p,) > 0, in each tag's unit of measure
    precision: FloatArray  # (len(SPANS), p, p) inverse covariance of the averages of standardised readings
    limits: FloatArray  # (len(SPANS),) of the distances
    loadings: FloatArray  # (p, A) of the subspace of T² and SPE
    eigenvalues: FloatArray  # (A,)
    plane_limits: FloatArray  # (2,) of T² and SPE

    def averages(self, values: FloatArray, start: FloatArray) -> FloatArray:
        """Moving averages of standardised readings, (len(SPANS), n, p), in standard deviations: a = a + w (z - a).

        Where a reading is absent, its tag's average is imputed: its conditional mean given the other tags' averages.

        Parameters
        ----------
        values
            Shape (n, p), in each tag's unit of measure, in order of time; NaN: no reading.
        start
            Shape (len(SPANS), p): the averages to go on from, in standard deviations.
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
        """Cholesky roots (len(SPANS), p, p), dimensionless, of the inverse covariances, for ``distances``."""
        roots: FloatArray = np.linalg.cholesky(self.precision).astype(np.float64)
        return roots

    def plane(self, values: FloatArray) -> FloatArray:
        """T² and SPE, (n, 2), >= 0, dimensionless, of readings (n, p) in units of measure; NaN: no reading."""
        z = (values - self.mean) / self.scale
        scores = project(z, self.loadings)
        return np.array([hotelling_t2(scores, self.eigenvalues), spe(z, scores, self.loadings)]).T


def distances(averages: FloatArray, roots: FloatArray) -> FloatArray:
    """Squared Mahalanobis distances aᵀ S⁻¹ a of moving averages, (n, len(SPANS)), >= 0, dimensionless.

    Parameters
    ----------
    averages
        Shape (len(SPANS), n, p), in standard deviations, from ``NormalModel.averages``.
    roots
        Shape (len(SPANS), p, p): Cholesky roots of S⁻¹, from ``NormalModel.roots``.

    References
    ----------
    Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53.
    """
    ones = np.ones(roots.shape[2])
    parts = zip(averages, roots, strict=True)
    return np.array([hotelling_t2(project(average, root), ones) for average, root in parts]).T


def _predicted(average: FloatArray, absent: BoolArray, precision: FloatArray) -> FloatArray:
    """The averages (p,), those of absent tags replaced by their conditional mean given the others (normal, mean 0)."""
    pull = (precision[absent][:, ~absent] * average[~absent]).sum(axis=1)
    completed = average.copy()
    completed[absent] = -np.linalg.solve(precision[np.ix_(absent, absent)], pull)
    return completed
