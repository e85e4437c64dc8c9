"""Deviations and the alarm system's audit as series."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.prometheus.metrics import Metrics
from models.records.messages import Deviation, Score
from models.records.twin import Alarms

AT = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
KIND = {"unit": "BR-101", "category": "process", "priority": "high", "grade": "approved"}


def value(metrics: Metrics, series: str, /, **labels: str) -> float | None:
    """One sample; None: there is no such series."""
    return metrics.registry.get_sample_value(series, labels)


def deviation(revision: int, state: str, minute: float = 0.0, name: str = "d1", cause: str = "process") -> Deviation:
    at = AT + timedelta(minutes=minute)
    facts = {"twin": "culture", "cause": cause, "message": "", "since_at": at, "raised_at": at, "changed_at": at}
    return Deviation(deviation_id=name, revision=revision, state=state, **KIND, **facts)


def score(minute: float) -> Score:
    return Score(unit="BR-101", at=AT + timedelta(minutes=minute), twin="culture")


@pytest.mark.parametrize(
    ("states", "unacknowledged", "annunciated"),
    [
        (["UNACK"], 1, 1),
        (["UNACK", "UNACK"], 1, 1),  # a comment
        (["UNACK", "ACKED", "SHLVD"], 0, 1),
        (["UNACK", "RTNUN", "UNACK"], 1, 2),
        (["UNACK", "ACKED", "NORM", "UNACK", "SHLVD", "UNACK"], 1, 3),
    ],
)
def test_what_is_put_before_the_operators_counts_each_time(
    states: list[str], unacknowledged: int, annunciated: int
) -> None:
    metrics = Metrics()
    for revision, state in enumerate(states, 1):
        metrics.deviation(deviation(revision, state))
    assert value(metrics, "patrol_unacknowledged_deviations", **KIND) == unacknowledged
    assert value(metrics, "patrol_annunciations_total", **KIND) == annunciated


def test_what_was_open_before_a_restart_is_shown_but_not_counted_again() -> None:
    metrics = Metrics()
    metrics.deviation(deviation(1, "UNACK"), restored=True)
    assert value(metrics, "patrol_unacknowledged_deviations", **KIND) == 1
    assert value(metrics, "patrol_annunciations_total", **KIND) == 0
    assert value(metrics, "patrol_deviations_raised_total", **KIND) == 0


def test_a_units_series_begin_at_zero_with_the_priorities_its_twin_gives() -> None:
    metrics = Metrics(alarms=Alarms(context_priority="medium"))
    metrics.score(score(0))
    families = [f for f in metrics.registry.collect() if f.name == "patrol_annunciations"]
    shown = {(s.labels["category"], s.labels["grade"], s.labels["priority"], s.value) for s in families[0].samples}
    approved = {("process", "approved", "high", 0.0), ("sensor", "approved", "medium", 0.0)}
    context = {("context", grade, "medium", 0.0) for grade in ("approved", "advisory")}
    assert shown == approved | context | {(c, "advisory", "low", 0.0) for c in ("process", "sensor")}
    assert value(metrics, "patrol_unacknowledged_deviations", **KIND) == 0


def test_a_unit_is_quiet_from_its_deviation_on_until_scans_come_or_somebody_shelves_it() -> None:
    metrics = Metrics()
    metrics.score(score(0))
    shown = [value(metrics, "patrol_unit_quiet", unit="BR-101")]
    for revision, state in enumerate(("UNACK", "ACKED", "NORM", "UNACK", "SHLVD"), 1):
        metrics.deviation(deviation(revision, state, cause="quiet"))
        metrics.score(score(revision))  # a score alone says nothing about scans
        shown.append(value(metrics, "patrol_unit_quiet", unit="BR-101"))
    assert shown == [0, 1, 1, 0, 1, 0]


def test_the_audit_has_no_series_before_anything_is_heard_and_then_all_of_them() -> None:
    metrics = Metrics(alarms=Alarms(off_delay_s=60))
    assert value(metrics, "patrol_current_alarm_rate") is None
    for n in range(11):
        metrics.deviation(deviation(1, "UNACK", n / 2, f"d{n}", cause=f"process:t{n}"))
    metrics.score(score(6))
    shown = {
        name: value(metrics, f"patrol_{name}")
        for name in ("current_alarm_rate", "maximum_alarm_rate", "alarm_flood", "alarm_floods", "alarm_flood_seconds")
    }
    assert shown == {
        "current_alarm_rate": 11,
        "maximum_alarm_rate": 11,
        "alarm_flood": 1,
        "alarm_floods": 1,
        "alarm_flood_seconds": 60,
    }
    assert value(metrics, "patrol_alarm_start_timestamp_seconds") == AT.timestamp()
    assert value(metrics, "patrol_alarm_priority_ratio", priority="high") == 1.0
    metrics.score(score(30 * 24 * 60 + 2.75))  # the first six (0 to 2.5 min) lie more than 30 days back
    frequent = [f for f in metrics.registry.collect() if f.name == "patrol_frequent_alarms"]
    assert {s.labels["source"] for s in frequent[0].samples} == {f"BR-101/process:t{n}" for n in range(6, 11)}
    assert value(metrics, "patrol_stale_alarms") == 11


def test_a_snapshot_is_as_old_as_the_stores_newest_file(tmp_path: Path) -> None:
    metrics = Metrics()
    metrics.recovery("deviation", tmp_path / "store")
    assert value(metrics, "patrol_snapshot_timestamp_seconds", flow="deviation") == 0.0
    (tmp_path / "store").mkdir()
    for name in ("part-0.sqlite3", "part-0.sqlite3-wal"):
        (tmp_path / "store" / name).write_bytes(b"12345")
    newest = (tmp_path / "store" / "part-0.sqlite3-wal").stat().st_mtime
    assert value(metrics, "patrol_snapshot_timestamp_seconds", flow="deviation") == newest
    assert value(metrics, "patrol_recovery_store_bytes", flow="deviation") == 10.0


def test_the_flows_pulse_is_the_time_of_its_last_poll() -> None:
    metrics = Metrics(clock=lambda: 1234.5)
    metrics.caught_up(False)
    assert value(metrics, "patrol_last_poll_timestamp_seconds") == 1234.5
