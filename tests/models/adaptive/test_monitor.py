"""A unit without a reference: what is found after a cold start, and what is left in peace."""

import csv
from pathlib import Path

import numpy as np
import pytest

from models.adaptive.monitor import AdaptiveMonitor
from models.records.block import Stretch
from models.records.judgement import Judgement
from models.records.twin import ColdStart, Tag, Twin
from tests.places import SHARED

SKAB = SHARED / "data/skab"
LEARN = 200


def rig(tags: int = 4, **cold_start: float) -> Twin:
    return Twin(
        name="rig", product="water", mode="continuous", cadence_s=1,
        tags={f"t{k}": Tag(unit_of_measure="1") for k in range(tags)},
        cold_start=ColdStart(**({"learn_scans": LEARN} | cold_start)),
    )  # fmt: skip


def steady(scans: int, seed: int = 0) -> np.ndarray:
    """Four tags: two that move together, one alone, one that wanders."""
    noise = np.random.default_rng(seed).normal(size=(scans, 4))
    noise[:, 1] = 0.9 * noise[:, 0] + 0.3 * noise[:, 1]
    noise[:, 3] = 20 + 0.5 * np.cumsum(noise[:, 3])
    return noise


def judge(values: np.ndarray, twin: Twin | None = None) -> Judgement:
    return AdaptiveMonitor(twin or rig()).judge(Stretch(np.arange(len(values), dtype=float), values))


def over(judgement: Judgement, cause: str = "process") -> np.ndarray:
    rows = [finding.over for finding in judgement.findings if finding.cause == cause]
    return np.any([np.zeros(len(judgement.ready), dtype=bool), *rows], axis=0)


def test_it_says_that_it_is_learning_and_judges_nothing_meanwhile() -> None:
    values = steady(LEARN + 50)
    values[100:110, 0] += 50
    judgement = judge(values)
    assert judgement.ready.tolist() == [False] * LEARN + [True] * 50
    assert not over(judgement)[:LEARN].any()
    assert np.isnan(judgement.t2[:LEARN]).all()
    assert np.isfinite(judgement.t2[LEARN:]).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_steady_process_is_left_in_peace(seed: int) -> None:
    assert not over(judge(steady(4000, seed))).any()


@pytest.mark.parametrize("shift", [-2.0, 2.0])
def test_a_lasting_shift_of_two_standard_deviations_is_found_within_forty_scans(shift: float) -> None:
    values = steady(800)
    values[500:, 2] += shift
    judgement = judge(values)
    first = int(over(judgement).argmax())
    assert 500 <= first < 540
    finding = max((f for f in judgement.findings if f.over[first]), key=lambda f: f.value[first] / f.limit[first])
    assert (finding.grade, finding.category) == ("advisory", "process")
    assert finding.explain(first)[0].tag == "t2"


def test_what_alarms_is_not_learnt_so_that_it_goes_on_alarming_until_it_is_over() -> None:
    values = steady(1500)
    values[500:1000, 2] -= 6
    alarmed = over(judge(values))
    assert alarmed[505:1000].all()
    assert not alarmed[1060:].any()


def test_two_tags_that_no_longer_move_together_are_found_though_each_is_in_its_range() -> None:
    values = steady(900)
    values[500:, 1] = -values[500:, 1]
    judgement = judge(values)
    names = {f.name for f in judgement.findings if f.over[500:560].any()}
    assert names & {"t2", "spe"}
    assert not over(judgement)[:500].any()


def test_a_slow_wander_that_the_tag_had_from_the_start_is_no_deviation() -> None:
    values = steady(3000, seed=9)
    assert np.ptp(values[:, 3]) > 10  # it went far from where it was learnt
    assert not over(judge(values)).any()


def test_a_silent_tag_and_one_that_comes_and_goes_are_survived() -> None:
    values = steady(900)
    values[:, 0] = np.nan
    values[::3, 1] = np.nan
    values[400:430, 2] = np.nan
    judgement = judge(values)
    assert not over(judgement).any()
    assert not judgement.fit[:, 0].any()


def test_a_tag_that_speaks_late_in_the_learning_is_judged_from_its_own_readings_on() -> None:
    values = steady(900)
    values[: LEARN // 2, 2] = np.nan
    values[500:, 2] -= 7
    judgement = judge(values)
    assert not over(judgement)[:500].any()
    assert over(judgement)[505:].all()


def test_after_a_gap_a_wandering_tag_may_have_gone_far() -> None:
    values = steady(400)
    values[300:, 3] += 10  # twenty of its steps
    age_s = np.arange(400.0)
    assert over(AdaptiveMonitor(rig()).judge(Stretch(age_s, values)))[300]
    age_s[300:] += 1000
    assert not over(AdaptiveMonitor(rig()).judge(Stretch(age_s, values))).any()


def test_a_stuck_sensor_is_a_sensors_deviation_of_grade_advisory() -> None:
    values = steady(900)
    values[500:, 2] = values[499, 2]
    found = [f for f in judge(values).findings if f.cause == "sensor:t2" and f.over.any()]
    assert {f.name for f in found} == {"stuck"}
    assert {f.grade for f in found} == {"advisory"}


def test_a_larger_budget_of_scans_means_wider_limits() -> None:
    values = steady(LEARN + 1)
    rare, often = (judge(values, rig(budget_scans=budget)).t2_limit[-1] for budget in (1e7, 1e3))
    assert rare > often


def recording(file: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with file.open(newline="") as stream:
        rows = list(csv.reader(stream, delimiter=";"))[1:]
    at = np.array([np.datetime64(row[0]) for row in rows])
    return (at - at[0]) / np.timedelta64(1, "s"), np.array([row[1:9] for row in rows], dtype=float), np.array(
        [row[9] == "1.0" for row in rows]
    )  # fmt: skip


@pytest.mark.skipif(not SKAB.is_dir(), reason="the water rig's recordings (../shared/data/skab) are not here")
def test_the_valve_of_the_real_rig_is_seen_closing_in_nearly_every_recording() -> None:
    twin, found, before, after = rig(8, learn_scans=400), [], [], []
    files = sorted(SKAB.glob("valve*/*.csv"))
    for file in files:
        age_s, values, closed = recording(file)
        alarmed = over(AdaptiveMonitor(twin).judge(Stretch(age_s, values)))
        first, last = np.flatnonzero(closed)[[0, -1]]
        found.append(alarmed[closed].any())
        before.append(alarmed[400:first])
        after.append(alarmed[last + 1 :])
    assert sum(found) >= 0.9 * len(files)
    assert not np.concatenate(before).any()
    assert np.concatenate(before + after).mean() < 0.1
