"""Source and sink under Bytewax itself, with recovery: a drain leaves nothing behind, a restart repeats nothing."""

from datetime import timedelta
from pathlib import Path

import bytewax.operators as op
import pytest
from bytewax.dataflow import Dataflow
from bytewax.recovery import RecoveryConfig, init_db_dir
from bytewax.testing import run_main

from connectors.inputs.source import KafkaSource
from connectors.kafka.stop import Stop
from connectors.outputs.outbox import Outbox
from connectors.outputs.sink import KafkaSink
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from flows.steps import refused_on_arrival
from models.records.errors import ConfigError
from models.records.messages import Rejected
from models.records.twin import Twin
from tests.broker.conftest import lane, messages, publish


def run_until(kafka: Kafka, twin: Twin, recovery: RecoveryConfig, count: int) -> None:
    """Dead letters of what is refused, until so many have passed; then the flow drains."""
    stop, metrics, seen = Stop(), Metrics(), 0

    def count_down(_step: str, _letter: tuple[str, Rejected]) -> None:
        nonlocal seen
        seen += 1
        if seen == count:
            stop.request()

    flow = Dataflow("letters")
    refused = refused_on_arrival(op.input("arrivals", flow, KafkaSource(kafka, twin, metrics, stop)))
    sink = KafkaSink[Rejected](kafka, kafka.topics.dead_letters, Outbox(kafka, "small", metrics, stop), stop)
    op.output("letters", op.inspect("count", refused, count_down), sink)
    run_main(flow, epoch_interval=timedelta(seconds=0.1), recovery_config=recovery)


def test_every_refused_message_is_one_dead_letter_over_several_runs(kafka: Kafka, twin: Twin, tmp_path: Path) -> None:
    init_db_dir(tmp_path, 1)
    rubbish = [b"rubbish %d" % n for n in range(300)]
    for run in range(3):
        part = rubbish[100 * run : 100 * (run + 1)]
        publish(kafka, kafka.topics.scans[0], part)
        run_until(kafka, twin, RecoveryConfig(str(tmp_path)), 100)
    letters = messages(kafka, kafka.topics.dead_letters, 300)
    assert sorted(letter.value() for letter in letters) == sorted(rubbish)


def test_a_setting_librdkafka_does_not_know_stops_the_source_with_its_name(
    twin: Twin, metrics: Metrics, stop: Stop
) -> None:
    with pytest.raises(ConfigError, match=r"fetch\.weight"):
        lane(Kafka(config={"fetch.weight": 1}), twin, metrics, stop)
