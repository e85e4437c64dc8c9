"""A tag that is not read at all: the others are judged by a fit without it, with the same laws as ever."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.records.block import RecordedBatch
from tests.contract.test_batch_monitor import CUTS, TWIN, causes, cut, judged, monitor, reference, whole
from tests.released import SCANS, TEMPERATURE, grown


def silent_for_a_while() -> RecordedBatch:
    """A good batch whose temperature is not read before scan 120: longer than is stood in for."""
    batch = grown(77, SCANS)
    values = batch.values.copy()
    values[:120, TEMPERATURE] = np.nan
    return replace(batch, values=values)


SILENT = silent_for_a_while()


@settings(max_examples=10, deadline=None)
@given(CUTS, st.integers(1, SCANS - 1))
def test_with_a_silent_tag_cuts_and_restarts_change_no_bit(cuts, row):
    watcher, second = monitor(), monitor()
    assert whole([watcher.judge(each) for each in cut(SILENT, cuts)]) == whole([judged(SILENT)])
    before, after = cut(SILENT, [row])
    first = monitor()
    start = first.judge(before)
    second.restore(first.state())
    assert whole([start, second.judge(after)]) == whole([judged(SILENT)])


def test_a_good_batch_with_a_silent_tag_raises_nothing():
    assert causes(judged(SILENT)) == set()


def test_while_a_tag_is_silent_the_others_are_held_to_a_fit_without_it():
    watcher, silent = monitor(), np.zeros(len(TWIN.tags), dtype=bool)
    first, second = cut(SILENT, [100])
    watcher.judge(first)
    silent[TEMPERATURE] = True
    without = reference().without(silent)
    assert without is reference().without(silent)
    plane = watcher.judge(second)
    known = without.plane_limits[:, 0].min(), without.plane_limits[:, 0].max()
    assert known[0] <= plane.t2_limit[0] <= known[1]
    assert not np.isfinite(without.trajectory.median[:, TEMPERATURE]).any()
