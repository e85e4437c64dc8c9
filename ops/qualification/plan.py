"""Which faults are put into which batch: fixed by a seed, spread evenly over batches and maturity."""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import FloatArray
from models.reference.injection import Injection, Kind

SEED = 20260105
POINTS = 200  # of maturity, for envelopes and pictures
_EARLIEST, _LATEST = 0.1, 0.8  # share of a batch's scans within which faults begin
LASTS = 0.15  # share of the longest batch a fault lasts, and is looked for


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault as a column of the power table; ``size`` in usual standard deviations between batches (0: none)."""

    kind: Kind
    size: float

    @property
    def words(self) -> str:
        """E.g. ``step 4 sd``."""
        return self.kind if self.kind == "stuck" else f"{self.kind} {self.size:g} sd"


FAULTS = (
    Fault("step", 1), Fault("step", 2), Fault("step", 4), Fault("step", 8),
    Fault("ramp", 8), Fault("noise", 4), Fault("stuck", 0),
)  # fmt: skip
LARGEST = Fault("step", 8)


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault in one batch."""

    fault: Fault
    injection: Injection
    seed: int


def planned(batch: int, batches: int, scans: int, spread: FloatArray, per_cell: int) -> list[Planned]:
    """The faults for one batch.

    Parameters
    ----------
    batch, batches
        Its number from 0, and how many there are.
    scans
        How many it has.
    spread
        Shape (p,): one standard deviation of each tag, in its unit of measure.
    per_cell
        How many batches each tag and fault is tried in.
    """
    lasts = max(round(LASTS * scans), 2)
    found = []
    for tag in range(len(spread)):
        for number, fault in enumerate(FAULTS):
            turn = (batch - tag * len(FAULTS) - number * 3) % batches  # another set of batches for every cell
            if turn * per_cell // batches == (turn - 1) * per_cell // batches and per_cell < batches:
                continue
            rng = np.random.default_rng([SEED, batch, tag, number])
            first = min(int(scans * rng.uniform(_EARLIEST, _LATEST)), scans - 2)
            sign = 1 if fault.kind == "noise" or rng.random() < 0.5 else -1
            injection = Injection(fault.kind, tag, first, min(first + lasts, scans), sign * fault.size * spread[tag])
            found.append(Planned(fault, injection, int(rng.integers(2**31))))
    return found
