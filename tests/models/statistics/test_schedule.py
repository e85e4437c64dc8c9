"""Schedule tags: found among others, their gain and shift found on line, a small change seen at once."""

import numpy as np
import pytest

from models.reference.schedules import align_batches, find_schedule_tags, learn_schedule
from models.statistics.schedule import ScheduleBank

POINTS = 400
COLUMN = np.array([0])


def profile(shift: int = 0) -> np.ndarray:
    age = np.arange(POINTS)
    return 20.0 + 40 * (age >= 100 + shift) - 30 * (age >= 250 + shift)


def batches(count: int = 15, seed: int = 0) -> np.ndarray:
    """Shifted by up to 3 scans, gains of 3 %, noise of 0.2; a second tag is a random walk; (B, G, 2)."""
    rng = np.random.default_rng(seed)
    fed = [profile(rng.integers(-3, 4)) * (1 + 0.03 * rng.normal()) for _ in range(count)]
    fed = np.array(fed) + 0.2 * rng.normal(size=(count, POINTS))
    return np.stack([fed, np.cumsum(rng.normal(size=(count, POINTS)), axis=1)], axis=2)


def learnt():
    grids = batches()
    return learn_schedule(align_batches(grids[:, :, 0])[:, :, None], COLUMN)


def test_a_schedule_is_found_and_a_wandering_tag_is_not():
    assert find_schedule_tags(batches(), np.array([0, 1])).tolist() == [0]


def test_the_master_is_flat_between_its_steps_and_its_steps_stay_sharp():
    master = learnt().master[:, 0]
    assert np.abs(np.diff(master)).max() > 35
    assert np.std(master[110:240]) < 0.05


@pytest.mark.parametrize(("shift", "gain"), [(0, 1.0), (3, 1.04), (-3, 0.95)])
def test_residuals_of_a_good_batch_are_noise_at_any_shift_and_gain(shift, gain):
    values = gain * profile(shift) + 0.2 * np.random.default_rng(7).normal(size=POINTS)
    residual, expected = ScheduleBank(learnt()).advance(np.arange(float(POINTS)), values[:, None])
    assert np.abs(residual).max() < 5
    assert residual[150:240].std() == pytest.approx(1.0, abs=0.35)
    np.testing.assert_allclose(expected[150:240, 0], gain * profile(shift)[150:240], rtol=0.01)


def test_five_percent_less_is_seen_at_the_first_scan_and_for_as_long_as_it_lasts():
    values = profile() + 0.2 * np.random.default_rng(8).normal(size=POINTS)
    values[160:220] *= 0.95
    residual, _ = ScheduleBank(learnt()).advance(np.arange(float(POINTS)), values[:, None])
    assert (residual[160:220] < -6).all()
    assert np.abs(residual[:160]).max() < 5


def test_a_silent_tag_and_an_unknown_position_give_no_residual():
    values = profile()[:, None].copy()
    values[50:60] = np.nan
    position = np.arange(float(POINTS))
    position[70:80] = np.nan
    residual, _ = ScheduleBank(learnt()).advance(position, values)
    assert np.isnan(residual[50:60]).all()
    assert np.isnan(residual[70:80]).all()
    assert np.isfinite(np.delete(residual, [*range(50, 60), *range(70, 80)])).all()
