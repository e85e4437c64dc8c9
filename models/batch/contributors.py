"""Which tags are responsible for a scan's deviation, most responsible first, with what was expected of them."""

from collections.abc import Callable, Sequence

import msgspec
import numpy as np

from models.arrays.compiled import FLAGS, TABLE, compiled
from models.arrays.types import BoolArray, FloatArray, IntArray
from models.records.messages import Contributor
from models.records.twin import Twin
from models.statistics.ranking import Seen, ranked
from models.statistics.residuals import Residuals

_MOST = 5
_LEAST_SHARE = 0.01
_MOVED = 4.0  # tails: a manipulated tag over its limit leads, for its own inputs do not explain it
_TEMPER = 2.0  # tails: one tag this much further in its tail than another is e times as responsible


class ContributionInputs(msgspec.Struct, frozen=True):
    """What contributors follow from: n scans as judged."""

    twin: Twin
    values: FloatArray  # (n, p)
    residuals: Residuals
    excess: Callable[[IntArray], FloatArray]  # of some rows (m,): (m, 6p) in tails, from ``models.batch.measure``
    manipulated: BoolArray  # (p,)


def contributors(
    inputs: ContributionInputs, rows: Sequence[int], first: int | None = None
) -> list[tuple[Contributor, ...]]:
    """The tags responsible at some scans, most responsible first, each with its share, 0 to 1.

    A tag's weight is exp(e / 2), e its statistics' largest excess over their limits, in tails; 4 more for a manipulated
    tag that is over its limit.

    Parameters
    ----------
    inputs
        The scans.
    rows
        Which of them.
    first
        Position of the tag that is the cause, which leads whatever the others' weights; None: by weight alone.

    References
    ----------
    PATrol's own.
    """
    at = np.array(rows, dtype=np.int64)
    shares = np.empty((len(at), inputs.values.shape[1]))
    _weigh(inputs.excess(at), inputs.manipulated, shares)
    if first is not None:
        shares[:, first] = shares.max(axis=1) + _LEAST_SHARE
    residuals = inputs.residuals
    seen = Seen(inputs.values[at], residuals.expected[at], residuals.innovation[at] / residuals.size[at])
    return ranked(inputs.twin, shares, seen, _MOST)


@compiled("void", TABLE, FLAGS, TABLE)
def _weigh(excess: FloatArray, manipulated: BoolArray, weights: FloatArray) -> None:
    """Weights (m, p) >= 0: how deep in its tail each tag is, from the excess (m, 6p) of its statistics."""
    tags = weights.shape[1]
    for row in range(len(weights)):
        for tag in range(tags):
            own = excess[row, tag::tags].max()
            weights[row, tag] = own + _MOVED if manipulated[tag] and own > 0 else own
        most = weights[row].max()
        for tag in range(tags):
            weight = np.exp((weights[row, tag] - most) / _TEMPER) if np.isfinite(most) else 0.0
            weights[row, tag] = weight if weight >= _LEAST_SHARE else 0.0
