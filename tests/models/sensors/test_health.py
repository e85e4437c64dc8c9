"""Sensor health: each fault is found, what released batches do counts for nothing, and cuts change no bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.alarms.delays import Cleared, Delays, Raised
from models.records.block import Block, RecordedBatch
from models.records.twin import Alarms, Tag, Twin
from models.sensors.health import SensorHealth, SensorVerdict
from models.sensors.limits import SensorLimits, learn_sensor_limits

NAMES = ("noisy", "valve", "coarse", "ramp")
TWIN = Twin(
    name="small",
    product="p",
    cadence_s=60,
    tags={
        "noisy": Tag(unit_of_measure="degC", low=-50, high=150),
        "valve": Tag(unit_of_measure="%", role="manipulated"),
        "coarse": Tag(unit_of_measure="1"),
        "ramp": Tag(unit_of_measure="L"),
    },
    alarms=Alarms(deadband=0.2),
)
SCANS = 500


def good(seed: int) -> np.ndarray:
    """A noisy tag, a valve shut for hours and then stepped, a coarsely resolved tag, a ramp; some readings missing."""
    rng = np.random.default_rng(seed)
    at = np.arange(SCANS)
    values = np.column_stack(
        [
            20 + rng.normal(size=SCANS),
            np.where(at < 200 + rng.integers(20), 0.0, 30 + 10 * (at > 350) + 0.2 * rng.normal(size=SCANS)),
            np.round(np.sin(at / 40) + 0.1 * rng.normal(size=SCANS), 0),
            at + rng.normal(size=SCANS),
        ]
    )
    values[rng.random(values.shape) < 0.02] = np.nan
    return values


LIMITS = learn_sensor_limits(
    TWIN, [RecordedBatch(f"B{seed}", 60.0 * np.arange(SCANS), good(seed)) for seed in range(20)]
)


def judge(values: np.ndarray, limits: SensorLimits = LIMITS) -> SensorVerdict:
    return SensorHealth(TWIN, limits).advance(values)


def first_over(verdict: SensorVerdict) -> dict[tuple[str, str], int]:
    """(tag, test) -> the first scan over its limit."""
    over = [finding for finding in verdict.findings if finding.over.any()]
    return {(finding.cause.removeprefix("sensor:"), finding.name): int(finding.over.argmax()) for finding in over}


def faulty(fault: str, tag: int = 0, size: float = 1.0) -> np.ndarray:
    """A good batch with one sensor's fault from scan 250 on, for 100 scans."""
    values, rng = good(99), np.random.default_rng(5)
    part = values[250:350, tag]
    if fault == "stuck":
        part[:] = 20.5
    elif fault == "dropout":
        part[:] = np.nan
    elif fault == "range":
        part[:] = 1000.0
    elif fault == "spike":
        part[::10] += 25 * size
    elif fault == "noisy":
        part += 5 * size * rng.normal(size=100)
    elif fault == "quiet":
        part[:] = 20 + 0.02 * rng.normal(size=100)
    return values


def test_no_sensor_of_unseen_good_batches_is_suspected() -> None:
    assert [found for seed in range(100, 140) if (found := first_over(judge(good(seed))))] == []


@pytest.mark.parametrize(
    ("fault", "test", "within"),
    [("stuck", "stuck", 12), ("dropout", "dropout", 15), ("range", "range", 2), ("spike", "spike", 30),
     ("noisy", "noise", 30), ("quiet", "noise", 99)],
)  # fmt: skip
def test_each_fault_is_found_in_time_and_nothing_before_it(fault: str, test: str, within: int) -> None:
    found = first_over(judge(faulty(fault)))
    assert 250 <= found["noisy", test] < 250 + within
    assert min(found.values()) >= 250
    assert {tag for tag, _ in found} == {"noisy"}


def test_a_finding_says_which_sensor_and_what_it_read() -> None:
    finding = next(f for f in judge(faulty("range")).findings if f.name == "range")
    assert (finding.cause, finding.category, finding.grade) == ("sensor:noisy", "sensor", "approved")
    (contributor,) = finding.explain(260)
    assert (contributor.tag, contributor.observed, contributor.unit_of_measure) == ("noisy", 1000.0, "degC")


def test_a_stuck_or_spiking_actuator_is_a_sensors_fault_too() -> None:
    assert ("valve", "spike") in first_over(judge(faulty("spike", tag=1)))


def test_one_spike_or_one_lasting_step_is_no_sensors_fault() -> None:
    values = good(99)
    values[260, 0] += 40
    values[300:, 3] += 60
    assert first_over(judge(values)) == {}


def test_a_valve_shut_for_hours_as_in_released_batches_is_not_stuck_but_longer_is() -> None:
    values = good(99)
    assert LIMITS.stuck[1] > 200
    values[:, 1] = 0.0
    assert 250 < first_over(judge(values))["valve", "stuck"] < SCANS


def test_readings_of_bad_sensors_are_unfit_and_all_others_fit() -> None:
    values = faulty("range")
    values[400:, 3] = 400.0
    fit = judge(values).fit
    assert not fit[250:350, 0].any()
    assert not fit[-1, 3]
    expected = np.isfinite(values)
    expected[250:350, 0] = False
    assert (fit[:400] == expected[:400]).all()


def test_silence_neither_ends_nor_lengthens_a_stuck_run() -> None:
    limits = SensorLimits.permissive(TWIN)
    values = good(99)
    values[100:165, 0] = 20.5
    values[110:114, 0] = np.nan
    assert first_over(judge(values, limits))["noisy", "stuck"] == 164  # 60 repeats, 4 scans of silence between them
    values[110:114, 0] = 20.5
    assert first_over(judge(values, limits))["noisy", "stuck"] == 160


def test_without_released_batches_range_stuck_and_dropout_are_still_seen_and_nothing_on_good_ones() -> None:
    limits = SensorLimits.permissive(TWIN)
    for fault in ("stuck", "dropout", "range"):
        assert ("noisy", fault) in first_over(judge(faulty(fault), limits))
    quiet = first_over(judge(good(99), limits))
    assert {test for _, test in quiet} <= {"stuck"}  # the shut valve: nothing says that it may be


CUTS = st.lists(st.integers(1, SCANS - 1), max_size=10, unique=True).map(sorted)
WORST = faulty("spike")
WORST[300:340, 1] = np.nan
WORST[260:330, 3] = 300.0
WORST[400:405, 0] = 1e9
WORST[100] = np.nan


@given(cuts=CUTS)
@settings(max_examples=25, deadline=None)
def test_cuts_and_restarts_change_no_bit(cuts: list[int]) -> None:
    def numbers(verdict: SensorVerdict, n: int) -> np.ndarray:
        tests = ("range", "stuck", "dropout", "spike", "noise")
        found = {(f.cause, f.name): np.where(f.over, f.value / f.limit, 0.0) for f in verdict.findings}
        columns = [found.get((f"sensor:{tag}", test), np.zeros(n)) for tag in NAMES for test in tests]
        return np.column_stack([*columns, verdict.fit])

    whole, parts, health = numbers(judge(WORST), SCANS), [], SensorHealth(TWIN, LIMITS)
    for first, last in zip([0, *cuts], [*cuts, SCANS], strict=True):
        parts.append(numbers(health.advance(WORST[first:last]), last - first))
        state, health = health.state(), SensorHealth(TWIN, LIMITS)
        health.restore(state)
    assert (whole > 1).any()
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@given(cuts=CUTS)
@settings(max_examples=25, deadline=None)
def test_an_alarm_is_held_by_its_deadband_wherever_scans_are_cut(cuts: list[int]) -> None:
    values, alarms = good(99), Alarms(off_delay_s=5400, deadband=0.2)
    values[100:170, 0] = 20.5  # stuck: over from the 60th repeat on
    values[175:230, 0] = 21.5  # not as long, but within the deadband of 0.2

    def changes(cuts: list[int]) -> list[tuple[int, type]]:
        health, delays, said = SensorHealth(TWIN, SensorLimits.permissive(TWIN)), Delays(alarms), []
        for first, last in zip([0, *cuts], [*cuts, SCANS], strict=True):
            at = np.arange(first, last)
            block = Block("U", "pat.scans", 0, at, at * 60_000_000, values[first:last])
            findings = [f for f in health.advance(block.values).findings if f.cause == "sensor:noisy"]
            said += [(first + change.row, type(change)) for change in delays.follow(findings, block)]
        return said

    assert changes([]) == [(160, Raised), (229 + 90, Cleared)]
    assert changes(cuts) == changes([])


def test_limits_survive_the_way_to_arrays_and_back() -> None:
    again = SensorLimits.from_arrays(LIMITS.arrays())
    assert first_over(judge(faulty("noisy"), again)) == first_over(judge(faulty("noisy")))
