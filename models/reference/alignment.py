"""Maturity: how far a batch is along its recipe, 0 to 1, on line and causal.

By age (share of the longest released batch), by phase (each phase has its usual share of the recipe), or by an
indicator tag that only grows (total feed, base added). Beyond what released batches reached, maturity is unknown (NaN).
Linear in each case; PATrol's own form of the usual alignment by an indicator variable.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from models.arrays.types import FloatArray
from models.records.block import RecordedBatch, Stretch
from models.records.errors import ConfigError
from models.records.twin import Twin


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """The course of a recipe in released batches: learnt once, kept with the reference."""

    by: str
    duration_s: float  # longest batch
    phases: tuple[tuple[str, float, float], ...] = ()  # (name, maturity at its start, usual duration in s)
    indicator: int = -1  # position of the indicator tag
    indicator_start: float = 0.0  # its usual first and last values, in its unit of measure
    indicator_end: float = 1.0


def learn_recipe(twin: Twin, batches: Sequence[RecordedBatch]) -> Recipe:
    """The recipe's course in released batches: durations in s, the indicator's ends in its tag's unit of measure.

    Parameters
    ----------
    twin
        How batches are aligned.
    batches
        One or more; ages in s, values in the tags' units of measure.

    Raises
    ------
    ConfigError
        Aligned by phase, but the batches have no phases; or by an indicator that does not grow.
    """
    longest_s = max(float(batch.age_s[-1]) for batch in batches)
    duration_s = longest_s if twin.alignment.duration_h is None else twin.alignment.duration_h * 3600
    if twin.alignment.by == "phase":
        return Recipe(by="phase", duration_s=duration_s, phases=_usual_phases(batches))
    if twin.alignment.by == "indicator":
        column = twin.tag_names.index(twin.alignment.indicator or "")
        start = float(np.median([_ends(batch.values[:, column])[0] for batch in batches]))
        end = float(np.median([_ends(batch.values[:, column])[1] for batch in batches]))
        if not end > start:
            name = twin.alignment.indicator
            raise ConfigError(f"alignment.indicator: {name} does not grow in released batches ({start:g} to {end:g})")
        return Recipe(by="indicator", duration_s=duration_s, indicator=column, indicator_start=start, indicator_end=end)
    return Recipe(by="age", duration_s=duration_s)


class Aligner:
    """Maturity of one running batch.

    Parameters
    ----------
    recipe
        Its course in released batches.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self.reached = 0.0  # largest maturity so far (indicator)

    def advance(self, stretch: Stretch) -> FloatArray:
        """Maturity of each scan, shape (n,), dimensionless, 0 to 1; NaN where released batches never were."""
        if self._recipe.by == "phase":
            return self._by_phase(stretch)
        if self._recipe.by == "indicator":
            return self._by_indicator(stretch)
        return by_age(self._recipe, stretch.age_s)

    def _by_phase(self, stretch: Stretch) -> FloatArray:
        found = [phase for phase in self._recipe.phases if phase[0] == stretch.phase]
        if not found:
            return np.full(len(stretch), np.nan)
        _, start, duration_s = found[0]
        later = [phase[1] for phase in self._recipe.phases if phase[1] > start]
        end = min(later, default=1.0)
        return start + (end - start) * np.clip((stretch.age_s - stretch.phase_age_s) / duration_s, 0, 1)

    def _by_indicator(self, stretch: Stretch) -> FloatArray:
        recipe = self._recipe
        span = recipe.indicator_end - recipe.indicator_start
        now = np.nan_to_num((stretch.values[:, recipe.indicator] - recipe.indicator_start) / span, nan=0.0)
        reached = np.maximum.accumulate(np.concatenate([[self.reached], np.clip(now, 0, 1)]))[1:]
        self.reached = float(reached[-1])
        return reached


def by_age(recipe: Recipe, age_s: FloatArray) -> FloatArray:
    """Maturity at each age (n,), in s: age / the recipe's duration, 0 to 1; NaN outside."""
    maturity = age_s / recipe.duration_s
    return np.where((maturity >= 0) & (maturity <= 1), maturity, np.nan)


def recorded_maturity(recipe: Recipe, batch: RecordedBatch) -> FloatArray:
    """Maturity of each scan of a whole batch, (n,), 0 to 1 or NaN, as it would have been found on line."""
    aligner = Aligner(recipe)
    return np.concatenate([aligner.advance(stretch) for stretch in stretches(batch)])


def stretches(batch: RecordedBatch) -> list[Stretch]:
    """A recorded batch cut at its phases."""
    starts = [("", 0.0), *batch.phases] if not batch.phases or batch.phases[0][1] > 0 else list(batch.phases)
    cuts = [int(np.searchsorted(batch.age_s, start)) for _, start in starts] + [len(batch.age_s)]
    return [
        Stretch(batch.age_s[first:last], batch.values[first:last], phase or None, start)
        for (phase, start), first, last in zip(starts, cuts, cuts[1:], strict=False)
        if last > first
    ]


def _usual_phases(batches: Sequence[RecordedBatch]) -> tuple[tuple[str, float, float], ...]:
    durations: dict[str, list[float]] = {}
    for batch in (each for each in batches if each.phases):
        ends = [start for _, start in batch.phases[1:]] + [float(batch.age_s[-1])]
        for (phase, start), end in zip(batch.phases, ends, strict=True):
            durations.setdefault(phase, []).append(max(end - start, 1.0))
    if not durations:
        raise ConfigError("alignment.by: 'phase' needs batches with phases; these have none")
    usual = {phase: float(np.median(seconds)) for phase, seconds in durations.items()}
    total, start, phases = sum(usual.values()), 0.0, []
    for phase, seconds in usual.items():
        phases.append((phase, start, seconds))
        start += seconds / total
    return tuple(phases)


def _ends(values: FloatArray) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    return (float(known[0]), float(known.max())) if len(known) else (np.nan, np.nan)
