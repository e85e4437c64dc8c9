"""Which tags are responsible for a scan's deviation, most responsible first, with what was expected of them."""

from dataclasses import dataclass

import numpy as np

from models.block import FloatArray
from models.ranking import Seen, ranked
from models.records import Contributor
from models.residuals import Residuals
from models.statistics import KINDS
from models.twin import Twin

_MOST = 5
_LEAST_SHARE = 0.01
_TEMPER = 2.0  # tails: one tag this much further in its tail than another is e times as responsible


@dataclass(frozen=True, slots=True)
class Account:
    """What contributors are told from: n scans as judged."""

    twin: Twin
    values: FloatArray  # (n, p)
    residuals: Residuals
    excess: FloatArray  # (n, 6p) in tails, from ``BatchMonitor``


def contributors(account: Account, row: int, first: int | None = None) -> tuple[Contributor, ...]:
    """The tags responsible at a scan; ``first``: the accused sensor's, which leads whatever the others say."""
    shares = _shares(account, row)
    if first is not None:
        shares[first] = shares.max() + _LEAST_SHARE
    residuals = account.residuals
    seen = Seen(account.values[row], residuals.expected[row], residuals.innovation[row] / residuals.size[row])
    return ranked(account.twin, shares, seen, _MOST)


def _shares(account: Account, row: int) -> FloatArray:
    """Weights (p,) >= 0: how deep in its tail each tag is."""
    own = account.excess[row].reshape(len(KINDS), -1).max(axis=0)
    most = own.max()
    if not np.isfinite(most):
        return np.zeros(len(own))
    weights = np.exp((own - most) / _TEMPER)
    return np.where(weights >= _LEAST_SHARE, weights, 0.0)
