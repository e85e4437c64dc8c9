"""The penicillin benchmark through the three commands of docs/detection.md, scored by the benchmark's own script."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ops.__main__ import main
from ops.config import load
from tests.places import ROOT, SHARED

TWIN = str(ROOT / "ops" / "twins" / "penicillin.toml")


@pytest.mark.parametrize("file", sorted((ROOT / "ops" / "twins").glob("*.toml")), ids=lambda file: file.stem)
def test_every_example_twin_loads_under_its_own_name(file: Path) -> None:
    assert load(file).twin.name == file.stem


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "data" / "indpensim").exists(), reason="needs ../shared/data/indpensim")
def test_penicillin_is_watched_no_worse_than_by_the_textbook_monitor_in_20_s_of_cpu(tmp_path: Path) -> None:
    data, store, out = SHARED / "data" / "indpensim", str(tmp_path / "refs"), tmp_path / "dev.jsonl"
    train, dev = str(data / "train" / "scans.csv.gz"), str(data / "dev" / "scans.csv.gz")
    assert main(["reference", "fit", TWIN, "--scans", train, "--store", store, "--approve", "A. Smith"]) == 0
    started = time.process_time()
    assert main(["replay", TWIN, "--store", store, "--scans", dev, "--out", str(out)]) == 0
    lasted_s = time.process_time() - started
    script = [sys.executable, str(SHARED / "bench" / "score_deviations.py"), str(data / "dev"), str(out), "--json"]
    score = json.loads(subprocess.run(script, capture_output=True, text=True, check=True).stdout)
    assert score["false_alarms_per_good_batch"] <= 1.2
    assert score["detected"] >= 0.79
    assert lasted_s < 20
