"""What is still normal of each sensor: limits beyond what released batches showed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.arrays.types import FloatArray
from models.limits.tails import limit_for
from models.records.block import RecordedBatch
from models.records.twin import Twin
from models.sensors.motion import Motion
from models.sensors.runs import longest_runs

_LEAST_RUN = 8  # scans: a run shorter than this is never called stuck or dropped out
_MARGIN = 2.0  # times the longest run in released batches
_CEILING = 6.0  # times a tag's median second difference: what is larger is a step, not noise
_LEARNT = 3  # tests with limits learnt from maxima: spike, noisier, quieter


@dataclass(frozen=True, slots=True)
class SensorLimits:
    """What is still normal, per tag; each (p,)."""

    stuck: FloatArray  # scans of one and the same value
    missing: FloatArray  # scans without a reading
    spike: FloatArray  # size, in the tag's unit of measure
    ceiling: FloatArray  # second difference that counts as noise at most, in the tag's unit of measure
    quiet: FloatArray  # least roughness, in the tag's unit of measure
    rough: FloatArray  # largest roughness, in the tag's unit of measure

    @classmethod
    def permissive(cls, twin: Twin) -> "SensorLimits":
        """For a cold start, with no released batches to learn from: range, stuck (60 scans) and dropout (10) only."""
        never, stuck, missing = (np.full(len(twin.tags), limit) for limit in (np.inf, 60.0, 10.0))
        return cls(stuck, missing, never, never, 0 * stuck, never)

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All numbers by name."""
        return {f"sensor_{field.name}": getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, NDArray[Any]]) -> "SensorLimits":
        """The inverse of ``arrays``."""
        return cls(**{field.name: arrays[f"sensor_{field.name}"] for field in fields(cls)})


def learn_sensor_limits(twin: Twin, batches: Sequence[RecordedBatch], probability: float = 0.01) -> SensorLimits:
    """Limits beyond what released batches showed.

    Spike and roughness: ``limit_for`` of the batches' maxima. Runs: twice the longest one seen, at least 8 scans.

    Parameters
    ----------
    twin
        Its tags are the columns of the batches' values.
    batches
        Two or more.
    probability
        That a spike or a noise of a good batch passes its limit, all tags and tests together; in (0, 1).

    Returns
    -------
    Each (p,), in scans or the tag's unit of measure; infinite (``quiet``: 0) where some batch gives no maximum.

    References
    ----------
    PATrol's own; the tail: ``models.limits.tails.limit_for``.
    """
    tags = len(twin.tags)
    longest = np.array([longest_runs(batch.values) for batch in batches]).max(axis=0)
    stuck, missing = np.maximum(_MARGIN * longest, _LEAST_RUN)
    ceiling = _CEILING * np.median([_median(np.abs(np.diff(batch.values, 2, axis=0))) for batch in batches], axis=0)
    moves = [Motion(ceiling).advance(batch.values) for batch in batches]
    chance = probability / (_LEARNT * tags)
    spike = _largest([np.nan_to_num(move.spike).max(axis=0) for move in moves], chance)
    rough = _largest([np.nan_to_num(move.rough).max(axis=0) for move in moves], chance)
    least = np.array([np.nan_to_num(move.rough, nan=np.inf).min(axis=0) for move in moves])
    with np.errstate(divide="ignore"):
        quiet = 1 / _largest(list(1 / least), chance)
    return SensorLimits(stuck, missing, spike, ceiling, quiet, rough)


def physical_range(twin: Twin) -> tuple[FloatArray, FloatArray]:
    """Lowest and highest possible readings, (p,) each, in each tag's unit of measure; infinite: no bound."""
    tags = twin.tags.values()
    low = np.array([-np.inf if tag.low is None else tag.low for tag in tags])
    return low, np.array([np.inf if tag.high is None else tag.high for tag in tags])


def _median(sizes: FloatArray) -> FloatArray:
    """Of each column's numbers; 0 where there are none."""
    return np.array([np.median(column[np.isfinite(column)]) if np.isfinite(column).any() else 0 for column in sizes.T])


def _largest(maxima: Sequence[FloatArray], chance: float) -> FloatArray:
    """The limit of each tag's batch maximum; inf where some batch has none."""
    columns = np.array(maxima).T
    usable = [len(row) > 1 and bool(np.isfinite(row).all() and (row > 0).all()) for row in columns]
    return np.array([limit_for(row, chance) if good else np.inf for row, good in zip(columns, usable, strict=True)])
