"""What a reading is foretold from: the features of the one-step regressions, and which of them may foretell what.

Readings are in constant units of each tag's range over the whole recipe ("spreads"), because a controller's law is the
same at every age. Beside the readings now and at the last scans stand the usual trajectory, how far readings lie beyond
their usual range (hinges: loops saturate), and what controllers gave when another began or ceased to act (products).
"""

from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray, IntArray

LAGS = 3  # scans before this one


@dataclass(frozen=True, slots=True)
class Scaling:
    """The range of p tags over the whole recipe, and how its c controllers work."""

    centre: FloatArray  # (p,) in each tag's unit of measure
    spread: FloatArray  # (p,) > 0
    knots: FloatArray  # (4, p) quantiles in spreads from the centre: two low ones, two high ones
    ends: FloatArray  # (2, p) the least and the most they ever read, in spreads from the centre
    loops: IntArray  # (c,) positions of controllers' outputs: manipulated tags that follow no schedule
    on: FloatArray  # (c,) what they read at least when they act, likewise
    switch: IntArray  # (c,) the tag past whose threshold each controller follows another law
    threshold: FloatArray  # (c,) in spreads from the centre


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the features of p tags and c loops stand.

    Examples
    --------
    >>> Layout(2, 1).width
    33
    """

    tags: int
    loops: int

    @property
    def level(self) -> int:
        """First of the 2p: usual trajectory now, and one scan before."""
        return (LAGS + 1) * self.tags

    @property
    def beyond(self) -> int:
        """First of the 8p hinges: 4p of this scan, 4p of the one before."""
        return self.level + 2 * self.tags

    @property
    def acting(self) -> int:
        """First of the 2c: which loops act now, and one scan before; a constant 1 stands in front of them."""
        return self.beyond + 8 * self.tags + 1

    @property
    def products(self) -> int:
        """First of the 2cc: the c outputs before while loop 1 acts, while loop 2 acts, ...; the same for one before."""
        return self.acting + 2 * self.loops

    @property
    def width(self) -> int:
        """How many features."""
        return self.products + 2 * self.loops**2

    def may_predict(self, scaling: Scaling, tag: int) -> BoolArray:
        """Which features foretell a tag, (F,): nothing of what it reads now, and only its own trajectory."""
        may = np.ones(self.width, dtype=bool)
        may[tag] = False
        may[self.level : self.beyond] = np.arange(2 * self.tags) % self.tags == tag
        may[self.beyond + tag : self.beyond + 4 * self.tags : self.tags] = False
        for k in np.flatnonzero(scaling.loops == tag):
            may[self.acting + k] = False
            may[self.products + k * self.loops : self.products + (k + 1) * self.loops] = False
        return may

    def from_before(self) -> BoolArray:
        """Which features are known before a scan, (F,)."""
        before = np.ones(self.width, dtype=bool)
        before[: self.tags] = False
        before[self.beyond : self.beyond + 4 * self.tags] = False
        before[self.acting : self.acting + self.loops] = False
        before[self.products : self.products + self.loops**2] = False
        return before


def features_of(scaling: Scaling, readings: FloatArray, level: FloatArray) -> FloatArray:
    """Features (n, F), from readings (LAGS + n, p) and usual trajectory (1 + n, p), both in spreads from the centre."""
    n = len(readings) - LAGS
    lags = [readings[LAGS - lag : LAGS - lag + n] for lag in range(LAGS + 1)]
    now, last = lags[:2]
    fixed = [*lags, level[1:], level[:-1], *_hinges(scaling, now), *_hinges(scaling, last), np.ones((n, 1))]
    return np.concatenate([*fixed, _switching(scaling, now, last)], axis=1)


def _hinges(scaling: Scaling, readings: FloatArray) -> list[FloatArray]:
    below = [np.maximum(knot - readings, 0.0) for knot in scaling.knots[:2]]
    return below + [np.maximum(readings - knot, 0.0) for knot in scaling.knots[2:]]


def _switching(scaling: Scaling, now: FloatArray, last: FloatArray) -> FloatArray:
    """What controllers switch, (n, 2c + 2cc): which act now and before, and what each gave before times that."""
    loops = scaling.loops
    acting = [(readings[:, loops] > scaling.on).astype(float) for readings in (now, last)]
    products = [last[:, loops] * act[:, k : k + 1] for act in acting for k in range(len(loops))]
    return np.concatenate([*acting, *products], axis=1)


def past_threshold(features: FloatArray, scaling: Scaling) -> BoolArray:
    """Whether each controller follows its second law, (n, c): its switching tag was past the threshold a scan ago."""
    past: BoolArray = features[:, len(scaling.centre) + scaling.switch] > scaling.threshold
    return past
