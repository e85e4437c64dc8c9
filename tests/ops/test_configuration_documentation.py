"""docs/configuration.md names every key, with the values it takes and its default, and nothing else."""

import re
from pathlib import Path

import msgspec
import pytest

from connectors.settings import Proxy, Topics
from models.records.twin import Alarms, Alignment, ColdStart, Context, Tag, Twin
from ops.config import EDGES, TWIN_TABLES, load
from ops.strict import wanted
from tests.places import ROOT

PAGE = ROOT / "docs" / "configuration.md"
SECTIONS = {
    "twin": Twin,
    "tags.NAME": Tag,
    "alignment": Alignment,
    "alarms": Alarms,
    "context": Context,
    "cold_start": ColdStart,
    "kafka.topics": Topics,
    **EDGES,
    "console.proxy": Proxy,
}
NOT_ROWS = {"twin": set(TWIN_TABLES), "kafka": {"topics"}, "console": {"proxy"}}  # tables of their own


def rows_in_page(section: str) -> list[tuple[str, ...]]:
    """(key, values, default) of each row below a section's heading."""
    text = PAGE.read_text(encoding="utf-8").split(f"\n## `[{section}]`\n")[1].split("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \| (.*?) \| (.*?) \|", text, re.MULTILINE)


def rows_in_code(section: str) -> list[tuple[str, ...]]:
    fields = [f for f in msgspec.structs.fields(SECTIONS[section]) if f.name not in NOT_ROWS.get(section, ())]
    return [(field.name, wanted(field.type), default(field)) for field in fields]


def default(field: msgspec.structs.FieldInfo) -> str:
    if field.required:
        return "required"
    made = field.default_factory() if field.default is msgspec.NODEFAULT else field.default
    return "-" if made is None else msgspec.json.encode(made).decode()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_key_is_documented_with_its_values_and_default_and_no_other_is(section: str) -> None:
    assert rows_in_page(section) == rows_in_code(section)


def test_every_section_of_the_page_is_one_of_the_file() -> None:
    headings = re.findall(r"^## `\[(.+)\]`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted(headings) == sorted(SECTIONS)


def test_the_shortest_file_of_the_page_loads(tmp_path: Path) -> None:
    example = PAGE.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    (tmp_path / "twin.toml").write_text(example)
    assert load(tmp_path / "twin.toml").twin.tag_names == ("ph", "base_flow")
