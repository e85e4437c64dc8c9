"""From the plant to the pager: simulated plant, broker, the real flow, Prometheus, Alertmanager, a webhook.

The configurations are those of ``ops/``; only addresses and the scrape interval are the test's own.
"""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import msgspec
import pytest
from confluent_kafka import Producer

from connectors.files.runs import to_run
from connectors.kafka.clients import client_config
from connectors.kafka.publisher import Publisher
from models.records.messages import Deviation, OperatorAction
from models.records.times import to_us
from ops.demo.campaign import Campaign
from ops.demo.demo_plant import DemoPlant, set_up
from ops.grafana.__main__ import DASHBOARDS
from ops.plant.faults import process_fault
from ops.plant.simulation import Order, simulate
from ops.playing import Message, PlayOptions, messages
from tests.broker.conftest import messages as stored
from tests.broker.monitoring import (
    Pager,
    alertmanager,
    ask,
    free_port,
    paging,
    program,
    prometheus,
    query,
    series,
    until,
)
from tests.places import ROOT

pytestmark = [pytest.mark.prometheus, pytest.mark.slow]

OPS = ROOT / "ops"
UNITS = ("BR-101", "BR-102", "BR-103")
SILENT = UNITS[2]
FAULT_H = 7.5
RUNBOOKS = "http://grafana.example/d"


@dataclass
class Plant:
    """Three units, two with a fault; the last of these falls silent after it, the others go on until stopped."""

    demo_plant: DemoPlant
    stopped: threading.Event = field(default_factory=threading.Event)

    def results(self) -> list[Message]:
        faults = (process_fault("aeration_loss", FAULT_H * 3600),)
        orders = [Order("B101", UNITS[0], 7, faults), Order("B201", UNITS[1], 8), Order("B301", UNITS[2], 9, faults)]
        began_us = to_us(datetime.now(UTC) - timedelta(hours=26))
        configuration = self.demo_plant.configuration
        runs = [to_run(batch.recorded, began_us) for batch in simulate(orders)]
        told = messages(runs, configuration.twin, configuration.kafka.topics, PlayOptions())
        return [each for each in told if getattr(each.record, "event", "") != "ended"]

    def run(self) -> None:
        """All until shortly after the fault at once; then, slowly, the scans of the units that still send."""
        results = self.results()
        soon_us = results[0].at_us + int((FAULT_H + 1.5) * 3.6e9)
        with Publisher(self.demo_plant.configuration.kafka) as publisher:
            for message in results:
                late = message.at_us > soon_us
                if late and message.record.unit == SILENT:
                    continue
                publisher.publish(message.topic, message.record.unit, message.record)
                if late and self.stopped.wait(0.25):
                    return


@contextmanager
def sending(plant: Plant) -> Iterator[None]:
    thread = threading.Thread(target=plant.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        plant.stopped.set()
        thread.join(10)


@dataclass(frozen=True)
class Site:
    """Everything, running."""

    plant: Plant
    pager: Pager
    prometheus: str
    alertmanager: str


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    program("prometheus", "prometheus"), program("prometheus-alertmanager", "prometheus-alertmanager")
    folder = tmp_path_factory.mktemp("site")
    with (
        set_up(Campaign(UNITS, 1, (), 2), lambda emitted: None, lambda *done: None) as demo_plant,
        paging() as (pager, url),
    ):
        ours = demo_plant.configuration
        ports = {"9464": ours.metrics.port, "9466": ours.console.metrics_port, "9090": free_port(), "9093": free_port()}
        config = configured(folder, ports, url)
        plant = Plant(demo_plant)
        with (
            alertmanager(folder / "alertmanager.yml", folder, ports["9093"]) as alerts,
            prometheus(config, folder, ports["9090"]) as api,
            sending(plant),
        ):
            yield Site(plant, pager, api, alerts)


def configured(folder: Path, ports: dict[str, int], pager: str) -> Path:
    """The configurations of ops/ with the test's addresses; scraped and evaluated every second."""
    text = (OPS / "prometheus" / "prometheus.yml").read_text().replace("rules/*", f"{OPS}/prometheus/rules/*")
    text = re.sub(r"_(interval|timeout): 1\ds", r"_\1: 1s", text).replace("http://grafana.invalid:3000/d", RUNBOOKS)
    for port, free in ports.items():
        text = re.sub(rf'"\w+:{port}"', f'"127.0.0.1:{free}"', text)
    (folder / "prometheus.yml").write_text(text)
    receivers = (OPS / "alertmanager" / "alertmanager.yml").read_text().replace("http://pager.invalid", pager)
    (folder / "alertmanager.yml").write_text(receivers)
    return folder / "prometheus.yml"


def test_a_fault_in_the_plant_pages_somebody_with_unit_batch_and_runbook(site: Site) -> None:
    until(lambda: bool(site.pager.alerts("/page", "DeviationHigh", unit="BR-101")), "the page", 120)
    page = site.pager.alerts("/page", "DeviationHigh", unit="BR-101")[0]
    assert page["labels"] == {"alertname": "DeviationHigh", "priority": "high", "unit": "BR-101"}
    assert page["annotations"]["summary"] == "BR-101 B101: 1 deviation(s) of high priority, unacknowledged"
    assert page["annotations"]["runbook_url"] == f"{RUNBOOKS}/DeviationHigh"
    assert [where for where, _ in site.pager.arrived if where == "/heartbeat"], "the heartbeat has come"
    assert site.pager.alerts("/page", "DeviationHigh", unit="BR-102") == []
    assert {"unit": "BR-101"} in [message["groupLabels"] for where, message in site.pager.arrived if where == "/page"]


def test_every_panel_and_rule_finds_something_in_what_the_real_flow_serves(site: Site) -> None:
    reject(site.plant.demo_plant)
    until(lambda: query(site.prometheus, 'patrol_dead_letters_total{reason="malformed"}') == [1.0], "the dead letter")
    until(lambda: bool(query(site.prometheus, "unit:patrol_scans:rate5m")), "rates")
    queries = [q.expr.replace("$unit", "BR-101") for d in DASHBOARDS.values() for p in d.panels for q in p.queries]
    rules = [rule for group in ask(site.prometheus, "rules")["groups"] for rule in group["rules"]]  # type: ignore[call-overload]
    assert len(queries) > 50
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
    queries += [rule["name"] for rule in rules if rule["type"] == "recording"]
    for rule in rules:
        if rule["type"] == "alerting":
            queries += re.findall(r"\w+:\w+:\w+|\b(?:patrol|process|alertmanager)_\w+|\bup\b", rule["query"])
    for expression in sorted(set(queries)):
        until(lambda: bool(series(site.prometheus, expression)), f"a result of {expression}", 20)  # noqa: B023


def test_what_is_seen_of_a_unit_that_has_gone_quiet_pages_nobody(site: Site) -> None:
    until(lambda: bool(known(site, "UnitQuiet")) and len(known(site, "DeviationHigh")) == 2, "both alerts", 120)
    assert [alert["labels"]["unit"] for alert in known(site, "UnitQuiet")] == [SILENT]
    quiet = known(site, "UnitQuiet")[0]["fingerprint"]
    status = {alert["labels"]["unit"]: alert["status"] for alert in known(site, "DeviationHigh")}
    assert (status[SILENT]["state"], status[SILENT]["inhibitedBy"]) == ("suppressed", [quiet])
    assert (status["BR-101"]["state"], status["BR-101"]["inhibitedBy"]) == ("active", [])


def test_acknowledging_ends_the_alert(site: Site) -> None:
    ours = 'ALERTS{alertname="DeviationHigh", unit="BR-101"}'
    until(lambda: bool(query(site.prometheus, ours)), "the alert", 120)
    acknowledge(site)
    until(lambda: query(site.prometheus, ours) == [], "the alert to end")
    assert query(site.prometheus, 'unit_priority:patrol_active_deviations:sum{unit="BR-101", priority="high"}') == [1.0]


def known(site: Site, name: str) -> list[dict]:
    """What Alertmanager knows of an alert."""
    return ask(site.alertmanager, "alerts?filter=" + quote(f'alertname="{name}"'))


def acknowledge(site: Site) -> None:
    """As the console does: an action on the topic for what is open."""
    kafka, action = site.plant.demo_plant.configuration.kafka, None
    with Publisher(kafka) as publisher:
        for message in stored(kafka, kafka.topics.deviations, 1, partitions=1):
            emitted = msgspec.json.decode(message.value() or b"", type=Deviation)
            if (emitted.unit, emitted.category, emitted.state) == ("BR-101", "process", "UNACK"):
                action = OperatorAction(
                    action="acknowledge",
                    deviation_id=emitted.deviation_id,
                    unit="BR-101",
                    by="ada",
                    at=datetime.now(UTC),
                )
                publisher.publish(kafka.topics.operator_actions[0], action.unit, action)
    assert action is not None


def reject(demo_plant: DemoPlant) -> None:
    """A message nobody can use."""
    producer = Producer(client_config(demo_plant.configuration.kafka))
    producer.produce(demo_plant.configuration.kafka.topics.scans[0], b"{", b"BR-101")
    assert producer.flush(30) == 0
