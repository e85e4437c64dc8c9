"""The reference of one product: what its released batches looked like, and the limits that follow.

A reference is never changed. ``learn_batch`` gives a new one from the recordings the old one keeps and one more, the
same as fitting all of them together.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from models.adaptive.learner import LearnerLimits
from models.arrays.types import BoolArray
from models.records.block import RecordedBatch
from models.records.errors import ReferenceError
from models.records.progress import Progress, no_progress
from models.records.twin import Twin
from models.reference.alignment import Recipe, learn_recipe, recorded_maturity
from models.reference.fitting import Fitted, fit
from models.sensors.limits import SensorLimits, learn_sensor_limits, physical_range
from models.statistics.trajectory import Trajectory, position_of

if TYPE_CHECKING:
    from models.reference.learning import AlignedBatch

_FORM = 4  # of meta and arrays
LEAST_BATCHES = 5


@dataclass(frozen=True, slots=True)
class Reference:
    """What released batches looked like."""

    name: str  # the twin's
    tags: tuple[str, ...]
    budget: float  # false deviations a good batch
    recipe: Recipe
    recordings: tuple[RecordedBatch, ...]  # in the order learnt, values to float32
    fitted: Fitted
    sensors: SensorLimits
    _fits: dict[bytes, Fitted] = field(default_factory=dict, compare=False, repr=False)  # without some of the tags

    @property
    def batches(self) -> tuple[str, ...]:
        """The batches learnt."""
        return tuple(batch.batch_id for batch in self.recordings)

    def without(self, silent: BoolArray) -> Fitted:
        """The fit to the same recordings without the silent tags (p,) (decision 14).

        Made when it is first needed, which takes as long as fitting the reference, and kept.
        """
        from models.reference.learning import Learning

        if not silent.any():
            return self.fitted
        key = silent.tobytes()
        if key not in self._fits:
            trajectory = self.fitted.trajectory
            manipulated = np.union1d(trajectory.schedule.columns, trajectory.one_step.scaling.loops)
            points = len(self.fitted.limits)
            aligned_batches = [
                (position, np.where(silent, np.nan, values))
                for position, values in _aligned_batches(self.recipe, self.recordings, points)
            ]
            self._fits[key] = fit(Learning(aligned_batches, points, manipulated), aligned_batches, self.budget)
        return self._fits[key]

    def meta(self) -> dict[str, Any]:
        """All that is not an array, fit for JSON."""
        kept = [{"batch_id": batch.batch_id, "unit": batch.unit, "phases": batch.phases} for batch in self.recordings]
        meta = {
            "form": _FORM, "name": self.name, "tags": self.tags, "budget": self.budget,
            "recipe": self.recipe, "recordings": kept,
        }  # fmt: skip
        built: dict[str, Any] = msgspec.to_builtins(meta)
        return built

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers by name."""
        arrays: dict[str, NDArray[Any]] = dict(self.fitted.trajectory.arrays())
        arrays |= {"size": self.fitted.size, "limits": self.fitted.limits, "tail": self.fitted.tail}
        arrays["plane_limits"] = self.fitted.plane_limits
        arrays |= self.fitted.learner.arrays()
        arrays |= self.sensors.arrays()
        for k, batch in enumerate(self.recordings):
            arrays |= {f"batch_{k}_age_s": batch.age_s, f"batch_{k}_values": batch.values.astype(np.float32)}
        return arrays

    @classmethod
    def from_parts(cls, meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> "Reference":
        """The inverse of ``meta`` and ``arrays``.

        Raises
        ------
        ReferenceError
            Written by a PATrol of another form.
        """
        if meta.get("form") != _FORM:
            raise ReferenceError(f"reference form: {meta.get('form')!r}, this PATrol reads {_FORM}; fit it anew")
        recordings = tuple(
            RecordedBatch(
                kept["batch_id"],
                arrays[f"batch_{k}_age_s"],
                arrays[f"batch_{k}_values"].astype(np.float64),
                tuple((phase, start) for phase, start in kept["phases"]),
                kept["unit"],
            )
            for k, kept in enumerate(meta["recordings"])
        )
        return cls(
            name=meta["name"],
            tags=tuple(meta["tags"]),
            budget=meta["budget"],
            recipe=msgspec.convert(meta["recipe"], Recipe),
            recordings=recordings,
            fitted=Fitted(
                Trajectory.from_arrays(arrays),
                arrays["size"],
                arrays["limits"],
                arrays["tail"],
                arrays["plane_limits"],
                LearnerLimits.from_arrays(arrays),
            ),
            sensors=SensorLimits.from_arrays(arrays),
        )


def fit_reference(twin: Twin, batches: Sequence[RecordedBatch], progress: Progress = no_progress) -> Reference:
    """Learn a reference from released batches.

    Parameters
    ----------
    twin
        Its tags are the columns of the batches' values, in order.
    batches
        At least 5, of differing length; NaN: no reading.
    progress
        Called with the stage, how much of it is done, and of how much.

    Raises
    ------
    ReferenceError
        Too few batches, one of them empty or of other tags, or one given twice.
    ConfigError
        The twin's alignment cannot be learnt from these batches.
    """
    from models.reference.learning import Learning, grid_points, manipulated_columns

    _check(twin, batches)
    recordings = tuple(_kept(twin, batch) for batch in batches)
    recipe = learn_recipe(twin, recordings)
    points = grid_points(recipe, twin.cadence_s)
    sensors = learn_sensor_limits(twin, recordings)
    aligned_batches = []
    for k, one in enumerate(_aligned_batches(recipe, recordings, points)):
        aligned_batches.append(one)
        progress("alignment", k + 1, len(recordings))
    manipulated = manipulated_columns([tag.role for tag in twin.tags.values()])
    learning = Learning(aligned_batches, points, manipulated, progress)
    fitted = fit(learning, aligned_batches, twin.alarms.budget, progress)
    return Reference(twin.name, twin.tag_names, twin.alarms.budget, recipe, recordings, fitted, sensors)


def learn_batch(twin: Twin, reference: Reference, batch: RecordedBatch) -> Reference:
    """A new reference, fitted to one more released batch; raises as ``fit_reference``."""
    return fit_reference(twin, (*reference.recordings, batch))


def _aligned_batches(recipe: Recipe, recordings: Sequence[RecordedBatch], points: int) -> "Iterator[AlignedBatch]":
    """Each batch's grid positions (n,) and readings (n, p)."""
    for batch in recordings:
        yield position_of(recorded_maturity(recipe, batch), points), batch.values


def _kept(twin: Twin, batch: RecordedBatch) -> RecordedBatch:
    """A batch as a reference keeps it: float32 precision, readings outside their physical range left out."""
    low, high = physical_range(twin)
    values = batch.values.astype(np.float32).astype(np.float64)
    values[~((values >= low) & (values <= high))] = np.nan
    return RecordedBatch(batch.batch_id, batch.age_s, values, batch.phases, batch.unit)


def _check(twin: Twin, recordings: Sequence[RecordedBatch]) -> None:
    if len(recordings) < LEAST_BATCHES:
        raise ReferenceError(
            f"reference {twin.name}: {len(recordings)} batches, needs {LEAST_BATCHES} or more released"
        )
    seen: set[str] = set()
    for batch in recordings:
        if batch.values.shape != (len(batch.age_s), len(twin.tags)) or len(batch.age_s) < 2:
            shape = batch.values.shape
            raise ReferenceError(
                f"batch {batch.batch_id}: values {shape}, wanted 2 scans or more x {len(twin.tags)} tags"
            )
        if batch.batch_id in seen:
            raise ReferenceError(f"batch {batch.batch_id}: given twice; leave one out")
        seen.add(batch.batch_id)
