"""A small reactor for tests: batches with a schedule, a control loop and noise, and ways to spoil them."""

from dataclasses import replace

import numpy as np

from models.records.block import RecordedBatch
from models.records.twin import Alarms, Tag, Twin

FEED, COOLANT, TEMPERATURE, OXYGEN, PH = range(5)
SCANS = 160


def reactor_twin(**alarms: float) -> Twin:
    """Five tags, a scan a minute."""
    return Twin(
        name="reactor",
        product="p",
        cadence_s=60,
        tags={
            "feed": Tag(unit_of_measure="L/h", low=-50, high=500, role="manipulated"),
            "coolant": Tag(unit_of_measure="L/h", low=-50, high=2000, role="manipulated"),
            "temperature": Tag(unit_of_measure="degC", low=-20, high=150),
            "oxygen": Tag(unit_of_measure="%", low=-50, high=300),
            "ph": Tag(unit_of_measure="", low=0, high=14),
        },
        alarms=Alarms(off_delay_s=600, rejoin_s=600, **alarms),
    )


def grown(seed: int, scans: int = SCANS, feed_gain: float = 1.0) -> RecordedBatch:
    """One batch: a feed in steps; heat follows the feed; coolant holds the temperature; oxygen falls."""
    rng = np.random.default_rng(seed)
    shift, gain = rng.integers(-1, 2), 1 + 0.03 * rng.normal()
    age = np.arange(scans)
    plan = 20 + 40 * (age > 40 + shift) + 30 * (age > 90 + shift)
    fed = plan * gain * np.where(age >= 60, feed_gain, 1.0)
    values = np.empty((scans, 5))
    temperature, integral, oxygen, drift = 37.0, 0.0, 80.0, 0.0
    for k in range(scans):
        error = temperature - 37 + 0.02 * rng.normal()
        integral += error
        coolant = max(0.0, 100 + 200 * error + 20 * integral)
        temperature += 0.002 * (fed[k] - 50) - 0.001 * (coolant - 100) + 0.02 * rng.normal()
        oxygen += 0.1 * (90 - 0.4 * fed[k] - oxygen) + 0.3 * rng.normal()
        drift = 0.9 * drift + 0.01 * rng.normal()
        values[k] = fed[k] + 0.2 * rng.normal(), coolant, temperature, oxygen, 7 + drift
    noise = np.array([0.0, 1.0, 0.03, 0.3, 0.005])
    values = (values + noise * rng.normal(size=values.shape)).astype(np.float32).astype(np.float64)
    return RecordedBatch(f"G{seed}", 60.0 * (age + 1), values, unit="BR-1")


def released(batches: int = 12, first: int = 0) -> list[RecordedBatch]:
    """Good batches of differing length, the first with readings missing."""
    grown_ = [grown(first + seed, SCANS - 3 * (seed % 4)) for seed in range(batches)]
    gaps = grown_[0].values.copy()
    gaps[np.random.default_rng(5).random(gaps.shape) < 0.02] = np.nan
    return [replace(grown_[0], values=gaps), *grown_[1:]]


def spoilt(batch: RecordedBatch, tag: int, first: int, last: int, by: float) -> RecordedBatch:
    """A batch whose sensor of ``tag`` reads ``by`` too much in scans ``first`` to ``last``."""
    values = batch.values.copy()
    values[first:last, tag] += by
    return replace(batch, values=values)
