"""The laws every monitor keeps, for the one with a reference: cuts, restarts, gaps and units change nothing."""

from dataclasses import replace
from functools import cache
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch.fleet import Fleet
from models.batch.monitor import BatchMonitor
from models.records.block import RecordedBatch, Stretch
from models.records.judgement import Judgement
from models.records.twin import Twin
from models.reference.reference import Reference, fit_reference
from tests.released import COOLANT, FEED, PH, SCANS, TEMPERATURE, grown, reactor_twin, released, spoilt

TWIN = reactor_twin()
CUTS = st.lists(st.integers(1, SCANS - 1), max_size=10, unique=True).map(sorted)


@cache
def reference() -> Reference:
    return fit_reference(TWIN, released())


def troubled() -> RecordedBatch:
    """A batch with gaps, a low feed, a stuck sensor, a reading out of range, and scans beyond the longest batch."""
    batch = grown(99, SCANS + 5, feed_gain=0.8)
    values = batch.values.copy()
    values[np.random.default_rng(3).random(values.shape) < 0.03] = np.nan
    values[100:130, PH] = 7.01
    values[50:53, TEMPERATURE] = 500.0
    values[140] = np.nan
    return replace(batch, values=values)


BATCH = troubled()


def monitor(twin: Twin = TWIN, to: Reference | None = None) -> BatchMonitor:
    return BatchMonitor(Fleet(twin, reference() if to is None else to, "reactor@1"))


def cut(batch: RecordedBatch, cuts: list[int]) -> list[Stretch]:
    edges = [0, *cuts, len(batch.age_s)]
    return [Stretch(batch.age_s[a:b], batch.values[a:b]) for a, b in pairwise(edges)]


def numbers(judgement: Judgement) -> dict[str, np.ndarray]:
    """Every number of a judgement by name; of a finding that is not there: 0."""
    names = ("maturity", "t2", "t2_limit", "spe", "spe_limit", "fit", "ready")
    found = {name: getattr(judgement, name) for name in names}
    for finding in judgement.findings:
        found[f"{finding.cause} {finding.category} {finding.name} over"] = finding.over
        if finding.over.any():  # a sensor no finding accuses yet has no finding yet
            found[f"{finding.cause} {finding.category} {finding.name}"] = np.where(
                finding.over, finding.value / finding.limit, 0.0
            )
    return found


def whole(judgements: list[Judgement]) -> dict[str, bytes]:
    """The numbers of stretches end to end, as bytes."""
    parts, sizes = [numbers(each) for each in judgements], [len(each.ready) for each in judgements]
    names = sorted({name for part in parts for name in part})
    joined = {}
    for name in names:
        kind = bool if name.endswith("over") else float
        pieces = [part.get(name, np.zeros(n, dtype=kind)) for part, n in zip(parts, sizes, strict=True)]
        joined[name] = np.concatenate(pieces)
    return {name: values.tobytes() for name, values in joined.items() if name[-4:] != "over" or values.any()}


def judged(batch: RecordedBatch, **how: object) -> Judgement:
    return monitor(**how).judge(Stretch(batch.age_s, batch.values))


def causes(judgement: Judgement, grade: str = "approved") -> set[str]:
    return {f.cause for f in judgement.findings if f.over.any() and f.grade == grade}


@settings(max_examples=15, deadline=None)
@given(CUTS)
def test_how_scans_are_cut_into_stretches_changes_no_bit(cuts):
    watcher = monitor()
    assert whole([watcher.judge(each) for each in cut(BATCH, cuts)]) == whole([judged(BATCH)])


def test_one_scan_a_stretch_changes_no_bit_and_names_the_same_tags():
    watcher = monitor()
    singly = [watcher.judge(each) for each in cut(BATCH, list(range(1, len(BATCH.age_s))))]
    at_once = judged(BATCH)
    assert whole(singly) == whole([at_once])
    assert [each.worst([0])[0] for each in singly] == at_once.worst(range(len(BATCH.age_s)))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, SCANS))
def test_a_monitor_restored_from_its_state_goes_on_as_if_nothing_had_been(row):
    before, after = cut(BATCH, [row])
    first, second = monitor(), monitor()
    start = first.judge(before)
    second.restore(first.state())
    assert whole([start, second.judge(after)]) == whole([judged(BATCH)])


def test_a_state_is_a_copy_of_a_few_kb():
    watcher = monitor()
    first, second = cut(BATCH, [80])
    watcher.judge(first)
    state = watcher.state()
    before = repr(state)
    watcher.judge(second)
    assert repr(state) == before
    assert len(msgspec.msgpack.encode(state, enc_hook=lambda array: array.tolist())) < 8_000


def test_judging_teaches_the_reference_nothing():
    before = {name: array.tobytes() for name, array in reference().arrays().items()}
    judged(BATCH)
    assert {name: array.tobytes() for name, array in reference().arrays().items()} == before


@pytest.mark.parametrize("tag", range(5))
def test_a_tag_that_never_reads_is_survived_and_named(tag):
    values = grown(77).values.copy()
    values[:, tag] = np.nan
    judgement = judged(replace(grown(77), values=values))
    assert causes(judgement) <= {f"sensor:{TWIN.tag_names[tag]}"}
    assert np.isfinite(judgement.t2).all()


def test_a_unit_of_measure_a_power_of_two_as_large_changes_no_bit():
    scale = np.array([2.0, 0.5, 4.0, 1.0, 1.0])
    tags = {
        name: msgspec.structs.replace(tag, low=tag.low * by, high=tag.high * by)
        for (name, tag), by in zip(TWIN.tags.items(), scale, strict=True)
    }
    twin = msgspec.structs.replace(TWIN, tags=tags)
    to = fit_reference(twin, [replace(each, values=each.values * scale) for each in released()])
    assert whole([judged(replace(BATCH, values=BATCH.values * scale), twin=twin, to=to)]) == whole([judged(BATCH)])


def test_kelvin_instead_of_degrees_celsius_changes_no_verdict():
    offset = np.array([0.0, 0.0, 273.15, 0.0, 0.0])
    tags = TWIN.tags | {"temperature": msgspec.structs.replace(TWIN.tags["temperature"], low=253.15, high=423.15)}
    twin = msgspec.structs.replace(TWIN, tags=tags)
    to = fit_reference(twin, [replace(each, values=each.values + offset) for each in released()])
    kelvin = judged(replace(BATCH, values=BATCH.values + offset), twin=twin, to=to)
    np.testing.assert_allclose(kelvin.t2, judged(BATCH).t2, rtol=0.02, atol=0.02)
    assert causes(kelvin) == causes(judged(BATCH))


def test_a_feed_ten_percent_low_is_the_process_and_the_feed_is_named_at_once():
    judgement = judged(grown(50, feed_gain=0.9))
    over = next(f for f in judgement.findings if f.cause == "process:feed" and f.over.any())
    first = int(np.flatnonzero(over.over)[0])
    assert 60 <= first <= 62
    assert over.explain(first)[0].tag == "feed"
    assert "sensor" not in {f.category for f in judgement.findings if f.over.any()}


def gaps_and_a_spike() -> RecordedBatch:
    """A batch with 3 % of its readings absent, and one feed reading far off its schedule."""
    batch = grown(54)
    values = np.where(np.random.default_rng(54).random(batch.values.shape) < 0.03, np.nan, batch.values)
    values[99:103, FEED] = batch.values[99:103, FEED]
    values[100, FEED] *= 1.3
    return replace(batch, values=values)


@settings(max_examples=15, deadline=None)
@given(CUTS)
def test_gaps_and_spikes_are_judged_the_same_however_scans_are_cut(cuts):
    watcher = monitor()
    batch = gaps_and_a_spike()
    assert whole([watcher.judge(each) for each in cut(batch, cuts)]) == whole([judged(batch)])


def test_a_feed_meter_that_spikes_once_is_said_to_be_the_sensor_one_scan_later():
    judgement = judged(gaps_and_a_spike())
    said = [f for f in judgement.findings if f.cause == "process:feed" and f.over.any()]
    first = {
        category: min(int(np.flatnonzero(f.over)[0]) for f in said if f.category == category)
        for category in ("process", "sensor")
    }
    assert first == {"process": 100, "sensor": 101}


@pytest.mark.parametrize("seed", [56, 57, 58, 59, 60])
def test_three_per_cent_of_readings_absent_raise_nothing(seed):
    batch = grown(seed)
    values = np.where(np.random.default_rng(seed).random(batch.values.shape) < 0.03, np.nan, batch.values)
    assert causes(judged(replace(batch, values=values))) == set()


def test_a_biased_sensor_that_nothing_follows_is_the_sensor():
    assert causes(judged(spoilt(grown(51), PH, 80, 120, 0.3))) == {"sensor:ph"}


@pytest.mark.parametrize("batch", [52, 60, 61, 62])
def test_an_actuator_that_sticks_open_is_the_process(batch):
    assert causes(judged(spoilt(grown(batch), COOLANT, 80, 120, 80.0))) == {"process"}


def test_what_was_expected_is_said_in_the_tags_unit_of_measure():
    judgement = judged(grown(50, feed_gain=0.9))
    feed = judgement.worst([61])[0][0]
    assert (feed.tag, feed.unit_of_measure) == (TWIN.tag_names[FEED], "L/h")
    assert feed.observed == pytest.approx(0.9 * feed.expected, rel=0.05)


def test_good_batches_hold_the_budget():
    raised = [causes(judged(each)) | causes(judged(each), "advisory") for each in released(40, first=1000)]
    assert sum(bool(each) for each in raised) <= 6  # 5 % and what 12 batches cannot tell
