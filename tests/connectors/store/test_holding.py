"""One process a recovery folder."""

import subprocess
import sys
from pathlib import Path

import pytest

from connectors.store.holding import held, holder, in_use
from models.records.errors import RecoveryError

HOLD = "import sys; from pathlib import Path; from connectors.store.holding import held\n" \
    "with held(Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"  # fmt: skip


@pytest.fixture
def other(tmp_path: Path):
    """Another process that holds the folder."""
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    process.stdin.close()
    process.stdout.close()


def test_a_second_process_is_refused_and_told_who_holds_the_folder(tmp_path: Path, other) -> None:
    with pytest.raises(RecoveryError, match=f"{tmp_path} is in use by process {other.pid} on "), held(tmp_path):
        pass
    assert in_use(tmp_path)


def test_one_that_stands_by_takes_over_when_the_holder_is_killed(tmp_path: Path, other) -> None:
    holders: list[str] = []

    def wait(by: str) -> bool:
        holders.append(by)
        other.kill()
        other.wait()
        return len(holders) < 100

    with held(tmp_path, wait):
        assert f"process {other.pid} " in holders[0]
        assert f"process {other.pid} " not in holder(tmp_path)
    assert not in_use(tmp_path)


def test_one_that_stands_by_gives_up_when_it_is_to_stop(tmp_path: Path, other) -> None:
    with pytest.raises(RecoveryError, match="--standby"), held(tmp_path, lambda by: False):
        pass
