"""docs/oncall.md lists every alert with its parts, counts them right, and shows what the tools say."""

import re
import shutil
import subprocess

import pytest

from ops.grafana.__main__ import DASHBOARDS
from tests.broker.monitoring import program
from tests.ops.test_alerts import ALERTS, ROOT, RULES, rules

DOCUMENT = ROOT / "docs" / "oncall.md"
NUMBERS = {3: "three", 4: "four", 5: "five", 6: "six"}


def shown() -> list[tuple[str, list[str]]]:
    """Each command of the document with the lines it is said to answer."""
    blocks = re.findall(r"^```\n(\$ .*?)^```", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL)
    parts = [part.splitlines() for block in blocks for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]]
    return [(command, [line.rstrip() for line in lines if line.strip()]) for command, *lines in parts]


@pytest.mark.prometheus
@pytest.mark.parametrize(("command", "lines"), shown(), ids=[command for command, _ in shown()])
def test_the_tools_say_what_the_document_shows(command: str, lines: list[str]) -> None:
    program("promtool", "prometheus")
    program("amtool", "prometheus-alertmanager")
    bash = shutil.which("bash") or "bash"
    done = subprocess.run([bash, "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    said = [line.rstrip() for line in done.stdout.splitlines() if line.strip()]
    assert done.returncode == 0, done.stderr
    if lines[-1].startswith("..."):
        assert lines.pop() == f"... ({done.stdout.count('SUCCESS')} times SUCCESS)"
        said = said[: len(lines)]
    assert said == lines


def test_the_documents_count_the_alerts_right() -> None:
    assert f"There are {len(ALERTS)} alerts, in {NUMBERS[len(RULES)]} files of rules." in DOCUMENT.read_text()
    assert f"\n{len(ALERTS)} alerts for the process" in (ROOT / "README.md").read_text()


def row(alert: str) -> str:
    """An alert's row in docs/oncall.md: priority, how long it must hold, and its four parts."""
    name, rule = ALERTS[alert]
    kept = re.search(r':sum\{priority="(\w+)"\}', rule["expr"])
    priority = rule.get("labels", {}).get("priority") or kept[1]  # type: ignore[index]
    board, panel = next(
        (file.removesuffix(".json").capitalize(), panel.title)
        for file, board in DASHBOARDS.items()
        for panel in board.panels
        if alert in panel.alerts
    )
    parts = (
        f"[rule](../ops/prometheus/rules/{name})",
        f"[test](../tests/ops/prometheus/{alert}.yml)",
        f"[runbook](../ops/runbooks/{alert}.md)",
        f"[{board}: {panel}](../ops/grafana/dashboards/{board.lower()}.json)",
    )
    return f"| `{alert}` | {priority} | {rule.get('for', 'at once')} | {' | '.join(parts)} |"


def test_the_document_lists_every_alert_with_its_four_parts_and_every_link_leads_somewhere() -> None:
    listed = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    assert listed == [row(rule["alert"]) for _, rule in rules() if "alert" in rule]
    links = re.findall(r"\]\(([^)#:]+)[)#]", DOCUMENT.read_text())
    assert [link for link in links if not (DOCUMENT.parent / link).exists()] == []
