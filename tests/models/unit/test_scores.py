"""Scores: every one has an identity of its own, whatever times its batch and its unit's clock have."""

import itertools

import msgspec
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.messages.outgoing import identity
from models.records.messages import Score
from tests.conftest import event, feed, minute, scans, small_twin
from tests.watched import run, watch_of


def scores(emitted) -> list[Score]:
    return [each for each in emitted if isinstance(each, Score)]


def test_a_batch_that_starts_at_the_very_time_of_its_first_scan_has_two_scores(twin):
    begun, judged = scores(run(watch_of(twin), feed(event("started", 0), scans(range(5), np.zeros(5)))))
    assert (begun.at, begun.t2) == (judged.at, None) == (minute(0), None)
    assert judged.t2 is not None
    assert identity(begun)[1] < identity(judged)[1]


def test_a_batch_that_ends_before_the_newest_scan_leaves_its_unit_idle_and_says_it_last(twin):
    watch = watch_of(twin)
    run(watch, feed(event("started", -1), scans(range(20), np.zeros(20))))
    late = scores(run(watch, feed(event("ended", 3), event("started", 4, "B2"), event("ended", 5, "B2"))))
    assert [score.batch_id for score in late] == [None, "B2", None]
    assert len({identity(score) for score in late}) == 3


EVENTS = st.lists(
    st.tuples(st.sampled_from(["started", "ended"]), st.integers(0, 60), st.sampled_from(["B1", "B2", "B3"])),
    max_size=8,
)


@settings(deadline=None, max_examples=60)
@given(events=EVENTS, cuts=st.lists(st.integers(1, 59), max_size=5), set_back=st.integers(0, 50), restart=st.booleans())
def test_no_two_scores_have_one_identity(events, cuts, set_back, restart):
    minutes = [*range(30), *range(30 - set_back, 60 - set_back)]
    twin = msgspec.structs.replace(small_twin(), score_interval_s=120.0)
    watch, values = watch_of(twin), np.random.default_rng(1).normal(size=60) / 10
    emitted = run(watch, feed(event("started", 0)))
    block, edges = scans(minutes, values), [0, *sorted(set(cuts)), 60]
    for k, (first, last) in enumerate(itertools.pairwise(edges)):
        if restart:
            watch = watch_of(twin, watch.snapshot())
        due = [event(kind, at, batch) for kind, at, batch in events[k :: len(edges)]]
        emitted += run(watch, feed(*due, block.take(slice(first, last))))
    ids = [identity(score) for score in scores(emitted)]
    assert len(ids) == len(set(ids))
    assert len(ids) > 1
