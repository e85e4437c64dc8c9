"""What a reading is predicted from: the features of the one-step regressions, and which of them may predict what.

Readings are in constant units of each tag's range over the whole recipe ("spreads"), because a controller's law is the
same at every age. Beside the readings now and at the last scans there are the usual trajectory, how far readings lie
beyond their usual range (hinges: loops saturate), and what controllers gave when another began or ceased to act
(products).

References
----------
Hinges: Friedman (1991), Annals of Statistics 19(1), 1-67 (multivariate adaptive regression splines). Which features
there are is PATrol's own; measured in decision 10.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays.compiled import PLACES, ROW, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray

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
    """The positions of the features of p tags and c loops.

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
        """First of the 2c: which loops act now, and one scan before; a constant 1 precedes them."""
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
        """Which features predict a tag, (F,): nothing of what it reads now, and only its own trajectory."""
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


def features_of(
    scaling: Scaling, readings: FloatArray, level: FloatArray, starts: IntArray | None = None
) -> FloatArray:
    """Features (n, F) of the scans of b batches, one after the other, in the order of ``Layout``.

    Readings, trajectory, hinges and products are in spreads; the constant and which loops act are 0 or 1.

    Parameters
    ----------
    scaling
        Of the tags.
    readings
        Shape (n + LAGS b, p), in spreads from the centre, without gaps: in front of each batch's scans the LAGS before.
    level
        Shape (n + b, p), the usual trajectory likewise, with one scan before.
    starts
        Shape (b + 1,): each batch's first scan, and n; None: there is one batch.
    """
    tags, loops = readings.shape[1], scaling.loops
    starts = np.array([0, len(readings) - LAGS]) if starts is None else starts
    features = np.empty((starts[-1], Layout(tags, len(loops)).width))
    knots, on = np.ascontiguousarray(scaling.knots), np.ascontiguousarray(scaling.on)
    _fill_each(starts, np.ascontiguousarray(readings), np.ascontiguousarray(level), knots, loops, on, features)
    return features


@compiled("void", ROW, ROW, PLACES, ROW, ROW)
def _fill_switching(now: FloatArray, last: FloatArray, loops: IntArray, on: FloatArray, filled: FloatArray) -> None:
    """What controllers switch, (2c + 2cc,): which act now and before, and what each gave before times that."""
    count = len(loops)
    for lag in range(2):
        for k in range(count):
            acts = (now if lag == 0 else last)[loops[k]] > on[k]
            filled[lag * count + k] = 1.0 if acts else 0.0
            for other in range(count):
                product = 2 * count + (lag * count + k) * count + other
                filled[product] = last[loops[other]] if acts else 0.0


@compiled("void", TABLE, TABLE, TABLE, PLACES, ROW, TABLE)
def _fill(
    readings: FloatArray, level: FloatArray, knots: FloatArray, loops: IntArray, on: FloatArray, features: FloatArray
) -> None:
    """Features (n, F) in the order of ``Layout``."""
    tags, acting = readings.shape[1], (LAGS + 1 + 2 + 8) * readings.shape[1] + 1
    for row in range(len(features)):
        filled = features[row]
        for k in range(tags):
            for lag in range(LAGS + 1):
                filled[lag * tags + k] = readings[row + LAGS - lag, k]
            filled[(LAGS + 1) * tags + k], filled[(LAGS + 2) * tags + k] = level[row + 1, k], level[row, k]
            for lag in range(2):
                reading, hinges = readings[row + LAGS - lag, k], (LAGS + 3 + 4 * lag) * tags + k
                for knot in range(4):
                    beyond = knots[knot, k] - reading if knot < 2 else reading - knots[knot, k]
                    filled[hinges + knot * tags] = beyond if beyond > 0.0 else 0.0
        filled[acting - 1] = 1.0
        _fill_switching(readings[row + LAGS], readings[row + LAGS - 1], loops, on, filled[acting:])


@compiled("void", PLACES, TABLE, TABLE, TABLE, PLACES, ROW, TABLE)
def _fill_each(
    starts: IntArray, readings: FloatArray, level: FloatArray, knots: FloatArray, loops: IntArray, on: FloatArray,
    features: FloatArray,
) -> None:  # fmt: skip
    for k in range(len(starts) - 1):
        a, b = starts[k], starts[k + 1]
        _fill(readings[a + LAGS * k : b + LAGS * (k + 1)], level[a + k : b + k + 1], knots, loops, on, features[a:b])


def past_threshold(features: FloatArray, scaling: Scaling) -> BoolArray:
    """Whether each controller follows its second law, (n, c): its switching tag was past the threshold a scan ago."""
    past: BoolArray = features[:, len(scaling.centre) + scaling.switch] > scaling.threshold
    return past
