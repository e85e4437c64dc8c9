"""A running batch's readings held against one fit of a reference: residuals, statistics, how far over their limits."""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np

from models.block import FloatArray
from models.fitting import Fitted, persistence_of, statistics_of
from models.monitor import Numbers
from models.residuals import Residual, Residuals, at_position


@dataclass(frozen=True, slots=True)
class Measured:
    """n scans of p tags, as one fit sees them."""

    residuals: Residuals
    ratio: FloatArray  # (n, 6p) statistics over their limits; NaN: not judged
    held: FloatArray  # (n, 6p) the ratio that has held, >= 0: above 1 counts
    excess: FloatArray  # (n, 6p) logarithm of that, in units of the statistic's tail
    plane: FloatArray  # (n, 2) limits of T² and SPE

    @classmethod
    def joined(cls, parts: "Sequence[Measured]") -> "Measured":
        """Stretches that follow one another as one."""
        if len(parts) == 1:
            return parts[0]
        residuals = Residuals(**_joined([part.residuals for part in parts]))
        return cls(residuals, *(np.concatenate([getattr(part, name) for part in parts]) for name in _BESIDES))


_BESIDES = ("ratio", "held", "excess", "plane")


class Measure:
    """One running batch against one fit.

    Parameters
    ----------
    fitted
        Learnt from released batches.
    """

    def __init__(self, fitted: Fitted) -> None:
        self._fitted = fitted
        self._residual = Residual(fitted.trajectory)
        self._statistics = statistics_of(fitted.trajectory)
        self._persistence = persistence_of(fitted.trajectory)

    def advance(self, position: FloatArray, values: FloatArray) -> Measured:
        """Measure scans in order of time: grid positions (n,), NaN: not judged; readings (n, p), NaN: none."""
        fitted = self._fitted
        residuals = self._residual.advance(position, values).resized(at_position(fitted.size, position))
        limits = at_position(fitted.limits, position)
        ratio = self._statistics.advance(residuals, limits) / limits
        held = self._persistence.advance(ratio)
        with np.errstate(divide="ignore"):
            excess = np.log(held) / at_position(fitted.tail, position)
        return Measured(residuals, ratio, held, excess, at_position(fitted.plane_limits, position))

    def state(self) -> Numbers:
        """A copy of all that changes; a fit without some of the tags goes on from it."""
        return {
            "residual": self._residual.state(), "statistics": self._statistics.state(),
            "persistence": self._persistence.state(),
        }  # fmt: skip

    def restore(self, numbers: Numbers) -> None:
        """Take up what ``state`` gave, of this fit or of one with other tags left out."""
        self._residual.restore(numbers["residual"])  # type: ignore[arg-type]
        self._statistics.restore(numbers["statistics"])  # type: ignore[arg-type]
        self._persistence.restore(numbers["persistence"])  # type: ignore[arg-type]


def _joined(parts: Sequence[Residuals]) -> dict[str, FloatArray]:
    return {field.name: np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(Residuals)}
