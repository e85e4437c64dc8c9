"""The metrics: what happens becomes series, and HTTP shows them."""

import re
import urllib.error
import urllib.request
from datetime import UTC, datetime

import pytest

from connectors.prometheus.console_series import ConsoleSeries
from connectors.prometheus.metrics import Metrics
from connectors.settings import Exposition
from models.records.errors import REASONS, REMARKS, ConfigError
from models.records.messages import Deviation, Score
from models.records.times import to_us
from tests.places import ROOT

AT = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)
KIND = {"unit": "BR-101", "category": "process", "priority": "high", "grade": "approved"}
DOCUMENT = ROOT / "docs" / "metrics.md"


def value(metrics: Metrics, series: str, /, **labels: str) -> float | None:
    """One sample; None: there is no such series."""
    return metrics.registry.get_sample_value(series, labels)


def score(**said: object) -> Score:
    judged = {"grade": "approved", "batch_id": "B1", "product": "mab-1", "phase": "FEED"}
    return Score(unit="BR-101", at=AT, twin="culture", **{**judged, **said})


def deviation(revision: int, state: str, deviation_id: str = "d1") -> Deviation:
    times = dict.fromkeys(("since_at", "raised_at", "changed_at"), AT)
    facts = {"twin": "culture", "cause": "process", "message": "", **KIND, **times}
    return Deviation(deviation_id=deviation_id, revision=revision, state=state, **facts)


def running(metrics: Metrics) -> list[dict[str, str]]:
    """Labels of all batches running."""
    families = [family for family in metrics.registry.collect() if family.name == "patrol_batch_running_info"]
    return [sample.labels for family in families for sample in family.samples]


def test_a_running_batch_is_named_until_it_ends_and_once_only() -> None:
    metrics = Metrics()
    metrics.score(score(phase="GROWTH", grade=None))
    metrics.score(score(phase="FEED"))
    assert running(metrics) == [{"unit": "BR-101", "batch_id": "B1", "product": "mab-1", "phase": "FEED"}]
    metrics.score(Score(unit="BR-101", at=AT, twin="culture"))
    assert running(metrics) == []


def test_a_batch_that_follows_another_takes_its_place() -> None:
    metrics = Metrics()
    metrics.score(score())
    metrics.score(score(batch_id="B2", phase=None))
    assert [labels["batch_id"] for labels in running(metrics)] == ["B2"]


def test_statistics_are_shown_over_their_limits_and_go_with_the_batch() -> None:
    metrics = Metrics()
    metrics.score(score(t2=6.0, t2_limit=4.0, spe=1.0, spe_limit=4.0, maturity=0.25, age_s=3600.0))
    shown = (
        "patrol_t2_limit_ratio",
        "patrol_spe_limit_ratio",
        "patrol_batch_maturity_ratio",
        "patrol_batch_age_seconds",
    )
    assert [value(metrics, name, unit="BR-101") for name in shown] == [1.5, 0.25, 0.25, 3600.0]
    metrics.score(Score(unit="BR-101", at=AT, twin="culture"))
    assert [value(metrics, name, unit="BR-101") for name in shown] == [None] * 4


def test_a_limit_of_zero_gives_no_ratio() -> None:
    metrics = Metrics()
    metrics.score(score(t2=6.0, t2_limit=0.0))
    assert value(metrics, "patrol_t2_limit_ratio", unit="BR-101") is None


def test_an_unfit_sensor_is_shown_beside_the_fit_ones() -> None:
    metrics = Metrics(tags=("ph", "do"))
    metrics.score(score(unfit_sensors=("ph",)))
    fit = {tag: value(metrics, "patrol_sensor_fit", unit="BR-101", tag=tag) for tag in ("ph", "do")}
    assert fit == {"ph": 0.0, "do": 1.0}
    metrics.score(score())
    assert value(metrics, "patrol_sensor_fit", unit="BR-101", tag="ph") == 1.0


def test_without_the_twins_tags_a_sensor_is_shown_once_it_was_unfit() -> None:
    metrics = Metrics()
    metrics.score(score(unfit_sensors=("ph",)))
    metrics.score(score())
    assert value(metrics, "patrol_sensor_fit", unit="BR-101", tag="ph") == 1.0
    assert value(metrics, "patrol_sensor_fit", unit="BR-101", tag="do") is None


def test_a_cold_start_says_that_it_is_learning() -> None:
    metrics = Metrics()
    metrics.score(score(grade="advisory", learning=True, batch_id=None))
    assert value(metrics, "patrol_learning", unit="BR-101") == 1.0
    metrics.score(score(grade="advisory", batch_id=None))
    assert value(metrics, "patrol_learning", unit="BR-101") == 0.0


@pytest.mark.parametrize(
    ("states", "active", "returned"),
    [
        (["UNACK"], 1, None),
        (["UNACK", "ACKED"], 1, None),
        (["UNACK", "SHLVD"], 1, None),
        (["UNACK", "RTNUN"], 0, 1),
        (["UNACK", "RTNUN", "UNACK"], 1, 0),
        (["UNACK", "RTNUN", "NORM"], 0, 0),
        (["UNACK", "ACKED", "NORM"], 0, None),
        (["UNACK", "ACKED", "NORM", "UNACK"], 1, None),  # raised again soon: the same deviation
    ],
)
def test_deviations_count_by_state(states: list[str], active: int, returned: int | None) -> None:
    metrics = Metrics()
    for revision, state in enumerate(states, 1):
        metrics.deviation(deviation(revision, state))
    assert value(metrics, "patrol_active_deviations", **KIND) == active
    assert value(metrics, "patrol_returned_deviations", **KIND) == returned
    assert value(metrics, "patrol_deviations_raised_total", **KIND) == 1


def test_a_revision_told_twice_or_late_counts_once() -> None:
    metrics = Metrics()
    for revision, state in ((1, "UNACK"), (2, "ACKED"), (2, "ACKED"), (1, "UNACK")):
        metrics.deviation(deviation(revision, state))
    metrics.deviation(deviation(1, "UNACK", "d2"))
    assert value(metrics, "patrol_active_deviations", **KIND) == 2
    assert value(metrics, "patrol_deviations_raised_total", **KIND) == 2


def test_latency_is_from_event_time_to_now_and_never_negative() -> None:
    metrics = Metrics(clock=lambda: AT.timestamp() + 0.2)
    metrics.verdict(to_us(AT))
    assert value(metrics, "patrol_verdict_latency_seconds_sum") == pytest.approx(0.2)
    assert value(metrics, "patrol_verdict_latency_seconds_bucket", le="0.1") == 0
    assert value(metrics, "patrol_verdict_latency_seconds_bucket", le="0.25") == 1
    metrics.verdict(to_us(AT) + 60_000_000)
    assert value(metrics, "patrol_verdict_latency_seconds_sum") == pytest.approx(0.2)


def test_every_reason_and_kind_counts_from_zero() -> None:
    metrics = Metrics()
    assert {value(metrics, "patrol_dead_letters_total", reason=reason) for reason in REASONS} == {0.0}
    assert {value(metrics, "patrol_remarks_total", kind=kind) for kind in REMARKS} == {0.0}
    metrics.dead_letter("late")
    assert value(metrics, "patrol_dead_letters_total", reason="late") == 1


def test_one_reference_and_one_build_are_shown_at_a_time() -> None:
    metrics = Metrics()
    metrics.reference("culture@1", "aa", "approved")
    metrics.reference("culture@2", "bb", "approved")
    named = {"name": "culture", "sha256": "bb", "state": "approved"}
    assert value(metrics, "patrol_reference_info", version="2", **named) == 1
    assert value(metrics, "patrol_reference_info", version="1", **{**named, "sha256": "aa"}) is None


def test_two_sets_of_metrics_live_in_one_process() -> None:
    first, second = Metrics(), Metrics()
    first.blocks(3)
    assert value(second, "patrol_blocks_total") == 0


def test_batch_id_is_a_label_of_the_info_series_alone() -> None:
    metrics = Metrics(tags=("ph",))
    metrics.score(score(t2=1.0, t2_limit=1.0, spe=1.0, spe_limit=1.0, maturity=0.1, age_s=1.0, unfit_sensors=("ph",)))
    metrics.deviation(deviation(1, "UNACK"))
    families = [f.name for f in metrics.registry.collect() if any("batch_id" in s.labels for s in f.samples)]
    assert families == ["patrol_batch_running_info"]


def test_the_document_names_every_series_and_no_other() -> None:
    console = ConsoleSeries()
    console.watch(lambda: False, lambda: 0, lambda: 0)
    ours = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in (*Metrics().registry.collect(), *console.registry.collect())
        if family.name.startswith("patrol_")
    }
    told = set(re.findall(r"^\| `(patrol_\w+)` \|", DOCUMENT.read_text(), re.MULTILINE))
    assert told == ours


# -- over HTTP ------------------------------------------------------------------------------------------------


def get(url: str, method: str = "GET") -> tuple[int, str, dict[str, str]]:
    """Status, body and headers."""
    request = urllib.request.Request(url, method=method, headers={"Origin": "https://elsewhere.example"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode(), dict(answer.headers)
    except urllib.error.HTTPError as answer:
        with answer:
            return answer.code, answer.read().decode(), dict(answer.headers)


def test_metrics_and_probes_are_served_and_nothing_else() -> None:
    metrics, state = Metrics(), {"ready": False, "live": True}
    metrics.scans("BR-101", 7)
    served = metrics.serve(Exposition(port=0), ready=lambda: state["ready"], live=lambda: state["live"])
    base = f"http://127.0.0.1:{served.port}"
    try:
        status, body, headers = get(f"{base}/metrics")
        assert status == 200
        assert 'patrol_scans_total{unit="BR-101"} 7.0' in body
        assert "_created" not in body
        assert not [name for name in headers if name.lower().startswith("access-control")]
        assert get(f"{base}/readyz")[:2] == (503, "not ready\n")
        assert get(f"{base}/livez")[:2] == (200, "ok\n")
        state.update(ready=True, live=False)
        assert get(f"{base}/readyz")[:2] == (200, "ok\n")
        assert get(f"{base}/livez")[:2] == (503, "not live\n")
        assert [get(base + path)[0] for path in ("/", "/favicon.ico", "/metrics/x")] == [404] * 3
        assert [get(base + path, "POST")[0] for path in ("/metrics", "/readyz")] == [405] * 2
    finally:
        served.close()
    with pytest.raises(urllib.error.URLError):
        get(f"{base}/livez")


def test_a_taken_port_is_named_with_a_remedy() -> None:
    served = Metrics().serve(Exposition(port=0), ready=lambda: True, live=lambda: True)
    try:
        with pytest.raises(ConfigError, match=rf"port {served.port}.*choose another metrics.port"):
            Metrics().serve(Exposition(port=served.port), ready=lambda: True, live=lambda: True)
    finally:
        served.close()


def test_an_address_that_is_not_ours_is_named_with_a_remedy() -> None:
    with pytest.raises(ConfigError, match=r"'192.0.2.1'.*metrics.address"):
        Metrics().serve(Exposition(address="192.0.2.1", port=0), ready=lambda: True, live=lambda: True)
