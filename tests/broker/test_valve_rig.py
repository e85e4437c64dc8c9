"""Real sensors, live: recordings of a water rig are played to Kafka, and the valve being closed is found."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.broker.conftest import LIMIT_S, messages, site
from tests.places import ROOT, SHARED

RIG = SHARED / "data/skab/valve1"
FILES = {"3": "RIG-3", "5": "RIG-5", "9": "RIG-9"}  # recording -> unit
SPEED = 1000


@pytest.mark.slow
@pytest.mark.skipif(not RIG.exists(), reason="../shared/data/skab is not there: no recordings of the rig")
def test_the_rig_s_closing_valve_is_found_live_and_sigterm_drains(broker, tmp_path):
    kafka = site(broker)
    twin = tmp_path / "rig.toml"
    twin.write_text((ROOT / "ops/twins/valve-rig.toml").read_text() + edges(kafka, tmp_path))
    with patrol("run", str(twin)) as run:
        units = [word for name, unit in FILES.items() for word in ("--unit", f"{name}.csv={unit}")]
        files = [str(RIG / f"{name}.csv") for name in FILES]
        with patrol("play", str(twin), *files, *units, "--speed", str(SPEED)) as play:
            assert play.wait(120) == 0
        found = [json.loads(m.value()) for m in messages(kafka, kafka.topics.deviations, 2 * len(FILES))]
        run.send_signal(signal.SIGTERM)
        assert run.wait(LIMIT_S) == 0, "SIGTERM drains and exits 0"
    raised = {d["unit"]: d for d in found if d["revision"] == 1 and d["category"] == "process"}
    assert set(raised) == set(FILES.values())
    assert {d["grade"] for d in raised.values()} == {"advisory"}
    assert any("flow rate" in d["message"] for d in raised.values())


def edges(kafka, folder: Path) -> str:
    """The sections that point a twin at a test's own broker, topics and folders."""
    t = kafka.topics
    return f"""
[kafka]
bootstrap_servers = "{kafka.bootstrap_servers}"
[kafka.topics]
scans = {json.dumps(t.scans)}
batch_events = {json.dumps(t.batch_events)}
lab_results = {json.dumps(t.lab_results)}
operator_actions = {json.dumps(t.operator_actions)}
deviations = "{t.deviations}"
scores = "{t.scores}"
dead_letters = "{t.dead_letters}"
[recovery]
folder = "{folder / "recovery"}"
[references]
store = "{folder / "refs"}"
[metrics]
port = 0
"""


@contextmanager
def patrol(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A command of PATrol's as a process of its own, which does not outlive a test that fails."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen([sys.executable, "-m", "ops", *words], cwd=ROOT, env=dict(os.environ), **quiet)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
