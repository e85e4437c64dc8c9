"""What a tag does that neither its own past nor the other tags explain: one-step innovations.

Each tag's standardised residual is predicted by a ridge regression on its own last two and on the other tags' present
and last values (an ARX model). Learnt from sums of products, so that one batch can be taken out again.
"""

import numpy as np

from models.block import FloatArray
from models.monitor import Numbers

LAGS = 2
_RIDGE = 1e-3  # share of each predictor's own power
_CLIP = 10.0  # standardised residuals beyond this say no more than this


class Lags:
    """The last residuals of one running batch; an absent one is held."""

    def __init__(self, tags: int) -> None:
        self._last = np.zeros((LAGS, tags))  # oldest first

    def advance(self, residuals: FloatArray) -> FloatArray:
        """Predictors (n, 3p) of residuals (n, p): present, last, last but one; NaN held, large ones clipped."""
        stacked = np.concatenate([self._last, np.clip(residuals, -_CLIP, _CLIP)])
        held = hold(stacked)
        self._last = held[-LAGS:].copy()
        n = len(residuals)
        return np.concatenate([held[LAGS:], held[1 : n + 1], held[:n]], axis=1)

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"last": self._last.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._last = np.array(numbers["last"])


def hold(values: FloatArray) -> FloatArray:
    """Each NaN replaced by the last number above it; the first row must hold numbers.

    Examples
    --------
    >>> hold(np.array([[1.0], [np.nan], [2.0]])).ravel().tolist()
    [1.0, 1.0, 2.0]
    """
    if not np.isnan(values).any():
        return values
    row = np.where(np.isnan(values), 0, np.arange(len(values))[:, None])
    return np.take_along_axis(values, np.maximum.accumulate(row, axis=0), axis=0)


def products(residuals: FloatArray) -> FloatArray:
    """One batch's sums of products of its predictors, shape (3p, 3p)."""
    predictors = Lags(residuals.shape[1]).advance(residuals)[LAGS:]
    total: FloatArray = predictors.T @ predictors
    return total


def learn_weights(sums: FloatArray) -> FloatArray:
    """Ridge regression weights from sums of products.

    Parameters
    ----------
    sums
        Shape (3p, 3p): ``products`` summed over batches.

    Returns
    -------
    Shape (3p, p): column j predicts tag j; its own present value has weight 0.
    """
    tags = len(sums) // 3
    weights = np.zeros((3 * tags, tags))
    ridge = np.diag(_RIDGE * np.diag(sums) + 1e-9)
    for tag in range(tags):
        use = np.array([k for k in range(2 * tags) if k != tag] + [2 * tags + tag])
        weights[use, tag] = np.linalg.solve(sums[np.ix_(use, use)] + ridge[np.ix_(use, use)], sums[use, tag])
    return weights


def predict(predictors: FloatArray, weights: FloatArray) -> FloatArray:
    """What the predictors (n, 3p) foretell of each tag, shape (n, p); summed in order, whatever n is."""
    foretold = np.zeros((len(predictors), weights.shape[1]))
    for k in range(len(weights)):
        foretold += predictors[:, k : k + 1] * weights[k]
    return foretold
