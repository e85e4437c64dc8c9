"""The alarm system's audit goes on over restarts: what was said before lies on the deviations topic."""

import msgspec

from connectors.kafka.stop import Stop
from connectors.outputs.past_deviations import past_deviations
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.messages import Deviation
from tests.broker.conftest import publish, series, site
from tests.conftest import minute

KIND = {"category": "process", "grade": "approved", "priority": "high"}


def deviation(number: int) -> Deviation:
    at = minute(number)
    return Deviation(
        deviation_id=f"BR-101/B1/process:t{number}/1", revision=1, state="UNACK", unit="BR-101", twin="small",
        cause=f"process:t{number}", message="", since_at=at, raised_at=at, changed_at=at, **KIND,
    )  # fmt: skip


def test_a_new_process_counts_what_was_said_before_it_began_once_and_opens_nothing(
    kafka: Kafka, metrics: Metrics, stop: Stop
) -> None:
    before = [deviation(number) for number in range(4)]
    for each in [*before, msgspec.structs.replace(before[0], revision=2, state="ACKED", changed_at=minute(9))]:
        publish(kafka, kafka.topics.deviations, [each], key=each.deviation_id)
    publish(kafka, kafka.topics.deviations, [b"no deviation"], key="x")
    for emitted in past_deviations(kafka, stop):
        metrics.remember(emitted)
    assert series(metrics, "patrol_maximum_alarm_rate") == 4.0
    assert series(metrics, "patrol_active_deviations", unit="BR-101", **KIND) is None
    metrics.deviation(before[1], restored=True)  # open still: known to the audit, new to the rest
    assert series(metrics, "patrol_maximum_alarm_rate") == 4.0
    assert series(metrics, "patrol_active_deviations", unit="BR-101", **KIND) == 1.0


def test_a_topic_that_is_not_there_or_a_flow_that_is_stopping_does_not_keep_it_waiting(embedded: str) -> None:
    kafka, stop = site(embedded, made=False), Stop()
    assert list(past_deviations(kafka, stop, within_s=0.3)) == []
    kafka = site(embedded)
    publish(kafka, kafka.topics.deviations, [deviation(1)])
    stop.request()
    assert list(past_deviations(kafka, stop, within_s=60.0)) == []
