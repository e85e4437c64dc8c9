"""T², SPE and contributions against independent linear algebra."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.statistics.mspc import hotelling_t2, project, spe, spe_parts, subspace, t2_parts


def correlation(seed: int, tags: int = 6) -> np.ndarray:
    sample = np.random.default_rng(seed).normal(size=(50, tags)) @ np.random.default_rng(seed + 1).normal(
        size=(tags, tags)
    )
    return np.corrcoef(sample.T)


def residuals(seed: int, n: int = 20, tags: int = 6) -> np.ndarray:
    return 3 * np.random.default_rng(seed).normal(size=(n, tags))


seeds = st.integers(0, 10_000)


@settings(max_examples=25)
@given(seeds)
def test_t2_in_the_whole_space_is_the_mahalanobis_distance(seed):
    r, z = correlation(seed), residuals(seed)
    loadings, eigenvalues = subspace(r, explained=1.0)
    oracle = np.einsum("ni,ij,nj->n", z, np.linalg.inv(r), z)
    np.testing.assert_allclose(hotelling_t2(project(z, loadings), eigenvalues), oracle, rtol=1e-6)


@settings(max_examples=25)
@given(seeds)
def test_spe_is_the_squared_distance_to_the_plane(seed):
    z, (loadings, _) = residuals(seed), subspace(correlation(seed))
    nearest = np.linalg.lstsq(loadings, z.T, rcond=None)[0]
    oracle = ((z.T - loadings @ nearest) ** 2).sum(axis=0)
    np.testing.assert_allclose(spe(z, project(z, loadings), loadings), oracle, rtol=1e-8, atol=1e-8)


@settings(max_examples=25)
@given(seeds)
def test_contributions_add_up_to_their_statistic(seed):
    z, (loadings, eigenvalues) = residuals(seed), subspace(correlation(seed))
    scores = project(z, loadings)
    t2_total = t2_parts(z, scores, loadings, eigenvalues).sum(axis=1)
    np.testing.assert_allclose(t2_total, hotelling_t2(scores, eigenvalues), rtol=1e-9)
    np.testing.assert_allclose(spe_parts(z, scores, loadings).sum(axis=1), spe(z, scores, loadings), rtol=1e-9)


def test_components_come_in_falling_order_and_explain_what_was_asked():
    r = correlation(3)
    loadings, eigenvalues = subspace(r, explained=0.8)
    whole = np.linalg.svd(r, compute_uv=False)
    np.testing.assert_allclose(eigenvalues, whole[: len(eigenvalues)], rtol=1e-9)
    assert eigenvalues.sum() >= 0.8 * whole.sum() > eigenvalues[:-1].sum()
    np.testing.assert_allclose(loadings.T @ loadings, np.eye(len(eigenvalues)), atol=1e-12)


def test_an_absent_tag_counts_as_expected_and_has_no_part():
    z, (loadings, _) = residuals(1), subspace(correlation(1))
    z[:, 2] = np.nan
    there = np.nan_to_num(z)
    np.testing.assert_array_equal(project(z, loadings), project(there, loadings))
    assert (spe_parts(z, project(z, loadings), loadings)[:, 2] == 0).all()


def test_shapes_and_variances_that_cannot_be_are_refused():
    with pytest.raises(ValueError, match="differ"):
        hotelling_t2(np.ones((3, 2)), np.ones(3))
    with pytest.raises(ValueError, match="must be > 0"):
        hotelling_t2(np.ones((3, 2)), np.array([1.0, 0.0]))
    with pytest.raises(ValueError, match="square"):
        subspace(np.ones((2, 3)))
