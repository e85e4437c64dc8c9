"""``patrol check`` finds each fault, says what to do, and ends with the first one's exit code."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.kafka.embedded import EmbeddedBroker
from connectors.settings import Topics
from connectors.store.recovery import open_store
from ops.__main__ import main
from ops.checking import uses
from ops.config import load
from ops.monitors import Choice, choose_monitors
from ops.running import owner, recovery_folder
from tests.connectors.store.test_recovery import kept_state


@pytest.fixture(scope="module")
def broker() -> Iterator[EmbeddedBroker]:
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture
def ready(culture: Path, broker: EmbeddedBroker, capsys: pytest.CaptureFixture[str]) -> Path:
    """A twin with all in order: approved reference, broker, topics."""
    twin = culture / "twin.toml"
    twin.write_text(twin.read_text().replace("127.0.0.1:1", broker.bootstrap_servers))
    fit = ["reference", "fit", str(twin), "--scans", str(culture / "train.csv"), "--approve", "A. Smith"]
    assert main(fit) == 0
    assert main(["check", str(twin), "--create-topics"]) == 0
    capsys.readouterr()
    return twin


def detail(capsys: pytest.CaptureFixture[str]) -> str:
    """The table's text without its lines, in one piece."""
    return " ".join("".join(c if c.isascii() else " " for c in capsys.readouterr().err).split())


def test_all_is_in_order_when_nothing_fails(ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(ready)]) == 0
    shown = detail(capsys)
    assert "failed" not in shown
    for what in ("configuration", "reference", "recovery", "metrics", "broker", *uses(Topics())):
        assert what in shown


def test_a_missing_reference_is_found_unless_a_cold_start_is_meant(
    culture: Path, broker: EmbeddedBroker, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = ["--store", str(culture / "empty")]
    assert main(["check", str(ready), *empty]) == 3
    assert "patrol reference fit" in detail(capsys)
    assert main(["check", str(ready), *empty, "--cold-start"]) == 0


def test_a_changed_reference_is_found(culture: Path, ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (stored,) = (culture / "refs").glob("culture/1/*.npz")
    stored.write_bytes(stored.read_bytes() + b" ")
    assert main(["check", str(ready)]) == 3
    assert "SHA-256" in detail(capsys)


def test_other_tags_than_the_references_are_found(ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ready.write_text(f'{ready.read_text()}\n[tags.foam]\nunit_of_measure = "cm"\n')
    assert main(["check", str(ready)]) == 3
    assert "differ in tags (foam)" in detail(capsys)


def test_a_recovery_store_of_another_configuration_is_found(
    culture: Path, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = load(ready)
    open_store(recovery_folder(configuration, "deviation", None), owner("deviation", configuration, None))
    assert main(["check", str(ready)]) == 7
    assert "was made for something else" in detail(capsys)


def test_a_recovery_store_with_states_of_another_form_is_found(
    culture: Path, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configuration = load(ready)
    folder = recovery_folder(configuration, "deviation", None)
    open_store(folder, owner("deviation", configuration, choose_monitors(configuration, Choice()).stored))
    kept_state(folder, 3)
    assert main(["check", str(ready)]) == 7
    assert "holds states of form 3" in detail(capsys)


def test_a_recovery_folder_that_cannot_be_made_is_found(
    culture: Path, ready: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (culture / "file").touch()
    assert main(["check", str(ready), "--recovery", str(culture / "file" / "recovery")]) == 7
    assert "cannot be made" in detail(capsys)


def test_a_port_that_is_taken_is_found(ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        ready.write_text(ready.read_text().replace("port = 0", f"port = {taken.getsockname()[1]}"))
        assert main(["check", str(ready)]) == 2
    assert "cannot listen" in detail(capsys)


def test_a_missing_topic_is_found(ready: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ready.write_text(f'{ready.read_text()}\n[kafka.topics]\nscores = "not.there"\n')
    assert main(["check", str(ready)]) == 6
    shown = detail(capsys)
    assert "topic not.there failed" in shown
    assert "--create-topics" in shown


def test_a_missing_secret_is_found(
    ready: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("KAFKA_PASSWORD", raising=False)
    ready.write_text(f'{ready.read_text()}\n[kafka.secrets]\nsasl.password = "env:KAFKA_PASSWORD"\n')
    assert main(["check", str(ready)]) == 2
    assert "KAFKA_PASSWORD is not set" in detail(capsys)


@pytest.mark.slow
def test_a_broker_that_does_not_answer_is_found(
    ready: Path, broker: EmbeddedBroker, capsys: pytest.CaptureFixture[str]
) -> None:
    ready.write_text(ready.read_text().replace(broker.bootstrap_servers, "127.0.0.1:1"))
    assert main(["check", str(ready)]) == 6
    assert "check kafka.bootstrap_servers" in detail(capsys)
