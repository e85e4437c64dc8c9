"""The model of normal running, and its limits from blocks of scans judged by a model learnt from all the others."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from models.arrays.types import FloatArray
from models.continuous.averages import SPANS, NormalModel, distances
from models.statistics.mspc import subspace

BLOCKS = 10  # parts of the recording, each left out once
_SHARE = 0.01  # of the scans left out: over a limit, both averages together
_PROPER = 1e-9  # least scale of a tag that never moved, as a share of its size; and least variance of a direction


def learn_normal_model(runs: Sequence[FloatArray]) -> NormalModel:
    """Mean, scale and covariance of normal running; limits are infinite still.

    Parameters
    ----------
    runs
        One or more, (n, p) each, in each tag's unit of measure; NaN: no reading, none in all of a tag's.

    References
    ----------
    The covariance of the averages, from the averages themselves (their start left out), not from white noise: PATrol's
    own form of Lowry, Woodall, Champ & Rigdon (1992), Technometrics 34(1), 46-53.
    """
    whole = np.concatenate(runs)
    mean = np.nanmean(whole, axis=0)
    scale = np.maximum(np.nanstd(whole, axis=0), _PROPER * np.maximum(np.abs(mean), 1.0))
    tags, limits = len(mean), np.full(len(SPANS), np.inf)
    standardised = [np.nan_to_num((run - mean) / scale) for run in runs]
    loadings, eigenvalues = subspace(_covariance(standardised))
    nothing = NormalModel(
        mean, scale, np.array([np.eye(tags)] * len(SPANS)), limits, loadings, eigenvalues, np.full(2, np.inf)
    )
    averaged = [nothing.averages(run, np.zeros((len(SPANS), tags))) for run in runs]
    settled = [[one[k][min(2 * span, len(one[k]) // 3) :] for one in averaged] for k, span in enumerate(SPANS)]
    return replace(nothing, precision=np.array([np.linalg.inv(_covariance(parts)) for parts in settled]))


def _covariance(parts: Sequence[FloatArray]) -> FloatArray:
    """Second moments about 0 of parts (n, p), all directions moving a little."""
    rows = np.concatenate(parts)
    found: FloatArray = rows.T @ rows / len(rows) + _PROPER * np.eye(rows.shape[1])
    return found


def with_limits(normal_model: NormalModel, runs: Sequence[FloatArray]) -> NormalModel:
    """The same with limits, from blocks of scans judged by a model learnt from all the others.

    Parameters
    ----------
    normal_model
        Learnt from all runs.
    runs
        The same runs, (n, p) each, in each tag's unit of measure; ten scans or more together.

    Returns
    -------
    Limits > 0, dimensionless, that 1 % of the scans left out pass: the distances' jointly, those of T² and SPE each.

    References
    ----------
    Leave-one-block-out: Stone (1974), Journal of the Royal Statistical Society B 36(2), 111-147.
    """
    left_out = [_left_out(runs, k, part) for k in range(len(runs)) for part in _parts(runs, k)]
    far, plane = (np.concatenate(found) for found in zip(*left_out, strict=True))
    usual = np.quantile(far, 1 - _SHARE, axis=0)
    joint = np.quantile((far / usual).max(axis=1), 1 - _SHARE)
    return replace(normal_model, limits=usual * joint, plane_limits=np.quantile(plane, 1 - _SHARE, axis=0))


def _parts(runs: Sequence[FloatArray], k: int) -> list[slice]:
    """The blocks of run k, about a tenth of all scans each."""
    size = sum(map(len, runs)) / BLOCKS
    edges = np.linspace(0, len(runs[k]), max(1, round(len(runs[k]) / size)) + 1).astype(int).tolist()
    return [slice(first, last) for first, last in pairwise(edges)]


def _left_out(runs: Sequence[FloatArray], k: int, part: slice) -> tuple[FloatArray, FloatArray]:
    """Distances (n, len(SPANS)), and T² and SPE (n, 2), of a block of run k."""
    others = [run for j, run in enumerate(runs) if j != k]
    others += [piece for piece in (runs[k][: part.start], runs[k][part.stop :]) if len(piece)]
    normal_model, lead = learn_normal_model(others), min(part.start, 3 * max(SPANS))
    seen = runs[k][part.start - lead : part.stop]
    averages = normal_model.averages(seen, np.zeros((len(SPANS), seen.shape[1])))
    return distances(averages, normal_model.roots())[lead:], normal_model.plane(seen)[lead:]
