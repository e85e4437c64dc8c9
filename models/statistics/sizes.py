"""How large an innovation may be: its size, predicted from the circumstances one scan before.

What is usual while a loop recovers, or where released batches seldom were (a high leverage), is a deviation while all
is at rest. Only what was known before the scan counts, and not the tag's own last innovation: a deviation would excuse
itself.

References
----------
Harvey (1976), Econometrica 44(3), 461-465 (multiplicative heteroscedasticity); Hoaglin & Welsch (1978), The American
Statistician 32(1), 17-22 (leverage).
"""

import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import PLACES, SLICE, TABLE, compiled
from models.arrays.pieces import in_pieces
from models.arrays.products import TOGETHER, add_rows, others_than_zero, product
from models.arrays.types import BoolArray, FloatArray, IntArray
from models.statistics.features import Layout
from models.statistics.innovation import OneStep, Predictors

CALM = 0.3  # in usual sizes: innovations smaller than this are all equally small
_LEAST, _MOST = -1.2, 4.0  # predicted logarithm of the size, in usual sizes
_FAR = 4.0  # standard deviations from the trajectory, at most
_LEAST_LEVERAGE = 1e-3  # of a usual scan's, which is 1
_KNOTS = (1.0, 2.5)  # of the logarithm of leverage: beyond them sizes may grow faster
_AT_ONCE = 16  # rows of the whitening
_DOUBT = 2.5**2  # how many times the variance of an imputed reading counts


class Sizes(Carried):
    """Circumstances of a running batch.

    Parameters
    ----------
    one_step
        The regressions; the circumstances need its scaling, whitening and usual sizes.
    """

    def __init__(self, one_step: OneStep) -> None:
        self._one_step = one_step
        self._layout = Layout(len(one_step.usual), len(one_step.scaling.loops))
        self._before, self._whitening = np.flatnonzero(self._layout.from_before()), one_step.whitening
        super().__init__(last=np.zeros(len(one_step.usual)))

    def advance(self, predictors: Predictors, innovations: FloatArray, segments: Segments | None = None) -> FloatArray:
        """Circumstances (n, C) of innovations: what their size is predicted from, all known one scan before.

        Side by side: each tag's distance from the trajectory in standard deviations, at most 4; the log size of each
        tag's last innovation; hinges of the scan before, in spreads; the constant 1 and which loops acted; the
        logarithm of the leverage, and how far it is above 1 and 2.5.

        Parameters
        ----------
        predictors
            Of n scans.
        innovations
            Shape (n, p), in spreads; NaN: not judged.
        segments
            Whose scans they are; None: one batch's.
        """
        layout, features, segments = self._layout, predictors.features, segments or Segments.of_one(len(innovations))
        circumstances = np.empty(
            (len(features), 2 * layout.tags + 4 * layout.tags + 1 + layout.loops + 1 + len(_KNOTS))
        )
        power = np.empty((len(features), 1))
        in_pieces(lambda rows: _leverage(features[rows], self._before, self._whitening, power[rows]), len(power))
        hinges = layout.beyond + 4 * layout.tags  # one scan before; the constant 1 follows them
        acting = layout.acting + layout.loops
        sizes = log_size(innovations, self._one_step.usual)
        _fill_circumstances(
            segments.places, segments.starts, predictors.far, sizes, self.rows["last"],
            features[:, hinges : layout.acting], features[:, acting : layout.products],
            np.log(np.maximum(power, _LEAST_LEVERAGE)), circumstances,
        )  # fmt: skip
        return circumstances


@compiled("void", PLACES, PLACES, TABLE, TABLE, TABLE, SLICE, SLICE, TABLE, TABLE)
def _fill_circumstances(
    places: IntArray, starts: IntArray, far: FloatArray, sizes: FloatArray, carried: FloatArray,
    hinges: FloatArray, acting: FloatArray, leverage: FloatArray, circumstances: FloatArray,
) -> None:  # fmt: skip
    """The circumstances (n, C) side by side; each batch carries (p,), the sizes one scan before."""
    tags, beyond, acts, batch = far.shape[1], hinges.shape[1], acting.shape[1], 0
    for row in range(len(circumstances)):
        while row == starts[batch + 1]:
            batch += 1
        last = carried[places[batch]]
        for tag in range(tags):
            circumstances[row, tag], circumstances[row, tags + tag] = min(far[row, tag], _FAR), last[tag]
            if not np.isnan(sizes[row, tag]):
                last[tag] = sizes[row, tag]
        for k in range(beyond):
            circumstances[row, 2 * tags + k] = hinges[row, k]
        for k in range(acts):
            circumstances[row, 2 * tags + beyond + k] = acting[row, k]
        rare, end = leverage[row, 0], 2 * tags + beyond + acts
        circumstances[row, end], circumstances[row, end + 1], circumstances[row, end + 2] = (
            rare,
            max(rare - _KNOTS[0], 0.0),
            max(rare - _KNOTS[1], 0.0),
        )


@compiled("void", TABLE, PLACES, TABLE, TABLE)
def _leverage(features: FloatArray, before: IntArray, whitening: FloatArray, power: FloatArray) -> None:
    """Mean square of the earlier features once they are independent, (n, 1): 1 where released batches usually were."""
    size = len(before)
    earlier, white = np.empty((TOGETHER, size)), np.empty((TOGETHER, size))
    places, x = np.empty(size, dtype=np.int64), np.empty((TOGETHER, size))
    for start in range(0, len(features), TOGETHER):
        scans = min(TOGETHER, len(features) - start)
        for scan in range(scans):
            for k in range(size):
                earlier[scan, k], white[scan, k] = features[start + scan, before[k]], 0.0
        count = others_than_zero(earlier[:scans], places, x)
        for k in range(0, count, _AT_ONCE):  # the triangle in steps: what is before a row's own column is 0
            add_rows(white[:scans], whitening, places, x, (k, min(k + _AT_ONCE, count)), places[k])
        for scan in range(scans):
            power[start + scan, 0] = (white[scan] ** 2).sum()


def log_size(innovations: FloatArray, usual: FloatArray) -> FloatArray:
    """Logarithm of the size of innovations: log(|innovation| / usual + 0.3), (n, p), dimensionless, >= log 0.3.

    Parameters
    ----------
    innovations
        Shape (n, p), in spreads; NaN stays NaN.
    usual
        Shape (p,), > 0, in spreads: median sizes.

    References
    ----------
    Harvey (1976), Econometrica 44(3), 461-465; the constant (``CALM``) is PATrol's own.
    """
    logs: FloatArray = np.log(np.abs(innovations) / usual + CALM)
    return logs


def size_predictors(circumstances: int, tags: int, tag: int) -> BoolArray:
    """Which circumstances (C,) predict a tag's size: all but its own last innovation."""
    may = np.ones(circumstances, dtype=bool)
    may[tags + tag] = False
    return may


def predicted_size(circumstances: FloatArray, predictors: Predictors, one_step: OneStep) -> FloatArray:
    """Predicted size of each innovation, (n, p), > 0, in spreads: usual exp(circumstances · weights).

    Where it is predicted from imputed readings, their variance v is added: sqrt(size² + Σ weight² v).

    Parameters
    ----------
    circumstances
        Shape (n, C), from ``Sizes``; each is held within what released batches showed.
    predictors
        Of the same scans: which readings were imputed.
    one_step
        The regressions.

    References
    ----------
    Harvey (1976), Econometrica 44(3), 461-465; the bounds and the variance of imputed readings are PATrol's own
    (decisions 10 and 14).
    """
    known = np.empty(circumstances.shape)  # beyond what released batches showed counts as their edge
    np.minimum(np.maximum(circumstances, one_step.known[0], out=known), one_step.known[1], out=known)
    logs = np.minimum(np.maximum(product(known, one_step.size_weights), _LEAST), _MOST)
    size: FloatArray = one_step.usual * np.exp(logs)
    if predictors.doubt is None:
        return size
    n, lags, tags = predictors.doubt.shape
    variance = np.minimum(predictors.doubt * _DOUBT * one_step.unknown, 1.0).reshape(n, lags * tags)
    doubtful: FloatArray = np.sqrt(size**2 + product(variance, one_step.weights[: lags * tags] ** 2))
    return doubtful
