"""Topics at a real broker: made where they are missing, described as they are."""

import pytest
from confluent_kafka.admin import AdminClient, ConfigResource

from connectors.kafka.clients import client_config
from connectors.kafka.embedded import free_port
from connectors.kafka.topics import create_topics, describe
from connectors.settings import Kafka
from models.records.errors import BrokerError, ConfigError
from tests.broker.conftest import every, site


def test_missing_topics_are_made_once_and_described(broker: str) -> None:
    kafka = site(broker, made=False)
    wanted = every(kafka)
    assert [state.partitions for state in describe(kafka, wanted)] == [0] * len(wanted)
    assert create_topics(kafka, wanted, partitions=2) == list(wanted)
    assert create_topics(kafka, wanted, partitions=5) == []
    states = describe(kafka, wanted)
    assert [(state.topic, state.partitions) for state in states] == [(name, 2) for name in wanted]
    assert {state.trouble("read") or state.trouble("write") for state in states} == {None}


@pytest.mark.kafka
def test_only_the_deviations_topic_is_compacted(real_kafka: str) -> None:
    kafka = site(real_kafka)
    admin = AdminClient(client_config(kafka))
    topics = (kafka.topics.deviations, kafka.topics.scores, kafka.topics.dead_letters)
    asked = admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, name) for name in topics])
    policies = {resource.name: future.result(10)["cleanup.policy"].value for resource, future in asked.items()}
    assert [policies[name] for name in topics] == ["compact", "delete", "delete"]


@pytest.mark.kafka
def test_permissions_are_described_where_the_broker_says_them(real_kafka: str) -> None:
    (state,) = describe(kafka := site(real_kafka), kafka.topics.scans)
    assert (state.readable, state.writable) == (True, True)


def test_a_broker_that_does_not_answer_is_an_error_with_a_remedy() -> None:
    kafka = Kafka(bootstrap_servers=f"127.0.0.1:{free_port()}")
    with pytest.raises(BrokerError, match=r"127\.0\.0\.1:\d+: .*; check kafka\.bootstrap_servers"):
        describe(kafka, ["a"], timeout_s=1.0)


def test_a_setting_librdkafka_does_not_know_is_an_error_naming_it() -> None:
    with pytest.raises(ConfigError, match=r'kafka\.config: .*property: "sasl\.pasword"; mend the setting'):
        describe(Kafka(config={"sasl.pasword": "x"}), ["a"])
