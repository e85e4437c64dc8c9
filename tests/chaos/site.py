"""A twin on topics of its own, and its ``patrol run`` processes."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from confluent_kafka import Consumer, TopicPartition
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

from connectors.kafka.embedded import free_port

ROOT = Path(__file__).parents[2]
INPUTS = ("scans", "events", "lab", "actions")
OUTPUTS = ("deviations", "scores", "dead")
KINDS = (*INPUTS, *OUTPUTS)
QUIET_S = 4.0
_TWIN = """
[twin]
name = "chaos"
product = "p"
cadence_s = 10
[tags.a]
unit_of_measure = "1"
[tags.b]
unit_of_measure = "degC"
[tags.c]
unit_of_measure = "bar"
[alarms]
off_delay_s = 60
rejoin_s = 60
[context]
quiet_after_s = {quiet_s}
[cold_start]
learn_scans = 40
[kafka]
bootstrap_servers = "{boot}"
[kafka.topics]
scans = ["{name}.scans"]
batch_events = ["{name}.events"]
lab_results = ["{name}.lab"]
operator_actions = ["{name}.actions"]
deviations = "{name}.deviations"
scores = "{name}.scores"
dead_letters = "{name}.dead"
[recovery]
folder = "{folder}"
[metrics]
port = {port}
"""


class Site:
    """Topics named by ``name``, made anew.

    Parameters
    ----------
    bootstrap
        A real Apache Kafka.
    name
        Before the topics' names.
    folder
        For twins, recovery stores and logs.
    """

    def __init__(self, bootstrap: str, name: str, folder: Path) -> None:
        self.bootstrap, self.name, self.folder = bootstrap, name, folder
        self.admin = AdminClient({"bootstrap.servers": bootstrap})
        self.make(*KINDS)

    def topic(self, kind: str) -> str:
        """The topic's name."""
        return f"{self.name}.{kind}"

    def make(self, *kinds: str) -> None:
        """Make topics."""
        for_ever = {"retention.ms": "-1"}  # the plant's times are weeks ago
        new = [NewTopic(self.topic(kind), 3, 1, config=for_ever) for kind in kinds]
        for future in self.admin.create_topics(new).values():
            future.result(30)
        self._until(lambda: all(self.topic(kind) in self.admin.list_topics(timeout=10).topics for kind in kinds))

    def make_again(self, kind: str) -> None:
        """Delete a topic and make it anew."""
        for future in self.admin.delete_topics([self.topic(kind)]).values():
            future.result(30)
        self._until(lambda: self.topic(kind) not in self.admin.list_topics(timeout=10).topics)
        self.make(kind)

    def add_partition(self, kind: str) -> None:
        """One partition more."""
        known = len(self.admin.list_topics(timeout=10).topics[self.topic(kind)].partitions)
        for future in self.admin.create_partitions([NewPartitions(self.topic(kind), known + 1)]).values():
            future.result(30)
        there = self.admin.list_topics
        self._until(lambda: len(there(timeout=10).topics[self.topic(kind)].partitions) == known + 1)

    def inputs(self) -> int:
        """How many partitions the input topics have."""
        known = self.admin.list_topics(timeout=10).topics
        return sum(len(known[self.topic(kind)].partitions) for kind in INPUTS)

    def written(self) -> int:
        """The ends of all output partitions, added up."""
        consumer = Consumer({"bootstrap.servers": self.bootstrap, "group.id": "chaos"})
        places = [TopicPartition(self.topic(kind), p) for kind in OUTPUTS for p in range(3)]
        total = sum(consumer.get_watermark_offsets(place, timeout=10)[1] for place in places)
        consumer.close()
        return total

    def start(self, recovery: str = "recovery", *options: str) -> "Run":
        """``patrol run`` as a process, on a recovery folder."""
        return Run(self, recovery, options)

    def _until(self, done: Callable[[], bool]) -> None:
        until(done, 30, f"the topics of {self.name}")


class Run:
    """One ``patrol run``."""

    count = 0

    def __init__(self, site: Site, recovery: str, options: tuple[str, ...]) -> None:
        Run.count += 1
        self.site, self.recovery, self.port = site, recovery, free_port()
        self._emitted = -1
        self._since_s = time.monotonic()
        self.log = site.folder / f"{site.name}-{Run.count}.log"
        twin = site.folder / f"{site.name}-{recovery}.toml"
        words = {"boot": site.bootstrap, "name": site.name, "port": self.port, "quiet_s": QUIET_S}
        twin.write_text(_TWIN.format(folder=site.folder / site.name / recovery, **words))
        command = [sys.executable, "-W", "ignore", "-m", "ops", "run", str(twin), *options]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=ROOT, env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}
            )

    def send(self, what: signal.Signals) -> None:
        """A signal, where it still runs."""
        if self.process.poll() is None:
            self.process.send_signal(what)

    def ended(self, within_s: float) -> int | None:
        """The exit code; None: it still runs."""
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            return None

    def metric(self, name: str) -> float | None:
        """The sum of a series; None: nobody answers, or it is not there."""
        found = self.series(name)
        return sum(found) if found else None

    def series(self, name: str) -> list[float]:
        """The values of all series of a name; none: nobody answers."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=5) as answer:
                rows = answer.read().decode().splitlines()
        except OSError:
            return []
        return [float(row.rsplit(" ", 1)[1]) for row in rows if row.split("{")[0].split(" ")[0] == name]

    def caught_up(self) -> bool:
        """Whether all there is has been read, of partitions that were added, too."""
        lag = self.series("patrol_lag_messages")
        return self.metric("patrol_caught_up") == 1 and len(lag) == self.site.inputs() and not any(lag)

    def still(self) -> bool:
        """Whether it is caught up, and has emitted nothing for three seconds."""
        emitted = self.site.written()
        if not self.caught_up() or emitted != self._emitted:
            self._emitted, self._since_s = emitted, time.monotonic()
        return time.monotonic() - self._since_s > 3.0

    def last_words(self) -> str:
        """The end of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])


def until(done: Callable[[], bool], within_s: float, what: str) -> None:
    """Wait for a condition.

    Raises
    ------
    TimeoutError
        It did not come.
    """
    limit = time.monotonic() + within_s
    while not done():
        if time.monotonic() > limit:
            raise TimeoutError(f"not within {within_s:g} s: {what}")
        time.sleep(0.05)
