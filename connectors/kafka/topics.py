"""Topics: are they there, may PATrol read and write them; and making those that are missing."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Literal

from confluent_kafka import KafkaError, KafkaException, TopicCollection
from confluent_kafka.admin import AclOperation, AdminClient, NewTopic, TopicDescription

from connectors.kafka.clients import client_config, open_client
from connectors.settings import Kafka
from models.records.errors import BrokerError

Use = Literal["read", "write"]
_TIMEOUT_S = 10.0
_LOOK_S = 0.02
_ANSWER_S = 2.0
_REFUSED = frozenset(
    {KafkaError.TOPIC_AUTHORIZATION_FAILED, KafkaError.CLUSTER_AUTHORIZATION_FAILED, KafkaError.POLICY_VIOLATION}
)


@dataclass(frozen=True, slots=True)
class TopicState:
    """A topic as the broker describes it; permissions are None where it reports none (Kafka does, Tansu does not)."""

    topic: str
    partitions: int = 0  # 0: not there
    readable: bool | None = None
    writable: bool | None = None

    def trouble(self, use: Use) -> str | None:
        """Why it cannot be read or written, and what to do; None when it can, as far as the broker says."""
        if not self.partitions:
            return f"topic {self.topic!r} is not there; make it with `patrol check TWIN.toml --create-topics`"
        if use == "read" and self.readable is False:
            return f"topic {self.topic!r} may not be read; grant PATrol read access"
        if use == "write" and self.writable is False:
            return f"topic {self.topic!r} may not be written; grant PATrol write access"
        return None


def describe(kafka: Kafka, topics: Iterable[str], timeout_s: float = _TIMEOUT_S) -> list[TopicState]:
    """The state of each topic, in the order given.

    Parameters
    ----------
    kafka, topics
        The broker and the topics' names.
    timeout_s
        Wall clock.

    Raises
    ------
    BrokerError
        The broker does not answer, or refuses the question.
    ConfigError
        librdkafka refuses a setting, or a secret is missing.
    """
    names = list(dict.fromkeys(topics))
    if not names:
        return []
    client = open_client(AdminClient, client_config(kafka))
    description = client.describe_topics(
        TopicCollection(names), include_authorized_operations=True, request_timeout=timeout_s
    )
    return [_state(kafka, name, description[name], timeout_s) for name in names]


def create_topics(kafka: Kafka, topics: Iterable[str], partitions: int = 1) -> list[str]:
    """Make the topics that are missing; those made. The deviations topic is made compacted.

    Parameters
    ----------
    kafka, topics
        The broker and the topics' names.
    partitions
        How many each new one gets; replicas are the broker's default.

    Raises
    ------
    BrokerError
        The broker does not answer, or refuses.
    ConfigError
        librdkafka refuses a setting, or a secret is missing.
    """
    compacted = {"cleanup.policy": "compact"}
    client = open_client(AdminClient, client_config(kafka))
    wanted = [
        NewTopic(name, partitions, -1, config=compacted if name == kafka.topics.deviations else {})
        for name in dict.fromkeys(topics)
    ]
    if not wanted:
        return []
    made = []
    for name, future in client.create_topics(wanted, request_timeout=_TIMEOUT_S).items():
        if _made(kafka, name, future):
            made.append(name)
    _wait_until_known(client, made)
    return made


def _state(kafka: Kafka, topic: str, description: "Future[TopicDescription]", timeout_s: float) -> TopicState:
    try:
        found = description.result(timeout_s + 1)
    except KafkaException as exc:
        error: KafkaError = exc.args[0]
        if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
            return TopicState(topic)
        if error.code() == KafkaError.TOPIC_AUTHORIZATION_FAILED:
            return TopicState(topic, 1, readable=False, writable=False)
        raise _silent(kafka, error) from exc
    allowed = found.authorized_operations
    if allowed is None:
        return TopicState(topic, len(found.partitions))
    return TopicState(topic, len(found.partitions), AclOperation.READ in allowed, AclOperation.WRITE in allowed)


def _made(kafka: Kafka, topic: str, future: "Future[None]") -> bool:
    """Whether the topic is new; False when it was there."""
    try:
        future.result(_TIMEOUT_S + 1)
    except KafkaException as exc:
        error: KafkaError = exc.args[0]
        if error.code() == KafkaError.TOPIC_ALREADY_EXISTS:
            return False
        if error.code() in _REFUSED:
            raise BrokerError(f"topic {topic!r} may not be made: {error.str()}; have it made, or grant create") from exc
        raise _silent(kafka, error) from exc
    return True


def _wait_until_known(client: AdminClient, topics: list[str]) -> None:
    """A topic made just now is unknown to the broker's other threads for some milliseconds."""
    deadline = time.monotonic() + _TIMEOUT_S
    while time.monotonic() < deadline:
        known = client.list_topics(timeout=_TIMEOUT_S).topics
        if all(topic in known and known[topic].partitions for topic in topics):
            return
        time.sleep(_LOOK_S)


def _silent(kafka: Kafka, error: KafkaError) -> BrokerError:
    return BrokerError(
        f"broker {kafka.bootstrap_servers}: {error.str()}; check kafka.bootstrap_servers, kafka.config and the network"
    )


def topic_ids(kafka: Kafka, topics: Sequence[str]) -> dict[str, str]:
    """The ids by which the broker tells a topic from one of the same name made later; brokers without ids give none."""
    client = open_client(AdminClient, client_config(kafka))
    found: dict[str, str] = {}
    for topic, answer in client.describe_topics(TopicCollection(list(topics)), request_timeout=_ANSWER_S).items():
        try:
            known = str(answer.result(_ANSWER_S + 1).topic_id)
        except (KafkaException, TimeoutError):
            continue
        if known.strip("A0-=") not in ("", "None"):  # all zeros: none
            found[topic] = known
    return found
