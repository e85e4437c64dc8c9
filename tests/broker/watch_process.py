"""A process of its own around the real flow, for tests that kill it: BOOTSTRAP PREFIX RECOVERY_FOLDER.

Its monitor has one rule (the first tag above 1), so that what it must say is known without any model.
"""

import sys
from datetime import timedelta
from pathlib import Path

import msgspec
from bytewax.run import cli_main

from connectors.inputs.source import KafkaSource
from connectors.kafka.stop import Stop
from connectors.outputs.outbox import Outbox
from connectors.outputs.sink import KafkaSink
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka, Topics
from connectors.store.recovery import Owner, open_store
from flows.deviation import Ends, build
from models.records.twin import Alarms, Twin
from models.unit.watch import Watch
from tests.conftest import START, AboveOne, small_twin


def kafka_of(bootstrap: str, prefix: str) -> Kafka:
    """Topics of one test's own."""
    topics = Topics(
        scans=(f"{prefix}.scans",),
        batch_events=(f"{prefix}.events",),
        lab_results=(),
        operator_actions=(f"{prefix}.actions",),
        deviations=f"{prefix}.deviations",
        scores=f"{prefix}.scores",
        dead_letters=f"{prefix}.dead-letters",
    )
    return Kafka(bootstrap_servers=bootstrap, topics=topics, settle_s=0.2)


def busy_twin() -> Twin:
    """Every excursion is a deviation of its own, so that something is written all the time."""
    return msgspec.structs.replace(small_twin(), alarms=Alarms(off_delay_s=120, rejoin_s=0))


def main(bootstrap: str, prefix: str, folder: str) -> None:
    """Run until SIGTERM."""
    kafka, twin, stop, metrics = kafka_of(bootstrap, prefix), busy_twin(), Stop(), Metrics()
    stop.install()
    outbox, topics = Outbox(kafka, twin.name, metrics, stop), kafka.topics
    ends = Ends(*(KafkaSink(kafka, t, outbox, stop) for t in (topics.deviations, topics.scores, topics.dead_letters)))
    flow = build(
        KafkaSource(kafka, twin, metrics, stop),
        ends,
        lambda unit, state: Watch(unit, twin, lambda product: AboveOne(), "sha", state),
    )
    owner = Owner(flow="deviation", twin=twin.name, config_sha256="sha", reference="", created_at=START)
    recovery = open_store(Path(folder), owner)
    print("started", flush=True)
    cli_main(flow, epoch_interval=timedelta(seconds=0.2), recovery_config=recovery.config)


if __name__ == "__main__":
    main(*sys.argv[1:])
