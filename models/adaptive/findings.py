"""Findings and contributors of the adaptive monitor."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from models.adaptive.first_scans import WINDOWS, FirstScans, Plane
from models.arrays.types import BoolArray, FloatArray
from models.records.judgement import Finding
from models.records.messages import Contributor
from models.records.twin import Twin
from models.statistics.mspc import project, spe_parts, t2_parts
from models.statistics.ranking import Seen, ranked

_NAMES = ("residual", *(f"ewma_{window}" for window in WINDOWS))
_MOST = 3  # contributors named

Explain = Callable[[int], tuple[Contributor, ...]]


@dataclass(slots=True)
class Judged:
    """Scan by scan, what the statistics of n scans were; NaN: not judged."""

    expected: FloatArray  # (n, p) in each tag's unit of measure
    z: FloatArray  # (n, 1 + len(WINDOWS), p) innovation and its moving averages, in standard deviations
    t2: FloatArray  # (n,)
    t2_limit: FloatArray  # (n,)
    spe: FloatArray  # (n,)
    spe_limit: FloatArray  # (n,)
    planes: dict[int, Plane] = field(default_factory=dict)  # row -> the subspace it was judged in

    @classmethod
    def none(cls, n: int, tags: int) -> "Judged":
        """Nothing judged yet."""
        t2, t2_limit, spe, spe_limit = np.full((4, n), np.nan)
        z = np.full((n, 1 + len(WINDOWS), tags), np.nan)
        return cls(np.full((n, tags), np.nan), z, t2, t2_limit, spe, spe_limit)


class AdaptiveFindings:
    """Findings of n scans, and the tags responsible for each.

    Parameters
    ----------
    twin
        Names and units of measure.
    values
        Shape (n, p): the readings judged; NaN: none, or unfit.
    judged
        What the statistics were.
    first
        The limits; None: nothing was judged.
    """

    def __init__(self, twin: Twin, values: FloatArray, judged: Judged, first: FirstScans | None) -> None:
        self._twin, self._values, self._judged = twin, values, judged
        limits = np.full(judged.z.shape[1:], np.inf) if first is None else first.limits
        self._limits = limits
        self._ratios = np.nan_to_num(np.abs(judged.z) / limits)  # (n, kinds, p)

    def findings(self) -> Iterator[Finding]:
        """One for each statistic: value and limit (n,), dimensionless; cause "process", grade "advisory"."""
        rows, judged = np.arange(len(self._values)), self._judged
        for kind, name in enumerate(_NAMES):
            worst = self._ratios[:, kind].argmax(axis=1)
            value, limit = np.abs(judged.z[rows, kind, worst]), self._limits[kind, worst]
            yield self._finding(name, value, limit, self._by_tag(kind))
        yield self._finding("t2", judged.t2, judged.t2_limit, self._by_t2)
        yield self._finding("spe", judged.spe, judged.spe_limit, self._by_spe)

    def furthest(self, row: int) -> tuple[Contributor, ...]:
        """The tags furthest from expected at a scan, each by its largest statistic."""
        return self._contributors(row, self._ratios[row].max(axis=0))

    # -- inside -----------------------------------------------------------------------------------------------

    def _finding(self, name: str, value: FloatArray, limit: FloatArray, explain: Explain) -> Finding:
        over: BoolArray = value > limit
        return Finding(name, "process", "process", "advisory", value, limit, over, explain)

    def _by_tag(self, kind: int) -> Explain:
        return lambda row: self._contributors(row, self._ratios[row, kind] ** 2)

    def _by_t2(self, row: int) -> tuple[Contributor, ...]:
        z, plane = self._judged.z[row : row + 1, 0], self._judged.planes[row]
        parts = t2_parts(z, project(z, plane.loadings), plane.loadings, plane.eigenvalues)
        return self._contributors(row, np.maximum(parts[0], 0.0))

    def _by_spe(self, row: int) -> tuple[Contributor, ...]:
        z, plane = self._judged.z[row : row + 1, 0], self._judged.planes[row]
        return self._contributors(row, spe_parts(z, project(z, plane.loadings), plane.loadings)[0])

    def _contributors(self, row: int, weights: FloatArray) -> tuple[Contributor, ...]:
        """The tags of most weight (p,) >= 0 with their shares of it."""
        here = slice(row, row + 1)
        seen = Seen(self._values[here], self._judged.expected[here], self._judged.z[here, 0])
        return ranked(self._twin, weights[None], seen, _MOST)[0]
