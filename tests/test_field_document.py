"""docs/field.md has a row for every case of issue 19, and every test it names exists."""

import re

from tests.places import ROOT

PAGE = (ROOT / "docs" / "field.md").read_text(encoding="utf-8")
DONE, OPEN = PAGE.split("## Open")


def ids(text: str) -> list[str]:
    return re.findall(r"^\| ([TIKARFP]\d+) \|", text, re.MULTILINE)


def numbered(letter: str, last: int) -> set[str]:
    return {f"{letter}{n}" for n in range(1, last + 1)}


def test_every_case_has_one_row() -> None:
    assert set(ids(DONE)) == numbered("T", 8) | numbered("I", 8) | numbered("K", 11) | numbered("A", 2) | {"P4"}
    assert set(ids(OPEN)) == numbered("R", 15) | numbered("F", 8) | numbered("P", 6) - {"P4"}
    assert len(ids(PAGE)) == len(set(ids(PAGE)))


def test_every_test_that_is_named_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", PAGE)
    assert len(named) > 25
    missing = [
        f"{path}::{name}" for path, name in named if f"\ndef {name}(" not in (ROOT / path).read_text(encoding="utf-8")
    ]
    assert missing == []
