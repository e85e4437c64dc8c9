"""A flow that can neither go on nor end ends its process, with a message and an exit code."""

import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.store.recovery import Owner, open_store

FLOW = """
import sys, threading, time
from pathlib import Path
from connectors.kafka.stop import Stop
from ops import guard, logs
logs.configure()
guard._LEAST_DRAIN_S = 0.5
stop = Stop()
stop.install()
with guard.guarded(Path(sys.argv[1]), stop, 0.1):
    print("runs", flush=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:  # a flow that is deaf to everything
        time.sleep(0.1)
"""


@pytest.fixture
def flow(tmp_path: Path):
    """A process whose flow never ends, on a store of its own."""
    folder = tmp_path / "recovery"
    open_store(folder, Owner(flow="f", twin="t", config_sha256="", reference="", created_at=datetime.now(UTC)))
    process = subprocess.Popen(
        [sys.executable, "-c", FLOW, str(folder)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "runs\n"
    yield process, folder
    process.kill()
    process.communicate()


def test_a_recovery_folder_that_goes_ends_the_process_with_its_name(flow) -> None:
    process, folder = flow
    shutil.rmtree(folder)
    _, words = process.communicate(timeout=20)
    assert process.returncode == 7
    assert f"recovery store {folder} is gone" in words


def test_a_flow_that_does_not_stop_is_ended(flow) -> None:
    process, _ = flow
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    _, words = process.communicate(timeout=20)
    assert process.returncode == 4
    assert "did not drain" in words
    assert time.monotonic() - began < 20
