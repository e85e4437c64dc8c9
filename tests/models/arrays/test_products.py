"""Products of features with weights, and leverage: what linear algebra says, and the same bits in any company."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.arrays.products import product
from models.statistics.sizes import _leverage

RNG = np.random.default_rng(8)
FEATURES = np.where(RNG.random((60, 97)) < 0.4, 0.0, RNG.normal(size=(60, 97)))
WEIGHTS = RNG.normal(size=(97, 19))
WHOLE = product(FEATURES, WEIGHTS)


def test_a_product_is_the_matrix_product() -> None:
    np.testing.assert_allclose(WHOLE, FEATURES @ WEIGHTS, rtol=0, atol=1e-12)


@given(rows=st.lists(st.integers(0, 59), min_size=1, max_size=20))
@settings(max_examples=50, deadline=None)
def test_a_scans_product_has_the_same_bits_whatever_stands_beside_it(rows: list[int]) -> None:
    assert product(FEATURES[rows], WEIGHTS).tobytes() == WHOLE[rows].tobytes()


def test_a_scan_of_zeros_has_a_product_of_zeros() -> None:
    assert not product(np.zeros((2, 97)), WEIGHTS).any()


def test_leverage_is_the_quadratic_form_of_the_inverse_products() -> None:
    before = np.flatnonzero(np.arange(97) % 3 > 0)
    earlier = FEATURES[:, before]
    products = earlier.T @ earlier / len(earlier) + 0.1 * np.eye(len(before))
    root = np.linalg.inv(np.linalg.cholesky(products)).T
    power = np.empty((60, 1))
    _leverage(FEATURES, before, np.ascontiguousarray(np.triu(root)), power)
    expected = (earlier @ np.linalg.inv(products) * earlier).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(power, expected, rtol=1e-10)
