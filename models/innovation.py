"""What a tag does that neither its own past nor the other tags explain: its one-step innovation.

Each tag is foretold by a ridge regression on its own last three readings and on the other tags' present and last ones
(``models.features``). A controller has two laws, one on each side of the threshold that switches it. Nothing is
foretold beyond what released batches read. A reading that is absent is replaced by what the others foretell of it, and
the doubt that brings is carried.
All is learnt from sums of products (``models.regression``), so that one batch can be taken out again.

References
----------
Ljung (1999), System Identification, chapter 5 (ARX, piecewise affine).
"""

from dataclasses import dataclass

import numpy as np

from models.block import FloatArray, IntArray
from models.compiled import PLACES, ROW, TABLE, compiled
from models.features import LAGS, Scaling, features_of
from models.monitor import Numbers
from models.products import product

_CLIP = 30.0  # spreads: what lies beyond says no more than this
_LOST = 1e12  # of doubt: nothing is known of a reading that has long been absent


@dataclass(frozen=True, slots=True)
class OneStep:
    """The regressions of p tags."""

    scaling: Scaling
    weights: FloatArray  # (F, p) foretells the reading, in spreads from the centre
    switched: FloatArray  # (F, c) each controller's second law, past its threshold
    whitening: FloatArray  # (E, E) upper triangle: makes the E earlier features independent: see ``sizes``
    ahead: FloatArray  # (F, p) foretells the reading from the scans before alone
    unknown: FloatArray  # (p,) variance of a stand-in for an absent reading, in squared spreads
    usual: FloatArray  # (p,) > 0: median size of innovations
    size_weights: FloatArray  # (C, p) foretells the logarithm of size / usual
    known: FloatArray  # (2, C) least and most of each circumstance in released batches


@dataclass(frozen=True, slots=True)
class Predictors:
    """What the regressions start from, scan by scan."""

    readings: FloatArray  # (n, p) in spreads from the centre; NaN: none, or among the first of the batch
    features: FloatArray  # (n, F)
    far: FloatArray  # (n, p) standard deviations from the trajectory one scan before
    doubt: FloatArray | None  # (n, LAGS + 1, p) how often a stand-in's variance counts, now and before; None: no gaps


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
        self._doubtful = False  # any of it
        self._level, self._z = np.zeros((2, 1, tags))
        self._scans = 0  # the first few have no past to be foretold from

    def advance(self, values: FloatArray, mean: FloatArray, scale: FloatArray) -> Predictors:
        """Predictors from readings (n, p), NaN: none, and the trajectory's mean and scale there, (n, p) each."""
        scaling = self._scaling
        n, tags = values.shape
        readings, seen = np.empty((LAGS + n, tags)), np.empty((n, tags))
        level, z = np.empty((1 + n, tags)), np.empty((1 + n, tags))
        readings[:LAGS], level[0], z[0] = self._readings, self._level[0], self._z[0]
        gaps = _in_spreads(
            np.ascontiguousarray(values), np.ascontiguousarray(mean), np.ascontiguousarray(scale),
            scaling.centre, scaling.spread, seen, level, z,
        )  # fmt: skip
        readings[LAGS:] = seen
        doubt = self._filled(readings, level) if gaps or self._doubtful else None
        features = features_of(scaling, readings, level)
        self._readings, self._level, self._z = readings[-LAGS:].copy(), level[-1:].copy(), z[-1:].copy()
        self._scans += n
        seen[: max(LAGS + n - self._scans, 0)] = np.nan
        return Predictors(seen, features, np.abs(z[:-1]), doubt)

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
        self._doubtful, self._scans = bool(self._doubt.any()), int(numbers["scans"])  # type: ignore[call-overload]

    def _filled(self, readings: FloatArray, level: FloatArray) -> FloatArray | None:
        """Fill what is absent of (LAGS + n, p), in place, and the doubt that brings (n, LAGS + 1, p); None: none."""
        doubt = np.concatenate([self._doubt, np.zeros_like(readings[LAGS:])])
        for row in np.flatnonzero(np.isnan(readings[LAGS:]).any(axis=1)).tolist():
            self._stand_in(readings[row : row + LAGS + 1], doubt[row : row + LAGS + 1], level[row : row + 2])
        self._doubt = doubt[-LAGS:].copy()
        self._doubtful = bool(self._doubt.any())
        return _lagged(doubt) if doubt.any() else None

    def _stand_in(self, readings: FloatArray, doubt: FloatArray, level: FloatArray) -> None:
        """Fill what is absent of the last scan, in place: from the scans before, then from the other tags now."""
        absent = np.isnan(readings[-1])
        readings[-1, absent] = readings[-2, absent]
        if self._one_step is None:
            return
        before = product(features_of(self._scaling, readings, level), self._one_step.ahead)[0]
        readings[-1, absent] = np.clip(before[absent], -_CLIP, _CLIP)
        told = absent & self._one_step.weights.any(axis=0)
        now = predict(features_of(self._scaling, readings, level), self._one_step)[0]
        readings[-1, told] = np.clip(now[told], -_CLIP, _CLIP)
        doubt[-1, absent] = np.minimum(2 * doubt[-2, absent] + 1, _LOST)


@compiled("boolean", TABLE, TABLE, TABLE, ROW, ROW, TABLE, TABLE, TABLE)
def _in_spreads(
    values: FloatArray, mean: FloatArray, scale: FloatArray, centre: FloatArray, spread: FloatArray,
    seen: FloatArray, level: FloatArray, z: FloatArray,
) -> bool:  # fmt: skip
    """Readings (n, p) in spreads; from the second row of (1 + n, p) on: the trajectory's, and deviations from it.

    Returns whether any reading is absent.
    """
    gaps = False
    for row in range(len(values)):
        for tag in range(len(centre)):
            value, usual = values[row, tag], mean[row, tag]
            own, far = (value - centre[tag]) / spread[tag], (value - usual) / scale[row, tag]
            gaps = gaps or np.isnan(own)
            seen[row, tag] = own if np.isnan(own) else min(max(own, -_CLIP), _CLIP)
            level[row + 1, tag] = 0.0 if np.isnan(usual) else (usual - centre[tag]) / spread[tag]
            z[row + 1, tag] = z[row, tag] if np.isnan(far) else min(max(far, -_CLIP), _CLIP)
    return gaps


def predict(features: FloatArray, one_step: OneStep) -> FloatArray:
    """Each tag's reading (n, p), in spreads from the centre.

    Between the least and the most it ever read in released batches; beyond them, where nothing is known, it is
    foretold to stay.
    """
    foretold, scaling = product(features, one_step.weights), one_step.scaling
    _tell_second_laws(
        features, np.ascontiguousarray(one_step.switched), scaling.loops, scaling.switch, scaling.threshold, foretold
    )
    _bound(features, np.ascontiguousarray(scaling.ends), foretold)
    return foretold


@compiled("void", TABLE, TABLE, PLACES, PLACES, ROW, TABLE)
def _tell_second_laws(
    features: FloatArray, switched: FloatArray, loops: IntArray, switch: IntArray, threshold: FloatArray,
    foretold: FloatArray,
) -> None:  # fmt: skip
    """Controllers' outputs by their second law where they are past the threshold (``features.past_threshold``)."""
    tags = foretold.shape[1]
    for row in range(len(features)):
        for k in range(len(loops)):
            if features[row, tags + switch[k]] > threshold[k]:
                second = 0.0
                for place in range(features.shape[1]):
                    if features[row, place] != 0.0:
                        second += features[row, place] * switched[place, k]
                foretold[row, loops[k]] = second


@compiled("void", TABLE, TABLE, TABLE)
def _bound(features: FloatArray, ends: FloatArray, foretold: FloatArray) -> None:
    """Keep what is foretold (n, p) between the least and the most ever read (2, p), and the last reading."""
    tags = foretold.shape[1]
    for row in range(len(features)):
        for tag in range(tags):
            last = features[row, tags + tag]
            foretold[row, tag] = min(max(foretold[row, tag], min(ends[0, tag], last)), max(ends[1, tag], last))


def _lagged(doubt: FloatArray) -> FloatArray:
    n = len(doubt) - LAGS
    lagged = np.empty((n, LAGS + 1, doubt.shape[1]))
    for lag in range(LAGS + 1):
        lagged[:, lag] = doubt[LAGS - lag : LAGS - lag + n]
    return lagged
