"""The learner beside the frozen reference: what it finds, what it leaves in peace, and that cuts change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from river import stats
from scipy.signal import lfilter

from models.adaptive.disagreement import Disagreement
from models.adaptive.learner import Changes, Learner, LearnerLimits, learn_learner_limits
from models.arrays.carried import Segments
from models.records.judgement import Finding

TAGS = tuple(f"t{k}" for k in range(6))
SCANS = 600
Residuals = tuple[np.ndarray, np.ndarray, np.ndarray]


def batch(seed: int, shift: float = 0.0, noise: float = 1.0) -> Residuals:
    """Residuals of a good batch, all its own noise; the third tag shifted from scan 300 to 450."""
    rng = np.random.default_rng(seed)
    z = noise * rng.normal(size=(SCANS, len(TAGS)))
    z[300:450, 2] += shift
    z[rng.random(z.shape) < 0.02] = np.nan
    power = np.nan_to_num(z) ** 2
    return z, power[:, :3].sum(axis=1) / 30, power[:, 3:].sum(axis=1) / 30


GOOD = [batch(seed) for seed in range(20)]
LIMITS = learn_learner_limits(GOOD, 0.05)


def told(learner: Learner, *heard: np.ndarray) -> tuple[Finding, ...]:
    """What it finds in one batch's scans, however little."""
    return learner.advance(heard, Segments.of_one(len(heard[0])), -np.inf)[0]


def alarmed(residuals: Residuals, limits: LearnerLimits = LIMITS) -> np.ndarray:
    return np.any([finding.over for finding in told(Learner(TAGS, limits), *residuals)], axis=0)


def test_good_batches_it_has_not_seen_are_left_in_peace_nearly_always() -> None:
    raised = sum(alarmed(batch(seed)).any() for seed in range(100, 160))
    assert raised <= 9  # 60 x 0.05 = 3 expected


def test_a_lasting_shift_is_found_and_its_tag_named() -> None:
    residuals = batch(200, shift=5)
    findings = told(Learner(TAGS, LIMITS), *residuals)
    first = int(np.any([f.over for f in findings], axis=0).argmax())
    assert 300 <= first < 330
    finding = next(f for f in findings if f.over[first])
    assert (finding.grade, finding.cause, finding.category) == ("advisory", "process", "process")
    assert sum("t2" in {c.tag for c in finding.explain(row)} for row in range(first, 440)) > 100


def test_it_is_quiet_again_after_the_shift_is_over() -> None:
    assert not alarmed(batch(200, shift=5))[560:].any()


def test_a_batch_that_is_a_little_noisier_from_its_start_is_known_after_a_while() -> None:
    longer = [np.concatenate([part] * 6) for part in batch(300, noise=1.15)]
    *_, residual = told(Learner(TAGS, LIMITS), longer[0], longer[1], longer[2])
    assert not residual.over.any()
    assert abs(residual.value[-SCANS:].mean()) < 0.3 * residual.value[:SCANS].mean()


def test_means_and_noises_are_those_of_river() -> None:
    series = np.random.default_rng(3).normal(2.0, 3.0, size=(400, 1))
    var, recent, rises = stats.Var(), stats.EWMean(2 / 41), Changes(np.array([[2.0, 1.0, 2.0]]), np.full(1, 1.0))
    var.update(0.0), var.update(2.0), recent.update(0.0)
    for value, rise in zip(series.ravel().tolist(), rises.rises(series)[0].ravel().tolist(), strict=True):
        recent.update(float(np.clip((value - var.mean.get()) / np.sqrt(var.get()), -4, 4)))
        assert rise == pytest.approx(recent.get(), rel=1e-12)
        if rise <= 1.0:
            var.update(value)
    assert rises.rows["past"][0, 0] == pytest.approx([var.n, var.mean.get(), var._S], rel=1e-12)


def test_what_alarms_is_not_learnt() -> None:
    learner = Learner(TAGS, LIMITS)
    told(learner, *batch(200))
    before = learner.rows["past"][0, :, 0].copy()
    z, t2_ratio, spe_ratio = (part[300:] for part in batch(200, shift=200))
    told(learner, z, t2_ratio, spe_ratio)
    learnt = learner.rows["past"][0, :, 0].copy() - before
    assert learnt[2] < 170  # of 300 scans, 150 of them shifted


CUTS = st.lists(st.integers(1, SCANS - 1), max_size=8, unique=True).map(sorted)


@given(cuts=CUTS)
@settings(max_examples=20, deadline=None)
def test_cuts_and_restarts_change_no_bit(cuts: list[int]) -> None:
    residuals = batch(200, shift=3)
    whole = np.array([finding.value for finding in told(Learner(TAGS, LIMITS), *residuals)])
    parts, learner = [], Learner(TAGS, LIMITS)
    for first, last in zip([0, *cuts], [*cuts, SCANS], strict=True):
        z, t2_ratio, spe_ratio = (part[first:last] for part in residuals)
        parts.append(np.array([finding.value for finding in told(learner, z, t2_ratio, spe_ratio)]))
        state, learner = learner.state(), Learner(TAGS, LIMITS)
        learner.restore(state)
    assert np.concatenate(parts, axis=1).tobytes() == whole.tobytes()


def test_limits_survive_the_way_to_arrays_and_back() -> None:
    again = LearnerLimits.from_arrays(LIMITS.arrays())
    assert (alarmed(batch(200, shift=5), again) == alarmed(batch(200, shift=5))).all()


def test_scans_without_any_judged_tag_change_nothing() -> None:
    learner = Learner(TAGS, LIMITS)
    told(learner, *batch(1))
    before = learner.state()
    nothing = np.full(30, np.nan)
    findings = told(learner, np.full((30, len(TAGS)), np.nan), nothing, nothing)
    after = learner.state()
    assert all(np.isfinite(finding.value).all() and finding.explain(0) == () for finding in findings)
    assert np.array_equal(before, after)


def test_a_smaller_probability_means_wider_limits() -> None:
    assert (learn_learner_limits(GOOD, 0.01).limit > LIMITS.limit).all()


@given(cuts=CUTS)
@settings(max_examples=20, deadline=None)
def test_disagreement_rises_while_one_alarms_alone_however_scans_are_cut(cuts: list[int]) -> None:
    champion = np.zeros(SCANS, dtype=bool)
    learner = np.arange(SCANS) >= 300
    whole = Disagreement().advance(champion, learner)
    parts, disagreement = [], Disagreement()
    for first, last in zip([0, *cuts], [*cuts, SCANS], strict=True):
        parts.append(disagreement.advance(champion[first:last], learner[first:last]))
        state, disagreement = disagreement.state(), Disagreement()
        disagreement.restore(state)
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    weight = 2 / 51
    filtered = lfilter([weight], [1.0, weight - 1.0], (champion != learner).astype(float))
    np.testing.assert_allclose(whole, filtered, rtol=1e-12)
    assert whole[299] == 0
    assert whole[-1] == pytest.approx(1, abs=1e-4)
