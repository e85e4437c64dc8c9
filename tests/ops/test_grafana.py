"""The dashboards: what is committed is what the generator writes, and Grafana can lay it out."""

import json
import re
from itertools import combinations
from pathlib import Path

import pytest

from ops.grafana.__main__ import DASHBOARDS, FOLDER, documents, main
from ops.grafana.panels import WIDTH
from tests.ops.test_alerts import ALERTS

boards = pytest.mark.parametrize("name", sorted(DASHBOARDS))


def test_the_committed_dashboards_are_the_generators(tmp_path) -> None:
    assert written(FOLDER) == documents(), "run `make dashboards`"
    main(tmp_path)
    assert written(tmp_path) == documents()


def written(folder: Path) -> dict[str, str]:
    return {path.relative_to(folder).as_posix(): path.read_text("utf-8") for path in folder.rglob("*.json")}


def test_every_runbook_is_a_dashboard_at_its_alerts_name_and_links_to_others_there() -> None:
    boards = [json.loads(text) for name, text in documents().items() if name.startswith("runbooks/")]
    uids = {board["uid"] for board in boards}
    assert uids == set(ALERTS)
    linked = {uid for board in boards for uid in re.findall(r"\]\(/d/(\w+)\)", str(board))}
    assert linked
    assert linked <= uids
    assert ".md)" not in str(boards)


@boards
def test_panels_lie_on_the_grid_and_not_on_one_another(name: str) -> None:
    panels = json.loads(documents()[name])["panels"]
    assert [panel["id"] for panel in panels] == list(range(1, len(panels) + 1))
    places = [panel["gridPos"] for panel in panels]
    assert all(p["x"] >= 0 and p["x"] + p["w"] <= WIDTH for p in places)
    for a, b in combinations(places, 2):
        beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
        assert beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]


@boards
def test_panels_ask_the_chosen_prometheus_say_what_they_mean_and_link_their_runbooks(name: str) -> None:
    board = json.loads(documents()[name])
    assert board["templating"]["list"][0]["name"] == "datasource"
    for panel, ours in zip(board["panels"], DASHBOARDS[name].panels, strict=True):
        if panel["type"] == "text":
            assert panel["options"]["content"]
            continue
        assert panel["description"]
        assert panel["targets"]
        assert {target["datasource"]["uid"] for target in panel["targets"]} == {"${datasource}"}
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
        assert [link["url"] for link in panel["links"]] == [f"/d/{alert}" for alert in ours.alerts]


def test_a_limit_is_a_dashed_line_where_the_alert_begins() -> None:
    panels = {panel["title"]: panel for panel in json.loads(documents()["pipeline.json"])["panels"]}
    defaults = panels["Latency"]["fieldConfig"]["defaults"]
    assert defaults["thresholds"]["steps"][1]["value"] == 5
    assert defaults["custom"]["thresholdsStyle"]["mode"] == "dashed"
