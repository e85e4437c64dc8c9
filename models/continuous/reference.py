"""A continuous process judged against a recording of its own normal running: multivariate moving averages, frozen.

Every tag's distance from its mean is averaged over a few scans, and the averages of all tags are judged together by
their Mahalanobis distance, in the correlation that normal running showed. Directions in which normal running hardly
moved (a flow and its valve, a balance) count fully: there a fault shows first. Limits come from scans left out.

References
----------
Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53 (MEWMA).
"""

from dataclasses import dataclass, fields
from typing import Any

from numpy.typing import NDArray

from models.continuous.averages import NormalModel

CONTINUOUS = "continuous/1"  # of meta and arrays


@dataclass(frozen=True, slots=True)
class ContinuousReference:
    """What was learnt from recordings of normal running, as a store keeps it."""

    name: str  # the twin's
    tags: tuple[str, ...]
    batches: tuple[str, ...]  # the recordings learnt
    scans: int
    normal_model: NormalModel

    def meta(self) -> dict[str, Any]:
        """All that is not an array, fit for JSON."""
        kept = {"name": self.name, "tags": list(self.tags), "batches": list(self.batches), "scans": self.scans}
        return {"form": CONTINUOUS, **kept}

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers by name."""
        return {field.name: getattr(self.normal_model, field.name) for field in fields(NormalModel)}

    @classmethod
    def from_parts(cls, meta: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> "ContinuousReference":
        """The inverse of ``meta`` and ``arrays``."""
        normal_model = NormalModel(**{field.name: arrays[field.name] for field in fields(NormalModel)})
        return cls(meta["name"], tuple(meta["tags"]), tuple(meta["batches"]), meta["scans"], normal_model)


# -- inside ---------------------------------------------------------------------------------------------------
