"""Faults put into recorded readings, to see whether they are found: pure, and the same for the same seed.

Only the readings are changed. What a controller would do about it, and how the process would follow, is not in a
recording and cannot be made up: so these are faults of sensors, or the first moments of a fault of the process.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from models.arrays.types import FloatArray

Kind = Literal["step", "ramp", "noise", "stuck"]


@dataclass(frozen=True, slots=True)
class Injection:
    """One fault in one tag, in scans ``first`` to before ``last``.

    ``size`` is in the tag's unit of measure: a step's height, what a ramp reaches in the middle of the fault and keeps,
    the standard deviation of added noise; a stuck tag has none.
    """

    kind: Kind
    column: int
    first: int
    last: int
    size: float = 0.0


def inject(values: FloatArray, fault: Injection, seed: int = 0) -> FloatArray:
    """The readings with the fault in them.

    Parameters
    ----------
    values
        Shape (n, p), each column in its tag's unit of measure; NaN: no reading. Not changed.
    fault
        What to put in, and where.
    seed
        Of added noise.

    Returns
    -------
    Shape (n, p); a missing reading stays missing.

    Raises
    ------
    ValueError
        The fault lies outside the readings.

    Examples
    --------
    >>> inject(np.zeros((4, 1)), Injection("step", 0, first=1, last=3, size=2.0)).ravel().tolist()
    [0.0, 2.0, 2.0, 0.0]
    """
    n, p = values.shape
    if not (0 <= fault.column < p and 0 <= fault.first < fault.last <= n):
        raise ValueError(f"{fault}: not within {n} scans x {p} tags")
    spoilt = values.copy()
    part = spoilt[fault.first : fault.last, fault.column]  # a view
    if fault.kind == "stuck":
        part[:] = np.where(np.isfinite(part), _last_reading(values[: fault.first + 1, fault.column]), np.nan)
    elif fault.kind == "noise":
        part += np.random.default_rng(seed).normal(0.0, fault.size, len(part))
    elif fault.kind == "ramp":
        part += fault.size * np.minimum(np.arange(1, len(part) + 1) / max(len(part) // 2, 1), 1.0)
    else:
        part += fault.size
    return spoilt


def _last_reading(before: FloatArray) -> float:
    """The last reading there was; NaN where there was none."""
    known = before[np.isfinite(before)]
    return float(known[-1]) if len(known) else float("nan")
