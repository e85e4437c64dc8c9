"""Writes the dashboards' JSON: ``python -m ops.grafana`` (``make dashboards``)."""

import json
import sys
from pathlib import Path

from ops.grafana.batch import BATCH
from ops.grafana.fleet import FLEET
from ops.grafana.panels import to_json
from ops.grafana.pipeline import PIPELINE
from ops.grafana.runbooks import runbooks

DASHBOARDS = {"fleet.json": FLEET, "batch.json": BATCH, "pipeline.json": PIPELINE}
FOLDER = Path(__file__).parent / "dashboards"


def documents() -> dict[str, str]:
    """File name to content: the dashboards, and the runbooks as such."""
    boards = DASHBOARDS | runbooks()
    return {name: json.dumps(to_json(board), indent=2, ensure_ascii=False) + "\n" for name, board in boards.items()}


def main(folder: Path = FOLDER) -> None:
    """Write them."""
    (folder / "runbooks").mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
