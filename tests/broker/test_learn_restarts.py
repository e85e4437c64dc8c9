"""``patrol learn`` loses no batch: released while it was down or before its first start, killed at any moment, stopped.

Each test runs the command as a process, on each broker.
"""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from fcntl import LOCK_EX, LOCK_NB, flock
from itertools import pairwise
from pathlib import Path
from random import Random

import msgspec
import pytest

from connectors.kafka.embedded import free_port
from connectors.settings import Kafka
from connectors.store.references import ReferenceStore, StoredVersion
from models.records.messages import BatchEvent, Scan
from tests.broker.conftest import publish
from tests.broker.monitoring import until
from tests.broker.test_learn_process import got, names_of

SCANS, CADENCE_S, PERIOD_S = 40, 10, 600
START = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
WIDE = 130  # tags: a reference of so many takes seconds to fit
WITHIN_S = 90.0


class Plant:
    """A twin, its topics, and ``patrol learn`` as a process that is stopped, killed and started again."""

    def __init__(self, kafka: Kafka, folder: Path, tags: int) -> None:
        self.kafka, self.folder, self.tags = kafka, folder, [f"t{k}" for k in range(tags)]
        self.log, self.port = folder / "log", free_port()
        self.twin = folder / "plant.toml"
        topics = "\n".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in names_of(kafka))
        tables = "\n".join(f'[tags.{tag}]\nunit_of_measure = "1"' for tag in self.tags)
        self.twin.write_text(
            f'[twin]\nname = "plant"\nproduct = "p"\ncadence_s = {CADENCE_S}\n{tables}\n[kafka]\n'
            f'bootstrap_servers = "{kafka.bootstrap_servers}"\n[kafka.topics]\n{topics}\n'
            f'[metrics]\nlearn_port = {self.port}\n[references]\nstore = "{folder / "refs"}"\n'
            f'[recovery]\nfolder = "{folder / "recovery"}"\n'
        )

    @contextmanager
    def learning(self) -> Iterator["subprocess.Popen[bytes]"]:
        """The command, killed at the end where it still runs."""
        with self.log.open("ab") as log:
            words = [sys.executable, "-m", "ops", "learn", str(self.twin)]
            process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.kill()
            process.wait()

    def says(self, words: str, times: int = 1) -> None:
        """Wait until it has said so."""
        until(lambda: self.log.read_text().count(words) >= times, f"{words!r} in:\n{self.log.read_text()}", WITHIN_S)

    def versions(self) -> list[StoredVersion]:
        return ReferenceStore(self.folder / "refs").list("plant")

    def learns(self, *names: str) -> None:
        """Wait until the newest version holds exactly these batches; each version holds those of the one before."""

        def newest() -> list[str]:
            return sorted(self.versions()[-1].batches) if self.versions() else []

        until(lambda: newest() == sorted(names), f"{names}; {newest()}; {self.log.read_text()}", WITHIN_S)
        chain = [set(stored.batches) for stored in self.versions()]
        assert all(before < after for before, after in pairwise(chain))

    def runs(self, number: int, unit: str = "U1") -> None:
        """Batch B``number`` runs on a unit, from its start to its last scan."""
        self.tells("started", number, 0, unit)
        random = Random(f"{number} {unit}")
        scans = [
            Scan(unit=unit, observed_at=at(number, CADENCE_S * (k + 1)), values=self._values(k, random))
            for k in range(SCANS)
        ]
        publish(self.kafka, self.kafka.topics.scans[0], scans)

    def tells(self, kind: str, number: int, s: float, unit: str = "U1") -> None:
        """A batch event, ``s`` seconds after the batch's start."""
        told = BatchEvent(event=kind, batch_id=name(number, unit), unit=unit, at=at(number, s), product="p")
        publish(self.kafka, self.kafka.topics.batch_events[0], [told])

    def releases(self, number: int, unit: str = "U1") -> None:
        """It has ended, and is released."""
        self.tells("ended", number, CADENCE_S * SCANS + 5, unit)
        self.tells("released", number, CADENCE_S * SCANS + 60, unit)

    def read(self, series: str = "patrol_scans_total") -> float:
        """Scans read since the command was started, or another series' sum."""
        served = got(f"http://127.0.0.1:{self.port}/metrics")[1]
        return sum(map(float, re.findall(rf"^{series}\{{.*\}} (.*)$", served, re.MULTILINE)))

    def has_read(self, scans: int, snapshot: bool = False) -> None:
        """Wait until it has read so many, and has kept them in a snapshot."""
        until(lambda: self.read() >= scans, f"{scans} scans to be read", WITHIN_S)
        now_s = time.time() if snapshot else 0.0
        until(lambda: self.read("patrol_snapshot_timestamp_seconds") >= now_s, "a snapshot", WITHIN_S)

    def fits_nothing(self) -> bool:
        """Whether no process fits for the twin: its lock is free."""
        with (self.folder / "refs/plant/learning.lock").open("ab") as lock, suppress(BlockingIOError):
            flock(lock, LOCK_EX | LOCK_NB)
            return True
        return False

    def caught_up(self) -> bool:
        return got(f"http://127.0.0.1:{self.port}/readyz")[0] == 200

    def _values(self, k: int, random: Random) -> dict[str, float | None]:
        return {tag: k / 10 + random.gauss(0, 0.1) for tag in self.tags}


def at(number: int, s: float) -> datetime:
    return START + timedelta(seconds=PERIOD_S * number + s)


def name(number: int, unit: str = "U1") -> str:
    return f"{unit}-B{number}"


@pytest.fixture
def plant(kafka: Kafka, tmp_path: Path) -> Plant:
    return Plant(kafka, tmp_path, tags=2)


@pytest.fixture
def wide(kafka: Kafka, tmp_path: Path) -> Plant:
    """A plant whose reference takes long to fit, with six batches released."""
    plant = Plant(kafka, tmp_path, WIDE)
    for number in range(6):
        plant.runs(number)
        plant.releases(number)
    return plant


def test_batches_released_before_the_first_start_are_learnt(plant: Plant) -> None:
    for number in range(6):
        plant.runs(number)
        plant.releases(number)
    with plant.learning():
        plant.learns(*map(name, range(6)))
    assert "not gathered" not in plant.log.read_text()


def test_what_ran_ended_and_was_released_while_it_was_down_is_learnt(plant: Plant) -> None:
    for number in range(5):
        plant.runs(number)
    plant.releases(0)
    with plant.learning() as process:
        plant.has_read(5 * SCANS)
        process.send_signal(signal.SIGTERM)
        assert process.wait(WITHIN_S) == 0
    plant.runs(5)
    for number in range(1, 6):
        plant.releases(number)
    with plant.learning():
        plant.learns(*map(name, range(6)))
    assert "not gathered" not in plant.log.read_text()


def test_killed_while_fitting_it_learns_every_batch_once(wide: Plant) -> None:
    with wide.learning() as process:
        wide.says("fitting a candidate to 6 batches")
        process.kill()
    until(wide.fits_nothing, "the fitting process to end with the one that started it", WITHIN_S)
    assert wide.versions() == []
    with wide.learning():
        wide.learns(*map(name, range(6)))
        until(lambda: not [*wide.folder.glob("refs/plant/released/*")], "the released files to go", WITHIN_S)
    assert len(wide.versions()) == 1


def test_told_to_stop_while_fitting_it_stops_at_once_and_learns_later(wide: Plant) -> None:
    with wide.learning() as process:
        wide.says("fitting a candidate to 6 batches")
        assert wide.caught_up()  # it goes on reading meanwhile
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=10) == 0
    assert "drained and stopped" in wide.log.read_text()
    assert wide.versions() == []
    with wide.learning():
        wide.learns(*map(name, range(6)))


@pytest.mark.parametrize("seed", [1])
def test_killed_at_random_moments_it_loses_no_batch_and_learns_none_twice(plant: Plant, seed: int) -> None:
    """Three units, released between the starts; it is killed after some scans, once after a snapshot."""
    random, units, rounds = Random(seed), ("U1", "U2", "U3"), 4
    for number in range(rounds):
        for unit in units:
            plant.runs(number, unit)
        with plant.learning() as process:
            for unit in units if number else ():
                plant.releases(number - 1, unit)
            plant.has_read(random.randint(1, 3 * SCANS), snapshot=number == 1)
            process.kill()
    for unit in units:
        plant.releases(rounds - 1, unit)
    with plant.learning():
        plant.learns(*(name(number, unit) for number in range(rounds) for unit in units))
    assert "not gathered" not in plant.log.read_text()
