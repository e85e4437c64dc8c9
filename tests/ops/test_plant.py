"""The simulated plant: good batches are physically sane, faults leave their trace, and a seed says all."""

import numpy as np
import pytest

from connectors.settings import Recording
from models.arrays.types import FloatArray
from ops import config
from ops.demo.demo_plant import TWIN
from ops.plant.faults import PROCESS, SENSOR, Fault, process_fault
from ops.plant.instruments import INSTRUMENTS, TAGS
from ops.plant.simulation import Order, SimulatedBatch, simulate, simulate_batch

START_S, END_S = 10 * 3600.0, 12 * 3600.0


@pytest.fixture(scope="module")
def good() -> list[SimulatedBatch]:
    return simulate([Order(f"G{k}", "BR-101", k) for k in range(6)])


@pytest.fixture(scope="module")
def faulty() -> dict[str, SimulatedBatch]:
    """Every process fault, and every sensor fault of the pH probe, in the batch of seed 0."""
    faults = [process_fault(kind, START_S, END_S) for kind in PROCESS]
    faults += [Fault(kind, "ph", START_S, END_S) for kind in SENSOR]
    batches = simulate([Order(fault.kind, "BR-101", 0, (fault,)) for fault in faults])
    return {batch.recorded.batch_id: batch for batch in batches}


def tag(batch: SimulatedBatch, name: str, from_s: float = 0.0, to_s: float = 1e9) -> FloatArray:
    age_s = batch.recorded.age_s
    return batch.recorded.values[(age_s >= from_s) & (age_s < to_s), TAGS.index(name)]


def test_the_twin_of_the_demo_knows_the_plants_tags_units_and_ranges():
    twin = config.load(TWIN).twin
    said = [(name, each.unit_of_measure, each.low, each.high) for name, each in twin.tags.items()]
    assert said == [(each.tag, each.unit_of_measure, each.low, each.high) for each in INSTRUMENTS]
    assert config.load(TWIN).recording != Recording(batch=None)


def test_control_loops_hold_temperature_ph_and_oxygen(good: list[SimulatedBatch]):
    for batch in good:
        assert np.abs(tag(batch, "temperature", to_s=75_000) - 37.0).max() < 1.5
        assert np.abs(tag(batch, "ph") - 6.9).max() < 0.1
        assert tag(batch, "dissolved_oxygen", 3600).min() > 10


def test_biomass_grows_and_weight_follows_feed_and_base(good: list[SimulatedBatch]):
    for batch in good:
        assert tag(batch, "capacitance")[-1] > 15 * tag(batch, "capacitance")[:6].mean()
        fed_l = tag(batch, "feed_rate").sum() * 300 / 3600 + tag(batch, "base_flow").sum() * 5 / 1000
        gained_kg = np.diff(tag(batch, "vessel_weight")[[0, -1]])[0]
        assert gained_kg == pytest.approx(1.03 * fed_l, rel=0.06)


def test_what_oxygen_goes_in_comes_out_as_carbon_dioxide(good: list[SimulatedBatch]):
    for batch in good:
        used, born = 20.95 - tag(batch, "offgas_o2", 3600), tag(batch, "offgas_co2", 3600)
        assert np.median(born / used) == pytest.approx(1.04, abs=0.04)


def test_no_good_reading_leaves_its_instruments_range(good: list[SimulatedBatch]):
    low, high = (np.array([getattr(each, side) for each in INSTRUMENTS]) for side in ("low", "high"))
    for batch in good:
        assert ((batch.recorded.values > low) & (batch.recorded.values < high)).all()


def test_batches_differ_in_length_phases_and_course(good: list[SimulatedBatch]):
    assert len({len(batch.recorded.age_s) for batch in good}) > 1
    assert len({batch.recorded.phases for batch in good}) == len(good)
    assert len({tag(batch, "capacitance")[-1] for batch in good}) == len(good)


def test_a_seed_says_all_whatever_is_simulated_beside_it(good: list[SimulatedBatch]):
    alone = simulate_batch(3, "G3", "BR-101")
    np.testing.assert_array_equal(alone.recorded.values, good[3].recorded.values)
    assert alone.recorded.phases == good[3].recorded.phases


@pytest.mark.parametrize("kind", [*PROCESS, *SENSOR])
def test_before_a_fault_begins_the_batch_is_as_if_there_were_none(
    kind: str, faulty: dict[str, SimulatedBatch], good: list[SimulatedBatch]
):
    before = faulty[kind].recorded.age_s < START_S
    shown, usual = faulty[kind].recorded.values[before], good[0].recorded.values[before]
    np.testing.assert_array_equal(shown, usual)


@pytest.mark.parametrize(
    ("kind", "name", "change"),
    [
        ("feed_stop", "feed_rate", (-9.0, -7.5)),
        ("feed_stop", "dissolved_oxygen", (60, 130)),
        ("aeration_loss", "air_flow", (-260, -220)),
        ("aeration_loss", "offgas_co2", (1.5, 5)),
        ("aeration_loss", "agitation", (30, 300)),
        ("coolant_stuck", "temperature", (0.05, 5)),
        ("contamination", "base_flow", (1, 40)),
        ("base_overdose", "ph", (0.2, 2)),
    ],
)
def test_a_process_fault_leaves_its_trace(
    kind: str, name: str, change: tuple[float, float], faulty: dict[str, SimulatedBatch], good: list[SimulatedBatch]
):
    shown, usual = (tag(batch, name, START_S, END_S) for batch in (faulty[kind], good[0]))
    moved = shown - usual
    assert change[0] < moved[np.abs(moved).argmax()] < change[1]


def test_each_sensor_fault_looks_as_it_is_called(faulty: dict[str, SimulatedBatch], good: list[SimulatedBatch]):
    usual = tag(good[0], "ph", START_S, END_S)
    shown = {kind: tag(faulty[kind], "ph", START_S, END_S) for kind in SENSOR}
    assert np.ptp(shown["stuck"]) == 0
    assert shown["bias"][0] - usual[0] > 0.1
    assert np.abs(shown["spikes"] - usual).max() > 0.5
    assert np.isnan(shown["dropout"]).mean() > 0.5
    assert np.std(shown["noise"]) > 5 * np.std(usual)
    assert np.abs(shown["drift"] - usual).max() > np.abs(shown["drift"] - usual)[0]


def test_a_biased_sensor_that_is_controlled_moves_the_process(
    faulty: dict[str, SimulatedBatch], good: list[SimulatedBatch]
):
    """The controller believes its probe: it doses less base, and the shown pH comes back to its set-point."""
    assert tag(faulty["bias"], "base_flow", START_S, START_S + 1800).mean() < 5
    assert tag(faulty["bias"], "ph", END_S - 600, END_S).mean() == pytest.approx(6.9, abs=0.06)
    assert tag(good[0], "base_flow", START_S, START_S + 1800).mean() > 15


def test_a_fault_that_is_none_is_refused():
    with pytest.raises(ValueError, match="kind is 'sabotage'"):
        Fault("sabotage", "ph", 0.0)
    with pytest.raises(ValueError, match="is not before"):
        Fault("bias", "ph", 10.0, 5.0)
