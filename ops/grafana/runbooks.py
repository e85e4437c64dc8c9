"""Runbooks as dashboards: on call reads them in Grafana, at ``/d/ALERT``, without a network to elsewhere."""

import re
from pathlib import Path

from ops.grafana.panels import WIDTH, Dashboard, Panel

FOLDER = Path(__file__).parents[1] / "runbooks"


def runbooks() -> dict[str, Dashboard]:
    """File name to dashboard, one a runbook; its uid is the alert's name, and links between runbooks lead to these."""
    return {f"runbooks/{path.stem}.json": _shown(path) for path in sorted(FOLDER.glob("*.md"))}


def _shown(path: Path) -> Dashboard:
    text = re.sub(r"\]\((\w+)\.md\)", r"](/d/\1)", path.read_text("utf-8"))
    page = Panel(path.stem, "", kind="text", text=text, width=WIDTH, height=24)
    return Dashboard(path.stem, f"Runbook: {path.stem}", "What to do about this alert.", (page,), tag="patrol-runbook")
