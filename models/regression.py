"""Learning the one-step regressions of ``models.innovation`` from released batches, any one of them left out."""

from collections.abc import Sequence

import numpy as np

from models.block import BoolArray, FloatArray, IntArray
from models.innovation import CALM, OneStep, Past, Predictors, Scaling, Sizes, predict

_RIDGE = 1e-3  # share of each feature's own power
_START = 2  # scans of a batch that have no past yet
_REST = 0.02  # quantile: a controller's output at rest
_ACTING = 0.05  # of its range above its rest: a controller acts
_KNOTS = (0.02, 0.25, 0.75, 0.98)  # quantiles


class Regressions:
    """Sums of products over released batches, from which the regressions with or without one of them follow.

    Parameters
    ----------
    scaling
        The tags' range.
    batches
        Of each batch residuals as the other batches see them, readings, and scales, (n, p) each.
    tags
        Positions of the tags to predict; the others (schedules) are foretold as the mean.
    """

    def __init__(
        self, scaling: Scaling, batches: Sequence[tuple[FloatArray, FloatArray, FloatArray]], tags: IntArray
    ) -> None:
        self._scaling, self._tags = scaling, tags
        predictors = [Past(scaling).advance(*batch) for batch in batches]
        self._moments = [_moments(each.features, each.clipped) for each in predictors]
        self._weights = [self._predicting(own) for own in range(len(predictors))]
        innovations = [
            each.clipped - predict(each.features, weights)
            for each, weights in zip(predictors, self._weights, strict=True)
        ]
        self._usual = _usual(innovations)
        self._size_moments = [
            self._size_moment(each, innovation) for each, innovation in zip(predictors, innovations, strict=True)
        ]

    def all_but(self, own: int | None) -> OneStep:
        """The regressions of all batches but ``own`` (None: of all)."""
        weights = self._predicting(None) if own is None else self._weights[own]
        products, targets = _without(self._size_moments, own)
        size_weights = _ridge(products, targets)
        size_weights[:, ~np.isin(np.arange(len(self._usual)), self._tags)] = 0.0
        return OneStep(self._scaling, weights, self._usual, size_weights)

    def _predicting(self, own: int | None) -> FloatArray:
        products, targets = _without(self._moments, own)
        weights = np.zeros_like(targets)
        for tag in self._tags:
            use = np.flatnonzero(_may_use(len(products), self._scaling, int(tag)))
            weights[use, tag] = _ridge(products[np.ix_(use, use)], targets[use, tag])
        return weights

    def _size_moment(self, predictors: Predictors, innovations: FloatArray) -> tuple[FloatArray, FloatArray]:
        circumstances = Sizes(self._usual).advance(predictors, innovations)
        return _moments(circumstances, np.log(np.abs(innovations) / self._usual + CALM))


def learn_scaling(readings: FloatArray, loops: IntArray) -> Scaling:
    """Range of p tags from readings (n, p) of all batches, NaN: none; ``loops``: positions of controllers' outputs."""
    seen = np.where(np.isfinite(readings).any(axis=0), readings, 0.0)
    centre = np.nanmean(seen, axis=0)
    spread = np.maximum(np.nanstd(seen, axis=0), 1e-9 * (1 + np.abs(centre)))
    rest, most = np.nanquantile(seen, (_REST, 1 - _REST), axis=0)[:, loops]
    on = rest + _ACTING * (most - rest)
    return Scaling(centre, spread, (np.nanquantile(seen, _KNOTS, axis=0) - centre) / spread, loops, rest, on)


def _may_use(features: int, scaling: Scaling, tag: int) -> BoolArray:
    """Which features predict a tag: nothing of what it reads now, and the second last residual only its own."""
    tags, loops = len(scaling.centre), len(scaling.loops)
    may = np.ones(features, dtype=bool)
    may[tag] = False
    may[2 * tags : 3 * tags] = np.arange(tags) == tag
    may[3 * tags + tag : 7 * tags : tags] = False
    switching = 11 * tags + 1
    for k in np.flatnonzero(scaling.loops == tag):
        may[switching + k] = False
        products = switching + (2 + k) * loops
        may[products : products + loops] = False
    return may


def _moments(features: FloatArray, targets: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Sums of products (F, F), and with the targets (F, p); an absent target counts as 0."""
    later = features[_START:]
    return later.T @ later, later.T @ np.nan_to_num(targets[_START:])


def _without(moments: Sequence[tuple[FloatArray, FloatArray]], own: int | None) -> tuple[FloatArray, FloatArray]:
    rest = [each for k, each in enumerate(moments) if k != own]
    products: FloatArray = np.sum([each[0] for each in rest], axis=0)
    targets: FloatArray = np.sum([each[1] for each in rest], axis=0)
    return products, targets


def _ridge(products: FloatArray, targets: FloatArray) -> FloatArray:
    ridge = (_RIDGE * np.diag(products) + 1e-9) * np.eye(len(products))
    return np.asarray(np.linalg.solve(products + ridge, targets), dtype=np.float64)


def _usual(innovations: Sequence[FloatArray]) -> FloatArray:
    """Median size over all batches, (p,), > 0."""
    sizes = np.abs(np.concatenate(innovations))
    seen = np.where(np.isfinite(sizes).any(axis=0), sizes, 1.0)
    usual: FloatArray = np.maximum(np.nanmedian(seen, axis=0), 1e-6)
    return usual
