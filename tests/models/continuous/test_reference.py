"""A continuous process with a reference: what is found, what is left in peace, and what is refused."""

import numpy as np
import pytest

from models.continuous.learning import fit_continuous
from models.continuous.monitor import ContinuousMonitor
from models.continuous.reference import ContinuousReference
from models.records.block import RecordedBatch, Stretch
from models.records.errors import ReferenceError
from models.records.judgement import Judgement
from models.records.twin import Tag, Twin
from tests.places import SHARED

TEP = SHARED / "data/tep"
TAGS = ("flow", "valve", "level", "power")


def plant(tags: tuple[str, ...] = TAGS) -> Twin:
    known = {name: Tag(unit_of_measure="1") for name in tags}
    return Twin(name="plant", product="water", mode="continuous", cadence_s=1, tags=known)


def running(scans: int, seed: int) -> np.ndarray:
    """A valve that follows its flow closely, and two tags of their own."""
    values = np.random.default_rng(seed).normal(size=(scans, 4))
    values[:, 1] = 50 + values[:, 0] + 0.1 * values[:, 1]
    return values


def recording(values: np.ndarray) -> RecordedBatch:
    return RecordedBatch("normal", np.arange(len(values), dtype=float), values)


def reference() -> ContinuousReference:
    return fit_continuous(plant(), [recording(running(500, 1))])


def judge(values: np.ndarray) -> Judgement:
    return ContinuousMonitor(plant(), reference(), "plant@1").judge(Stretch(np.arange(float(len(values))), values))


def over(judgement: Judgement) -> np.ndarray:
    return np.any([finding.over for finding in judgement.findings if finding.cause == "process"], axis=0)


@pytest.mark.parametrize("seed", range(2, 6))
def test_normal_running_is_over_a_limit_in_about_a_hundredth_of_its_scans(seed: int) -> None:
    assert over(judge(running(3000, seed))).mean() < 0.025


def test_a_valve_that_no_longer_follows_its_flow_is_found_at_once_and_named_though_it_is_in_its_range() -> None:
    values = running(400, 9)
    values[200:, 1] += 0.7
    judgement = judge(values)
    assert over(judgement)[204:].all()
    finding = next(one for one in judgement.findings if one.name == "mewma_16")
    named = finding.explain(300)
    assert {one.tag for one in named[:2]} == {"flow", "valve"}
    assert named[0].expected == pytest.approx({"flow": 0, "valve": 50}[named[0].tag], abs=0.3)
    assert (finding.grade, finding.category) == ("approved", "process")


def test_a_lasting_fault_is_not_learnt() -> None:
    values = running(5000, 9)
    values[200:, 2] += 3
    assert over(judge(values))[210:].all()


def test_a_tag_that_is_absent_altogether_raises_nothing() -> None:
    values = running(2000, 9)
    values[:, 1] = np.nan
    judgement = judge(values)
    assert over(judgement).mean() < 0.025
    assert not judgement.fit[:, 1].any()


def test_readings_missing_at_random_raise_nothing() -> None:
    values = running(2000, 9)
    values[np.random.default_rng(5).random(values.shape) < 0.1] = np.nan
    assert over(judge(values)).mean() < 0.025


def test_a_reference_is_the_same_after_it_was_kept() -> None:
    before = reference()
    after = ContinuousReference.from_parts(before.meta(), before.arrays())
    assert after.meta() == before.meta()
    assert all((after.arrays()[name] == numbers).all() for name, numbers in before.arrays().items())


def test_too_short_a_recording_and_a_silent_tag_are_refused_by_name() -> None:
    with pytest.raises(ReferenceError, match="12 scans of normal running, needs 16"):
        fit_continuous(plant(), [recording(running(12, 1))])
    values = running(100, 1)
    values[:, 2] = np.nan
    with pytest.raises(ReferenceError, match="tag level has no reading"):
        fit_continuous(plant(), [recording(values)])


@pytest.mark.skipif(not TEP.is_dir(), reason="the Tennessee Eastman recordings (../shared/data/tep) are not here")
def test_most_faults_of_the_tennessee_eastman_process_are_seen_and_its_normal_running_is_left_in_peace() -> None:
    twin = plant(tuple(f"t{k}" for k in range(52)))
    taught = fit_continuous(twin, [recording(np.loadtxt(TEP / "d00.dat.gz").T)])

    def alarmed(fault: int) -> np.ndarray:
        values = np.loadtxt(TEP / f"d{fault:02d}_te.dat.gz")
        monitor = ContinuousMonitor(twin, taught, "te@1")
        return over(monitor.judge(Stretch(np.arange(float(len(values))), values)))

    assert alarmed(0).mean() <= 0.01
    assert np.mean([alarmed(fault)[160:].mean() for fault in range(1, 11)]) > 0.78
