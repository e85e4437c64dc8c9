"""Which tags are responsible for a scan's deviation, most responsible first, with what was expected of them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from models.block import BoolArray, FloatArray
from models.compiled import FLAGS, ROW, compiled
from models.ranking import Seen, ranked
from models.records import Contributor
from models.residuals import Residuals
from models.twin import Twin

_MOST = 5
_LEAST_SHARE = 0.01
_MOVED = 4.0  # tails: a manipulated tag over its limit leads, for nothing it answers to explains it
_TEMPER = 2.0  # tails: one tag this much further in its tail than another is e times as responsible


@dataclass(frozen=True, slots=True)
class Account:
    """What contributors are told from: n scans as judged."""

    twin: Twin
    values: FloatArray  # (n, p)
    residuals: Residuals
    excess: Callable[[int], FloatArray]  # row -> (6p,) in tails, from ``models.measure``
    manipulated: BoolArray  # (p,)


def contributors(account: Account, row: int, first: int | None = None) -> tuple[Contributor, ...]:
    """The tags responsible at a scan; ``first``: the accused sensor's, which leads whatever the others say."""
    shares = np.empty(account.values.shape[1])
    _weigh(account.excess(row), account.manipulated, shares)
    if first is not None:
        shares[first] = shares.max() + _LEAST_SHARE
    residuals = account.residuals
    seen = Seen(account.values[row], residuals.expected[row], residuals.innovation[row] / residuals.size[row])
    return ranked(account.twin, shares, seen, _MOST)


@compiled("void", ROW, FLAGS, ROW)
def _weigh(excess: FloatArray, manipulated: BoolArray, weights: FloatArray) -> None:
    """Weights (p,) >= 0: how deep in its tail each tag is, from the excess (6p,) of its statistics."""
    tags = len(weights)
    for tag in range(tags):
        own = excess[tag::tags].max()
        weights[tag] = own + _MOVED if manipulated[tag] and own > 0 else own
    most = weights.max()
    for tag in range(tags):
        weight = np.exp((weights[tag] - most) / _TEMPER) if np.isfinite(most) else 0.0
        weights[tag] = weight if weight >= _LEAST_SHARE else 0.0
