"""The envelope: mean, spread and a band that holds what it says."""

import numpy as np

from models.reference.envelope import at_maturity, envelope, on_points, stacked, usual_spread


def test_the_band_holds_the_share_of_further_batches_it_says() -> None:
    rng = np.random.default_rng(1)
    held = [
        envelope(rng.normal(5, 2, (8, 20, 1)), 0.9).within(np.linspace(0, 1, 20), rng.normal(5, 2, (20, 1))).mean()
        for _ in range(400)
    ]
    assert abs(np.mean(held) - 0.9) < 0.01


def test_where_too_few_batches_were_nothing_is_said() -> None:
    grids = np.random.default_rng(1).normal(0, 1, (5, 10, 1))
    grids[2:, 7:] = np.nan  # two batches are longer
    of = envelope(grids)
    assert np.isnan(of.mean[7:]).all()
    assert np.isfinite(of.mean[:7]).all()
    assert np.isnan(of.within(np.array([1.0]), np.array([[0.0]]))).all()


def test_a_step_in_a_schedule_does_not_inflate_what_one_standard_deviation_is() -> None:
    rng = np.random.default_rng(1)
    grids = 50 + rng.normal(0, 1, (30, 100, 1))
    grids[:, 50:53] += 400 * (rng.random((30, 1, 1)) < 0.5)  # three points at which the step comes early or late
    assert 0.8 < usual_spread(envelope(grids))[0] < 10


def test_a_constant_tag_has_a_spread_above_nought() -> None:
    assert usual_spread(envelope(np.full((5, 10, 1), 7.0)))[0] > 0


def test_gaps_are_bridged_and_nothing_is_made_up_beyond_the_ends() -> None:
    maturity, values = np.array([0.25, 0.5, 0.75]), np.array([[1.0], [np.nan], [3.0]])
    assert on_points(maturity, values, 5).ravel().tolist()[1:4] == [1.0, 2.0, 3.0]
    assert np.isnan(on_points(maturity, values, 5)[[0, 4]]).all()
    assert stacked([(maturity, values)] * 2, 5).shape == (2, 5, 1)
    assert np.isnan(at_maturity(np.ones((5, 1)), np.array([np.nan]))).all()
