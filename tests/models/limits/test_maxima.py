"""What is usual without one batch is what the others alone say."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.arrays.types import FloatArray
from models.limits.maxima import Maxima

sizes = st.tuples(st.integers(2, 7), st.integers(1, 4), st.integers(1, 3))
# few distinct values, so that many are equal; 0: never judged there
many_maxima = arrays(np.float64, sizes, elements=st.sampled_from([0.0, 0.01, 0.4, 0.5, 1.0, 3.0, 80.0]))


def told_of(maxima: FloatArray) -> tuple[FloatArray, FloatArray]:
    """By the definition, from batches (B, windows, k)."""
    columns = maxima.reshape(-1, maxima.shape[2]).T
    middle = np.array([np.median(column[column > 0]) if (column > 0).any() else 1.0 for column in columns])
    logs = np.log(np.maximum(maxima, 0.2 * middle))
    usual = np.median(logs, axis=0)
    spread = 2 * (np.maximum(logs - usual, 0.0) ** 2).mean(axis=0)
    recipe, batches = np.maximum(spread.mean(axis=0), np.median(spread)), len(maxima)
    return usual, np.maximum(np.sqrt((batches * spread + 20 * recipe) / (batches + 20)), 0.1)


@given(maxima=many_maxima)
def test_what_is_usual_of_all_batches_follows_from_the_definition(maxima: FloatArray) -> None:
    for found, wanted in zip(Maxima(maxima).usual(), told_of(maxima), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)


@given(maxima=many_maxima)
def test_a_batch_has_no_say_in_what_is_usual_without_it(maxima: FloatArray) -> None:
    known = Maxima(maxima)
    for own in range(len(maxima)):
        for found, wanted in zip(known.usual(own), told_of(np.delete(maxima, own, axis=0)), strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-12, atol=1e-12)
