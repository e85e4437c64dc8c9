"""Learning the one-step regressions of ``models.statistics.innovation`` from released batches.

Every sum of products is kept by batch, so that any one batch can be left out without summing the others anew
(decisions 10 and 14).
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from scipy.linalg import cholesky, solve_triangular

from models.arrays.products import product
from models.arrays.types import BoolArray, FloatArray, IntArray, marked
from models.records.progress import Progress, no_progress
from models.reference.ridge import LEAST, RIDGE, ridge, ridges
from models.statistics.features import LAGS, Layout, Scaling, past_threshold
from models.statistics.innovation import OneStep, Past, Predictors, predict
from models.statistics.sizes import Sizes, log_size, size_predictors

_NEAR = 0.02  # of its range: a controller is at its end

StandardisedBatch = tuple[FloatArray, FloatArray, FloatArray]  # readings, mean and scale of one batch, (n, p) each
Moments = tuple[FloatArray, FloatArray]  # sums of products of features (F, F), and with the targets (F, p)


class Regressions:
    """Sums of products over released batches, from which the regressions with or without one of them follow.

    Parameters
    ----------
    scaling
        The tags' range.
    batches
        Of each batch its readings, and mean and scale as the other batches give them, (n, p) each, in units of measure.
    tags
        Positions of the tags to predict; the others (schedules) are predicted as the centre.
    progress
        Called with how many batches have been left out.

    References
    ----------
    Ridge regression: ``models.reference.ridge``. Sizes: Harvey (1976), Econometrica 44(3), 461-465. Two laws a
    controller, and which scans show them, are PATrol's own; measured in decisions 10 and 14.
    """

    def __init__(
        self, scaling: Scaling, batches: Sequence[StandardisedBatch], tags: IntArray, progress: Progress = no_progress
    ) -> None:
        self._scaling, self._tags, self._batches = scaling, tags, batches
        self._layout = Layout(len(scaling.centre), len(scaling.loops))
        self._total = _summed(self._moments(own) for own in range(len(batches)))
        bare = []
        for own in range(len(batches)):
            bare.append(self._without_sizes(own))
            progress("regressions", own + 1, len(batches))
        innovations = [self._innovations(one, own) for own, one in enumerate(bare)]
        shared = self._shared(innovations)
        self._left_out = [replace(one, **shared) for one in bare]
        self._of_all = replace(self._without_sizes(None), **shared)
        circumstances = [
            Sizes(self._left_out[own]).advance(self._predictors(own), innovation)[LAGS:]
            for own, innovation in enumerate(innovations)
        ]
        self._size_moments = [
            _moments(circumstance, log_size(innovation[LAGS:], self._of_all.usual))
            for circumstance, innovation in zip(circumstances, innovations, strict=True)
        ]
        self._ranges = np.array([(one.min(axis=0), one.max(axis=0)) for one in circumstances])

    def all_but(self, own: int | None) -> OneStep:
        """The regressions of all batches but ``own`` (None: of all); what imputes absent readings is always of all."""
        products, targets = _summed([one] for k, one in enumerate(self._size_moments) if k != own)[0]
        weights = np.zeros_like(targets)
        may = [size_predictors(len(products), self._layout.tags, tag) for tag in self._tags.tolist()]
        weights[:, self._tags] = ridges(products, targets[:, self._tags], may)
        ranges = self._ranges if own is None else np.delete(self._ranges, own, axis=0)
        known = np.array([ranges[:, 0].min(axis=0), ranges[:, 1].max(axis=0)])
        one_step = self._of_all if own is None else self._left_out[own]
        return replace(one_step, size_weights=weights, known=known)

    # -- inside -----------------------------------------------------------------------------------------------

    def _predictors(self, own: int) -> Predictors:
        return Past(self._scaling).advance(*self._batches[own])

    def _innovations(self, one_step: OneStep, own: int) -> FloatArray:
        predictors = self._predictors(own)
        return predictors.readings - predict(predictors.features, one_step)

    def _moments(self, own: int) -> Iterator[Moments]:
        """One batch's: over all scans; then each controller's first law, then each one's second."""
        predictors, loops = self._predictors(own), range(self._layout.loops)
        yield _moments(predictors.features[LAGS:], predictors.readings[LAGS:])
        for past, loop in itertools.product((False, True), loops):
            shows = self._shows(predictors, loop, past)
            yield _moments(predictors.features[shows], predictors.readings[shows])

    def _rest(self, own: int | None) -> Iterator[Moments]:
        """As ``_moments``, of all batches but ``own``; one after the other: at 256 tags each is 110 MB."""
        if own is None:
            return iter(self._total)
        pairs = zip(self._total, self._moments(own), strict=True)
        return ((total[0] - part[0], total[1] - part[1]) for total, part in pairs)

    def _without_sizes(self, own: int | None) -> OneStep:
        rest, loops = self._rest(own), self._scaling.loops
        products, targets = next(rest)
        power, weights, switched = np.diag(products), np.zeros_like(targets), np.zeros((len(products), len(loops)))
        tags = np.setdiff1d(self._tags, loops)
        may = [self._layout.may_predict(self._scaling, tag) for tag in tags.tolist()]
        weights[:, tags] = ridges(products, targets[:, tags], may)
        for loop in loops.tolist():
            weights[:, loop] = self._solved(next(rest), loop, power)
        for k, loop in enumerate(loops.tolist()):
            switched[:, k] = self._solved(next(rest), loop, power)
        none = np.zeros(0)
        return OneStep(self._scaling, weights, switched, self._whitening(products), none, none, none, none, none)

    def _whitening(self, products: FloatArray) -> FloatArray:
        """What makes the features known before a scan independent, of mean square 1 together."""
        scans = products[self._layout.acting - 1, self._layout.acting - 1]  # of the constant 1
        before = np.flatnonzero(self._layout.from_before())
        earlier = products[np.ix_(before, before)] + np.diag(RIDGE * np.diag(products)[before] + LEAST)
        root = cholesky(earlier, lower=True)
        inverse = solve_triangular(root, np.sqrt(scans / len(before)) * np.eye(len(before)), lower=True)
        return np.ascontiguousarray(inverse.T)

    def _shared(self, innovations: Sequence[FloatArray]) -> dict[str, Any]:
        """What is always of all batches: what imputes readings, their variance, and usual sizes of innovations."""
        ahead, unknown = self._standing_in()
        predictable = marked(self._tags, self._layout.tags)
        unknown = np.where(predictable, _mean_square(innovations), unknown)
        return {"ahead": ahead, "unknown": unknown, "usual": _usual(innovations)}

    def _solved(self, moments: Moments, tag: int, power: FloatArray) -> FloatArray:
        products, targets = moments
        weights, use = np.zeros(len(products)), np.flatnonzero(self._layout.may_predict(self._scaling, tag))
        weights[use] = ridge(products[np.ix_(use, use)], targets[use, tag : tag + 1], power[use])[:, 0]
        return weights

    def _standing_in(self) -> tuple[FloatArray, FloatArray]:
        """What the scans before predict of every tag: weights (F, p), and the variance (p,) of what they leave."""
        products, targets = self._total[0]
        weights, use = np.zeros_like(targets), np.flatnonzero(self._layout.from_before())
        weights[use] = ridge(products[np.ix_(use, use)], targets[use])
        every = (self._predictors(own) for own in range(len(self._batches)))
        return weights, _mean_square([each.readings - product(each.features, weights) for each in every])

    def _shows(self, predictors: Predictors, loop: int, past: bool) -> BoolArray:
        """Scans (n,) at which a controller followed its first or second law, and was not at its most."""
        least, most = self._scaling.ends[:, self._scaling.loops[loop]]
        given = predictors.readings[:, self._scaling.loops[loop]]
        at_end = np.nan_to_num(given) > most - _NEAR * (most - least)
        shows: BoolArray = ~(at_end | np.concatenate([[False], at_end[:-1]]))
        shows &= past_threshold(predictors.features, self._scaling)[:, loop] == past
        shows[:LAGS] = False  # they have no past
        return shows


def _moments(features: FloatArray, targets: FloatArray) -> Moments:
    """Sums of products (F, F), and with the targets (F, p); an absent target counts as 0."""
    return features.T @ features, features.T @ np.nan_to_num(targets)


def _summed(batches: Iterable[Iterable[Moments]]) -> list[Moments]:
    """Sums of moments in the same place, one part at a time."""
    total: list[Moments] = []
    for moments in batches:
        for place, (products, targets) in enumerate(moments):
            if place == len(total):
                total.append((products, targets))
            else:
                total[place] = (total[place][0] + products, total[place][1] + targets)
    return total


def _mean_square(parts: Sequence[FloatArray]) -> FloatArray:
    every = np.concatenate(parts)
    mean: FloatArray = np.nansum(every**2, axis=0) / np.maximum(np.isfinite(every).sum(axis=0), 1)
    return mean


def _usual(innovations: Sequence[FloatArray]) -> FloatArray:
    """Median size over all batches, (p,), > 0."""
    sizes = np.abs(np.concatenate(innovations))
    seen = np.where(np.isfinite(sizes).any(axis=0), sizes, 1.0)
    usual: FloatArray = np.maximum(np.nanmedian(seen, axis=0), 1e-6)
    return usual
