"""What a tag does that neither its own past nor the other tags explain: one-step innovations, and their usual size.

Each tag is predicted by a ridge regression on its own last three readings, on the other tags' present and last ones, on
its usual trajectory, on how far readings lie beyond their usual range (hinges: loops saturate), and on what a
controller's output was when another began or ceased to act (products: controllers switch). Readings are in constant
units of each tag's range, because a control law is the same at every age. A second regression predicts the logarithm
of the innovation's size from the circumstances one scan before: what is usual while a loop recovers is a deviation
while it is at rest. An absent reading is replaced by what the scans before foretold of it, and the doubt that
brings is added to the size of the innovations that it enters. All is learnt from sums of products, so that one batch
can be taken out again.

References
----------
Ljung (1999), System Identification, chapter 5 (ARX, piecewise affine); Harvey (1976), Econometrica 44(3), 461-465
(multiplicative heteroscedasticity).
"""

from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray, IntArray
from models.monitor import Numbers

LAGS = 3
import os
LEV=int(os.environ.get('LEV','1'))
_CLIP = 30.0  # spreads: what lies beyond says no more than this
_DOUBT = float(os.environ.get('DOUBT','2.5'))
CALM = 0.3  # in usual sizes: innovations smaller than this are all equally small
_LEAST, _MOST = float(os.environ.get("LEAST","-1.2")), 4.0  # predicted logarithm of the size, in usual sizes
_LOST = 1e12  # of doubt: nothing is known of a reading that has long been absent
_CHUNK = 64  # scans at a time


@dataclass(frozen=True, slots=True)
class Scaling:
    """The range of p tags over the whole recipe."""

    centre: FloatArray  # (p,) in each tag's unit of measure
    spread: FloatArray  # (p,) > 0
    knots: FloatArray  # (4, p) quantiles in spreads from the centre: two low ones, two high ones
    loops: IntArray  # (c,) positions of controllers' outputs: manipulated tags that follow no schedule
    on: FloatArray  # (c,) what they read at least when they act, in spreads from the centre
    ends: FloatArray  # (2, c) the least and the most they give, likewise
    switch: IntArray  # (c,) the tag past whose threshold each controller follows another law
    threshold: FloatArray  # (c,) in spreads from the centre


@dataclass(frozen=True, slots=True)
class OneStep:
    """The two regressions of p tags, and the one that stands in for absent readings."""

    scaling: Scaling
    weights: FloatArray  # (F, p) predicts the reading, in spreads from the centre
    switched: FloatArray  # (F, c) each controller's second law, past its threshold
    precision: FloatArray  # (F, F) inverse mean products of features, over F: a usual scan's leverage is 1
    ahead: FloatArray  # (F, p) the same from the scans before alone
    unknown: FloatArray  # (p,) variance of what ``ahead`` leaves, in squared spreads
    usual: FloatArray  # (p,) > 0: median size of innovations
    size_weights: FloatArray  # (C, p) predicts the logarithm of size / usual


@dataclass(frozen=True, slots=True)
class Predictors:
    """What the two regressions start from, scan by scan."""

    readings: FloatArray  # (n, p) in spreads from the centre; NaN: none
    features: FloatArray  # (n, F)
    far: FloatArray  # (n, p) standard deviations from the trajectory one scan before
    doubt: FloatArray  # (n, LAGS + 1, p) scans for which a stand-in has replaced a reading, now and before; 0: none


class Past:
    """The last scans of one running batch.

    Parameters
    ----------
    scaling
        The tags' range.
    one_step
        Stands in for absent readings; None: the last reading does.
    """

    def __init__(self, scaling: Scaling, one_step: OneStep | None = None) -> None:
        self._scaling, self._one_step = scaling, one_step
        tags = len(scaling.centre)
        self._readings, self._doubt = np.zeros((2, LAGS, tags))  # oldest first
        self._level, self._z = np.zeros((2, 1, tags))
        self._scans = 0  # the first few have no past to be foretold from

    def advance(self, values: FloatArray, mean: FloatArray, scale: FloatArray) -> Predictors:
        """Predictors from readings (n, p), NaN: none, and the trajectory's mean and scale there, (n, p) each."""
        scaling = self._scaling
        seen = np.clip((values - scaling.centre) / scaling.spread, -_CLIP, _CLIP)
        level = np.concatenate([self._level, np.nan_to_num((mean - scaling.centre) / scaling.spread)])
        z = hold(np.concatenate([self._z, np.clip((values - mean) / scale, -_CLIP, _CLIP)]))
        readings, doubt = np.concatenate([self._readings, seen]), np.concatenate([self._doubt, np.zeros_like(seen)])
        for row in np.flatnonzero(np.isnan(seen).any(axis=1)).tolist():
            self._stand_in(readings[row : row + LAGS + 1], doubt[row : row + LAGS + 1], level[row : row + 2])
        features = self._features(readings, level)
        self._readings, self._doubt = readings[-LAGS:].copy(), doubt[-LAGS:].copy()
        self._level, self._z = level[-1:].copy(), z[-1:].copy()
        self._scans += len(seen)
        seen[: max(LAGS + len(seen) - self._scans, 0)] = np.nan
        return Predictors(seen, features, np.abs(z[:-1]), _lagged(doubt))

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {
            "readings": self._readings.copy(), "doubt": self._doubt.copy(),
            "level": self._level.copy(), "z": self._z.copy(), "scans": self._scans,
        }  # fmt: skip

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self._readings, self._doubt = np.array(numbers["readings"]), np.array(numbers["doubt"])
        self._level, self._z = np.array(numbers["level"]), np.array(numbers["z"])
        self._scans = int(numbers["scans"])  # type: ignore[call-overload]

    # -- inside -----------------------------------------------------------------------------------------------

    def _stand_in(self, readings: FloatArray, doubt: FloatArray, level: FloatArray) -> None:
        """Fill the absent ones of the last of four scans, in place."""
        absent = np.isnan(readings[-1])
        readings[-1, absent] = readings[-2, absent]
        if self._one_step is not None:
            before = predict(self._features(readings, level), self._one_step.ahead)[0]
            readings[-1, absent] = np.clip(before[absent], -_CLIP, _CLIP)
            known = absent & self._one_step.weights.any(axis=0)
            now = foretell(self._features(readings, level), self._one_step)[0]
            readings[-1, known] = np.clip(now[known], -_CLIP, _CLIP)
            doubt[-1, absent] = np.minimum(2 * doubt[-2, absent] + 1, _LOST)

    def _features(self, readings: FloatArray, level: FloatArray) -> FloatArray:
        """Features (n, F) from readings (LAGS + n, p) and levels (1 + n, p)."""
        knots, n = self._scaling.knots, len(readings) - LAGS
        now, last = readings[LAGS:], readings[LAGS - 1 : -1]
        beyond = [
            part
            for x in (now, last)
            for part in (*(np.maximum(k - x, 0.0) for k in knots[:2]), *(np.maximum(x - k, 0.0) for k in knots[2:]))
        ]
        lags = [readings[LAGS - lag : LAGS - lag + n] for lag in range(LAGS + 1)]
        fixed = [*lags, level[1:], level[:-1], *beyond, np.ones((n, 1))]
        return np.concatenate([*fixed, self._switching(now, last)], axis=1)

    def _switching(self, now: FloatArray, last: FloatArray) -> FloatArray:
        """What controllers switch, (n, 2c + 2cc): which act now and before, and what each gave before times that."""
        loops, on = self._scaling.loops, self._scaling.on
        acting = [(x[:, loops] > on).astype(float) for x in (now, last)]
        products = [last[:, loops] * act[:, k : k + 1] for act in acting for k in range(len(loops))]
        return np.concatenate([*acting, *products], axis=1)


def may_use(features: int, scaling: Scaling, tag: int) -> BoolArray:
    """Which features predict a tag, shape (F,): nothing of what it reads now, and only its own trajectory."""
    tags, loops = len(scaling.centre), len(scaling.loops)
    may = np.ones(features, dtype=bool)
    may[tag] = False
    level = (LAGS + 1) * tags
    may[level : level + 2 * tags] = np.arange(2 * tags) % tags == tag
    beyond = level + 2 * tags
    may[beyond + tag : beyond + 4 * tags : tags] = False
    switching = beyond + 8 * tags + 1
    for k in np.flatnonzero(scaling.loops == tag):
        may[switching + k] = False
        may[switching + (2 + k) * loops : switching + (3 + k) * loops] = False
    return may


def from_before(features: int, scaling: Scaling) -> BoolArray:
    """Which features are known before a scan, shape (F,)."""
    tags, loops = len(scaling.centre), len(scaling.loops)
    before = np.ones(features, dtype=bool)
    before[:tags] = False
    beyond = (LAGS + 3) * tags
    before[beyond : beyond + 4 * tags] = False
    switching = beyond + 8 * tags + 1
    before[switching : switching + loops] = False
    before[switching + 2 * loops : switching + (2 + loops) * loops] = False
    return before


def may_excuse(circumstances: int, tags: int, tag: int) -> BoolArray:
    """Which circumstances (C,) predict a tag's size: not its own last innovation, or a deviation would excuse itself."""
    may = np.ones(circumstances, dtype=bool)
    may[tags + tag] = False
    return may


class Sizes:
    """How large innovations may be, from one scan before, in one running batch.

    Parameters
    ----------
    scaling
        The tags' range.
    usual
        Shape (p,), > 0: median size of innovations.
    """

    def __init__(self, scaling: Scaling, usual: FloatArray, precision: FloatArray) -> None:
        self._scaling, self._usual, self._precision = scaling, usual, precision
        self._last = np.zeros((1, len(usual)))

    def advance(self, predictors: Predictors, innovations: FloatArray) -> FloatArray:
        """Circumstances (n, C) of innovations (n, p): what their size is predicted from."""
        tags, loops = len(self._usual), len(self._scaling.loops)
        sizes = hold(np.concatenate([self._last, np.log(np.abs(innovations) / self._usual + CALM)]))
        before, self._last = sizes[:-1], sizes[-1:].copy()
        beyond = (LAGS + 3 + 4) * tags
        past = predictors.features[:, beyond : beyond + 4 * tags + 1]  # hinges one scan before, and 1
        switching = beyond + 4 * tags + 1 + loops
        acting = predictors.features[:, switching : switching + loops]
        f = predictors.features
        leverage = np.log(np.maximum((f @ self._precision * f).sum(axis=1, keepdims=True), 1e-3))
        lev=[leverage, np.maximum(leverage-1,0), np.maximum(leverage - 2.5, 0.0)] if LEV else []
        return np.concatenate([np.minimum(predictors.far, 4.0), before, past, acting, *lev], axis=1)

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


def past_threshold(features: FloatArray, scaling: Scaling) -> BoolArray:
    """Whether each controller follows its second law, (n, c): one scan before, its switching tag was past the threshold."""
    past: BoolArray = features[:, len(scaling.centre) + scaling.switch] > scaling.threshold
    return past


def foretell(features: FloatArray, one_step: OneStep) -> FloatArray:
    """Each tag's reading (n, p), in spreads from the centre.

    A controller's output stays between its ends; beyond them, where its law is unknown, it is foretold to stay.
    """
    foretold, scaling = predict(features, one_step.weights), one_step.scaling
    loops, (least, most) = scaling.loops, scaling.ends
    last = features[:, len(scaling.centre) + loops]
    second = predict(features, one_step.switched) if len(loops) else foretold[:, :0]
    foretold[:, loops] = np.where(past_threshold(features, scaling), second, foretold[:, loops])
    foretold[:, loops] = np.clip(foretold[:, loops], np.minimum(least, last), np.maximum(most, last))
    return foretold


def predicted_size(circumstances: FloatArray, predictors: Predictors, model: OneStep) -> FloatArray:
    """Size of each innovation (n, p), > 0, in spreads; larger where readings it is foretold from are stand-ins."""
    size: FloatArray = model.usual * np.exp(np.clip(predict(circumstances, model.size_weights), _LEAST, _MOST))
    if not predictors.doubt.any():
        return size
    n, lags, tags = predictors.doubt.shape
    variance = np.minimum(predictors.doubt * _DOUBT**2 * model.unknown, 1.0)
    doubtful: FloatArray = np.sqrt(size**2 + predict(variance.reshape(n, lags * tags), model.weights[: lags * tags] ** 2))
    return doubtful


def _lagged(doubt: FloatArray) -> FloatArray:
    n = len(doubt) - LAGS
    return np.stack([doubt[LAGS - lag : LAGS - lag + n] for lag in range(LAGS + 1)], axis=1)
