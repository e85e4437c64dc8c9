"""A tag's level when nothing is known of it but its own past: the local-level model.

A reading is a level plus noise, and the level is a random walk. How much of a tag's movement is the walk is learnt from
its first scans; a tag whose level walks is expected near its last readings, one whose level stays near its long mean.
The variance of a level that has not been learnt for a while (out of control, unfit, absent) grows, so that what it may
have walked meanwhile raises no alarm.

References
----------
Harvey (1989), Forecasting, Structural Time Series Models and the Kalman Filter, section 4.1.2.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import BoolArray, FloatArray
from models.records.monitor import Numbers

_GAINS = 17  # candidates tried
_OUTLIER = 6.0  # root mean squares: an innovation counts as no more than this


@dataclass(frozen=True, slots=True)
class LevelModel:
    """How each of p tags moves, learnt from its first scans."""

    gain: FloatArray  # (p,) in (0, 1]: share of an innovation the level takes up; 1: a random walk
    scale: FloatArray  # (p,) > 0: standard deviation of an innovation, in the tag's unit of measure
    start: FloatArray  # (p,) level after the scans learnt, in the tag's unit of measure; NaN: never seen


def learn_level_model(values: FloatArray, least_scale: FloatArray) -> tuple[LevelModel, FloatArray]:
    """The level model of each tag, and its innovations in standard deviations.

    Of 17 gains between 4 / n and 1 the one whose one-step errors have the least root mean square, outliers clipped.

    Parameters
    ----------
    values
        Shape (n, p), in each tag's unit of measure, in order of time; NaN: no reading.
    least_scale
        Shape (p,), > 0: the least standard deviation to assume, in each tag's unit of measure.

    Returns
    -------
    The level model, and the innovations after the first fifth of the scans, shape (n - n // 5, p), dimensionless; NaN:
    no reading, or one of the first fifth of a tag's own, from which its level starts.

    References
    ----------
    Harvey (1989), section 4.1.2; the search and the clipping are PATrol's own.
    """
    gains = np.geomspace(min(4 / len(values), 1.0), 1.0, _GAINS)
    known = np.isfinite(values)
    first = known & (np.cumsum(known, axis=0) <= np.maximum(known.sum(axis=0) // 5, 1))
    errors, levels = _innovations(values, gains, _mean(np.where(first, values, np.nan)))
    settled = np.where(first[:, None], np.nan, errors)[len(values) // 5 :]
    power = np.sqrt(_mean(settled**2))
    power = np.sqrt(_mean(np.minimum(np.abs(settled), _OUTLIER * power) ** 2))  # (gains, p)
    best, tags = power.argmin(axis=0), np.arange(values.shape[1])
    scale = np.maximum(power[best, tags], least_scale)
    return LevelModel(gains[best], scale, levels[best, tags]), settled[:, best, tags] / scale


def _innovations(values: FloatArray, gains: FloatArray, start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """One-step errors (n, gains, p) of every candidate, and its last levels (gains, p)."""
    level = np.broadcast_to(start, (len(gains), len(start)))
    errors = np.empty((len(values), *level.shape))
    for row, seen in enumerate(values):
        errors[row] = seen - level
        level = level + gains[:, None] * np.nan_to_num(errors[row])
    return errors, level


def _mean(values: FloatArray) -> FloatArray:
    """Mean over the first axis of what is there; NaN where nothing is."""
    known = np.isfinite(values)
    count = known.sum(axis=0)
    total = np.where(known, values, 0.0).sum(axis=0)
    mean: FloatArray = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


class Levels:
    """The levels of p tags, scan by scan: a Kalman filter in units of each tag's innovation variance.

    Parameters
    ----------
    level_model
        Learnt from the first scans.
    """

    def __init__(self, level_model: LevelModel) -> None:
        self._gain, self._scale = level_model.gain, level_model.scale
        # variances, in innovation variances: of the noise, and of a step of the level
        self._noise, self._walk = 1 - level_model.gain, level_model.gain**2
        self.level = level_model.start.copy()  # (p,)
        self._unknown = level_model.gain.copy()  # (p,) variance of the level

    def wait(self, scans: float) -> None:
        """So many scans are missing: the levels are known less well."""
        self._unknown = self._unknown + self._walk * scans

    def innovations(self, values: FloatArray) -> FloatArray:
        """How far readings (p,), in units of measure, are from their levels, in standard deviations.

        NaN: no reading, or a tag that has never been read.
        """
        return (values - self.level) / (self._scale * np.sqrt(self._unknown + self._noise))

    def learn(self, values: FloatArray, which: BoolArray) -> None:
        """Update levels of the tags ``which`` (p,) by readings (p,), in units of measure; others' variance grows."""
        gain = np.where(which, self._unknown / (self._unknown + self._noise), 0.0)
        self.level = self.level + gain * np.where(which, values - self.level, 0.0)
        self._unknown = self._unknown * (1 - gain) + self._walk

    def state(self) -> Numbers:
        """A copy of all that changes."""
        return {"level": self.level.copy(), "unknown": self._unknown.copy()}

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave."""
        self.level, self._unknown = np.array(numbers["level"]), np.array(numbers["unknown"])
