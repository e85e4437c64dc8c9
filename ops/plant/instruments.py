"""The plant's PAT tags and the instruments behind them: noise, calibration, resolution, and how they fail."""

from dataclasses import dataclass

import numpy as np

from models.arrays.types import BoolArray, FloatArray
from ops.plant.faults import Fault


@dataclass(frozen=True, slots=True)
class Instrument:
    """One tag's instrument; everything in the tag's unit of measure."""

    tag: str
    unit_of_measure: str
    noise: float  # standard deviation from scan to scan
    calibration: float  # standard deviation of the offset from batch to batch
    low: float  # physical range
    high: float
    upset: float  # what an engineer would call clearly wrong: the size of an injected bias


INSTRUMENTS = (
    Instrument("temperature", "°C", 0.02, 0.02, 0, 80, 0.6),
    Instrument("jacket_temperature", "°C", 0.1, 0.1, -10, 120, 4.0),
    Instrument("coolant_flow", "L/min", 0.08, 0.02, -2, 60, 3.0),
    Instrument("ph", "pH", 0.006, 0.01, 0, 14, 0.15),
    Instrument("base_flow", "mL/min", 0.5, 0.1, -10, 400, 15.0),
    Instrument("dissolved_oxygen", "%", 0.4, 0.3, -5, 200, 8.0),
    Instrument("agitation", "rpm", 1.5, 0.5, -20, 800, 60.0),
    Instrument("air_flow", "NL/min", 2.0, 1.0, -20, 1000, 60.0),
    Instrument("pressure", "bar", 0.003, 0.002, -0.5, 3, 0.06),
    Instrument("feed_rate", "L/h", 0.03, 0.01, -1, 30, 0.8),
    Instrument("vessel_weight", "kg", 0.4, 0.5, -10, 1200, 8.0),
    Instrument("offgas_co2", "%", 0.02, 0.02, -0.5, 25, 0.4),
    Instrument("offgas_o2", "%", 0.02, 0.02, 0, 25, 0.4),
    Instrument("capacitance", "pF/cm", 0.12, 0.1, -5, 200, 3.0),
)
TAGS = tuple(instrument.tag for instrument in INSTRUMENTS)

_NOISE = np.array([instrument.noise for instrument in INSTRUMENTS])
_CALIBRATION = np.array([instrument.calibration for instrument in INSTRUMENTS])
_LOW = np.array([instrument.low for instrument in INSTRUMENTS])
_HIGH = np.array([instrument.high for instrument in INSTRUMENTS])

SPIKED = 0.12  # share of scans hit by a spike
DROPPED = 0.8  # share of readings lost in a drop-out


def calibrations(rng: np.random.Generator) -> FloatArray:
    """One batch's instrument offsets, shape (p,)."""
    return rng.normal(0.0, _CALIBRATION)


def read(rng: np.random.Generator, true: FloatArray) -> FloatArray:
    """What sound instruments show of the true values (n, p): noise added, within range."""
    shown: FloatArray = np.clip(true + rng.normal(0.0, _NOISE, true.shape), _LOW, _HIGH)
    return shown


def fail(rng: np.random.Generator, shown: FloatArray, age_s: FloatArray, fault: Fault) -> FloatArray:
    """What is recorded where an instrument fails: a copy of ``shown`` (n, p) with the fault in its tag.

    Biases and drifts are not made here but in ``offset``: the control loops see them too.
    """
    column = TAGS.index(fault.tag)
    active = fault.active(age_s)
    failed = shown.copy()
    failed[active, column] = _failed(rng, shown[active, column], fault, INSTRUMENTS[column])
    return np.clip(failed, _LOW, _HIGH)


def _failed(rng: np.random.Generator, values: FloatArray, fault: Fault, instrument: Instrument) -> FloatArray:
    size = fault.size * instrument.upset
    if fault.kind == "stuck" and len(values):
        return np.full(len(values), values[0])
    if fault.kind == "spikes":
        hit: BoolArray = rng.random(len(values)) < SPIKED
        return values + np.where(hit, rng.choice([-4.0, 4.0], len(values)) * size, 0.0)
    if fault.kind == "dropout":
        return np.where(rng.random(len(values)) < DROPPED, np.nan, values)
    if fault.kind == "noise":
        return values + rng.normal(0.0, size, len(values))
    return values


def offset(fault: Fault, age_s: float) -> float:
    """How far a biased or drifting instrument is off, in its unit of measure; 0 where it is not."""
    if not fault.kind_is("bias", "drift") or not fault.start_s <= age_s < fault.end_s:
        return 0.0
    size = fault.size * INSTRUMENTS[TAGS.index(fault.tag)].upset
    return size if fault.kind == "bias" else size * (age_s - fault.start_s) / 3600
