"""A unit that is not watched is named in one dead letter, however often PATrol starts again."""

from contextlib import closing

import msgspec

from connectors.kafka.stop import Stop
from connectors.prometheus.metrics import Metrics
from models.records.block import Feed
from models.records.messages import Rejected
from tests.broker.conftest import lane, publish, read, scan_count, site
from tests.broker.test_kafka_source import scan
from tests.conftest import small_twin


def test_after_a_restart_those_known_stay_and_those_left_out_are_not_named_again(broker: str, stop: Stop) -> None:
    kafka = site(broker, partitions=1)
    twin, topic = msgspec.structs.replace(small_twin(), units_max=1), kafka.topics.scans[0]
    publish(kafka, topic, [scan(m, m, unit=unit) for m in range(5) for unit in ("BR-1", "BR-2")])
    with closing(lane(kafka, twin, Metrics(), stop)) as source:
        before = read(source, lambda all_: scan_count(all_) == 5)
        state = source.snapshot()
    publish(kafka, topic, [scan(m, m, unit=unit) for m in range(5, 10) for unit in ("BR-2", "BR-1")])
    with closing(lane(kafka, twin, Metrics(), stop, state)) as source:
        after = read(source, lambda all_: scan_count(all_) == 5)
    assert {each.unit for each in (*before, *after) if isinstance(each, Feed)} == {"BR-1"}
    assert len([each for each in before if isinstance(each, Rejected)]) == 1
    assert not [each for each in after if isinstance(each, Rejected)]
