"""The laws every monitor keeps, for the one without a reference: cuts, restarts and gaps change nothing."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.adaptive.monitor import AdaptiveMonitor
from models.records.block import Block, Feed, Stretch
from models.records.judgement import Judgement
from models.records.twin import Alarms, ColdStart, Tag, Twin
from models.unit.watch import Watch

TWIN = Twin(
    name="rig",
    product="water",
    mode="continuous",
    cadence_s=1,
    tags={name: Tag(unit_of_measure="1", low=-100, high=100) for name in ("flow", "pressure", "temperature")},
    alarms=Alarms(off_delay_s=20, rejoin_s=20),
    cold_start=ColdStart(learn_scans=60),
)
SCANS = 260


def recorded() -> tuple[np.ndarray, np.ndarray]:
    """A rig with noise, a wandering tag, gaps, a closed valve, a stuck sensor and a reading out of range."""
    rng = np.random.default_rng(7)
    values = rng.normal(size=(SCANS, 3))
    values[:, 2] = np.cumsum(values[:, 2])
    values[:, 1] += 0.8 * values[:, 0]
    values[rng.random(values.shape) < 0.03] = np.nan
    values[10] = np.nan
    values[130:170, 0] -= 6
    values[190:, 1] = values[189, 0]
    values[150, 2] = 1e6
    age_s = np.arange(SCANS, dtype=float)
    age_s[200:] += 30
    return age_s, values


AGE_S, VALUES = recorded()
CUTS = st.lists(st.integers(1, SCANS - 1), max_size=12, unique=True).map(sorted)


def numbers(judgement: Judgement) -> dict[str, np.ndarray]:
    """Every number of a judgement, by name; of a finding that is not there: never over."""
    found = {name: getattr(judgement, name) for name in ("t2", "t2_limit", "spe", "spe_limit", "fit", "ready")}
    for finding in judgement.findings:
        found[f"{finding.cause} {finding.name}"] = np.where(finding.over, finding.value / finding.limit, 0.0)
    return found


def joined(parts: list[dict[str, np.ndarray]], sizes: list[int]) -> dict[str, bytes]:
    """The numbers of stretches put end to end, as bytes."""
    names = sorted({name for part in parts for name in part})
    whole = {}
    for name in names:
        pieces = [part.get(name, np.zeros(size)) for part, size in zip(parts, sizes, strict=True)]
        whole[name] = np.concatenate(pieces).tobytes()
    return whole


def judged(cuts: list[int], *, restart: bool = False) -> dict[str, bytes]:
    monitor, parts, sizes = AdaptiveMonitor(TWIN), [], []
    for first, last in zip([0, *cuts], [*cuts, SCANS], strict=True):
        parts.append(numbers(monitor.judge(Stretch(AGE_S[first:last], VALUES[first:last]))))
        sizes.append(last - first)
        if restart:
            state, monitor = monitor.state(), AdaptiveMonitor(TWIN)
            monitor.restore(state)
    return joined(parts, sizes)


@pytest.fixture(scope="module")
def uncut() -> dict[str, bytes]:
    return judged([])


@given(cuts=CUTS)
@settings(max_examples=15, deadline=None)
def test_how_scans_are_cut_into_stretches_changes_no_bit(uncut: dict[str, bytes], cuts: list[int]) -> None:
    assert judged(cuts) == uncut


@given(cuts=CUTS)
@example(cuts=[60, 200])  # right after learning; in the gap
@settings(max_examples=15, deadline=None)
def test_a_monitor_restored_from_its_state_goes_on_as_if_nothing_had_been(
    uncut: dict[str, bytes], cuts: list[int]
) -> None:
    assert judged(cuts, restart=True) == uncut


def test_the_state_is_a_copy_that_further_judging_leaves_alone() -> None:
    monitor = AdaptiveMonitor(TWIN)
    monitor.judge(Stretch(AGE_S[:100], VALUES[:100]))
    state, again = monitor.state(), AdaptiveMonitor(TWIN)
    monitor.judge(Stretch(AGE_S[100:], VALUES[100:]))
    again.restore(state)
    part = [numbers(again.judge(Stretch(AGE_S[100:], VALUES[100:])))]
    other = AdaptiveMonitor(TWIN)
    other.judge(Stretch(AGE_S[:100], VALUES[:100]))
    assert joined(part, [160]) == joined([numbers(other.judge(Stretch(AGE_S[100:], VALUES[100:])))], [160])


@given(cuts=CUTS)
@settings(max_examples=10, deadline=None)
def test_a_watch_killed_and_resumed_anywhere_says_the_same_deviations(cuts: list[int]) -> None:
    def said(cuts: list[int]) -> list[object]:
        records, state = [], None
        for first, last in zip([0, *cuts], [*cuts, SCANS], strict=True):
            watch = Watch("rig-1", TWIN, lambda _: AdaptiveMonitor(TWIN), "", state)
            observed_us = (AGE_S[first:last] * 1e6).astype(np.int64) + 1_000_000_000_000_000
            block = Block("rig-1", "pat.scans", 0, np.arange(first, last), observed_us, VALUES[first:last])
            records += watch.step(Feed("rig-1", (), (block,)))
            state = watch.snapshot()
        return records

    whole = said([])
    assert any(getattr(record, "category", "") == "process" for record in whole)
    assert said(cuts) == whole
