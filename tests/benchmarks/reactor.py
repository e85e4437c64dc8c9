"""A plausible batch reactor with as many tags as asked for: what the speed benchmarks learn from, publish and judge.

Schedules (feeds in steps) upset temperatures and pressures; controllers hold them; the other tags grow along the recipe
and feel schedules and loops. Every batch differs in gains, shifts and kinetics; every reading has its noise.
"""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import FloatArray
from models.records.block import RecordedBatch
from models.records.twin import Alarms, Tag, Twin

SCANS = 1200  # of a batch, give or take a few


@dataclass(frozen=True, slots=True)
class Reactor:
    """What a reactor with p tags has: first its schedules, then its controllers' outputs, then what is measured."""

    tags: int
    cadence_s: float = 10.0

    @property
    def schedules(self) -> int:
        """How many tags follow a schedule."""
        return min(max(self.tags // 6, 1), 6)

    @property
    def loops(self) -> int:
        """How many controllers there are; as many measured tags are what they hold."""
        return min(max(self.tags // 5, 1), 8)

    def twin(self, name: str = "bench", off_delay_s: float = 600.0) -> Twin:
        """The question asked of it."""
        moved = self.schedules + self.loops
        tags = {
            f"tag_{k:03d}": Tag(
                unit_of_measure="1", low=-1e4, high=1e4, role="manipulated" if k < moved else "measured"
            )
            for k in range(self.tags)
        }
        alarms = Alarms(off_delay_s=off_delay_s, rejoin_s=min(off_delay_s, 3600.0))
        return Twin(name=name, product="p", cadence_s=self.cadence_s, tags=tags, alarms=alarms)

    def batches(self, count: int, seed: int, scans: int = SCANS) -> list[RecordedBatch]:
        """So many good batches, simulated side by side."""
        values = self._simulated(count, scans, np.random.default_rng(seed))
        age_s = self.cadence_s * np.arange(1, scans + 1)
        kept = [scans - 7 * (k % 4) for k in range(count)]
        return [RecordedBatch(f"R{seed}-{k}", age_s[:n], values[k, :n]) for k, n in enumerate(kept)]

    # -- inside --------------------------------------------------------------------------------------------------

    def _simulated(self, count: int, scans: int, rng: np.random.Generator) -> FloatArray:
        """Values (B, n, p), rounded as a historian would."""
        plan = self._schedules(count, scans, rng)
        held, given = self._loops(plan, rng)
        grown = self._grown(count, scans, plan, given, rng)
        values = np.concatenate([plan, given, held, grown], axis=2)
        noise = np.full(self.tags, 0.02)
        noise[: self.schedules], noise[self.schedules : self.schedules + self.loops] = 0.1, 0.05
        return np.round(values + noise * rng.normal(size=values.shape), 4)

    def _schedules(self, count: int, scans: int, rng: np.random.Generator) -> FloatArray:
        recipe = np.random.default_rng(7)  # the same for every batch
        steps = np.sort(recipe.uniform(0.05, 0.9, (self.schedules, 4)), axis=1)
        levels = recipe.uniform(5, 20, (self.schedules, 5))
        shift, gain = rng.integers(-3, 4, count), 1 + 0.02 * rng.normal(size=(count, self.schedules))
        at = (np.arange(scans)[None] - shift[:, None]) / scans
        plan = np.empty((count, scans, self.schedules))
        for k in range(self.schedules):
            plan[:, :, k] = levels[k][np.searchsorted(steps[k], at)] * gain[:, k : k + 1]
        return plan

    def _loops(self, plan: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
        """What controllers hold and what they give, (B, n, c) each: PI control of first-order processes."""
        count, scans, _ = plan.shape
        upset = 0.01 * np.take(plan, np.arange(self.loops) % self.schedules, axis=2)
        process, integral = np.zeros((2, count, self.loops))
        held, given = np.empty((2, count, scans, self.loops))
        for k in range(scans):
            error = process + 0.01 * rng.normal(size=process.shape)
            integral += error
            given[:, k] = np.maximum(10 + 8 * error + 0.6 * integral, 0.0)
            kick = 0.01 * rng.normal(size=process.shape)
            process = 0.95 * process + upset[:, k] - 0.02 * (given[:, k] - 5) + kick
            held[:, k] = 37 + process
        return held, given

    def _grown(
        self, count: int, scans: int, plan: FloatArray, given: FloatArray, rng: np.random.Generator
    ) -> FloatArray:
        """The other measured tags: logistic growth, a share of a schedule and of a loop, and a slow wander."""
        left = self.tags - self.schedules - 2 * self.loops
        recipe = np.random.default_rng(11)
        middle, width, size = (
            recipe.uniform(0.2, 0.8, left),
            recipe.uniform(0.05, 0.2, left),
            recipe.uniform(2, 9, left),
        )
        rate = 1 + 0.01 * rng.normal(size=(count, 1, left))
        age = np.linspace(0, 1, scans)[None, :, None] * rate
        grown = size / (1 + np.exp((middle - age) / width))
        grown += 0.02 * np.take(plan, np.arange(left) % self.schedules, axis=2)
        grown += 0.02 * np.take(given, np.arange(left) % self.loops, axis=2)
        wander, level = np.empty_like(grown), np.zeros((count, left))
        for k in range(scans):
            level = 0.98 * level + 0.01 * rng.normal(size=level.shape)
            wander[:, k] = level
        return np.asarray(grown + wander)
