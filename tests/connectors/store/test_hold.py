"""One process holds a recovery folder, and lets go of it by ending."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from connectors.store.hold import HeldError, hold
from models.records.errors import RecoveryError

HOLDS = """
import sys, time
from pathlib import Path
from connectors.store.hold import hold
kept = hold(Path(sys.argv[1]))
print("held", flush=True)
time.sleep(60)
"""


def test_a_second_process_is_refused_and_told_who_holds_the_folder_until_the_first_is_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == "held\n"
        with pytest.raises(HeldError, match=rf"{tmp_path} is held by process {first.pid} on .* since 2.*--standby"):
            hold(tmp_path)
        first.kill()
        first.wait(10)
    hold(tmp_path).release()


def test_a_folder_that_vanished_or_was_made_again_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "recovery"
    kept = hold(folder)
    assert kept.lost() is None
    shutil.rmtree(folder)
    assert kept.lost() == "patrol.lock"
    hold(folder).release()  # made again: another lock file
    assert kept.lost() == "patrol.lock"
    kept.release()


def test_a_store_file_that_was_there_and_is_gone_is_lost(tmp_path: Path) -> None:
    kept = hold(tmp_path)
    (tmp_path / "part-0.sqlite3").touch()
    assert kept.lost() is None
    os.unlink(tmp_path / "part-0.sqlite3")
    assert kept.lost() == "part-0.sqlite3"
    kept.release()


def test_a_folder_that_cannot_be_made_is_named_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RecoveryError, match=r"file/below: .*choose another"):
        hold(tmp_path / "file" / "below")
