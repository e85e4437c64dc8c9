"""Tags that follow a schedule (feeds, set-points): judged against a bank of shifted master profiles.

A recipe sets such a tag to a master profile times a gain, earlier or later by a shift; both differ from batch to batch
and are found on line. What is left is noise, so that a few per cent are seen at the first scan.
Multiple-model estimation: one recursive least-squares gain per shift; of the shifts that still explain the batch, the
one nearest to the reading gives the residual.

References
----------
Bar-Shalom, Li & Kirubarajan (2001), Estimation with Applications to Tracking and Navigation, chapter 11. The rule that
rules shifts out is PATrol's own.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import CUBE, PLACES, ROW, TABLE, compiled
from models.arrays.types import FloatArray, IntArray

_REACH = 0.0075  # shifts up to this much maturity to either side
_GAIN_SD = 0.05  # gains of released batches, before anything is seen of this one
EDGE = 1  # grid steps: a step of the profile may fall this much beside its shift
_IMPLAUSIBLE = 20.0  # a shift this much worse (in squared standard deviations) than the best one is ruled out
_OUTLIER = 5.0  # standard deviations: the gain learns nothing from such a scan


@dataclass(frozen=True, slots=True)
class Schedule:
    """The master profiles of the q schedule tags, and their noise, in released batches."""

    columns: IntArray  # (q,) positions among the twin's tags
    master: FloatArray  # (G, q) profile over the maturity grid, in each tag's unit of measure
    noise: FloatArray  # (G, q) standard deviation around it, > 0
    profiles: FloatArray  # (3, q, G) the master, and the least and most of it within EDGE of each point

    def shifts(self) -> FloatArray:
        """The bank's shifts in whole grid steps, shape (S,): between two steps a sharp edge would be blurred."""
        return shifts_of(len(self.master))


def shifts_of(points: int) -> FloatArray:
    """Shifts tried on a grid of ``points``, (S,), in grid steps: whole ones, up to 0.75 % of the recipe either way."""
    reach = int(np.ceil(_REACH * (points - 1)))
    return np.arange(-reach, reach + 1, dtype=float)


class ScheduleBank(Carried):
    """Gains and shifts of a running batch's schedule tags.

    Parameters
    ----------
    schedule
        Learnt from released batches.
    """

    def __init__(self, schedule: Schedule) -> None:
        self._schedule, self._shifts = schedule, schedule.shifts()
        # of each tag and shift: the sum of squared predictions in noise units, the sum of observed times predicted
        # (gain 1 at first), and the sum of squared residuals, each at most _OUTLIER squared
        beliefs = np.empty((len(schedule.columns), 3, len(self._shifts)))
        beliefs[:] = np.array([1 / _GAIN_SD**2, 1 / _GAIN_SD**2, 0.0])[:, None]
        super().__init__(beliefs=beliefs)

    def advance(
        self, position: FloatArray, values: FloatArray, segments: Segments | None = None
    ) -> tuple[FloatArray, FloatArray]:
        """Residuals and what was expected, (n, q) each, scan by scan.

        Parameters
        ----------
        position
            Shape (n,): grid position, 0 to G - 1; NaN gives NaN.
        values
            Shape (n, q), in each tag's unit of measure: the schedule tags' readings; NaN: none.
        segments
            Whose scans they are; None: one batch's.

        Returns
        -------
        Residuals in standard deviations of the noise, and expected readings in each tag's unit of measure.
        """
        (residual, expected), segments = np.empty((2, *values.shape)), segments or Segments.of_one(len(values))
        _follow_each(
            segments.places, segments.starts, position, np.ascontiguousarray(values), self._shifts,
            self._schedule.profiles, self._schedule.noise, self.rows["beliefs"], residual, expected,
        )  # fmt: skip
        return residual, expected


@compiled("UniTuple(float64, 2)", TABLE, ROW, TABLE, "float64")
def _scan(predicted: FloatArray, errors: FloatArray, beliefs: FloatArray, seen: float) -> tuple[float, float]:
    """One scan of one tag, all in noise deviations: its residual, and what was expected; the beliefs are updated."""
    scaled, power, product, misfit = predicted[0], beliefs[0], beliefs[1], beliefs[2]
    for s in range(len(errors)):
        errors[s] = (seen - product[s] / power[s] * scaled[s]) / np.sqrt(1 + scaled[s] ** 2 / power[s])
    least, best, low, high = misfit.min(), -1, np.inf, -np.inf
    for s in range(len(errors)):
        if misfit[s] - least < _IMPLAUSIBLE:
            gain = product[s] / power[s]
            low, high = min(low, gain * predicted[1, s]), max(high, gain * predicted[2, s])
            if best < 0 or np.abs(errors[s]) < np.abs(errors[best]):
                best = s
    residual, expected = errors[best], product[best] / power[best] * scaled[best]
    if low <= seen <= high:
        residual = min(max(residual, -1.0), 1.0)
    if np.isfinite(seen):
        for s in range(len(errors)):
            misfit[s] += min(errors[s] ** 2, _OUTLIER**2)
        if np.abs(residual) < _OUTLIER:
            for s in range(len(errors)):
                power[s] += scaled[s] ** 2
                product[s] += seen * scaled[s]
    return residual, expected


@compiled("void", ROW, TABLE, ROW, CUBE, TABLE, CUBE, TABLE, TABLE)
def _follow(
    position: FloatArray, values: FloatArray, shifts: FloatArray, profiles: FloatArray, noise: FloatArray,
    beliefs: FloatArray, residual: FloatArray, expected: FloatArray,
) -> None:  # fmt: skip
    """Residuals and what was expected (n, q), scan by scan; the bank's beliefs (q, 3, S) are updated."""
    last, errors = len(noise) - 1, np.empty(len(shifts))
    predicted = np.empty((3, len(shifts)))  # at each shift, and the least and most within EDGE of it
    for row in range(len(values)):
        if not np.isfinite(position[row]):
            residual[row], expected[row] = np.nan, np.nan
            continue
        at = int(min(max(np.rint(position[row]), 0.0), float(last)))
        for q in range(values.shape[1]):
            for s in range(len(shifts)):
                place = min(max(position[row] - shifts[s], 0.0), float(last))
                low = min(int(place), last - 1)
                part = place - low
                for which in range(3):
                    profile = profiles[which, q]
                    predicted[which, s] = (profile[low] * (1 - part) + profile[low + 1] * part) / noise[at, q]
            found, usual = _scan(predicted, errors, beliefs[q], values[row, q] / noise[at, q])
            residual[row, q], expected[row, q] = found, usual * noise[at, q]


@compiled("void", PLACES, PLACES, ROW, TABLE, ROW, CUBE, TABLE, "float64[:,:,:,::1]", TABLE, TABLE)
def _follow_each(
    places: IntArray, starts: IntArray, position: FloatArray, values: FloatArray, shifts: FloatArray,
    profiles: FloatArray, noise: FloatArray, beliefs: FloatArray, residual: FloatArray, expected: FloatArray,
) -> None:  # fmt: skip
    for k, place in enumerate(places):
        a, b = starts[k], starts[k + 1]
        _follow(position[a:b], values[a:b], shifts, profiles, noise, beliefs[place], residual[a:b], expected[a:b])
