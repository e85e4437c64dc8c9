"""Many targets are solved at once as they would be one by one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.reference.ridge import LEAST, RIDGE, ridge, ridges

FEATURES, TARGETS, SCANS = 14, 6, 60


def moments(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Of features in very different units of measure, one of them always 0, two of them always the same."""
    draw = np.random.default_rng(seed)
    features = draw.normal(size=(SCANS, FEATURES)) * 10 ** draw.uniform(-4, 4, FEATURES)
    features[:, 3], features[:, 5] = 0.0, features[:, 6]
    targets = features @ draw.normal(size=(FEATURES, TARGETS)) + draw.normal(size=(SCANS, TARGETS))
    return features.T @ features, features.T @ targets


def alone(products: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The textbook's normal equations."""
    return np.linalg.solve(products + np.diag(RIDGE * np.diag(products) + LEAST), targets)


def in_own_size(weights: np.ndarray, products: np.ndarray) -> np.ndarray:
    return weights * np.sqrt(np.diag(products))[:, None]


masks = st.lists(
    st.lists(st.booleans(), min_size=FEATURES, max_size=FEATURES).map(np.array), min_size=TARGETS, max_size=TARGETS
)


@given(st.integers(0, 1000), masks)
def test_each_target_has_the_weights_it_would_have_alone_whatever_features_it_may_use(seed, may):
    products, targets = moments(seed)
    found, expected = ridges(products, targets, may), np.zeros((FEATURES, TARGETS))
    for target, use in enumerate(map(np.flatnonzero, may)):
        expected[use, target] = alone(products[np.ix_(use, use)], targets[use, target])
    scale = np.abs(in_own_size(expected, products)).max() + 1e-12
    np.testing.assert_allclose(in_own_size(found, products) / scale, in_own_size(expected, products) / scale, atol=1e-9)
    assert not found.T[~np.array(may)].any()


def test_no_target_needs_no_weights():
    products, targets = moments(1)
    assert ridges(products, targets[:, :0], []).shape == (FEATURES, 0)


def test_a_law_of_few_scans_is_held_by_the_power_its_features_have_over_all():
    products, targets = moments(2)
    power = 50 * np.diag(products)
    expected = np.linalg.solve(products + np.diag(RIDGE * power + LEAST), targets)
    np.testing.assert_allclose(ridge(products, targets, power), expected, rtol=1e-7, atol=1e-12)
    held, free = (np.linalg.norm(in_own_size(each, products)) for each in (expected, alone(products, targets)))
    assert held < 0.5 * free


def test_a_feature_that_is_always_zero_has_no_weight():
    products, targets = moments(3)
    assert ridge(products, targets)[3].tolist() == pytest.approx([0.0] * TARGETS)
