"""docs/architecture.md draws the rooms there are, with arrows that imports may follow, and names files that exist."""

import re
import tomllib
from itertools import pairwise

import pytest

from tests.places import ROOT

DOCS = ROOT / "docs"
MAP = DOCS / "architecture.md"
TEXT = MAP.read_text(encoding="utf-8")
DRAWING = re.search(r"^```mermaid\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)[1]  # type: ignore[index]
TOP = ("ops", "flows", "connectors", "models")
NODES = re.findall(r'^\s*(?:subgraph )?(\w+)\["(.*?)(?:<br>.*?|:.*?)?"\]$', DRAWING, re.MULTILINE)
ROOMS = {node: names.split(", ") for node, names in NODES}  # what a node or a frame of the drawing stands for


def layers() -> dict[str, list[set[str]]]:
    """Of each layers contract by what it contains: the rooms of each layer, from above."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    found = {}
    for contract in contracts:
        if contract["type"] == "layers":
            (above,) = contract.get("containers", [""])
            rows = [layer.split(" | ") for layer in contract["layers"]]
            found[above] = [{f"{above}/{room}" if above else room for room in row} for row in rows]
    return found


def arrows() -> list[tuple[str, str]]:
    """(from, to) of every arrow of the drawing, as rooms."""
    found = []
    for line in DRAWING.splitlines():
        ends = [re.findall(r"\w+", end) for end in line.split("-->")]
        found += [(a, b) for above, below in pairwise(ends) for a in above for b in below]
    return [(one, other) for a, b in found for one in ROOMS[a] for other in ROOMS[b]]


def test_every_room_is_drawn_and_every_room_that_is_drawn_exists() -> None:
    packages = {path.parent.relative_to(ROOT).as_posix() for top in TOP for path in (ROOT / top).rglob("__init__.py")}
    drawn = [room for rooms in ROOMS.values() for room in rooms]
    assert sorted(drawn) == sorted(packages)


def test_arrows_lead_from_every_layer_to_the_next_and_only_down() -> None:
    depth = {room: k for rows in layers().values() for k, row in enumerate(rows) for room in row}
    drawn = arrows()
    assert [(a, b) for a, b in drawn if depth[a] >= depth[b]] == []
    rooms = {room for rooms in ROOMS.values() for room in rooms}
    for rows in layers().values():
        kept = [row & rooms for row in rows if row & rooms]
        wanted = {(a, b) for above, below in pairwise(kept) for a in above for b in below}
        assert wanted <= set(drawn)


def test_it_is_two_pages_and_tells_ten_stations() -> None:
    assert len(TEXT.splitlines()) <= 130
    assert re.findall(r"^\| (\d+) \w+", TEXT, re.MULTILINE) == [str(k) for k in range(1, 11)]


@pytest.mark.parametrize("page", ["architecture.md", "contributing.md"])
def test_every_file_the_page_names_exists(page: str) -> None:
    prose = re.sub(r"^```.*?^```$", "", (DOCS / page).read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    named = set(re.findall(r"`((?:ops|flows|connectors|models|tests|docs)/[\w./-]*)`", prose))
    made = {"models/sensors/repeats.py", "tests/models/sensors/test_repeats.py"}  # by the steps of contributing.md
    assert named
    assert sorted(path for path in named - made if not (ROOT / path).exists()) == []


@pytest.mark.parametrize("page", [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))], ids=lambda page: page.name)
def test_every_link_of_a_page_leads_somewhere(page) -> None:
    links = re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert sorted(link for link in links if not (page.parent / link).exists()) == []


def test_the_readme_leads_to_every_page_of_the_documents() -> None:
    links = re.findall(r"\]\(([^)#:\s]+)\)", (ROOT / "README.md").read_text(encoding="utf-8"))
    assert sorted(page.name for page in DOCS.glob("*.md") if f"docs/{page.name}" not in links) == []
