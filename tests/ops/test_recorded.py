"""Recordings as the live flow would bring them: context, order, blocks, messages."""

from itertools import pairwise

import numpy as np
import pytest

from connectors.files.runs import RecordedRun
from connectors.settings import Topics
from models.records.block import Block
from models.records.messages import BatchEvent, Reading, Scan, Tick
from models.records.times import to_us
from models.records.twin import Tag, Twin
from ops.playing import PlayOptions, count, messages
from ops.recorded import events, feeds, first_scans, one_after_another, shifted

TWIN = Twin(name="t", product="p", cadence_s=60, tags={"a": Tag(unit_of_measure=""), "b": Tag(unit_of_measure="")})


def run(unit: str = "U1", batch_id: str | None = "B1", n: int = 5) -> RecordedRun:
    """n scans a minute apart from 60 s on; tag b has no reading in the first."""
    values = np.arange(2.0 * n).reshape(n, 2)
    values[0, 1] = np.nan
    observed_us = 60_000_000 * np.arange(1, n + 1)
    phases = () if batch_id is None else (("GROW", 0), ("FEED", 180_000_000))
    return RecordedRun(unit, batch_id, observed_us, values, phases, 0, np.arange(n))


def test_a_batch_is_started_goes_through_its_phases_ends_and_is_released_when_asked() -> None:
    said = [(event.event, event.phase, to_us(event.at) / 60e6) for event in events(run(), TWIN, release=True)]
    assert said == [
        ("started", None, 0),
        ("phase_started", "GROW", 0),
        ("phase_started", "FEED", 3),
        ("ended", None, 6),
        ("released", None, 7),
    ]
    assert events(run(), TWIN)[0].product == "p"
    assert len(events(run(), TWIN)) == 4


def test_a_continuous_process_has_no_batch_events() -> None:
    assert events(run(batch_id=None), TWIN, release=True) == ()
    (scans, end) = feeds(run(batch_id=None), TWIN)
    assert scans.context == ()
    assert end.context == (Tick(unit="U1", kind="settled"),)


def test_context_comes_ahead_of_the_scans_and_the_end_after_them_all() -> None:
    first, *middle, last = feeds(run(n=1200), TWIN)
    assert [item.event for item in first.context if isinstance(item, BatchEvent)] == ["started", *["phase_started"] * 2]
    assert [len(block) for feed in (first, *middle) for block in feed.blocks] == [512, 512, 176]
    assert all(feed.context == () for feed in middle)
    assert isinstance(last.context[0], BatchEvent)
    assert last.context[0].event == "ended"
    assert isinstance(last.context[1], Tick)


def test_blocks_hold_every_scan_once_with_its_row_in_the_file() -> None:
    recorded = run(n=1200)
    blocks = [block for feed in feeds(recorded, TWIN) for block in feed.blocks if isinstance(block, Block)]
    assert np.array_equal(np.concatenate([block.offsets for block in blocks]), recorded.rows)
    assert np.array_equal(np.concatenate([block.values for block in blocks]), recorded.values, equal_nan=True)


def test_runs_of_one_unit_follow_one_another_and_other_units_stay_where_they_are() -> None:
    first, other, second = one_after_another([run(), run("U2"), run("U1", "B2")], TWIN)
    assert first.started_us == other.started_us == 0
    assert second.started_us == int(first.observed_us[-1]) + 120_000_000
    assert to_us(events(first, TWIN)[-1].at) < second.started_us


def test_a_run_moved_in_time_keeps_its_ages() -> None:
    before, after = run(), shifted(run(), 10**12)
    assert np.array_equal(after.observed_us - after.started_us, before.observed_us - before.started_us)
    assert [at_us - after.started_us for _, at_us in after.phases] == [at_us for _, at_us in before.phases]


def test_a_run_cut_short_has_only_the_phases_begun_by_then() -> None:
    short = first_scans(run(), 2)
    assert len(short.observed_us) == len(short.values) == len(short.rows) == 2
    assert short.phases == (("GROW", 0),)


@pytest.mark.parametrize("as_readings", [False, True])
def test_messages_interleave_units_by_time_and_are_as_many_as_counted(as_readings: bool) -> None:
    runs, options = [run(), run("U2", "B2")], PlayOptions(as_readings=as_readings, release=True)
    played = list(messages(runs, TWIN, Topics(), options))
    assert len(played) == count(runs, TWIN, options) == 2 * (5 + (9 if as_readings else 5))
    assert all(before.at_us <= after.at_us for before, after in pairwise(played))
    assert {message.topic for message in played} == {"pat.scans", "mes.batch-events"}
    middle = [message.record.unit for message in played if message.at_us == 120_000_000]
    assert set(middle) == {"U1", "U2"}


def test_a_tag_without_a_reading_is_left_out_of_what_is_played() -> None:
    scans = [m.record for m in messages([run()], TWIN, Topics(), PlayOptions()) if isinstance(m.record, Scan)]
    assert scans[0].values == {"a": 0.0}
    assert scans[1].values == {"a": 2.0, "b": 3.0}
    readings = messages([run()], TWIN, Topics(), PlayOptions(as_readings=True))
    assert [m.record.tag for m in readings if isinstance(m.record, Reading)] == ["a", *["a", "b"] * 4]
