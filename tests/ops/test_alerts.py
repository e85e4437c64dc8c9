"""Every alert has its four parts, fires when it should, and is silent when it should be."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from ops.grafana.__main__ import DASHBOARDS
from tests.broker.monitoring import program
from tests.places import ROOT, SHARED

RULES = sorted((ROOT / "ops" / "prometheus" / "rules").glob("*.yml"))
TESTS = ROOT / "tests" / "ops" / "prometheus"
RUNBOOKS = ROOT / "ops" / "runbooks"
RUNBOOK_PARTS = ["Meaning", "Impact on the batch", "Diagnosis", "Action", "Who may silence"]
PRIORITIES = ("high", "medium", "low", "heartbeat")


def rules() -> list[tuple[str, dict]]:
    """File name and rule, of all."""
    found = []
    for path in RULES:
        groups = yaml.safe_load(path.read_text())["groups"]
        found += [(path.name, rule) for group in groups for rule in group["rules"]]
    return found


ALERTS = {rule["alert"]: (name, rule) for name, rule in rules() if "alert" in rule}
alerts = pytest.mark.parametrize("alert", sorted(ALERTS))


@alerts
def test_an_alert_links_to_its_runbook_and_has_a_priority(alert: str) -> None:
    rule = ALERTS[alert][1]
    assert rule["annotations"]["runbook_url"] == f"{{{{ $externalLabels.runbooks }}}}/{alert}"
    assert rule["annotations"]["summary"]
    own = rule.get("labels", {}).get("priority")
    kept = re.search(r':sum\{priority="(\w+)"\}', rule["expr"])  # the deviation's own
    assert (own or (kept and kept[1])) in PRIORITIES


@alerts
def test_a_runbook_says_what_on_call_must_know(alert: str) -> None:
    text = (RUNBOOKS / f"{alert}.md").read_text()
    assert text.startswith(f"# {alert}\n")
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == RUNBOOK_PARTS
    said = [part.strip() for part in re.split(r"^## .*$", text, flags=re.MULTILINE)]
    assert min(map(len, said)) > 5, "no part is empty"
    priority = "heartbeat" if alert == "Watchdog" else re.search(r"Priority (\w+)", said[0])[1]  # type: ignore[index]
    assert f"priority: {priority}" in str(ALERTS[alert][1]).replace("'", "").replace('="', ": ")
    linked = re.findall(r"\]\((\w+)\.md\)", text)
    assert set(linked) <= set(ALERTS)


@alerts
def test_an_alert_has_a_test_in_which_it_fires_and_one_in_which_it_is_silent(alert: str) -> None:
    tests = yaml.safe_load((TESTS / f"{alert}.yml").read_text())
    assert [Path(each).name for each in tests["rule_files"]] == [ALERTS[alert][0]]
    cases = [[case for case in test["alert_rule_test"] if case["alertname"] == alert] for test in tests["tests"]]
    assert any(case["exp_alerts"] for test in cases for case in test)
    assert [test for test in cases if test and not any(case["exp_alerts"] for case in test)]


@alerts
def test_an_alert_has_a_panel_that_links_to_its_runbook(alert: str) -> None:
    panels = [panel for board in DASHBOARDS.values() for panel in board.panels if alert in panel.alerts]
    assert len(panels) == 1
    used = set(re.findall(r"(?:patrol|process|alertmanager)_\w+|\bup\b", ALERTS[alert][1]["expr"]))
    shown = set(re.findall(r"(?:patrol|process|alertmanager)_\w+|\bup\b", " ".join(q.expr for q in panels[0].queries)))
    assert used & shown or alert == "Watchdog", "the panel shows what the alert looks at"


def test_there_is_no_runbook_and_no_test_without_an_alert() -> None:
    assert {path.stem for path in RUNBOOKS.glob("*.md")} == set(ALERTS)
    assert {path.stem for path in TESTS.glob("*.yml")} == set(ALERTS)
    assert {alert for board in DASHBOARDS.values() for panel in board.panels for alert in panel.alerts} == set(ALERTS)


@pytest.mark.prometheus
def test_promtool_finds_nothing_wrong_and_every_alert_fires_and_is_silent_when_it_should() -> None:
    promtool = program("promtool", "prometheus")
    checked = told(
        promtool, "check", "config", "--lint=all", "--lint-fatal", str(ROOT / "ops/prometheus/prometheus.yml")
    )
    assert "4 rule files found" in checked
    tested = told(promtool, "test", "rules", *map(str, sorted(TESTS.glob("*.yml"))))
    assert tested.count("SUCCESS") == len(ALERTS)


def told(*command: str) -> str:
    """What a command says; it must end well."""
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


VALUES = re.compile(r"(?P<first>-?[\d.]+)(?:(?P<step>[+-][\d.]+)?x(?P<times>\d+))?")
GONE = re.compile(r"(?:_|stale)(?:x(\d+))?")


def with_lost_scrapes(values: str, every: int = 10) -> str:
    """A series in promtool's notation, one sample in ten lost (the first five never are)."""
    samples: list[str] = []
    for token in values.split():
        if (gone := GONE.fullmatch(token)) is not None:
            samples += [token.partition("x")[0]] * int(gone[1] or 1)
            continue
        found = VALUES.fullmatch(token)
        assert found is not None, token
        first, step = float(found["first"]), float(found["step"] or 0)
        samples += [f"{first + k * step:.15g}" for k in range(int(found["times"] or 0) + 1)]
    return " ".join("stale" if k > 5 and k % every == every - 3 else sample for k, sample in enumerate(samples))


@pytest.mark.prometheus
@pytest.mark.parametrize("alert", sorted(alert for alert, (_, rule) in ALERTS.items() if "for" in rule))
def test_an_alert_that_waits_fires_and_is_silent_as_well_when_one_scrape_in_ten_is_lost(
    alert: str, tmp_path: Path
) -> None:
    tests = yaml.safe_load((TESTS / f"{alert}.yml").read_text())
    tests["rule_files"] = [str(ROOT / "ops" / "prometheus" / "rules" / ALERTS[alert][0])]
    for test in tests["tests"]:
        for series in test["input_series"]:
            if series["series"].startswith("patrol_"):  # a counter of the process, `up`: other tests have them lost
                series["values"] = with_lost_scrapes(str(series["values"]))
    (tmp_path / "lost.yml").write_text(yaml.safe_dump(tests))
    assert "SUCCESS" in told(program("promtool", "prometheus"), "test", "rules", str(tmp_path / "lost.yml"))


@pytest.mark.prometheus
@pytest.mark.parametrize("case", ["one_failed_scrape", "one_failed_scrape_in_8h"])
def test_the_fields_cases_of_lost_scrapes_fire(case: str, tmp_path: Path) -> None:
    path = SHARED / "field" / "alerts" / f"{case}.yml"
    if not path.exists():
        pytest.skip("../shared/field is not there")
    (tmp_path / "process.yml").write_text((ROOT / "ops/prometheus/rules/process.yml").read_text())
    (tmp_path / "case.yml").write_text(path.read_text())
    assert "SUCCESS" in told(program("promtool", "prometheus"), "test", "rules", str(tmp_path / "case.yml"))
