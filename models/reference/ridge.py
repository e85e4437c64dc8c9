"""Ridge regressions from sums of products: one by one, or of many targets whose features differ in a few only.

References
----------
Hastie, Tibshirani & Friedman (2009), The Elements of Statistical Learning, 3.4.1 (ridge regression); Golub & Van Loan
(2013), Matrix Computations, 3.2 (block elimination), 4.2 (positive definite systems).
"""

from collections.abc import Sequence

import numpy as np
from scipy.linalg import cho_factor, cho_solve

from models.arrays.types import BoolArray, FloatArray

RIDGE = 2e-2  # share of each feature's own power
LEAST = 1e-9  # what a feature that is always 0 has instead


def ridge(products: FloatArray, targets: FloatArray, power: FloatArray | None = None) -> FloatArray:
    """Weights (F, k) that predict k targets: (X'X + 0.02 diag(power) + 1e-9)⁻¹ X'Y, in target units per feature unit.

    Parameters
    ----------
    products, targets
        Sums of products of the features (F, F), and with the targets (F, k).
    power
        Sums of squares of the features (F,), >= 0, over all scans, where ``products`` are of a few of them.

    Raises
    ------
    LinAlgError
        ``products`` are not positive semi-definite.

    Examples
    --------
    >>> ridge(np.array([[1.0]]), np.array([[2.04]])).round(6).tolist()
    [[2.0]]
    """
    system, size = _in_own_size(products, np.diag(products) if power is None else power)
    return np.asarray(cho_solve(cho_factor(system), targets / size) / size, dtype=np.float64)


def ridges(products: FloatArray, targets: FloatArray, may: Sequence[BoolArray]) -> FloatArray:
    """Weights (F, p) of targets that are predicted by features of their own: what ``ridge`` gives them one by one.

    One inverse serves all: of the features that most of them use. For each target the few it has besides are added by
    block elimination, and those it lacks are held at weight 0 by a Lagrange multiplier each.

    Parameters
    ----------
    products, targets
        Sums of products of the features (F, F), and with the targets (F, p).
    may
        Of each target, which features predict it, (F,).

    Returns
    -------
    In target units per feature unit; 0 for a feature that may not predict a target.

    Raises
    ------
    LinAlgError
        The system of a target is singular.

    Examples
    --------
    >>> may = [np.array([True, True]), np.array([True, False])]
    >>> ridges(np.eye(2), np.array([[2.04, 2.04], [1.02, 1.02]]), may).round(6).tolist()
    [[2.0, 2.0], [1.0, 0.0]]
    """
    system, size = _in_own_size(products, np.diag(products))
    use, given = np.array(may, dtype=bool).reshape(-1, len(targets)), targets / size
    usual = 2 * use.sum(axis=0) > len(use)
    common, others = np.flatnonzero(usual), np.flatnonzero(~usual)
    inverse, across = np.linalg.inv(system[np.ix_(common, common)]), system[np.ix_(others, common)]
    brought = inverse @ across.T  # (C, O): what a weight of the others takes from those of the common ones
    border = system[np.ix_(others, others)] - across @ brought
    weights = np.zeros(targets.shape)
    weights[common] = inverse @ given[common]
    left = given[others] - across @ weights[common]
    for target in range(len(use)):
        more, less = np.flatnonzero(use[target, others]), np.flatnonzero(~use[target, common])
        both = brought[np.ix_(less, more)]
        changes = np.block([[border[np.ix_(more, more)], -both.T], [both, inverse[np.ix_(less, less)]]])
        found = np.linalg.solve(changes, np.concatenate([left[more, target], weights[common[less], target]]))
        added, constrained = np.split(found, [len(more)])
        weights[common, target] -= brought[:, more] @ added + inverse[:, less] @ constrained
        weights[common[less], target] = 0.0
        weights[others[more], target] = added
    return weights / size


def _in_own_size(products: FloatArray, power: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The normal equations with a diagonal of 1, (F, F), well conditioned; and the features' sizes, (F, 1)."""
    size = np.sqrt(np.diag(products) + RIDGE * power + LEAST)[:, None]
    system = products / size / size.T
    np.fill_diagonal(system, 1.0)
    return system, size
