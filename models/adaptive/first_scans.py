"""What is learnt from a unit's first scans when there is no reference: level models, covariance and limits.

References
----------
Chen, Wiesel, Eldar & Hero (2010), IEEE Transactions on Signal Processing 58(10), 5016-5029 (the shrunk covariance,
River's ``OASCovariance``); Box (1954), Annals of Mathematical Statistics 25(2), 290-302 (the limits of T² and SPE).
"""

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from river import covariance
from scipy.special import chdtri, stdtrit  # of scipy.stats, which takes a third of a second to import

from models.adaptive.level import LevelModel, learn_level_model
from models.adaptive.river_state import covariance_from
from models.arrays.types import FloatArray
from models.records.monitor import Numbers
from models.records.twin import Tag, Twin
from models.statistics.mspc import hotelling_t2, project, spe, subspace

WINDOWS = (8, 32)  # scans: spans of the moving averages, EWMA weight 2 / (span + 1)
_PROPER = 1e-3  # of a tag's range: the least standard deviation assumed of a tag that did not move
_RUNS = 4  # a moving average of span w takes about w / 4 scans to be new


@dataclass(frozen=True, slots=True)
class FirstScans:
    """Learnt once from the first scans; numbers only."""

    gain: FloatArray  # (p,)
    scale: FloatArray  # (p,) in each tag's unit of measure
    start: FloatArray  # (p,) in each tag's unit of measure
    mean: FloatArray  # (p,) of the innovations, in standard deviations
    moments: FloatArray  # (p, p) second moments of the innovations
    limits: FloatArray  # (1 + len(WINDOWS), p) of |innovation| and of its moving averages; inf: not judged
    widen: FloatArray  # (2,) how much heavier the tails of T² and SPE are than a normal distribution's
    components: FloatArray  # (1,) of the subspace
    count: FloatArray  # (1,) scans learnt

    @property
    def level_model(self) -> LevelModel:
        """How each tag moves."""
        return LevelModel(self.gain, self.scale, self.start)

    def correlation(self, tags: tuple[str, ...]) -> covariance.OASCovariance:
        """River's shrunk covariance of the innovations, dimensionless, to go on learning from."""
        numbers = {"mean": self.mean, "moments": self.moments, "count": self.count[0]}
        return covariance_from(tags, 1.0 / float(self.count[0]), numbers)

    def numbers(self) -> Numbers:
        """All of it, for a state."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_numbers(cls, numbers: Any) -> "FirstScans":
        """What ``numbers`` gave."""
        return cls(**{field.name: np.array(numbers[field.name]) for field in fields(cls)})


@dataclass(frozen=True, slots=True)
class Plane:
    """T² and SPE of innovations: loadings (p, A), eigenvalues (A,), and both limits."""

    loadings: FloatArray
    eigenvalues: FloatArray
    t2_limit: float
    spe_limit: float


def learn_first_scans(twin: Twin, values: FloatArray) -> FirstScans:
    """Level models, covariance and limits from the first scans.

    By chance, limits are passed about once in ``cold_start.budget_scans`` scans, all statistics together.

    Parameters
    ----------
    twin
        Its tags are the columns of the values.
    values
        Shape (n, p), in each tag's unit of measure, in order of time; NaN: no reading.

    References
    ----------
    Level models: ``models.adaptive.level``. T² and SPE: Box (1954), widened where these scans' tails are heavier.
    Single tags: Student's t of the kurtosis seen (excess 6 / (ν - 4)); this and its floors are PATrol's own.
    """
    least = np.array([_least_scale(tag, column) for tag, column in zip(twin.tags.values(), values.T, strict=True)])
    level_model, innovations = learn_level_model(values, least)
    known = np.nan_to_num(innovations)
    moments = (known[:, :, None] * known[:, None, :]).sum(axis=0) / len(known) + 1e-6 * np.eye(len(least))
    model = covariance_from(
        twin.tag_names, 1 / len(values), {"mean": known.mean(axis=0), "moments": moments, "count": len(values)}
    )
    loadings, eigenvalues = subspace(matrix(model, twin.tag_names))
    chance = _chance(twin)
    scores = project(known, loadings)
    seen = (hotelling_t2(scores, eigenvalues), spe(known, scores, loadings))
    theory = _theory(matrix(model, twin.tag_names), len(eigenvalues), chance)
    widen = [max(1.0, _box(x.mean(), x.var(), chance) / limit) for x, limit in zip(seen, theory, strict=True)]
    return FirstScans(
        level_model.gain, level_model.scale, level_model.start, known.mean(axis=0), moments,
        _limits(level_model.gain, innovations, chance), np.array(widen), np.array([float(len(eigenvalues))]),
        np.array([float(len(values))]),
    )  # fmt: skip


def plane_of(twin: Twin, first: FirstScans, correlation: covariance.OASCovariance) -> Plane:
    """The subspace of the correlation as learnt so far, with limits of T² and SPE, > 0, dimensionless."""
    matrix_now, components = matrix(correlation, twin.tag_names), int(first.components[0])
    loadings, eigenvalues = subspace(matrix_now, explained=1.0)
    t2_limit, spe_limit = np.array(_theory(matrix_now, components, _chance(twin))) * first.widen
    return Plane(
        np.ascontiguousarray(loadings[:, :components]), eigenvalues[:components], float(t2_limit), float(spe_limit)
    )


def matrix(model: covariance.OASCovariance, features: tuple[str, ...]) -> FloatArray:
    """A River covariance as an array (p, p), in the squared unit of its features, in this order."""
    return np.array([[model[row, column] for column in features] for row in features])


# -- inside ---------------------------------------------------------------------------------------------------


def _chance(twin: Twin) -> float:
    """Probability that one statistic passes its limit by chance in one scan."""
    return 1.0 / (twin.cold_start.budget_scans * (len(twin.tags) * (1 + len(WINDOWS)) + 2))


def _least_scale(tag: Tag, seen: FloatArray) -> float:
    known = seen[np.isfinite(seen)]
    size = float(np.abs(known).max(initial=0.0)) or 1.0
    span = size if tag.low is None or tag.high is None else tag.high - tag.low
    return _PROPER * min(span, size)


def _limits(gain: FloatArray, innovations: FloatArray, chance: float) -> FloatArray:
    """Limits of |innovation| and its moving averages: Student tails of the kurtosis and width seen in these scans.

    A tag is averaged only over spans in which its level hardly moves; longer ones would judge the level's own drift.
    """
    scans = np.maximum(np.isfinite(innovations).sum(axis=0), 2)
    known = np.nan_to_num(innovations)
    excess = (known**4).sum(axis=0) / scans - 3
    limits = [_student(np.maximum(excess, np.sqrt(6 / scans)), scans, chance)]
    for window in WINDOWS:
        weight = 2 / (window + 1)
        averages, rows = np.zeros(known.shape[1]), []
        for row in known:
            averages = averages + weight * (row - averages)
            rows.append(averages / np.sqrt(weight / (2 - weight)))
        settled = np.array(rows[window:] or rows)
        wide = np.maximum(np.sqrt((settled**2).mean(axis=0)), 1.0)
        tail = _student(np.maximum(excess, np.sqrt(6 / scans)) * weight, scans, chance * window / _RUNS)
        limits.append(np.where(gain * window <= 1, tail * wide, np.inf))
    return np.array(limits)


def _student(excess: FloatArray, scans: FloatArray, chance: float) -> FloatArray:
    """The limit that |t| passes with this chance, t of variance 1 and this excess kurtosis, 6 / (ν - 4)."""
    freedom = np.minimum(4 + 6 / excess, np.maximum(scans - 1, 3.0))
    limit: FloatArray = -stdtrit(freedom, chance / 2) / np.sqrt(freedom / (freedom - 2))
    return limit


def _theory(covariances: FloatArray, components: int, chance: float) -> tuple[float, float]:
    """Limits of T² and SPE under a normal distribution; SPE's by Box's approximation (Box 1954)."""
    left = np.maximum(np.linalg.eigvalsh(covariances)[::-1][components:], 1e-9)
    if not len(left):
        return float(chdtri(components, chance)), np.inf
    return float(chdtri(components, chance)), _box(float(left.sum()), float(2 * (left**2).sum()), chance)


def _box(mean: float, variance: float, chance: float) -> float:
    """What a scaled chi-squared variable g χ²(h) of this mean and variance passes with this chance (Box 1954)."""
    if not (mean > 0 and variance > 0):
        return np.inf
    return float(variance / (2 * mean) * chdtri(2 * mean**2 / variance, chance))
