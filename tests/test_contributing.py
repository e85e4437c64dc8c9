"""docs/contributing.md is done step by step in a copy of the checkout: its detector must work there, in the monitor."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.places import ROOT

DOCUMENT = ROOT / "docs" / "contributing.md"
PARTS = ("models", "connectors", "flows", "ops", "tests", "pyproject.toml", "Makefile", "requirements.lock")
PASSING = shutil.ignore_patterns("*.pyc*", "*tmp*")  # may be gone while it is copied
BLOCK = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
STEPS = BLOCK.findall(DOCUMENT.read_text(encoding="utf-8"))  # language, path, content
PLACED = "models/batch/fleet.py"  # the edits to it put the detector into the monitor


def copy_of_checkout(folder: Path) -> Path:
    """What the steps need, with machine code already compiled, and the environment in use under the name .venv."""
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, ignore=PASSING)
        else:
            shutil.copy2(ROOT / part, folder / part)
    if (ROOT / ".mypy_cache").is_dir():
        shutil.copytree(ROOT / ".mypy_cache", folder / ".mypy_cache", ignore=PASSING)
    (folder / ".venv").mkdir()
    for part in Path(sys.prefix).iterdir():
        if part.name != "ready":
            (folder / ".venv" / part.name).symlink_to(part)
    (folder / ".venv" / "ready").touch()
    return folder


def edit(path: Path, diff: str) -> None:
    """Put what a diff adds in the place of what it takes away, which stands in the file once."""
    lines = diff.splitlines()
    before = "\n".join(line[1:] for line in lines if line[:1] != "+")
    after = "\n".join(line[1:] for line in lines if line[:1] != "-")
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"docs/contributing.md edits what {path.name} does not say (once):\n{before}"
    path.write_text(text.replace(before, after), encoding="utf-8")


def write(folder: Path, *, without: str = "") -> None:
    """Do the steps that write or edit files, but those that edit the file ``without``."""
    for language, path, content in STEPS:
        if language == "python":
            assert not (folder / path).exists()
            (folder / path).write_text(content, encoding="utf-8")
        elif language == "diff" and path != without:
            edit(folder / path, content)


def run(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """One line of the document, as somebody would type it."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST", "MAKE", "MFLAGS"))}
    kept.pop("VENV", None)
    bash = shutil.which("bash") or "bash"
    return subprocess.run([bash, "-c", command], cwd=folder, env=kept, capture_output=True, text=True, timeout=250)


def commands() -> list[str]:
    return [line for language, _, content in STEPS if language == "sh" for line in content.splitlines()]


def test_every_block_of_the_document_is_a_step_the_test_does() -> None:
    assert {language for language, _, _ in STEPS} == {"python", "diff", "sh"}
    assert DOCUMENT.read_text(encoding="utf-8").count("```") == 2 * len(STEPS)
    assert [command.split()[:2] for command in commands()] == [["make", "test"], ["make", "test"], ["make", "lint"]]


@pytest.mark.slow
def test_the_steps_make_a_detector_that_works_in_the_monitor_and_keeps_every_contract(tmp_path: Path) -> None:
    folder = copy_of_checkout(tmp_path)
    write(folder)
    for command in commands():
        done = run(folder, command)
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"


def test_without_its_place_in_the_monitor_the_detector_tells_the_operator_nothing(tmp_path: Path) -> None:
    folder = copy_of_checkout(tmp_path)
    write(folder, without=PLACED)
    done = run(folder, commands()[0])
    assert re.findall(r"^FAILED .*::(\w+)", done.stdout, re.MULTILINE) == ["test_a_watched_batch_tells_the_operator"], (
        done.stdout + done.stderr
    )
