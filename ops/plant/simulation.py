"""Batches in, recorded batches out: the same for a seed, whatever is simulated beside it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from models.arrays.types import FloatArray
from models.records.block import RecordedBatch
from ops.plant.control import AIR, FEED, LENGTH_H, PHASES, PRESSURE, Loops, scheduled
from ops.plant.culture import Actions, Character, Culture, oxygen_percent
from ops.plant.faults import Fault, strength
from ops.plant.instruments import TAGS, calibrations, fail, offset, read

CADENCE_S = 300.0  # between two scans
_STEP_S = 15.0  # of the simulation
_STEPS_A_SCAN = int(CADENCE_S / _STEP_S)
_LONGEST_S = (LENGTH_H + 1.0) * 3600
_WANDER_S = 3 * 3600.0  # how slowly utilities and kinetics wander
_FIRST_SIZES = {"aeration_loss": 0.4, "contamination": 1.0, "base_overdose": 90.0}  # at size 1: share, g/L, mL/min


@dataclass(frozen=True, slots=True)
class Order:
    """One batch to simulate."""

    batch_id: str
    unit: str
    seed: int
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, slots=True)
class SimulatedBatch:
    """What was recorded of a batch (values in the order of ``TAGS``), and the truth about it."""

    recorded: RecordedBatch
    faults: tuple[Fault, ...]


def simulate_batch(seed: int, batch_id: str, unit: str, faults: tuple[Fault, ...] = ()) -> SimulatedBatch:
    """One batch; several cost hardly more: see ``simulate``."""
    return simulate([Order(batch_id, unit, seed, faults)])[0]


def simulate(orders: Sequence[Order]) -> list[SimulatedBatch]:
    """Batches side by side, in the order asked for (25 of them take about a second)."""
    plant = _Plant(orders)
    scans = int(_LONGEST_S / CADENCE_S)
    true = np.empty((scans, len(TAGS), len(orders)))
    for scan in range(scans):
        true[scan] = plant.scan(scan)
    return [plant.recorded(column, true[:, :, column]) for column in range(len(orders))]


class _Plant:
    """B vessels on their way through the recipe."""

    def __init__(self, orders: Sequence[Order]) -> None:
        self._orders = orders
        self._rngs = [np.random.default_rng(order.seed) for order in orders]
        around = self._around
        self._culture = Culture.inoculated(around(1.5, 0.03), around(29.0, 0.005), around(600.0, 0.004))
        self._usual = Character(
            around(0.30, 0.01), around(0.45, 0.01), around(520.0, 0.03), around(0.9, 0.02), around(8.0, 0.05)
        )
        self._wander = np.stack([_wandering(rng, int(_LONGEST_S / CADENCE_S)) for rng in self._rngs])  # (B, n, 3)
        self._late_s = self._each(lambda rng: rng.normal(0.0, 150.0, 3).clip(-400, 400))  # feed, air, pressure
        self._gain = self._each(lambda rng: rng.normal(1.0, 0.008, 3))
        self._length_s = self._each(lambda rng: LENGTH_H * 3600 + rng.normal(0.0, 700.0, 1).clip(-1800, 1800))[0]
        self._calibration = self._each(calibrations)  # (p, B)
        self._loops = Loops.ready(len(orders))
        self._stuck_coolant = np.full(len(orders), np.nan)
        self._entered = np.zeros(len(orders), dtype=bool)  # the contaminant
        self._actions = self._act(0.0)

    def scan(self, number: int) -> FloatArray:
        """Go on for one cadence; the true values (with offsets of instruments) at the scan, shape (p, B)."""
        slow = 1 + self._wander[:, number] * np.array([0.008, 0.015, 0.04])
        character = Character(
            self._usual.growth * slow[:, 0],
            self._usual.yield_,
            self._usual.transfer * slow[:, 1],
            self._usual.jacket,
            self._usual.coolant * slow[:, 2],
        )
        for step in range(_STEPS_A_SCAN):
            age_s = number * CADENCE_S + step * _STEP_S
            self._actions = self._act(age_s)
            self._culture.advance(self._actions, character, _STEP_S)
        return self._shown((number + 1) * CADENCE_S)

    def recorded(self, column: int, true: FloatArray) -> SimulatedBatch:
        """What the instruments recorded of one vessel until its batch ended."""
        order, rng = self._orders[column], self._rngs[column]
        age_s: FloatArray = CADENCE_S * np.arange(1, len(true) + 1, dtype=np.float64)
        values = read(rng, true)
        for fault in order.faults:
            if fault.kind_is("stuck", "spikes", "dropout", "noise"):
                values = fail(rng, values, age_s, fault)
        kept = age_s <= self._length_s[column]
        late_s = float(self._late_s[0, column])
        phases = tuple((name, max(0.0, start * 3600 + late_s) if start else 0.0) for name, start in PHASES)
        batch = RecordedBatch(order.batch_id, age_s[kept], values[kept], phases, order.unit)
        return SimulatedBatch(batch, order.faults)

    # -- inside --------------------------------------------------------------------------------------------------

    def _act(self, age_s: float) -> Actions:
        """Recipe and loops, as the instruments let them see the vessels; then the process faults."""
        off, culture = self._offsets(age_s), self._culture
        late, gain = self._late_s, self._gain
        actions = Actions(
            feed=scheduled(FEED, age_s, late[0], gain[0]),
            base=self._loops.base(culture.ph + off[TAGS.index("ph")], _STEP_S),
            air=scheduled(AIR, age_s, late[1], gain[1]),
            agitation=self._loops.agitation(
                oxygen_percent(culture.oxygen) + off[TAGS.index("dissolved_oxygen")], _STEP_S
            ),
            coolant=self._loops.coolant(culture.temperature + off[TAGS.index("temperature")], _STEP_S),
            pressure=scheduled(PRESSURE, age_s, late[2], gain[2]),
        )
        self._break(actions, age_s)
        return actions

    def _break(self, actions: Actions, age_s: float) -> None:
        for column, order in enumerate(self._orders):
            if not order.faults:
                continue
            size = {kind: strength(order.faults, kind, age_s) for kind in ("feed_stop", "coolant_stuck", *_FIRST_SIZES)}
            if size["feed_stop"]:
                actions.feed[column] *= max(0.0, 1 - size["feed_stop"])
            if size["aeration_loss"]:
                actions.air[column] *= max(0.0, 1 - _FIRST_SIZES["aeration_loss"] * size["aeration_loss"])
            actions.base[column] += _FIRST_SIZES["base_overdose"] * size["base_overdose"]
            self._stick(actions, column, bool(size["coolant_stuck"]))
            if size["contamination"] and not self._entered[column]:
                self._culture.other[column] += _FIRST_SIZES["contamination"] * size["contamination"]
            self._entered[column] |= bool(size["contamination"])

    def _stick(self, actions: Actions, column: int, stuck: bool) -> None:
        stuck_at = self._stuck_coolant[column]
        self._stuck_coolant[column] = (actions.coolant[column] if np.isnan(stuck_at) else stuck_at) if stuck else np.nan
        if stuck:
            actions.coolant[column] = self._stuck_coolant[column]

    def _offsets(self, age_s: float) -> FloatArray:
        """How far each instrument is off, shape (p, B)."""
        off = self._calibration.copy()
        for column, order in enumerate(self._orders):
            for fault in order.faults:
                if fault.kind_is("bias", "drift"):
                    off[TAGS.index(fault.tag), column] += offset(fault, age_s)
        return off

    def _shown(self, age_s: float) -> FloatArray:
        culture, actions = self._culture, self._actions
        true = (
            culture.temperature, culture.jacket, actions.coolant, culture.ph, actions.base,
            oxygen_percent(culture.oxygen), actions.agitation, actions.air, actions.pressure, actions.feed,
            culture.volume * 1.03, culture.offgas_co2, culture.offgas_o2,
            0.6 * culture.biomass + 0.3 * culture.other,
        )  # fmt: skip
        shown: FloatArray = np.stack(true) + self._offsets(age_s)
        return shown

    def _around(self, value: float, spread: float) -> FloatArray:
        """A value for each batch (B,), by its own generator."""
        return value * np.array([1 + rng.normal(0.0, spread) for rng in self._rngs])

    def _each(self, draw: Callable[[np.random.Generator], FloatArray]) -> FloatArray:
        """Shape (k, B): k numbers for each batch."""
        return np.stack([draw(rng) for rng in self._rngs], axis=1)


def _wandering(rng: np.random.Generator, scans: int) -> FloatArray:
    """Three slow disturbances of unit standard deviation, shape (n, 3)."""
    keep = np.exp(-CADENCE_S / _WANDER_S)
    kicks = rng.normal(0.0, 1.0, (scans, 3)) * np.array([[1.0]] + [[np.sqrt(1 - keep**2)]] * (scans - 1))
    wander: FloatArray = lfilter([1.0], [1.0, -keep], kicks, axis=0)
    return wander
