"""What released batches do at each point of their recipe, on a common maturity grid (``models.reference.learning``)."""

from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from models.arrays.types import FloatArray
from models.statistics.features import Scaling
from models.statistics.innovation import OneStep
from models.statistics.schedule import Schedule

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What is expected of p tags at G grid points."""

    median: FloatArray  # (G, p) between batches, in each tag's unit of measure; NaN: too few were there
    scale: FloatArray  # (G, p) standard deviation between batches, > 0
    schedule: Schedule
    one_step: OneStep
    loadings: FloatArray  # (p, A)
    eigenvalues: FloatArray  # (A,)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers by name; ``from_arrays`` takes them back."""
        parts: dict[str, Any] = {
            "": self,
            "schedule_": self.schedule,
            "one_step_": self.one_step,
            "scaling_": self.one_step.scaling,
        }
        named = {f"{part}{field.name}": getattr(of, field.name) for part, of in parts.items() for field in fields(of)}
        return {name: value for name, value in named.items() if isinstance(value, np.ndarray)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, NDArray[Any]]) -> "Trajectory":
        """The inverse of ``arrays``."""
        taken = {"one_step": _taken(OneStep, "one_step_", arrays, scaling=_taken(Scaling, "scaling_", arrays))}
        return _taken(cls, "", arrays, schedule=_taken(Schedule, "schedule_", arrays), **taken)


def _taken(kind: type[_T], part: str, arrays: dict[str, NDArray[Any]], **others: Any) -> _T:
    own = {f.name: arrays[f"{part}{f.name}"] for f in fields(kind) if f.name not in others}  # type: ignore[arg-type]
    return kind(**own, **others)


def position_of(maturity: FloatArray, points: int) -> FloatArray:
    """Grid position of each maturity, (n,), in grid steps, 0 to ``points`` - 1: maturity (points - 1).

    Rounded to a millionth of a step, so that a scan at a grid point is exactly there.

    Parameters
    ----------
    maturity
        Shape (n,), 0 to 1; NaN stays NaN.
    points
        G, of the grid.

    Examples
    --------
    >>> position_of(np.array([0.0, 0.5, np.nan]), 5).tolist()
    [0.0, 2.0, nan]
    """
    position: FloatArray = np.rint(maturity * (points - 1) * 1e6) / 1e6
    return position
