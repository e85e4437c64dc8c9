"""A real Prometheus scrapes what PATrol serves, and finds every series."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prometheus_client import generate_latest

from connectors.prometheus.metrics import Metrics
from connectors.settings import Exposition
from models.records.messages import Deviation, Score
from tests.broker.monitoring import ask, program, prometheus, query, until

pytestmark = pytest.mark.prometheus

AT = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def test_prometheus_finds_every_series_with_what_happened(tmp_path: Path) -> None:
    metrics = Metrics(tags=("ph", "do"))
    happen(metrics)
    wanted = sample_names(metrics)
    assert len(wanted) > 25
    served = metrics.serve(Exposition(port=0), ready=lambda: True, live=lambda: True)
    try:
        with scraping(served.port, tmp_path) as api:
            until(lambda: query(api, "up") == [1.0], "the scrape to succeed")
            found = set(ask(api, "label/__name__/values"))
            assert {name for name in found if name.startswith("patrol_")} == wanted
            assert query(api, 'patrol_scans_total{unit="BR-101"}') == [7.0]
            assert query(api, "patrol_t2_limit_ratio * on(unit) group_left(batch_id) patrol_batch_running_info") == [
                1.5
            ]
            metrics.score(Score(unit="BR-101", at=AT, twin="culture"))
            until(lambda: query(api, "patrol_batch_running_info") == [], "the ended batch to go")
    finally:
        served.close()


def happen(metrics: Metrics) -> None:
    """Something of everything, so that each series has a sample."""
    metrics.scans("BR-101", 7)
    metrics.readings("BR-101", 3)
    metrics.blocks(2)
    metrics.lag("pat.scans", 0, 5)
    metrics.lost("pat.scans", 0, 3)
    metrics.broker(True)
    metrics.broker_error("_TRANSPORT")
    metrics.verdict(0)
    metrics.build("0.1.0", "ab")
    metrics.reference("culture@1", "cd", "approved")
    metrics.recovery("deviation", Path("nowhere"))
    times = dict.fromkeys(("since_at", "raised_at", "changed_at"), AT)
    for revision, state in enumerate(("UNACK", "RTNUN"), 1):
        metrics.deviation(
            Deviation(
                deviation_id="d", revision=revision, state=state, category="process", grade="approved", priority="high",
                unit="BR-101", twin="culture", cause="process", message="", **times,
            )
        )  # fmt: skip
    metrics.score(
        Score(
            unit="BR-101", at=AT, twin="culture", batch_id="B1", product="p", phase="FEED", age_s=60.0, maturity=0.1,
            grade="approved", t2=6.0, t2_limit=4.0, spe=1.0, spe_limit=4.0, unfit_sensors=("ph",), disagreement=0.0,
        )
    )  # fmt: skip


def sample_names(metrics: Metrics) -> set[str]:
    """The names Prometheus should know; a declared series without a sample fails."""
    families = [family for family in metrics.registry.collect() if family.name.startswith("patrol_")]
    assert [family.name for family in families if not family.samples] == []
    return {sample.name for family in families for sample in family.samples}


@contextmanager
def scraping(port: int, folder: Path) -> Iterator[str]:
    """A Prometheus that scrapes the port every second; gives its API's address."""
    config = folder / "prometheus.yml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: patrol, static_configs: [{{targets: ['127.0.0.1:{port}']}}]}}]\n"
    )
    with prometheus(config, folder) as api:
        yield api


def test_prometheus_finds_nothing_to_say_about_names_and_help_of_the_series() -> None:
    metrics = Metrics(tags=("ph", "do"))
    happen(metrics)
    checked = subprocess.run(
        [program("promtool", "prometheus"), "check", "metrics"], input=generate_latest(metrics.registry), timeout=60
    )
    assert checked.returncode == 0
