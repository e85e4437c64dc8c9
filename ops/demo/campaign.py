"""Which batches are shown, on which units, when, and what goes wrong in them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from connectors.files.runs import RecordedRun, to_run
from ops.plant.faults import PROCESS, SENSOR, Fault, process_fault
from ops.plant.instruments import TAGS
from ops.plant.simulation import Order, SimulatedBatch, simulate

ROUND_S = 26 * 3600.0  # event time from one batch's start to the next one's on its unit
RELEASED = 30  # batches the reference is learnt from
_SENSORS = (
    ("drift", "capacitance"), ("stuck", "dissolved_oxygen"), ("noise", "ph"), ("dropout", "vessel_weight"),
    ("drift", "offgas_o2"), ("bias", "capacitance"), ("spikes", "temperature"), ("bias", "vessel_weight"),
)  # fmt: skip
_PROCESS = ("aeration_loss", "feed_stop", "contamination", "base_overdose", "coolant_stuck")
_FIRST_H = (7.5, 9.0)  # when the first fault begins, so that one need not wait long for it
_LATER_H = (7.5, 14.0)


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is shown."""

    units: tuple[str, ...]
    batches: int  # a unit
    faults: tuple[Fault, ...]  # one a batch, from the first round on; their start is chosen anew
    seed: int

    @property
    def length_s(self) -> float:
        """Event time from the first batch's start to the last one's end."""
        return ROUND_S * (self.batches + (len(self.units) - 1) / len(self.units))


@dataclass(frozen=True, slots=True)
class CampaignBatch:
    """One batch of the programme: what is published, and the truth."""

    run: RecordedRun
    faults: tuple[Fault, ...]

    @property
    def batch_id(self) -> str:
        """The batch."""
        return str(self.run.batch_id)


def units(count: int) -> tuple[str, ...]:
    """The plant's units.

    Examples
    --------
    >>> units(3)
    ('BR-101', 'BR-102', 'BR-103')
    """
    return tuple(f"BR-{101 + k}" for k in range(count))


def parse_faults(text: str, seed: int) -> tuple[Fault, ...]:
    """A number of faults (process and sensor in turn, drawn by the seed), ``none``, or a list of them.

    Raises
    ------
    ValueError
        None of these; the message says what can be asked for.

    Examples
    --------
    >>> [fault.words for fault in parse_faults("feed_stop,drift:capacitance", 1)]
    ['the feed pump stops', 'capacitance drifts']
    >>> len(parse_faults("3", 1)), parse_faults("none", 1)
    (3, ())
    """
    if text == "none":
        return ()
    if text.isdecimal():
        return _drawn(int(text), np.random.default_rng([seed, 1]))
    return tuple(_named(spec.strip()) for spec in text.split(","))


def released(seed: int) -> list[SimulatedBatch]:
    """The batches a reference is learnt from: none of them with a fault."""
    return simulate([Order(f"R{k + 1:03d}", "BR-101", seed * 100_000 + k) for k in range(RELEASED)])


def campaign_batches(campaign: Campaign, started_us: int, number: int = 0) -> list[CampaignBatch]:
    """The batches of a programme, the ``number``-th time; the first starts at ``started_us``."""
    rng = np.random.default_rng([campaign.seed, 2, number])
    slots = [(cycle, unit) for cycle in range(campaign.batches) for unit in range(len(campaign.units))]
    faulty = dict(zip(_spread(slots, len(campaign.units)), campaign.faults, strict=False))
    orders = []
    for k, (cycle, unit) in enumerate(slots):
        seed = campaign.seed * 100_000 + 50_000 + number * len(slots) + k
        batch_id = f"B{1 + unit}{1 + number * campaign.batches + cycle:02d}"
        fault = faulty.get((cycle, unit))
        first = fault is not None and (cycle, unit) == (0, 0)
        faults = () if fault is None else (_placed(fault, rng, _FIRST_H if first else _LATER_H),)
        orders.append(Order(batch_id, campaign.units[unit], seed, faults))
    late_us = int(ROUND_S / len(campaign.units) * 1e6)
    return [
        CampaignBatch(to_run(batch.recorded, started_us + int(cycle * ROUND_S * 1e6) + unit * late_us), batch.faults)
        for batch, (cycle, unit) in zip(simulate(orders), slots, strict=True)
    ]


def _spread(slots: Sequence[tuple[int, int]], count: int) -> list[tuple[int, int]]:
    """The slots in the order they are given faults: the first unit's first batch, then one unit and turn further."""
    return sorted(slots, key=lambda slot: ((slot[1] - slot[0]) % count, slot[0]))


def _drawn(count: int, rng: np.random.Generator) -> tuple[Fault, ...]:
    process, sensors = rng.permutation(len(_PROCESS)), rng.permutation(len(_SENSORS))
    faults = []
    for k in range(count):
        if k % 2 == 0:
            faults.append(process_fault(_PROCESS[process[k // 2 % len(_PROCESS)]], 0.0))
        else:
            kind, tag = _SENSORS[sensors[k // 2 % len(_SENSORS)]]
            faults.append(Fault(kind, tag, 0.0))
    return tuple(faults)


def _named(spec: str) -> Fault:
    kind, _, tag = spec.partition(":")
    if kind in PROCESS and not tag:
        return process_fault(kind, 0.0)
    if kind in SENSOR and tag in TAGS:
        return Fault(kind, tag, 0.0)
    raise ValueError(
        f"{spec!r} is no fault: a number, none, or a comma-separated list of {', '.join(PROCESS)}, and "
        f"{'|'.join(SENSOR)}:TAG with TAG of {', '.join(TAGS)}"
    )


def _placed(fault: Fault, rng: np.random.Generator, hours: tuple[float, float]) -> Fault:
    return replace(fault, start_s=float(rng.uniform(*hours)) * 3600)
