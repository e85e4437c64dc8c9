"""The laws every monitor keeps, for a continuous process with a reference: cuts, restarts and gaps change nothing."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.continuous.learning import fit_continuous
from models.continuous.monitor import ContinuousMonitor
from models.records.block import RecordedBatch, Stretch
from models.records.twin import Tag, Twin

TWIN = Twin(
    name="plant", product="water", mode="continuous", cadence_s=1,
    tags={name: Tag(unit_of_measure="1", low=-100, high=100) for name in ("flow", "valve", "level", "power")},
)  # fmt: skip
SCANS = 160


def running(scans: int, seed: int) -> np.ndarray:
    values = np.random.default_rng(seed).normal(size=(scans, 4))
    values[:, 1] = values[:, 0] + 0.1 * values[:, 1]
    return values


def recorded() -> np.ndarray:
    """Gaps, a fault, a reading out of range, a tag that goes silent."""
    values = running(SCANS, 3)
    values[np.random.default_rng(4).random(values.shape) < 0.05] = np.nan
    values[60:100, 1] += 1
    values[110, 2] = 1e6
    values[20] = np.nan
    values[120:, 3] = np.nan
    return values


REFERENCE = fit_continuous(TWIN, [RecordedBatch("normal", np.arange(400.0), running(400, 1))])
VALUES = recorded()
CUTS = st.lists(st.integers(1, SCANS - 1), max_size=12, unique=True).map(sorted)


def judged(cuts: list[int], *, restart: bool = False) -> dict[str, bytes]:
    monitor, parts = ContinuousMonitor(TWIN, REFERENCE, "plant@1"), []
    for first, last in zip([0, *cuts], [*cuts, SCANS], strict=True):
        judgement = monitor.judge(Stretch(np.arange(first, last, dtype=float), VALUES[first:last]))
        found = {name: getattr(judgement, name) for name in ("t2", "spe", "fit")}
        for finding in judgement.findings:
            if finding.cause == "process":
                found[finding.name] = finding.value
                found[f"why {finding.name}"] = np.array(
                    [finding.explain(row)[0].share if finding.over[row] else 0 for row in range(last - first)]
                )
        parts.append(found)
        if restart:
            state, monitor = monitor.state(), ContinuousMonitor(TWIN, REFERENCE, "plant@1")
            monitor.restore(state)
    return {name: np.concatenate([part[name] for part in parts]).tobytes() for name in parts[0]}


@pytest.fixture(scope="module")
def uncut() -> dict[str, bytes]:
    return judged([])


@given(cuts=CUTS)
@settings(max_examples=15, deadline=None)
def test_how_scans_are_cut_into_stretches_changes_no_bit(uncut: dict[str, bytes], cuts: list[int]) -> None:
    assert judged(cuts) == uncut


@given(cuts=CUTS)
@settings(max_examples=15, deadline=None)
def test_a_monitor_restored_from_its_state_goes_on_as_if_nothing_had_been(
    uncut: dict[str, bytes], cuts: list[int]
) -> None:
    assert judged(cuts, restart=True) == uncut
