"""``patrol run`` as one types it: one run a recovery folder, and an end with a message whatever goes wrong."""

import os
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from connectors.kafka.embedded import free_port
from connectors.settings import Kafka
from models.records.messages import Scan
from tests.broker.conftest import LIMIT_S, publish, site
from tests.broker.monitoring import until
from tests.broker.test_learn_process import got, twin_of
from tests.conftest import event, minute

PANICS = """
import sys
from connectors.inputs import source
class PanicException(BaseException): pass
def panic(*arguments): raise PanicException("called `Option::unwrap()` on a `None` value")
source.Lane.next_batch = panic
from ops.__main__ import main
sys.exit(main())
"""
Process = subprocess.Popen[str]


class Site:
    """A twin on topics of its own, and its recovery folder."""

    def __init__(self, bootstrap: str, folder: Path) -> None:
        self.kafka: Kafka = site(bootstrap, partitions=1)
        self.folder, self.recovery = folder, folder / "recovery" / "small-deviation"
        publish(self.kafka, self.kafka.topics.batch_events[0], [event("started", -1)])
        self.scans(0, 7)

    def scans(self, first: int, last: int) -> None:
        emitted = [Scan(unit="BR-101", observed_at=minute(m), values={"a": float(m % 3)}) for m in range(first, last)]
        publish(self.kafka, self.kafka.topics.scans[0], emitted)

    @contextmanager
    def run(self, *options: str, program: tuple[str, ...] = ("-m", "ops"), most: int = 0) -> Iterator[Process]:
        """The command as a process; ``most``: bytes a file may have."""
        self.port = free_port()
        twin = twin_of(self.kafka, self.port, self.folder)
        twin.write_text(twin.read_text().replace("learn_port", "port"))
        words = [sys.executable, "-W", "ignore", *program, "run", str(twin), *options]
        limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))) if most else None
        process = subprocess.Popen(
            words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, preexec_fn=limit, env=os.environ | QUIET
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def caught_up(self) -> None:
        until(lambda: got(f"http://127.0.0.1:{self.port}/readyz")[0] == 200, "the run to be ready", LIMIT_S)


QUIET = {"OPENBLAS_NUM_THREADS": "1", "RUST_BACKTRACE": "1"}


@pytest.fixture
def plant(embedded: str, tmp_path: Path) -> Site:
    """A twin with seven scans on an embedded broker."""
    return Site(embedded, tmp_path)


def told(process: Process, within_s: float = LIMIT_S) -> tuple[int, str, str]:
    """Exit code, all it said, and its last line."""
    words, _ = process.communicate(timeout=within_s)
    return process.returncode, words, words.strip().splitlines()[-1]


def test_a_second_run_of_a_recovery_folder_ends_at_once_and_says_who_holds_it(plant: Site) -> None:
    with plant.run() as first:
        plant.caught_up()
        with plant.run() as second:
            code, words, last = told(second)
        assert code == 7, words
        assert f"recovery folder {plant.recovery} is held by process {first.pid} on " in last
        assert first.poll() is None


def test_a_standby_takes_over_within_two_seconds_of_a_kill(plant: Site) -> None:
    with plant.run() as first:
        plant.caught_up()
        with plant.run("--standby") as second:
            assert second.stdout is not None
            seen = []
            while not seen or "stands by" not in seen[-1]:
                seen.append(second.stdout.readline())
                assert seen[-1], seen
            first.send_signal(signal.SIGKILL)
            killed_s = time.monotonic()
            assert "takes over" in second.stdout.readline()
            assert time.monotonic() - killed_s < 2
            plant.caught_up()
            second.send_signal(signal.SIGTERM)
            code, words, _ = told(second)
    assert code == 0, words
    assert "resumes from snapshots" in words


def test_a_standby_that_is_stopped_ends_with_0(plant: Site) -> None:
    with plant.run():
        plant.caught_up()
        with plant.run("--standby") as second:
            assert second.stdout is not None
            while "stands by" not in second.stdout.readline():
                pass
            second.send_signal(signal.SIGTERM)
            assert second.wait(LIMIT_S) == 0


def test_a_panic_of_the_engine_ends_the_process_with_a_line_of_patrols(plant: Site) -> None:
    with plant.run(program=("-c", PANICS)) as process:
        code, words, last = told(process)
    assert code == 1, words
    assert last.startswith("patrol run: unexpected PanicException")
    assert "stack backtrace" not in words


def dropped(plant: Site) -> None:
    with closing(sqlite3.connect(plant.recovery / "part-0.sqlite3", timeout=LIMIT_S)) as store, store:
        store.execute("DROP TABLE snaps")


@pytest.mark.parametrize("happens", [lambda plant: shutil.rmtree(plant.recovery), dropped], ids=["removed", "damaged"])
def test_a_recovery_folder_that_goes_while_it_runs_ends_the_run(plant: Site, happens: Callable[[Site], None]) -> None:
    with plant.run() as process:
        plant.caught_up()
        time.sleep(1.2)  # it has looked
        happens(plant)
        plant.scans(7, 9)
        code, words, last = told(process)
    assert code == 7, words
    assert f"recovery folder {plant.recovery}: " in last
    assert "stack backtrace" not in words


@pytest.mark.parametrize("most", [1_000, 150_000], ids=["at once", "later"])
def test_a_full_disk_ends_the_run_and_names_the_folder(plant: Site, most: int) -> None:
    with plant.run(most=most) as process:
        for m in range(7, 300):
            if process.poll() is not None:
                break
            plant.scans(m, m + 1)
            time.sleep(0.1)
        code, words, last = told(process)
    assert code == 7, words
    assert f"recovery folder {plant.recovery}: " in last or f"recovery store {plant.recovery}: " in last
    assert "make room on its disk" in last or "mend its disk" in last
