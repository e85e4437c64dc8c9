"""What two laws leave on either side of a threshold is what least squares of each side's scans leaves."""

import numpy as np
import pytest

from models.arrays.types import FloatArray
from models.reference.scaling import _splits


def left_by_least_squares(rows: FloatArray) -> float:
    """Sum of squares that the first column's regression on the others leaves (numpy's, by orthogonal factors)."""
    if not len(rows):
        return 0.0
    weights = np.linalg.lstsq(rows[:, 1:], rows[:, 0])[0]
    return float(((rows[:, 0] - rows[:, 1:] @ weights) ** 2).sum())


def scans(seed: int, noise: float) -> FloatArray:
    """A controller's output that follows another law past 0.3 of a tag, which is read in few steps; with a constant."""
    random = np.random.default_rng(seed)
    tag = random.normal(size=(400, 3)).round(1)
    output = np.where(tag[:, 0] > 0.3, 2.0 - 1.5 * tag[:, 0], 0.5 * tag[:, 1]) + noise * random.normal(size=400)
    return np.column_stack([output, tag, np.ones(400), random.normal(size=400)])


@pytest.mark.parametrize("noise", [0.5, 0.01])
def test_both_laws_together_leave_what_least_squares_of_either_side_leaves(noise: float) -> None:
    rows = scans(3, noise)
    found = list(_splits(rows, np.linspace(0.0, 1.0, 21)))
    assert len(found) > 10
    for left, at in found:
        sides = rows[:, 1] > at
        assert left == pytest.approx(sum(left_by_least_squares(rows[side]) for side in (sides, ~sides)), rel=1e-5)


def test_the_threshold_that_leaves_least_is_the_one_the_controller_has() -> None:
    assert min(_splits(scans(5, 0.01), np.linspace(0.05, 0.95, 181)))[1] == pytest.approx(0.3)


def test_nothing_read_has_no_threshold() -> None:
    assert list(_splits(np.zeros((0, 6)), np.array([0.5]))) == []
