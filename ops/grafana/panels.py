"""Panels and dashboards as records, and Grafana's JSON of them.

Plain records of our own: Grafana's model is JSON, and the little of it that is used here is stated in one place
(decision 13). Every query is run against a real Prometheus by the tests.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Kind = Literal["timeseries", "stat", "table", "bargauge", "state-timeline", "text"]
WIDTH = 24  # columns of Grafana's grid
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
# Told apart by the colour-blind (Okabe & Ito 2008): blue is well, vermilion is not.
_WELL, _ORANGE, _RED = "#0072B2", "#E69F00", "#D55E00"


@dataclass(frozen=True, slots=True)
class Query:
    """One PromQL query."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel."""

    title: str
    meaning: str
    queries: tuple[Query, ...] = ()
    kind: Kind = "timeseries"
    unit: str = "short"  # Grafana's name of the unit of measure
    limit: float | None = None  # where an alert begins: a line, and another colour from there on
    alerts: tuple[str, ...] = ()  # whose panel this is
    width: int = 8
    height: int = 7
    text: str = ""  # of a text panel, Markdown


@dataclass(frozen=True, slots=True)
class Variable:
    """A choice at the top of a dashboard."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, slots=True)
class Dashboard:
    """One dashboard; its panels flow from left to right."""

    uid: str
    title: str
    meaning: str
    panels: tuple[Panel, ...]
    variables: tuple[Variable, ...] = ()
    since: str = "now-6h"
    tag: str = "patrol"  # boards of one tag are linked to one another


def to_json(dashboard: Dashboard) -> dict[str, Any]:
    """Grafana's JSON of a dashboard (schema 39: Grafana 11 and later)."""
    return {
        "uid": dashboard.uid,
        "title": dashboard.title,
        "description": dashboard.meaning,
        "tags": [dashboard.tag],
        "schemaVersion": 39,
        "editable": False,
        "graphTooltip": 1,  # one cross-hair on all panels
        "refresh": "10s",
        "time": {"from": dashboard.since, "to": "now"},
        "timezone": "utc",
        "templating": {"list": [_datasource(), *map(_variable, dashboard.variables)]},
        "annotations": {"list": [_firing()]},
        "links": [{"type": "dashboards", "tags": ["patrol"], "title": "PATrol", "asDropdown": True, "keepTime": True}],
        "panels": [_panel(panel, n, place) for n, (panel, place) in enumerate(_placed(dashboard.panels), 1)],
    }


def _placed(panels: Sequence[Panel]) -> list[tuple[Panel, dict[str, int]]]:
    """Each panel with its place: in rows as high as their highest panel."""
    placed, x, y, row = [], 0, 0, 0
    for panel in panels:
        if x + panel.width > WIDTH:
            x, y, row = 0, y + row, 0
        placed.append((panel, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, row = x + panel.width, max(row, panel.height)
    return placed


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {"id": number, "type": panel.kind, "title": panel.title, "gridPos": place}
    if panel.kind == "text":
        return shown | {"options": {"mode": "markdown", "content": panel.text}}
    return shown | {
        "description": " ".join([panel.meaning, *(f"Alert: {alert}." for alert in panel.alerts)]),
        "datasource": _SOURCE,
        "links": [{"title": f"Runbook: {alert}", "url": f"/d/{alert}"} for alert in panel.alerts],
        "targets": [_target(query, n, panel.kind) for n, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _columns(panel)},
        "options": _options(panel),
        "transformations": _joined() if panel.kind == "table" else [],
    }


def _target(query: Query, number: int, kind: Kind) -> dict[str, Any]:
    instant = kind in ("stat", "table", "bargauge")
    return {
        "refId": _letter(number),
        "datasource": _SOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or "__auto",
        "instant": instant,
        "range": not instant,
        "format": "table" if kind == "table" else "time_series",
    }


def _defaults(panel: Panel) -> dict[str, Any]:
    steps: list[dict[str, Any]] = [{"color": _WELL, "value": None}]
    if panel.limit is not None:
        steps.append({"color": _RED, "value": panel.limit})
    lined = panel.kind == "timeseries" and panel.limit is not None
    custom = {"thresholdsStyle": {"mode": "dashed" if lined else "off"}} if panel.kind == "timeseries" else {}
    colour = "palette-classic" if panel.kind == "timeseries" else "thresholds"
    return {
        "unit": panel.unit,
        "thresholds": {"mode": "absolute", "steps": steps},
        "custom": custom,
        "color": {"mode": colour},
    }


def _columns(panel: Panel) -> list[dict[str, Any]]:
    """A table's columns, named by their queries."""
    if panel.kind != "table":
        return []
    several = len(panel.queries) > 1
    return [
        {
            "matcher": {"id": "byName", "options": f"Value #{_letter(n)}" if several else "Value"},
            "properties": [{"id": "displayName", "value": query.legend}],
        }
        for n, query in enumerate(panel.queries)
        if query.legend
    ]


def _joined() -> list[dict[str, Any]]:
    """One row for what belongs together, without columns that say nothing."""
    unsaid = dict.fromkeys(("Time", "__name__", "job", "instance"), True)
    return [{"id": "merge", "options": {}}, {"id": "organize", "options": {"excludeByName": unsaid}}]


def _letter(number: int) -> str:
    return chr(ord("A") + number)


def _options(panel: Panel) -> dict[str, Any]:
    if panel.kind == "timeseries":
        return {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}
    if panel.kind in ("stat", "bargauge"):
        return {"reduceOptions": {"calcs": ["lastNotNull"]}, "orientation": "horizontal", "textMode": "value_and_name"}
    return {}


def _datasource() -> dict[str, Any]:
    return {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Prometheus", "hide": 0}


def _variable(variable: Variable) -> dict[str, Any]:
    return {
        "name": variable.name,
        "label": variable.label,
        "type": "query",
        "datasource": _SOURCE,
        "query": {"query": variable.query, "refId": variable.name},
        "definition": variable.query,
        "refresh": 2,  # with the time range
        "sort": 1,
    }


def _firing() -> dict[str, Any]:
    return {
        "name": "Alerts",
        "enable": True,
        "iconColor": _ORANGE,
        "datasource": _SOURCE,
        "expr": 'ALERTS{alertstate="firing", priority=~"high|medium"}',
        "titleFormat": "{{alertname}} {{unit}}",
        "step": "60s",
    }
