"""A flow that was told to stop and no longer listens is ended all the same."""

import subprocess
import sys
from pathlib import Path

DEAF = """
import sys, time
from pathlib import Path
from connectors.kafka.stop import Stop
from ops import logs
from ops.holding import guarded, held
logs.configure()
stop = Stop()
with guarded(held(Path(sys.argv[1]), stop), stop, drain_s=-59.5):
    stop.request()
    while True:
        pass
"""


def test_a_flow_that_does_not_stop_in_time_is_ended_with_a_line(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", DEAF, str(tmp_path)], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1, done.stderr
    assert "was told to stop, and did not within 0.5 s" in done.stderr
