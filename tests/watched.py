"""What the tests of a unit's watch stand on: a watch with one rule, and what it says."""

import numpy as np

from models.records.messages import Deviation
from models.unit.watch import Watch
from tests.conftest import AboveOne


def watch_of(twin, state=None):
    """The watch of BR-101; only product p has a reference."""
    return Watch("BR-101", twin, lambda product: AboveOne() if product == "p" else None, "sha", state)


def run(watch, *feeds):
    """All it says of these feeds."""
    return [record for one in feeds for record in watch.step(one)]


def deviations(records):
    """The deviations among them."""
    return [r for r in records if isinstance(r, Deviation)]


def excursion(first=10, last=14, end=60):
    """Values of the first tag: off from one scan to another."""
    return np.where((np.arange(end) >= first) & (np.arange(end) <= last), 2.0, 0.0)
