"""The benchmark's own arithmetic is right."""

from datetime import UTC, datetime, timedelta

import numpy as np

from models.records.messages import Deviation
from tests.benchmarks.figures import Figure
from tests.benchmarks.scoring import in_alarm, reraised_share, share_interval

START = datetime(2026, 1, 5, tzinfo=UTC)


def revision(name: str, state: str, minute: float, cause: str = "process", batch: str = "B1") -> Deviation:
    at = START + timedelta(minutes=minute)
    return Deviation(
        deviation_id=name, revision=1, state=state, category="process", grade="approved", priority="high", unit="BR-1",
        twin="t", cause=cause, message="", since_at=START, raised_at=START, changed_at=at, batch_id=batch,
        cleared_at=at if state == "RTNUN" else None,
    )  # fmt: skip


def test_a_deviation_that_comes_back_within_half_an_hour_chatters_and_one_that_comes_later_does_not() -> None:
    soon = [revision("a", "UNACK", 0), revision("a", "RTNUN", 10), revision("a", "UNACK", 39)]
    late = [revision("b", "UNACK", 0, batch="B2"), revision("b", "RTNUN", 10, batch="B2")]
    late.append(revision("c", "UNACK", 41, batch="B2"))
    assert reraised_share([*soon, *late]) == 1 / 3  # a comes back; b is followed too late; c stays


def test_another_cause_or_another_batch_is_no_chattering() -> None:
    cleared = [revision("a", "UNACK", 0), revision("a", "RTNUN", 10)]
    assert reraised_share([*cleared, revision("b", "UNACK", 12, cause="sensor:ph")]) == 0.0
    assert reraised_share([*cleared, revision("b", "UNACK", 12, batch="B2")]) == 0.0
    assert reraised_share([*cleared, revision("b", "UNACK", 12)]) == 0.5
    assert reraised_share([]) == 0.0


def test_an_alarm_begins_at_the_third_scan_over_and_lasts_until_it_has_been_back_long_enough() -> None:
    over = np.array([1, 1, 0, 1, 1, 1, 0, 1, 0, 0, 1], dtype=bool)
    assert in_alarm(over, on_scans=3, off_scans=2).astype(int).tolist() == [0, 0, 0, 0, 0, 1, 1, 1, 1, 0, 0]
    assert in_alarm(over).mean() == 1 / 11


def test_the_interval_of_a_share_holds_it_and_narrows_with_more_batches() -> None:
    low, high = share_interval(2, 40)
    assert low < 2 / 40 < high
    assert share_interval(20, 400)[1] < high
    assert share_interval(40, 40)[1] == 1.0


def test_a_figure_passes_by_its_own_direction_and_one_that_is_missing_fails() -> None:
    assert Figure("false alarms", 0.1, 0.05, 0.12).verdict == "least"
    assert Figure("false alarms", 0.05, 0.05, 0.12).verdict == "pass"
    assert Figure("detected", 0.9, 0.97, 0.93, high_is_good=True).verdict == "FAIL"
    assert Figure("detected", None, 0.97, 0.93, high_is_good=True).verdict == "FAIL"
    assert Figure("no bar", 1.0).verdict == ""
