"""librdkafka's settings, from the twin's ``[kafka]`` section; secrets are read here and nowhere else."""

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from confluent_kafka import KafkaError, KafkaException, Message

from connectors.settings import Kafka
from models.records.errors import ConfigError

C = TypeVar("C")
LOG = logging.getLogger("patrol.kafka")
LOG.propagate = False  # librdkafka logs a line a second a client while a broker is away; it is counted instead
LOG.addHandler(logging.NullHandler())

_AWAY = frozenset(
    {KafkaError._ALL_BROKERS_DOWN, KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT}
)  # nothing to do but wait
FORBIDDEN = frozenset(
    {
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.GROUP_AUTHORIZATION_FAILED,
        KafkaError.CLUSTER_AUTHORIZATION_FAILED,
        KafkaError._AUTHENTICATION,
        KafkaError.SASL_AUTHENTICATION_FAILED,
    }
)


def client_config(kafka: Kafka, on_error: Callable[[KafkaError], None] | None = None) -> dict[str, object]:
    """Settings every client starts from.

    Raises
    ------
    ConfigError
        A secret is not where ``[kafka.secrets]`` says.
    """
    config: dict[str, object] = {
        "client.id": "patrol",
        "reconnect.backoff.max.ms": 1000,
    }  # 10 s of its own would be lost
    config |= {"bootstrap.servers": kafka.bootstrap_servers, **kafka.config}
    config |= {setting: secret_at(f'kafka.secrets."{setting}"', place) for setting, place in kafka.secrets.items()}
    config |= {"logger": LOG, "error_cb": on_error or (lambda error: None)}
    return config


def open_client(kind: Callable[[Any], C], settings: dict[str, object]) -> C:
    """A Consumer, Producer or AdminClient of these settings.

    Raises
    ------
    ConfigError
        librdkafka does not know a setting, or its value cannot be.
    """
    try:
        return kind(settings)
    except (KafkaException, ValueError, TypeError) as exc:
        error_text = exc.args[0].str() if isinstance(exc, KafkaException) else str(exc)
        raise ConfigError(f"kafka.config: {error_text}; mend the setting it names") from exc


def is_away(error: KafkaError) -> bool:
    """Whether the broker cannot be reached for now."""
    return error.code() in _AWAY


def secret_at(key: str, place: str) -> str:
    """The value at the place a configuration gives: ``env:NAME`` or ``file:PATH``.

    Raises
    ------
    ConfigError
        It is not there; the message names ``key``.
    """
    kind, _, name = place.partition(":")
    if kind == "env" and name:
        if name not in os.environ:
            raise ConfigError(f"{key}: environment variable {name} is not set; set it before starting PATrol")
        return os.environ[name]
    if kind == "file" and name:
        try:
            return Path(name).read_text().strip()
        except OSError as exc:
            raise ConfigError(f"{key}: {exc}; mount the secret there or name another file") from exc
    raise ConfigError(f"{key} does not say where the secret is (not shown); write 'env:NAME' or 'file:PATH'")


def place_of(message: Message) -> tuple[str, int, int]:
    """Topic, partition and offset of a consumed message."""
    topic, partition, offset = message.topic(), message.partition(), message.offset()
    return topic or "", partition or 0, -1 if offset is None else offset


def as_bytes(value: bytes | str | None) -> bytes:
    """A consumed message's value or key; nothing is no bytes."""
    return value.encode() if isinstance(value, str) else value or b""
