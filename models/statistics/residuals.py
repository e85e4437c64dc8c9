"""What a running batch does that its trajectory does not predict: residuals, tag by tag and together, scan by scan."""

import msgspec
import numpy as np

from models.arrays.carried import Carried, Segments
from models.arrays.compiled import PLACES, ROW, TABLE, compiled
from models.arrays.grid import at_position
from models.arrays.types import FloatArray, IntArray
from models.statistics.innovation import Past, predict
from models.statistics.mspc import t2_and_spe
from models.statistics.schedule import ScheduleBank
from models.statistics.sizes import Sizes, predicted_size
from models.statistics.trajectory import Trajectory

_CLIP = 10.0  # one tag's residual counts no more than this in T² and SPE


class Residuals(msgspec.Struct, frozen=True):
    """n scans of p tags; NaN: not judged."""

    z: FloatArray  # (n, p) standard deviations from the mean trajectory
    innovation: FloatArray  # (n, p) spreads off the one-step prediction; a schedule tag: noise deviations off it
    size: FloatArray  # (n, p) > 0: predicted size of the innovation; a schedule tag: 1
    expected: FloatArray  # (n, p) what was predicted, in each tag's unit of measure
    plane: FloatArray  # (n, p) what T² and SPE are of
    t2: FloatArray  # (n,)
    spe: FloatArray  # (n,)

    @property
    def scaled(self) -> FloatArray:
        """Innovations over their predicted sizes, (n, p), dimensionless; NaN: not judged."""
        return self.innovation / self.size

    def resized(self, ratio: FloatArray) -> "Residuals":
        """The same, predicted sizes times ``ratio``, (n, p), > 0, dimensionless: the usual size of ``scaled`` there."""
        size = self.size * ratio
        return Residuals(self.z, self.innovation, size, self.expected, self.plane, self.t2, self.spe)


class Residual(Carried):
    """Residuals of a running batch.

    Parameters
    ----------
    trajectory
        What released batches did.
    """

    def __init__(self, trajectory: Trajectory) -> None:
        self._trajectory = trajectory
        self._past = Past(trajectory.one_step.scaling, trajectory.one_step)
        self._sizes = Sizes(trajectory.one_step)
        self._bank = ScheduleBank(trajectory.schedule)
        super().__init__({"past": self._past, "sizes": self._sizes, "bank": self._bank})

    def advance(self, position: FloatArray, values: FloatArray, segments: Segments | None = None) -> Residuals:
        """Residuals of scans in order of time.

        Parameters
        ----------
        position
            Shape (n,): grid position, 0 to G - 1; NaN: not judged.
        values
            Shape (n, p), in each tag's unit of measure: readings fit to judge; NaN: none.
        segments
            Whose scans they are; None: one batch's.

        References
        ----------
        The one-step predictions: ``models.statistics.innovation``; the schedule tags: ``models.statistics.schedule``;
        T² and SPE of the distances from the trajectory: Nomikos & MacGregor (1995), Technometrics 37(1), 41-59.
        """
        segments = segments or Segments.of_one(len(values))
        trajectory, one_step = self._trajectory, self._trajectory.one_step
        columns, scaling, values = trajectory.schedule.columns, one_step.scaling, np.ascontiguousarray(values)
        mean, scale = at_position(trajectory.median, position), at_position(trajectory.scale, position)
        scheduled, schedule_expected = self._bank.advance(position, values[:, columns], segments)
        completed = values.copy()
        _stand_in(schedule_expected, columns, completed)
        predictors = self._past.advance(completed, mean, scale, segments)
        predicted = predict(predictors.features, one_step)
        z, innovation, expected, plane = np.empty((4, *values.shape))
        _compare(values, mean, scale, predictors.readings, predicted, z, innovation)
        size = predicted_size(self._sizes.advance(predictors, innovation, segments), predictors, one_step)
        _expect(predicted, scaling.centre, scaling.spread, z, expected, plane)
        _overrule(scheduled, schedule_expected, columns, innovation, size, expected, plane)
        t2, spe = t2_and_spe(plane, trajectory.loadings, trajectory.eigenvalues)
        return Residuals(z, innovation, size, expected, plane, t2, spe)


@compiled("void", TABLE, PLACES, TABLE)
def _stand_in(schedule_expected: FloatArray, columns: IntArray, readings: FloatArray) -> None:
    """Impute absent readings (n, p) of the schedule tags (columns (q,)) by what their schedule expects (n, q)."""
    for row in range(len(readings)):
        for q in range(len(columns)):
            if np.isnan(readings[row, columns[q]]):
                readings[row, columns[q]] = schedule_expected[row, q]


@compiled("void", TABLE, TABLE, TABLE, TABLE, TABLE, TABLE, TABLE)
def _compare(
    values: FloatArray, mean: FloatArray, scale: FloatArray, readings: FloatArray, predicted: FloatArray,
    z: FloatArray, innovation: FloatArray,
) -> None:  # fmt: skip
    """Deviations from the trajectory, and in spreads from what was predicted, (n, p) each."""
    for row in range(len(values)):
        for tag in range(values.shape[1]):
            z[row, tag] = (values[row, tag] - mean[row, tag]) / scale[row, tag]
            expected = np.nan if np.isnan(mean[row, tag]) else predicted[row, tag]
            innovation[row, tag] = readings[row, tag] - expected


@compiled("void", TABLE, ROW, ROW, TABLE, TABLE, TABLE)
def _expect(
    predicted: FloatArray,
    centre: FloatArray,
    spread: FloatArray,
    z: FloatArray,
    expected: FloatArray,
    plane: FloatArray,
) -> None:
    """What was predicted in each tag's unit of measure, and what T² and SPE are of, (n, p) each."""
    for row in range(len(predicted)):
        for tag in range(len(centre)):
            far = z[row, tag]
            expected[row, tag] = centre[tag] + spread[tag] * predicted[row, tag]
            plane[row, tag] = far if np.isnan(far) else min(max(far, -_CLIP), _CLIP)


@compiled("void", TABLE, TABLE, PLACES, TABLE, TABLE, TABLE, TABLE)
def _overrule(
    scheduled: FloatArray, schedule_expected: FloatArray, columns: IntArray,
    innovation: FloatArray, size: FloatArray, expected: FloatArray, plane: FloatArray,
) -> None:  # fmt: skip
    """For the schedule tags (columns (q,) of (n, p)), put residuals and expectation from their schedule (n, q) instead.

    Their residuals are in noise standard deviations.
    """
    for row in range(len(scheduled)):
        for q in range(len(columns)):
            tag, far = columns[q], scheduled[row, q]
            innovation[row, tag], size[row, tag], expected[row, tag] = far, 1.0, schedule_expected[row, q]
            plane[row, tag] = far if np.isnan(far) else min(max(far, -_CLIP), _CLIP)
