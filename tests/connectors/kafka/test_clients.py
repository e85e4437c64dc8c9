"""Settings and secrets on their way to librdkafka."""

from pathlib import Path

import pytest

from connectors.kafka.clients import client_config
from connectors.kafka.topics import TopicState
from connectors.settings import Kafka
from models.records.errors import ConfigError


def test_any_librdkafka_setting_passes_through() -> None:
    config = client_config(Kafka(bootstrap_servers="b:1", config={"security.protocol": "SSL", "linger.ms": 3}))
    assert (config["bootstrap.servers"], config["security.protocol"], config["linger.ms"]) == ("b:1", "SSL", 3)


def test_secrets_are_read_from_the_environment_and_from_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATROL_TEST_USER", "anna")
    (tmp_path / "password").write_text("s3cret\n")
    secrets = {"sasl.username": "env:PATROL_TEST_USER", "sasl.password": f"file:{tmp_path / 'password'}"}
    config = client_config(Kafka(secrets=secrets))
    assert (config["sasl.username"], config["sasl.password"]) == ("anna", "s3cret")


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("env:PATROL_TEST_ABSENT", "environment variable PATROL_TEST_ABSENT is not set; set it"),
        ("file:absent/password", "No such file or directory: 'absent/password'; mount the secret there"),
        ("s3cret", "(not shown); write 'env:NAME' or 'file:PATH'"),
        ("env:", "write 'env:NAME' or 'file:PATH'"),
    ],
)
def test_a_secret_that_is_not_there_is_an_error_naming_the_key(place: str, said: str) -> None:
    with pytest.raises(ConfigError, match=r'kafka\.secrets\."sasl\.password"') as error:
        client_config(Kafka(secrets={"sasl.password": place}))
    assert said in str(error.value)
    assert place != "s3cret" or "s3cret" not in str(error.value), "a password written in the wrong place is not shown"


def test_what_is_wrong_with_a_topic_is_said_for_the_use_it_is_put_to() -> None:
    read_only = TopicState("t", 3, readable=True, writable=False)
    assert read_only.trouble("read") is None
    assert read_only.trouble("write") == "topic 't' may not be written; grant PATrol write access"
    assert "make it with" in str(TopicState("t").trouble("read"))
    assert TopicState("t", 1).trouble("write") is None, "a broker that does not say is believed"
