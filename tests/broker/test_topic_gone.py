"""A topic of the scans that is deleted while PATrol runs: it is no longer caught up, and the topic is named."""

from contextlib import closing

import pytest
from confluent_kafka.admin import AdminClient

from connectors.inputs import reader
from connectors.kafka.clients import client_config
from connectors.kafka.stop import Stop
from connectors.prometheus.metrics import Metrics
from models.records.messages import Scan
from models.records.twin import Twin
from tests.broker.conftest import lane, publish, read, series, site
from tests.conftest import minute


@pytest.mark.kafka
def test_a_topic_that_goes_while_it_runs_is_named_and_nothing_is_caught_up(
    real_kafka: str, twin: Twin, metrics: Metrics, stop: Stop, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(reader, "_LOOK_EVERY_S", 0.2)
    kafka = site(real_kafka, partitions=1)
    topic = kafka.topics.scans[0]
    publish(kafka, topic, [Scan(unit="BR-101", observed_at=minute(m), values={"a": 0.0}) for m in range(3)])
    with closing(lane(kafka, twin, metrics, stop)) as source:
        read(source, lambda _: series(metrics, "patrol_caught_up") == 1)
        admin = AdminClient(client_config(kafka))  # must live until the future is done
        admin.delete_topics([topic])[topic].result(10)
        read(source, lambda _: series(metrics, "patrol_caught_up") == 0)
    assert f"waiting for topic {topic}" in caplog.text
