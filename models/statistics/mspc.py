"""Multivariate statistics of one scan: T², SPE and what each tag contributes to them.

All are dimensionless: they take standardised residuals, in standard deviations. Every function takes many scans at once
and gives each scan the same numbers whichever others are passed with it: sums run over tags in order, never through a
matrix product whose order depends on the number of scans (decision 9).
"""

import numpy as np

from models.arrays.compiled import ROW, TABLE, compiled
from models.arrays.types import FloatArray


def subspace(correlation: FloatArray, explained: float = 0.8) -> tuple[FloatArray, FloatArray]:
    """Loadings (p, A) and eigenvalues (A,) > 0 of the leading components, in falling order.

    Parameters
    ----------
    correlation
        Shape (p, p), symmetric, positive semi-definite.
    explained
        Share of the variance the A components hold together, in (0, 1].

    Returns
    -------
    Loadings of length 1, their largest entry > 0, and eigenvalues, dimensionless.

    Raises
    ------
    ValueError
        ``correlation`` is not square or has no positive eigenvalue.

    References
    ----------
    Jolliffe (2002), Principal Component Analysis, 2nd edition, section 6.1.1 (cumulative share of variation).

    Examples
    --------
    >>> loadings, eigenvalues = subspace(np.array([[1.0, 0.9], [0.9, 1.0]]))
    >>> eigenvalues.round(3).tolist()
    [1.9]
    """
    if correlation.ndim != 2 or correlation.shape[0] != correlation.shape[1]:
        raise ValueError(f"correlation must be square, got shape {correlation.shape}")
    eigenvalues, vectors = np.linalg.eigh(correlation)
    eigenvalues, vectors = eigenvalues[::-1], vectors[:, ::-1]
    if not eigenvalues[0] > 0:
        raise ValueError(f"correlation must have a positive eigenvalue, the largest is {eigenvalues[0]:g}")
    count = int(np.searchsorted(np.cumsum(eigenvalues) / eigenvalues.sum(), explained)) + 1
    signs = np.where(vectors[np.abs(vectors).argmax(axis=0), np.arange(len(vectors))] < 0, -1.0, 1.0)
    return np.ascontiguousarray((vectors * signs)[:, :count]), eigenvalues[:count].copy()


def project(residuals: FloatArray, loadings: FloatArray) -> FloatArray:
    """Scores (n, A), dimensionless, of standardised residuals (n, p) on loadings (p, A).

    An absent tag (NaN) counts as expected (0).

    References
    ----------
    Nelson, Taylor & MacGregor (1996), Chemometrics and Intelligent Laboratory Systems 35(1), 45-65 (missing readings).

    Examples
    --------
    >>> project(np.array([[3.0, np.nan]]), np.array([[1.0], [0.0]])).tolist()
    [[3.0]]
    """
    known = np.nan_to_num(residuals)
    scores = np.zeros((len(known), loadings.shape[1]))
    for tag in range(loadings.shape[0]):
        scores += known[:, tag : tag + 1] * loadings[tag]
    return scores


def t2_and_spe(residuals: FloatArray, loadings: FloatArray, eigenvalues: FloatArray) -> tuple[FloatArray, FloatArray]:
    """T² and SPE, (n,) each, >= 0, dimensionless: ``hotelling_t2`` and ``spe`` in one pass.

    NaN where all tags are absent.

    Parameters
    ----------
    residuals
        Shape (n, p), in standard deviations; NaN: absent.
    loadings, eigenvalues
        Shapes (p, A) and (A,), eigenvalues > 0, from ``subspace``.

    References
    ----------
    Nomikos & MacGregor (1995), Technometrics 37(1), 41-59.

    Examples
    --------
    >>> t2, spe = t2_and_spe(np.array([[2.0, 3.0], [np.nan, np.nan]]), np.array([[1.0], [0.0]]), np.array([4.0]))
    >>> t2.tolist(), spe.tolist()
    ([1.0, nan], [9.0, nan])
    """
    t2, spe = np.empty((2, len(residuals)))
    _t2_and_spe(np.ascontiguousarray(residuals), np.ascontiguousarray(loadings), eigenvalues, t2, spe)
    return t2, spe


@compiled("void", TABLE, TABLE, ROW, ROW, ROW)
def _t2_and_spe(
    residuals: FloatArray, loadings: FloatArray, eigenvalues: FloatArray, t2: FloatArray, spe: FloatArray
) -> None:
    tags, components = loadings.shape
    scores = np.empty(components)
    for row in range(len(residuals)):
        scores[:], known, t2[row], spe[row] = 0.0, False, 0.0, 0.0
        for tag in range(tags):
            if not np.isnan(residuals[row, tag]):
                known = True
                for k in range(components):
                    scores[k] += residuals[row, tag] * loadings[tag, k]
        for k in range(components):
            t2[row] += scores[k] ** 2 / eigenvalues[k]
        for tag in range(tags):
            if not np.isnan(residuals[row, tag]):
                explained = 0.0
                for k in range(components):
                    explained += scores[k] * loadings[tag, k]
                spe[row] += (residuals[row, tag] - explained) ** 2
        if not known:
            t2[row], spe[row] = np.nan, np.nan


def hotelling_t2(scores: FloatArray, eigenvalues: FloatArray) -> FloatArray:
    """Hotelling's T² (n,), >= 0, dimensionless: squared distance from the reference centre inside the model plane.

    Parameters
    ----------
    scores
        Shape (n, A), dimensionless.
    eigenvalues
        Shape (A,), > 0: variances of the scores in the reference.

    Raises
    ------
    ValueError
        The shapes differ, or an eigenvalue is not positive.

    References
    ----------
    Nomikos & MacGregor (1995), Technometrics 37(1), 41-59.

    Examples
    --------
    >>> hotelling_t2(np.array([[2.0, 1.0]]), np.array([4.0, 1.0])).tolist()
    [2.0]
    """
    if scores.shape[1:] != eigenvalues.shape:
        raise ValueError(f"scores {scores.shape} and eigenvalues {eigenvalues.shape} differ")
    if not (eigenvalues > 0).all():
        raise ValueError(f"eigenvalues must be > 0, got minimum {eigenvalues.min():g}")
    return _over_tags(scores**2 / eigenvalues)


def spe(residuals: FloatArray, scores: FloatArray, loadings: FloatArray) -> FloatArray:
    """Squared prediction error (Q), (n,), >= 0, dimensionless: squared distance to the model plane.

    The sum runs over the tags that are present.

    Parameters
    ----------
    residuals
        Shape (n, p), in standard deviations; NaN: absent.
    scores, loadings
        Shapes (n, A) and (p, A): from ``project`` and ``subspace``.

    References
    ----------
    Jackson & Mudholkar (1979), Technometrics 21(3), 341-349.

    Examples
    --------
    >>> spe(np.array([[3.0, 4.0]]), np.array([[3.0]]), np.array([[1.0], [0.0]])).tolist()
    [16.0]
    """
    return _over_tags(spe_parts(residuals, scores, loadings))


def spe_parts(residuals: FloatArray, scores: FloatArray, loadings: FloatArray) -> FloatArray:
    """Each tag's part in the SPE, (n, p), >= 0, dimensionless; 0 for an absent tag. They sum to the SPE.

    References
    ----------
    Westerhuis, Gurden & Smilde (2000), Chemometrics and Intelligent Laboratory Systems 51(1), 95-114.

    Examples
    --------
    >>> spe_parts(np.array([[3.0, 4.0]]), np.array([[3.0]]), np.array([[1.0], [0.0]])).tolist()
    [[0.0, 16.0]]
    """
    left = np.nan_to_num(residuals) - project(scores, np.ascontiguousarray(loadings.T))
    return np.where(np.isnan(residuals), 0.0, left**2)


def t2_parts(residuals: FloatArray, scores: FloatArray, loadings: FloatArray, eigenvalues: FloatArray) -> FloatArray:
    """Each tag's part in T², (n, p), dimensionless: x_i (P Λ⁻¹ t)_i. They sum to T²; a negative one means none.

    References
    ----------
    Westerhuis, Gurden & Smilde (2000), Chemometrics and Intelligent Laboratory Systems 51(1), 95-114; the partial
    decomposition contributions of Alcala & Qin (2011), Journal of Process Control 21(3), 322-330.

    Examples
    --------
    >>> r, v, w = np.array([[2.0, 1.0]]), np.eye(2), np.array([4.0, 1.0])
    >>> t2_parts(r, project(r, v), v, w).tolist(), hotelling_t2(project(r, v), w).tolist()
    ([[1.0, 1.0]], [2.0])
    """
    weighted = project(scores / eigenvalues, np.ascontiguousarray(loadings.T))
    return np.nan_to_num(residuals) * weighted


def _over_tags(parts: FloatArray) -> FloatArray:
    """Sum (n, k) over k in order."""
    total = np.zeros(len(parts))
    for column in range(parts.shape[1]):
        total += parts[:, column]
    return total
