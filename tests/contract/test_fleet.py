"""Batches judged side by side: what is said of each is what would be said of it alone, bit by bit."""

from functools import cache

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from models.batch.fleet import Fleet
from models.batch.monitor import BatchMonitor
from models.records.block import RecordedBatch, Stretch
from models.records.judgement import Judgement
from models.unit.coroutines import JudgementRequest, UnitCoroutine, run_coroutines
from tests.contract.test_batch_monitor import BATCH, TWIN, cut, judged, monitor, reference, whole
from tests.contract.test_silent_tags import SILENT
from tests.released import PH, SCANS, grown

CUTS = st.lists(st.integers(1, SCANS - 6), max_size=8, unique=True).map(sorted)


def with_gaps() -> RecordedBatch:
    """A good batch with some readings absent."""
    batch = grown(12, SCANS - 3)
    batch.values[60:64, PH] = np.nan
    return batch


BATCHES = (BATCH, SILENT, with_gaps(), grown(5, SCANS), grown(8, SCANS, feed_gain=1.3))


@cache
def alone(which: int) -> dict[str, bytes]:
    return whole([judged(BATCHES[which])])


def judged_together(requests: list[JudgementRequest]) -> list[Judgement]:
    """As units would be told that ask for one judgement each."""
    told: dict[int, Judgement] = {}

    def coroutine(which: int, question: JudgementRequest) -> UnitCoroutine:
        told[which] = yield question

    run_coroutines([coroutine(which, question) for which, question in enumerate(requests)])
    return [told[which] for which in range(len(requests))]


def side_by_side(fleet: Fleet, pieces: list[list[Stretch]]) -> list[list[Judgement]]:
    """One piece of every batch in turn, while it has any."""
    monitors, told = [BatchMonitor(fleet) for _ in pieces], [[] for _ in pieces]
    for turn in range(max(map(len, pieces))):
        there = [k for k in range(len(pieces)) if turn < len(pieces[k])]
        for k, judgement in zip(
            there, judged_together([JudgementRequest(monitors[k], pieces[k][turn]) for k in there]), strict=True
        ):
            told[k].append(judgement)
    return told


@settings(max_examples=15, deadline=None)
@given(st.lists(CUTS, min_size=len(BATCHES), max_size=len(BATCHES)))
def test_the_company_in_which_a_batch_is_judged_changes_no_bit(cuts):
    told = side_by_side(
        Fleet(TWIN, reference(), "reactor@1"), [cut(batch, own) for batch, own in zip(BATCHES, cuts, strict=True)]
    )
    for which, judgements in enumerate(told):
        assert whole(judgements) == alone(which)


def test_beside_others_scan_by_scan_the_same_tags_are_named_for_the_same_findings():
    pieces = [cut(batch, list(range(1, len(batch.age_s)))) for batch in BATCHES]
    for batch, judgements in zip(BATCHES, side_by_side(Fleet(TWIN, reference(), "reactor@1"), pieces), strict=True):
        at_once = judged(batch)
        assert [each.worst([0])[0] for each in judgements] == at_once.worst(range(len(batch.age_s)))
        explained = [{f.cause + f.name: f.explain(0) for f in each.findings if f.over[0]} for each in judgements]
        wanted = [
            {f.cause + f.name: f.explain(row) for f in at_once.findings if f.over[row]}
            for row in range(len(batch.age_s))
        ]
        assert explained == wanted


def test_batches_that_have_read_every_tag_are_judged_in_one_go(monkeypatch):
    fleet, calls = Fleet(TWIN, reference(), "reactor@1"), []
    monitors = [BatchMonitor(fleet) for _ in range(3)]
    batches = [grown(seed, SCANS) for seed in range(3)]
    one_go = fleet.judge
    monkeypatch.setattr(fleet, "judge", lambda some, parts: (calls.append(len(some)), one_go(some, parts))[1])
    for row in range(3):
        judged_together([
            JudgementRequest(own, Stretch(batch.age_s[row : row + 1], batch.values[row : row + 1]))
            for own, batch in zip(monitors, batches, strict=True)
        ])  # fmt: skip
    assert calls == [1, 1, 1, 3, 3]


def test_a_batch_that_starts_in_the_place_of_one_that_is_gone_starts_afresh():
    fleet = Fleet(TWIN, reference(), "reactor@1")
    first, beside = BatchMonitor(fleet), BatchMonitor(fleet)
    place = first.place
    first.judge(Stretch(BATCH.age_s, BATCH.values))
    del first
    second = BatchMonitor(fleet)
    assert second.place == place != beside.place
    assert whole([second.judge(Stretch(BATCH.age_s, BATCH.values))]) == alone(0)


def test_a_state_goes_on_in_another_place_of_another_fleet():
    first, second = cut(BATCH, [90])
    before = monitor()
    start = before.judge(first)
    fleet = Fleet(TWIN, reference(), "reactor@1")
    others = [BatchMonitor(fleet) for _ in range(4)]
    after = BatchMonitor(fleet)
    after.restore(before.state())
    assert after.place not in {other.place for other in others}
    assert whole([start, after.judge(second)]) == alone(0)


def test_a_state_is_what_is_carried_now_however_many_batches_have_started_since_the_last():
    first, second, rest = cut(BATCH, [90, 100])
    fleet, after = Fleet(TWIN, reference(), "reactor@1"), monitor()
    before = BatchMonitor(fleet)
    start = before.judge(first)
    before.state()
    others = [BatchMonitor(fleet) for _ in range(40)]  # the fleet's tables grow
    middle = before.judge(second)
    after.restore(before.state())
    assert before.place not in {other.place for other in others}
    assert whole([start, middle, after.judge(rest)]) == alone(0)
