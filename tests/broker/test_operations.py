"""docs/operations.md is done as it stands: backup, loss and restore of a run at work, and the tools on a bare host."""

import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec
import pytest
import yaml
from confluent_kafka import Producer

from connectors.kafka.clients import client_config
from connectors.kafka.embedded import free_port
from connectors.messages.codec import encode
from connectors.settings import Kafka
from models.records import errors
from ops.__main__ import main
from ops.config import load
from ops.playing import PlayOptions, messages
from ops.recorded import read
from tests.broker.conftest import LIMIT_S, site
from tests.broker.conftest import messages as held
from tests.broker.monitoring import program, until
from tests.broker.test_learn_process import got, names_of
from tests.ops.conftest import batch, write
from tests.places import ROOT

PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
UNIT = ROOT / "ops" / "deploy" / "systemd" / "patrol-run@.service"
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"^ *```sh\n(.*?)^ *```$", PAGE, re.MULTILINE | re.DOTALL)]
BACKUP, LOSS, STOP, RESTORE, BARE_HOST = BLOCKS
SYSTEMCTL = """#!/bin/bash
# What systemd does of `systemctl start|stop UNIT`: the unit's ExecStart in its folder, and SIGTERM.
set -eu
pid={folder}/$2.pid
case $1 in
start) cd {work}; {start} >> {folder}/log 2>&1 & echo $! > "$pid" ;;
stop) kill "$(cat "$pid")" 2>/dev/null || true
  for _ in $(seq 300); do grep -qs '^State:.[^Z]' "/proc/$(cat "$pid")/status" || exit 0; sleep 0.1; done; exit 1 ;;
esac
"""
TWIN = """[twin]
name = "culture"
product = "mab-1"
cadence_s = 360
[tags.ph]
unit_of_measure = "pH"
[tags.oxygen]
unit_of_measure = "%"
[tags.feed]
unit_of_measure = "L/h"
role = "manipulated"
[kafka]
bootstrap_servers = "{broker}"
[kafka.topics]
{topics}
[metrics]
port = {port}
"""


class Host:
    """A host with PATrol installed as the page says, all its folders below one."""

    def __init__(self, root: Path, broker: str) -> None:
        self.root, self.port, self.kafka = root, free_port(), site(broker, partitions=2)
        for folder in ("etc/patrol", "var/lib/patrol/refs", "var/lib/patrol/recovery", "backup", "opt/patrol", "bin"):
            (root / folder).mkdir(parents=True)
        (root / "opt/patrol/bin").symlink_to(Path(sys.executable).parent)
        self.work = root / "var/lib/patrol"
        self.twin = root / "etc/patrol/culture.toml"
        topics = "\n".join(f"{name} = {msgspec.json.encode(value).decode()}" for name, value in names_of(self.kafka))
        self.twin.write_text(TWIN.format(broker=broker, topics=topics, port=self.port))
        found = re.search(r"^ExecStart=(.*)$", UNIT.read_text(), re.MULTILINE)
        assert found is not None
        start = self.placed(found[1]).replace("%i", "culture").replace("$PATROL_OPTIONS", "")
        tool = root / "bin/systemctl"
        tool.write_text(SYSTEMCTL.format(folder=root, work=self.work, start=start))
        tool.chmod(0o755)

    def placed(self, text: str) -> str:
        """The page's folders below the host's own, its port as the twin has it."""
        text = re.sub(r"/(?=(?:etc|opt|backup|var/lib)/)", f"{self.root}/", text)
        return text.replace(":9464/", f":{self.port}/")

    def do(self, block: str, folder: Path | None = None) -> str:
        """A block of the page, as root would type it; what it says."""
        path = f"{self.root / 'bin'}:{os.environ['PATH']}"
        command = [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", self.placed(block)]
        done = subprocess.run(
            command,
            cwd=folder or self.root,
            env=os.environ | {"PATH": path},
            capture_output=True,
            text=True,
            timeout=150,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}\n{self.log}"
        return done.stdout + done.stderr

    @property
    def log(self) -> str:
        """What the run has said."""
        return (self.root / "log").read_text() if (self.root / "log").exists() else ""

    def ready(self) -> None:
        until(
            lambda: got(f"http://127.0.0.1:{self.port}/readyz")[0] == 200, f"the run to be ready: {self.log}", LIMIT_S
        )

    def ended(self) -> int:
        """Batches whose end is written: a score without a batch each."""
        return sum(kind == "scores" and b'"batch_id"' not in value for kind, _, value in self.written())

    def written(self) -> Counter[tuple[str, bytes, bytes]]:
        """Topic, id and value of all that was written, and how often; each host has topics of its own."""
        topics, found = self.kafka.topics, Counter()
        own = topics.scans[0].partition(".")[0].encode()
        for kind in ("deviations", "scores", "dead_letters"):
            for message in held(self.kafka, getattr(topics, kind), 0, partitions=2):
                name = dict(message.headers() or ())["patrol-id"]
                found[kind, name.replace(own, b"own"), message.value().replace(own, b"own")] += 1
        return found


@pytest.fixture
def hosts(embedded: str, tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    """The site's host, and one that nothing befalls, with one approved reference."""
    one, other = Host(tmp_path / "one", embedded), Host(tmp_path / "other", embedded)
    train = write(tmp_path / "train.csv", [batch(f"G{k}", k, 150 + k) for k in range(8)])
    fit = ["reference", "fit", str(one.twin), "--scans", str(train), "--approve", "A. Smith"]
    assert main([*fit, "--store", str(one.work / "refs")]) == 0
    shutil.copytree(one.work / "refs", other.work / "refs", dirs_exist_ok=True)
    yield one, other
    for host in (one, other):
        if (host.root / "patrol-run@culture.pid").exists():
            host.do(STOP)


def recorded(folder: Path, host: Host) -> Iterator[tuple[str, str, bytes]]:
    """Topic, unit and value of the messages of three batches, one with a fault, and rubbish among them."""
    dev = write(folder / "dev.csv", [batch("T1", 11, 155), batch("T2", 12, 152), batch("F1", 13, 154, fault=25.0)])
    configuration = load(host.twin)
    topics = configuration.kafka.topics
    played = messages(list(read([dev], configuration)), configuration.twin, topics, PlayOptions())
    for k, message in enumerate(played):
        yield message.topic, message.record.unit, encode(message.record)
        if k % 50 == 49:
            yield topics.scans[0], message.record.unit, b"rubbish %d" % k


def publish(kafka: Kafka, some: Iterator[tuple[str, str, bytes]]) -> None:
    producer = Producer(client_config(kafka) | {"linger.ms": 0})
    for topic, key, value in some:
        producer.produce(topic, value, key)
    assert producer.flush(LIMIT_S) == 0


def test_after_a_restore_every_record_is_there_once_and_as_if_nothing_had_been(
    hosts: tuple[Host, Host], tmp_path: Path
) -> None:
    host, other = hosts
    plant = recorded(tmp_path, host)
    host.do("systemctl start patrol-run@culture")
    host.ready()
    publish(host.kafka, islice(plant, 3))  # the starts: context that is there before the scans it concerns
    until(lambda: len(host.written()) == 3, "the batches to start", LIMIT_S)
    publish(host.kafka, islice(plant, 250))
    host.do(BACKUP)
    publish(host.kafka, islice(plant, 100))
    until(lambda: b"F1/F1/" in b"".join(name for _, name, _ in host.written()), "the fault to be raised", LIMIT_S)
    host.do(LOSS)
    until(lambda: "was removed or replaced while the flow ran" in host.log, "the run to end", LIMIT_S)
    host.do(STOP)
    publish(host.kafka, plant)
    said = host.do(RESTORE)
    assert "culture@1" in said
    assert "snapshots since" in said
    assert "resumes from snapshots" in host.log
    publish(other.kafka, recorded(tmp_path, other))
    other.do("systemctl start patrol-run@culture")
    for each in hosts:
        until(lambda each=each: each.ended() == 3, "the batches' ends to apply", LIMIT_S)
        each.do(STOP)
    assert host.written() == other.written()
    assert set(host.written().values()) == {1}


def test_the_page_names_the_exit_codes_there_are() -> None:
    known = {each.exit_code for each in vars(errors).values() if isinstance(each, type) and hasattr(each, "exit_code")}
    assert {int(code) for code in re.findall(r"^\| (\d) \|", PAGE, re.MULTILINE)} == known | {0}


@pytest.mark.prometheus
def test_on_a_bare_host_every_tool_takes_its_configuration_and_nothing_names_a_container(tmp_path: Path) -> None:
    program("promtool", "prometheus")
    program("amtool", "prometheus-alertmanager")
    for folder in ("etc/prometheus", "etc/grafana"):
        (tmp_path / folder).mkdir(parents=True)
    block = BARE_HOST.replace("/etc/", f"{tmp_path}/etc/")
    done = subprocess.run(
        [shutil.which("bash") or "bash", "-euo", "pipefail", "-c", block], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    made = yaml.safe_load((tmp_path / "etc/prometheus/prometheus.yml").read_text())
    found = yaml.safe_load((tmp_path / "etc/grafana/provisioning/datasources/patrol.yml").read_text())
    targets = re.findall(r"[\w.-]+:\d+", str(made["scrape_configs"]) + str(made["alerting"]) + str(found))
    assert {target.split(":")[0] for target in targets} <= {"127.0.0.1", "localhost"}
    shown = yaml.safe_load((tmp_path / "etc/grafana/provisioning/dashboards/patrol.yml").read_text())
    assert shown["providers"][0]["options"]["path"] == "/etc/grafana/dashboards"
    assert (tmp_path / "etc/grafana/dashboards/fleet.json").exists()
