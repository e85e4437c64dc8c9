"""Who is called for what: Alertmanager's own tool reads the configuration."""

import re
import subprocess

import pytest
import yaml

from tests.broker.monitoring import program
from tests.ops.test_alerts import ALERTS, told
from tests.places import ROOT

CONFIG = ROOT / "ops" / "alertmanager" / "alertmanager.yml"


@pytest.mark.prometheus
def test_amtool_finds_nothing_wrong() -> None:
    assert "SUCCESS" in told(program("amtool", "prometheus-alertmanager"), "check-config", str(CONFIG))


@pytest.mark.prometheus
@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("alertname=DeviationHigh priority=high unit=BR-101", "page"),
        ("alertname=DeviationMedium priority=medium unit=BR-101", "shift"),
        ("alertname=DeviationLow priority=low unit=BR-101", "day"),
        ("alertname=PatrolDown priority=high job=patrol", "page"),
        ("alertname=AlarmFlood priority=medium", "shift"),
        ("alertname=Watchdog priority=heartbeat", "heartbeat"),
        ("alertname=SomebodyElses", "shift"),  # without a priority: somebody hears of it all the same
    ],
)
def test_an_alert_goes_to_whom_its_priority_calls(labels: str, receiver: str) -> None:
    amtool = program("amtool", "prometheus-alertmanager")
    command = [amtool, "config", "routes", "test", f"--config.file={CONFIG}", f"--verify.receivers={receiver}"]
    done = subprocess.run([*command, *labels.split()], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout.split()[0]) == (0, receiver), done.stdout + done.stderr


def test_alerts_are_grouped_by_unit_and_inhibitions_name_alerts_that_exist() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    assert config["route"]["group_by"] == ["unit"]
    assert not [route for route in config["route"]["routes"] if "group_by" in route]
    for rule in config["inhibit_rules"]:
        source = rule["source_matchers"][0].partition(" = ")[2]
        target = rule["target_matchers"][0].partition("=~ ")[2].strip('"')
        assert source in ALERTS
        assert source not in matching(target), "nothing inhibits itself"
        assert len(matching(target)) == target.count("|") + 1
        assert rule["equal"], "only of the same unit or process"


def test_a_quiet_unit_holds_back_all_that_is_judged_from_its_scans_and_nothing_of_patrol_itself() -> None:
    config = yaml.safe_load(CONFIG.read_text())
    quiet = next(rule for rule in config["inhibit_rules"] if "UnitQuiet" in rule["source_matchers"][0])
    held = matching(quiet["target_matchers"][0].partition("=~ ")[2].strip('"'))
    assert held >= {"DeviationHigh", "DeviationMedium", "DeviationLow"}
    assert quiet["equal"] == ["unit"]
    assert all("unit" in ALERTS[alert][1]["expr"] for alert in held)


def matching(pattern: str) -> set[str]:
    """Alerts a matcher's pattern matches, anchored as Alertmanager does."""
    return {alert for alert in ALERTS if re.fullmatch(pattern, alert)}
