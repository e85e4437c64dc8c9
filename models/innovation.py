"""What a tag does that neither its own past nor the other tags explain: one-step innovations, and their usual size.

Each tag's standardised residual is predicted by a ridge regression on its own last two, on the other tags' present and
last values, on how far present and last readings lie beyond their usual range (hinges: loops saturate), and on what a
controller's output was when another began or ceased to act (products: controllers switch). A second
regression predicts the logarithm of the innovation's size from the circumstances one scan before: what is usual while
a loop recovers is a deviation while it is at rest. All is learnt from sums of products, so that one batch can be
taken out again.

References
----------
Ljung (1999), System Identification, chapter 5 (ARX, piecewise affine); Harvey (1976), Econometrica 44(3), 461-465
(multiplicative heteroscedasticity).
"""

from dataclasses import dataclass

import numpy as np

from models.block import FloatArray, IntArray
from models.monitor import Numbers

_FAR = 30.0  # standard deviations of a controller's output from its rest, likewise
_CLIP = 10.0  # standard deviations: what lies beyond says no more than this
CALM = 0.3  # in usual sizes: innovations smaller than this are all equally small
_LEAST, _MOST = -2.0, 4.0  # predicted logarithm of the size, in usual sizes
_CHUNK = 64  # scans at a time


@dataclass(frozen=True, slots=True)
class Scaling:
    """The range of p tags over the whole recipe."""

    centre: FloatArray  # (p,) in each tag's unit of measure
    spread: FloatArray  # (p,) > 0
    knots: FloatArray  # (4, p) quantiles in spreads from the centre: two low ones, two high ones
    loops: IntArray  # (c,) positions of controllers' outputs: manipulated tags that follow no schedule
    rest: FloatArray  # (c,) what they read at rest, in their unit of measure
    on: FloatArray  # (c,) what they read at least when they act


@dataclass(frozen=True, slots=True)
class OneStep:
    """The two regressions of p tags."""

    scaling: Scaling
    weights: FloatArray  # (F, p) predicts the standardised residual
    usual: FloatArray  # (p,) > 0: median size of innovations
    size_weights: FloatArray  # (C, p) predicts the logarithm of size / usual


@dataclass(frozen=True, slots=True)
class Predictors:
    """What the two regressions start from, scan by scan."""

    clipped: FloatArray  # (n, p) residuals
    features: FloatArray  # (n, F)
    last: FloatArray  # (n, p) residuals one scan before
    beyond: FloatArray  # (n, 4p) hinges one scan before


class Past:
    """The last scans of one running batch; an absent reading is held.

    Parameters
    ----------
    scaling
        The tags' range.
    """

    def __init__(self, scaling: Scaling) -> None:
        self._scaling = scaling
        tags = len(scaling.centre)
        self._residuals, self._readings = np.zeros((2, tags)), np.zeros((1, tags))  # oldest first
        self._outputs = np.zeros((1, 2 * len(scaling.loops)))

    def advance(self, residuals: FloatArray, values: FloatArray, scale: FloatArray) -> Predictors:
        """Predictors from residuals (n, p), readings (n, p), NaN: none, and the residuals' scale (n, p)."""
        scaling, n = self._scaling, len(values)
        clipped = np.clip(residuals, -_CLIP, _CLIP)
        z = hold(np.concatenate([self._residuals, clipped]))
        x = hold(np.concatenate([self._readings, np.clip((values - scaling.centre) / scaling.spread, -_CLIP, _CLIP)]))
        self._residuals, self._readings = z[-2:].copy(), x[-1:].copy()
        below = [np.maximum(knot - x, 0.0) for knot in scaling.knots[:2]]
        above = [np.maximum(x - knot, 0.0) for knot in scaling.knots[2:]]
        beyond = np.concatenate([*below, *above], axis=1)
        linear = [z[2:], z[1 : n + 1], z[:n], beyond[1:], beyond[:n], np.ones((n, 1))]
        features = np.concatenate([*linear, self._switching(values, scale)], axis=1)
        return Predictors(clipped, features, z[1 : n + 1], beyond[:n])

    def _switching(self, values: FloatArray, scale: FloatArray) -> FloatArray:
        """What controllers switch, (n, 2c + 2cc): which act now and before, and what each gave before times that."""
        loops = self._scaling.loops
        given = np.clip((values[:, loops] - self._scaling.rest) / scale[:, loops], -_FAR, _FAR)
        acting = np.where(np.isnan(given), np.nan, values[:, loops] > self._scaling.on)
        outputs = hold(np.concatenate([self._outputs, np.concatenate([given, acting], axis=1)]))
        self._outputs = outputs[-1:].copy()
        before, (now, last) = outputs[:-1, : len(loops)], (outputs[1:, len(loops) :], outputs[:-1, len(loops) :])
        products = [before * acting[:, k : k + 1] for acting in (now, last) for k in range(len(loops))]
        return np.concatenate([now, last, *products], axis=1)

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {
            "residuals": self._residuals.copy(),
            "readings": self._readings.copy(),
            "outputs": self._outputs.copy(),
        }

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._residuals, self._readings = np.array(numbers["residuals"]), np.array(numbers["readings"])
        self._outputs = np.array(numbers["outputs"])


class Sizes:
    """How large innovations may be, from one scan before, in one running batch.

    Parameters
    ----------
    usual
        Shape (p,), > 0: median size of innovations.
    """

    def __init__(self, usual: FloatArray) -> None:
        self._usual = usual
        self._last = np.zeros((1, len(usual)))

    def advance(self, predictors: Predictors, innovations: FloatArray) -> FloatArray:
        """Circumstances (n, C) of innovations (n, p): what their size is predicted from."""
        sizes = np.log(np.nan_to_num(np.abs(innovations)) / self._usual + CALM)
        before = np.concatenate([self._last, sizes[:-1]])
        self._last = sizes[-1:].copy()
        far = np.minimum(np.abs(predictors.last), 4.0)
        return np.concatenate([far, before, predictors.beyond, np.ones((len(sizes), 1))], axis=1)

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


def predict(features: FloatArray, weights: FloatArray) -> FloatArray:
    """What the features (n, F) foretell of each tag, shape (n, p); the same bits whatever n is."""
    chunks = [features[first : first + _CHUNK] for first in range(0, len(features), _CHUNK)]
    return np.concatenate([(chunk[:, :, None] * weights).sum(axis=1) for chunk in chunks])


def predicted_size(circumstances: FloatArray, model: OneStep) -> FloatArray:
    """Size of each innovation (n, p), > 0, in standardised residuals."""
    size: FloatArray = model.usual * np.exp(np.clip(predict(circumstances, model.size_weights), _LEAST, _MOST))
    return size
