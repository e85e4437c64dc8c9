"""What a tag does that neither its own past nor the other tags explain: its one-step innovation.

Each tag is predicted by a ridge regression on its own last three readings and on the other tags' present and last ones
(``models.statistics.features``). A controller has two laws, one on each side of the threshold that switches it. Nothing
is predicted beyond what released batches read. An absent reading is imputed: replaced by what the other tags predict of
it, and the variance this adds (``doubt``) is carried on. All is learnt from sums of products
(``models.reference.regression``), so that one batch can be taken out again.

References
----------
Ljung (1999), System Identification, chapter 5 (ARX, piecewise affine). The two laws and the bounds are PATrol's own;
measured in decisions 10 and 14.
"""

from dataclasses import dataclass

import msgspec
import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import CUBE, FLAGS, PLACES, ROW, TABLE, compiled
from models.arrays.products import product
from models.arrays.types import BoolArray, FloatArray, IntArray
from models.statistics.features import LAGS, Scaling, features_of

_CLIP = 30.0  # spreads: a reading beyond counts as this
_LOST = 1e12  # of doubt: nothing is known of a reading that has long been absent


@dataclass(frozen=True, slots=True)
class OneStep:
    """The regressions of p tags."""

    scaling: Scaling
    weights: FloatArray  # (F, p) predicts the reading, in spreads from the centre
    switched: FloatArray  # (F, c) each controller's second law, past its threshold
    whitening: FloatArray  # (E, E) upper triangle: makes the E earlier features independent: see ``sizes``
    ahead: FloatArray  # (F, p) predicts the reading from the scans before alone
    unknown: FloatArray  # (p,) variance of an imputed reading, in squared spreads
    usual: FloatArray  # (p,) > 0: median size of innovations, in spreads
    size_weights: FloatArray  # (C, p) predicts the logarithm of size / usual
    known: FloatArray  # (2, C) least and most of each circumstance in released batches


class Predictors(msgspec.Struct, frozen=True):
    """What the regressions start from, scan by scan."""

    readings: FloatArray  # (n, p) in spreads from the centre; NaN: none, or among the first of the batch
    features: FloatArray  # (n, F)
    far: FloatArray  # (n, p) standard deviations from the trajectory one scan before
    doubt: FloatArray | None  # (n, LAGS + 1, p) of imputed readings, in multiples of ``unknown``; None: no gaps


class Past(Carried):
    """The last scans of a running batch.

    Parameters
    ----------
    scaling
        The tags' range.
    one_step
        Imputes absent readings; None: the last reading is held.
    """

    def __init__(self, scaling: Scaling, one_step: OneStep | None = None) -> None:
        self._scaling, self._one_step = scaling, one_step
        tags = len(scaling.centre)
        past = np.zeros((LAGS, tags))  # oldest first
        super().__init__(
            readings=past, doubt=past, level=np.zeros(tags), z=np.zeros(tags),
            scans=np.zeros(()),  # the first few have no past to be predicted from
        )  # fmt: skip

    def advance(
        self, values: FloatArray, mean: FloatArray, scale: FloatArray, segments: Segments | None = None
    ) -> Predictors:
        """What the regressions start from at each scan, with absent readings imputed.

        Parameters
        ----------
        values
            Shape (n, p), in each tag's unit of measure, in order of time; NaN: no reading.
        mean, scale
            Shape (n, p), in each tag's unit of measure: the trajectory at these scans; ``scale`` > 0; NaN: not judged.
        segments
            Whose scans they are; None: one batch's.
        """
        scaling, carried, segments = self._scaling, self.rows, segments or Segments.of_one(len(values))
        (n, tags), batches = values.shape, len(segments.places)
        readings, level = np.empty((n + LAGS * batches, tags)), np.empty((n + batches, tags))
        seen, far, gaps = np.empty((n, tags)), np.empty((n, tags)), np.empty(batches, dtype=bool)
        _in_spreads_each(
            segments.places, segments.starts, np.ascontiguousarray(values), np.ascontiguousarray(mean),
            np.ascontiguousarray(scale), scaling.centre, scaling.spread, carried["readings"], carried["level"],
            carried["z"], carried["doubt"], carried["scans"], readings, level, seen, far, gaps,
        )  # fmt: skip
        doubt = self._filled(readings, level, segments, gaps) if gaps.any() else None
        _remember(segments.places, segments.starts, readings, carried["readings"])
        return Predictors(seen, features_of(scaling, readings, level, segments.starts), far, doubt)

    def _filled(
        self, readings: FloatArray, level: FloatArray, segments: Segments, gaps: BoolArray
    ) -> FloatArray | None:
        """Impute absent readings, in place; their doubt (n, LAGS + 1, p), None: there is none.

        ``gaps`` (b,): which batches have any, or had some of late.
        """
        doubts = np.zeros((segments.starts[-1], LAGS + 1, readings.shape[1]))
        for k in gaps.nonzero()[0].tolist():
            a, b, place = segments.starts[k], segments.starts[k + 1], segments.places[k]
            own, usual = readings[a + LAGS * k : b + LAGS * (k + 1)], level[a + k : b + k + 1]
            doubt = np.concatenate([self.rows["doubt"][place], np.zeros((b - a, own.shape[1]))])
            for row in np.flatnonzero(np.isnan(own[LAGS:]).any(axis=1)).tolist():
                self._stand_in(own[row : row + LAGS + 1], doubt[row : row + LAGS + 1], usual[row : row + 2])
            self.rows["doubt"][place] = doubt[-LAGS:]
            doubts[a:b] = _lagged(doubt)
        return doubts if doubts.any() else None

    def _stand_in(self, readings: FloatArray, doubt: FloatArray, level: FloatArray) -> None:
        """Impute what is absent of the last scan, in place: from the scans before, then from the other tags now.

        The doubt of an imputed reading is 1, 3, 7, ... times ``OneStep.unknown`` while its tag stays absent.
        """
        absent = np.isnan(readings[-1])
        readings[-1, absent] = readings[-2, absent]
        if self._one_step is None:
            return
        before = product(features_of(self._scaling, readings, level), self._one_step.ahead)[0]
        readings[-1, absent] = np.clip(before[absent], -_CLIP, _CLIP)
        predictable = absent & self._one_step.weights.any(axis=0)
        now = predict(features_of(self._scaling, readings, level), self._one_step)[0]
        readings[-1, predictable] = np.clip(now[predictable], -_CLIP, _CLIP)
        doubt[-1, absent] = np.minimum(2 * doubt[-2, absent] + 1, _LOST)


@compiled("boolean", TABLE, TABLE, TABLE, ROW, ROW, TABLE, TABLE, ROW, TABLE)
def _in_spreads(
    values: FloatArray, mean: FloatArray, scale: FloatArray, centre: FloatArray, spread: FloatArray,
    seen: FloatArray, level: FloatArray, z: FloatArray, far: FloatArray,
) -> bool:  # fmt: skip
    """One batch's readings (n, p) in spreads; from the second row of (1 + n, p) on: the trajectory's.

    And how far from it the scan before was, (n, p): ``z`` (p,) is carried on. Returns whether any reading is absent.
    """
    gaps = False
    for row in range(len(values)):
        for tag in range(len(centre)):
            value, usual = values[row, tag], mean[row, tag]
            own, off = (value - centre[tag]) / spread[tag], (value - usual) / scale[row, tag]
            gaps = gaps or np.isnan(own)
            seen[row, tag] = own if np.isnan(own) else min(max(own, -_CLIP), _CLIP)
            level[row + 1, tag] = 0.0 if np.isnan(usual) else (usual - centre[tag]) / spread[tag]
            far[row, tag] = np.abs(z[tag])
            z[tag] = z[tag] if np.isnan(off) else min(max(off, -_CLIP), _CLIP)
    return gaps


@compiled(
    "void", PLACES, PLACES, TABLE, TABLE, TABLE, ROW, ROW, CUBE, TABLE, TABLE, CUBE, ROW,
    TABLE, TABLE, TABLE, TABLE, FLAGS,
)  # fmt: skip
def _in_spreads_each(
    places: IntArray, starts: IntArray, values: FloatArray, mean: FloatArray, scale: FloatArray,
    centre: FloatArray, spread: FloatArray, past: FloatArray, usual: FloatArray, z: FloatArray, doubt: FloatArray,
    scans: FloatArray, readings: FloatArray, level: FloatArray, seen: FloatArray, far: FloatArray, gaps: BoolArray,
) -> None:  # fmt: skip
    """As ``_in_spreads``, with each batch's last scans in front; which batches have gaps or doubt, (b,)."""
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        own, levels = readings[a + LAGS * k : b + LAGS * (k + 1)], level[a + k : b + k + 1]
        own[:LAGS], levels[0] = past[place], usual[place]
        gaps[k] = _in_spreads(values[a:b], mean[a:b], scale[a:b], centre, spread, seen[a:b], levels, z[place], far[a:b])
        gaps[k] = gaps[k] or (doubt[place] != 0.0).any()
        own[LAGS:], usual[place] = seen[a:b], levels[b - a]
        for row in range(a, min(b, a + LAGS - int(scans[place]))):
            seen[row] = np.nan
        scans[place] += b - a


@compiled("void", PLACES, PLACES, TABLE, CUBE)
def _remember(places: IntArray, starts: IntArray, readings: FloatArray, past: FloatArray) -> None:
    """Carry on each batch's last scans, once they have no gaps."""
    for k, place in enumerate(places):
        end = starts[k + 1] + LAGS * (k + 1)
        past[place] = readings[end - LAGS : end]


def predict(features: FloatArray, one_step: OneStep) -> FloatArray:
    """The one-step prediction of each tag's reading, (n, p), in spreads from the centre.

    A controller past its threshold follows its second law. A prediction is held between the least and the most that
    released batches ever read; a reading already beyond them is predicted at most to stay where it is.

    Parameters
    ----------
    features
        Shape (n, F), from ``features_of``.
    one_step
        The regressions.

    References
    ----------
    Ljung (1999), System Identification, chapter 5; the bounds are PATrol's own (decision 10).
    """
    predicted, scaling = product(features, one_step.weights), one_step.scaling
    _apply_second_laws(
        features, np.ascontiguousarray(one_step.switched), scaling.loops, scaling.switch, scaling.threshold, predicted
    )
    _bound(features, np.ascontiguousarray(scaling.ends), predicted)
    return predicted


@compiled("void", TABLE, TABLE, PLACES, PLACES, ROW, TABLE)
def _apply_second_laws(
    features: FloatArray, switched: FloatArray, loops: IntArray, switch: IntArray, threshold: FloatArray,
    predicted: FloatArray,
) -> None:  # fmt: skip
    """Controllers' outputs by their second law where they are past the threshold (``features.past_threshold``)."""
    tags = predicted.shape[1]
    for row in range(len(features)):
        for k in range(len(loops)):
            if features[row, tags + switch[k]] > threshold[k]:
                second = 0.0
                for place in range(features.shape[1]):
                    if features[row, place] != 0.0:
                        second += features[row, place] * switched[place, k]
                predicted[row, loops[k]] = second


@compiled("void", TABLE, TABLE, TABLE)
def _bound(features: FloatArray, ends: FloatArray, predicted: FloatArray) -> None:
    """Keep what is predicted (n, p) between the least and the most ever read (2, p), and the last reading."""
    tags = predicted.shape[1]
    for row in range(len(features)):
        for tag in range(tags):
            last = features[row, tags + tag]
            predicted[row, tag] = min(max(predicted[row, tag], min(ends[0, tag], last)), max(ends[1, tag], last))


def _lagged(doubt: FloatArray) -> FloatArray:
    n = len(doubt) - LAGS
    lagged = np.empty((n, LAGS + 1, doubt.shape[1]))
    for lag in range(LAGS + 1):
        lagged[:, lag] = doubt[LAGS - lag : LAGS - lag + n]
    return lagged
