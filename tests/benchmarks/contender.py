"""One contender reads a backlog, in a process of its own, and says how long it took: NAME TWIN_FILE SCANS.

``bare``: confluent-kafka and msgspec, nothing else. ``watch``: what ``patrol run`` runs. The others are what one would
write with River: a scaler and half-space trees a unit, scan by scan, in a loop or as a Bytewax flow.
"""

import logging
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import msgspec
from confluent_kafka import Consumer, Message, TopicPartition

from connectors.kafka.stop import Stop
from connectors.prometheus.metrics import Metrics
from connectors.settings import Kafka
from models.records.messages import Scan
from ops.config import Configuration, load
from tests.benchmarks.site import PARTITIONS

_ALARM = 0.95  # half-space trees' score
_POLL = 1000  # messages


class Took(msgspec.Struct, frozen=True):
    """What one run took, from after its first poll that brought something to the last write Kafka confirmed."""

    scans: int
    seconds: float  # wall clock
    cpu_s: float
    peak_mb: float = 0.0  # resident memory


class Clock:
    """Starts with the first poll that brings something."""

    def __init__(self) -> None:
        self._scans: int | None = None

    def polled(self, scans: int) -> None:
        """So many scans have come by now."""
        if scans and self._scans is None:
            self._scans, self._began, self._cpu = scans, time.perf_counter(), time.process_time()

    def done(self) -> None:
        """All there was up to now is done."""
        self._end, self._end_cpu = time.perf_counter(), time.process_time()

    def took(self, scans: int) -> Took:
        """What all took, up to the last ``done``."""
        peak_mb = _peak_mb()
        if self._scans is None:  # another process of the cluster reads
            return Took(0, 0.0, time.process_time(), peak_mb)
        return Took(scans - self._scans, self._end - self._began, self._end_cpu - self._cpu, peak_mb)


def bare(configuration: Configuration, scans: int) -> Took:
    """Read and decode."""
    decode = msgspec.json.Decoder(Scan).decode
    clock = Clock()
    for message in _messages(configuration.kafka, scans, clock):
        decode(message.value())
    return clock.took(scans)


def bare_tuned(configuration: Configuration, scans: int) -> Took:
    """Read and decode, by a consumer whose queue is never left empty for a second (librdkafka's default)."""
    decode, clock = msgspec.json.Decoder(Scan).decode, Clock()
    for message in _messages(configuration.kafka, scans, clock, {"fetch.queue.backoff.ms": 10}):
        decode(message.value())
    return clock.took(scans)


def bare_river(configuration: Configuration, scans: int) -> Took:
    """Read, decode and judge in a loop."""
    decode, models, clock = msgspec.json.Decoder(Scan).decode, defaultdict(_model), Clock()
    alarms = []
    for message in _messages(configuration.kafka, scans, clock):
        scan = decode(message.value())
        if _over(models[scan.unit], scan):
            alarms.append((scan.unit, scan.observed_at))
    return clock.took(scans)


def bytewax_river(configuration: Configuration, scans: int) -> Took:
    """Bytewax, its own Kafka source, a stateful step by unit, a sink."""
    import bytewax.operators as op
    from bytewax.connectors.kafka import KafkaSource
    from bytewax.dataflow import Dataflow
    from bytewax.run import cli_main
    from bytewax.testing import TestingSink

    decode, alarms, kafka, clock = msgspec.json.Decoder(Scan).decode, [], configuration.kafka, Clock()
    arrived = 0

    def judge(model: object, scan: Scan) -> tuple[object, bool]:
        nonlocal arrived
        clock.polled(arrived)  # from the second scan on: the source is Bytewax's own
        arrived += 1
        model = model or _model()
        return model, _over(model, scan)

    flow = Dataflow("river")
    source = KafkaSource([kafka.bootstrap_servers], list(kafka.topics.scans), tail=False, batch_size=_POLL)
    decoded = op.map("decode", op.input("scans", flow, source), lambda message: decode(message.value))
    by_unit = op.key_on("by_unit", decoded, lambda scan: scan.unit)
    judged = op.stateful_map("judge", by_unit, judge)
    op.output("alarms", op.filter("over", judged, lambda keyed: keyed[1]), TestingSink(alarms))
    cli_main(flow)
    clock.done()
    return clock.took(arrived)


def watch(configuration: Configuration, scans: int) -> Took:
    """The full watch, recovery snapshots and all outputs on Kafka."""
    from connectors.outputs.outbox import Outbox
    from ops.commands.run import Edges, watch_flow
    from ops.monitors import choose_monitors
    from ops.running import Place, execute

    stop, clock = Stop(), Clock()
    metrics, chosen = Counting(configuration, scans, stop, clock), choose_monitors(configuration)
    outbox = Outbox(configuration.kafka, configuration.twin.name, metrics, stop)
    flow = watch_flow(configuration, chosen, Edges(metrics, stop, outbox))
    execute(flow, Place("deviation", Path(configuration.recovery.folder), 0.2), configuration, chosen.stored)
    return clock.took(scans)


def cluster(configuration: Configuration, scans: int) -> Took:
    """One process of a Bytewax cluster of the full watch; PATROL_CLUSTER says which, and where all are."""
    from bytewax.recovery import RecoveryConfig
    from bytewax.run import cli_main

    from connectors.outputs.outbox import Outbox
    from ops.commands.run import Edges, watch_flow
    from ops.monitors import choose_monitors

    number, *addresses = os.environ["PATROL_CLUSTER"].split(",")
    stop, clock = Stop(), Clock()
    metrics = Counting(configuration, scans, stop, clock)
    outbox = Outbox(configuration.kafka, f"{configuration.twin.name}-{number}", metrics, stop)  # sinks may be parted
    flow = watch_flow(configuration, choose_monitors(configuration), Edges(metrics, stop, outbox))
    recovery = RecoveryConfig(configuration.recovery.folder, backup_interval=timedelta(0))
    cli_main(
        flow, addresses=addresses, process_id=int(number), workers_per_process=1,
        epoch_interval=timedelta(seconds=0.2), recovery_config=recovery,
    )  # fmt: skip
    return clock.took(scans)


class Counting(Metrics):
    """The metrics, and the end of the flow once so many scans have come: what has come is judged and written."""

    def __init__(self, configuration: Configuration, scans: int, stop: Stop, clock: Clock) -> None:
        super().__init__(tags=configuration.twin.tag_names)
        self._stop, self._timer, self._arrived, self._all = stop, clock, 0, scans

    def scans(self, unit: str, count: int) -> None:
        super().scans(unit, count)
        self._arrived += count

    def caught_up(self, caught_up: bool) -> None:
        super().caught_up(caught_up)
        self._timer.polled(self._arrived)
        if self._arrived >= self._all:
            self._stop.request()

    def broker(self, up: bool) -> None:
        super().broker(up)
        self._timer.done()  # a sink says so when Kafka has confirmed all it was given: closing clients does not count


def _messages(kafka: Kafka, scans: int, clock: Clock, tuned: dict[str, int] | None = None) -> Iterator[Message]:
    """So many messages of the scans' topic, from its beginning."""
    left, topic = scans, kafka.topics.scans[0]
    settings = {"bootstrap.servers": kafka.bootstrap_servers, "group.id": "bench", **(tuned or {})}
    with closing(Consumer(settings)) as consumer:
        consumer.assign([TopicPartition(topic, partition, 0) for partition in range(PARTITIONS)])
        while left > 0:
            found = consumer.consume(min(_POLL, left), timeout=0.05)
            left -= len(found)
            clock.polled(scans - left)
            yield from found
        clock.done()


def _model() -> object:
    from river import anomaly, preprocessing

    return preprocessing.StandardScaler() | anomaly.HalfSpaceTrees(seed=1)


def _over(model: object, scan: Scan) -> bool:
    score = model.score_one(scan.values)
    model.learn_one(scan.values)
    return bool(score > _ALARM)


def _peak_mb() -> float:
    """Of this process's resident memory (``getrusage`` would count its parent's, too)."""
    lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM"))


CONTENDERS: dict[str, Callable[[Configuration, int], Took]] = {
    "watch": watch, "bare": bare, "bare_tuned": bare_tuned, "bare_river": bare_river, "bytewax_river": bytewax_river,
    "cluster": cluster,
}  # fmt: skip


def main(name: str, file: str, scans: str) -> None:
    """Run one contender and print what it took."""
    logging.disable(logging.WARNING)
    print(msgspec.json.encode(CONTENDERS[name](load(Path(file)), int(scans))).decode(), flush=True)
    os._exit(0)  # threads of librdkafka are not waited for


if __name__ == "__main__":
    main(*sys.argv[1:])
