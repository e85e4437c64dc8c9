"""What the demo plays on: an embedded broker, an approved reference, and the real flow as a process of its own.

All of it in a temporary folder and on free ports of 127.0.0.1; all of it gone afterwards.
"""

import secrets
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from connectors.kafka.embedded import EmbeddedBroker, free_port
from connectors.kafka.topics import create_topics
from connectors.store.references import ReferenceStore, StoredVersion
from models.records.errors import PatrolError
from models.records.progress import Progress
from models.reference.reference import Reference, fit_reference
from ops import config
from ops.config import Configuration
from ops.console.access.people import UserFile
from ops.demo.campaign import Campaign, released

TWIN = Path(__file__).parent.parent / "twins" / "demo.toml"
USER = "demo"  # signs in to the console
_READY_S = 60.0  # wall clock: how long the flow may take to start
_DRAIN_S = 15.0  # wall clock: how long it may take to drain


class FlowError(PatrolError):
    """The flow, or the console, ended although nobody stopped it."""


@dataclass(frozen=True, slots=True)
class Process:
    """A command that runs."""

    command: str  # "run", "console"
    running: "subprocess.Popen[bytes]"
    log: Path

    def check(self) -> None:
        """See that it is alive.

        Raises
        ------
        FlowError
            It has ended; the message holds its last words.
        """
        code = self.running.poll()
        if code is not None:
            words = self.log.read_text("utf-8", "replace").splitlines()[-12:]
            last = "\n  ".join(words) or "(it said nothing)"
            raise FlowError(f"`patrol {self.command}` ended by itself (exit {code}); its last words:\n  {last}")

    def wait_until_ready(self, url: str) -> None:
        """Wait until something answers at an address.

        Raises
        ------
        FlowError
            It has ended, or nothing answers in time.
        """
        deadline = time.monotonic() + _READY_S
        while time.monotonic() < deadline:
            self.check()
            try:
                with urllib.request.urlopen(url, timeout=1.0):
                    return
            except (urllib.error.URLError, TimeoutError, ConnectionError):
                time.sleep(0.05)
        last = self.log.read_text("utf-8", "replace")[-500:]
        raise FlowError(f"`patrol {self.command}` was not ready within {_READY_S:g} s: {last}")


@dataclass(frozen=True, slots=True)
class DemoPlant:
    """A flow and a console that run."""

    configuration: Configuration
    reference: StoredVersion
    flow: Process
    console: Process
    password: str  # of the console's one user

    @property
    def metrics(self) -> str:
        """Where the flow's metrics are served."""
        return f"{_flow_at(self.configuration)}/metrics"

    @property
    def page(self) -> str:
        """Where the control-room page is served, and how to get in."""
        return f"{_page_at(self.configuration)}/ (sign in: {USER}, {self.password})"

    def check(self) -> None:
        """See that both are alive.

        Raises
        ------
        FlowError
            One has ended; the message holds its last words.
        """
        self.flow.check()
        self.console.check()


@contextmanager
def set_up(campaign: Campaign, say: Callable[[str], None], progress: Progress) -> Iterator[DemoPlant]:
    """Broker, reference and flow for as long as the context lasts.

    Parameters
    ----------
    campaign
        Which units, and the seed.
    say
        Told each step.
    progress
        Told how the fit goes.

    Raises
    ------
    FlowError, BrokerError
        Something did not start.
    """
    with tempfile.TemporaryDirectory(prefix="patrol-demo-") as name, EmbeddedBroker() as broker:
        folder = Path(name)
        say(f"embedded broker on {broker.bootstrap_servers}")
        configuration = _twin(folder, campaign, broker.bootstrap_servers)
        topics = configuration.kafka.topics
        create_topics(configuration.kafka, (*topics.scans, *topics.context), partitions=1)
        create_topics(configuration.kafka, (topics.deviations, topics.scores, topics.dead_letters), partitions=1)
        batches = released(campaign.seed)
        say(f"{len(batches)} released batches simulated")
        reference = fit_reference(configuration.twin, [batch.recorded for batch in batches], progress)
        stored = _approved(ReferenceStore(Path(configuration.references.store)), reference)
        say(f"reference {stored.id} learnt and approved, sha256 {stored.sha256[:12]}")
        password = secrets.token_urlsafe(9)
        with _running("run", configuration, folder / "flow.log") as flow:
            flow.wait_until_ready(f"{_flow_at(configuration)}/readyz")
            say(f"`patrol run` watches; metrics on {_flow_at(configuration)}/metrics")
            UserFile(Path(configuration.console.users)).put(USER, "engineer", password)
            with _running("console", configuration, folder / "console.log") as console:
                console.wait_until_ready(f"{_page_at(configuration)}/livez")
                demo_plant = DemoPlant(configuration, stored, flow, console, password)
                say(f"`patrol console` on {demo_plant.page}")
                yield demo_plant


def _flow_at(configuration: Configuration) -> str:
    return f"http://{configuration.metrics.address}:{configuration.metrics.port}"


def _page_at(configuration: Configuration) -> str:
    return f"http://{configuration.console.address}:{configuration.console.port}"


def _twin(folder: Path, campaign: Campaign, bootstrap: str) -> Configuration:
    """The demo's twin with this demo's units, folders and ports."""
    units = ", ".join(f'"{unit}"' for unit in campaign.units)
    changes = {
        'units = ["BR-101", "BR-102", "BR-103"]': f"units = [{units}]",
        'bootstrap_servers = "127.0.0.1:9092"': f'bootstrap_servers = "{bootstrap}"',
        'store = "refs"': f'store = "{(folder / "refs").as_posix()}"',
        'folder = "recovery"': f'folder = "{(folder / "recovery").as_posix()}"',
        "port = 9464": f"port = {free_port()}",
        "port = 9465": f"port = {free_port()}",
        "metrics_port = 9466": f"metrics_port = {free_port()}",
        'users = "users.toml"': f'users = "{(folder / "users.toml").as_posix()}"',
    }
    text = TWIN.read_text("utf-8")
    for before, after in changes.items():
        if text.count(before) != 1:
            raise ValueError(f"{TWIN.name}: {before!r} stands there {text.count(before)} times, wanted once")
        text = text.replace(before, after)
    path = folder / "demo.toml"
    path.write_text(text, "utf-8")
    return config.load(path)


def _approved(store: ReferenceStore, reference: Reference) -> StoredVersion:
    now = datetime.now(UTC)
    stored = store.add(reference, by="patrol demo", at=now, source="simulated released batches")
    return store.approve(stored.name, stored.version, by="patrol demo", at=now, reason="demo")


@contextmanager
def _running(command: str, configuration: Configuration, log_file: Path) -> Iterator[Process]:
    """A command as a process; drained at the end. In its own session: Ctrl-C reaches it through us alone."""
    words = [sys.executable, "-m", "ops", command, str(configuration.path)]
    with log_file.open("wb") as log:
        flow = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=log_file.parent, start_new_session=True
        )
    try:
        yield Process(command, flow, log_file)
    finally:
        flow.terminate()
        try:
            flow.wait(_DRAIN_S)
        except subprocess.TimeoutExpired:
            flow.kill()
            flow.wait()
