"""``patrol run``: watch units live."""

import gc
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ops.commands import command_app
from ops.commands.arguments import RecoveryFolder, Standby, Store, TwinFile, Unapproved, Version

if TYPE_CHECKING:
    from bytewax.dataflow import Dataflow

    from connectors.kafka.stop import Stop
    from connectors.outputs.outbox import Outbox
    from connectors.prometheus.metrics import Metrics
    from models.records.messages import Deviation
    from models.unit.watch import Watch
    from ops.config import Configuration
    from ops.monitors import ChosenMonitors

app = command_app()
LOG = logging.getLogger("patrol")


@app.command()
def run(
    twin: TwinFile,
    store: Store = None,
    reference: Version = None,
    unapproved: Unapproved = False,
    recovery: RecoveryFolder = None,
    standby: Standby = False,
) -> None:
    """Watch units live: scans and batch events from Kafka in, deviations, scores and dead letters out.

    Goes on from where its recovery store left it: after a crash no deviation is lost and none is written twice. While
    the broker is away it waits. SIGTERM and Ctrl-C drain it: what was consumed is judged and written, then exit 0.
    One run writes a recovery folder at a time: a second one is refused, or stands by and takes over when the first
    ends, however it ends.

    [bold]Examples[/bold]

    patrol check my-twin.toml && patrol run my-twin.toml

    patrol run ops/twins/valve-rig.toml --recovery /var/lib/patrol
    """
    from connectors.kafka.stop import Stop
    from connectors.prometheus.metrics import Metrics
    from ops import logs
    from ops.config import load
    from ops.holding import guarded, held
    from ops.opening import opening
    from ops.running import Place, execute, exposed, recovery_folder

    configuration = load(twin)
    logs.configure()
    own = configuration.twin
    stop, metrics = Stop(), Metrics(tags=own.tag_names, alarms=own.alarms)
    stop.install()
    choose = partial(_choose, configuration, metrics, (store, reference, unapproved))
    chosen = choose() if standby else None  # everything is there when it takes over
    place = Place("deviation", recovery_folder(configuration, "deviation", recovery), configuration.recovery.epoch_s)
    kept = held(place.recovery, stop, standby)
    if kept is None:
        return
    metrics.recovery(place.flow, place.recovery)
    with (
        guarded(kept, stop, configuration.kafka.drain_s),
        exposed(metrics, configuration, stop),
        opening(configuration, place.recovery, metrics, stop, standby=standby) as writer,
    ):
        chosen = chosen or choose()
        opened = writer.result()
        if opened is not None:
            flow = watch_flow(configuration, chosen, Edges(metrics, stop, opened.outbox, opened.past))
            execute(flow, place, configuration, chosen.stored)


def _choose(
    configuration: "Configuration", metrics: "Metrics", wanted: tuple[Path | None, str | None, bool]
) -> "ChosenMonitors":
    """Who judges; imports the models, which takes a second."""
    gc.disable()  # a tenth of a second of a restart
    try:
        from ops.monitors import Choice, choose_monitors

        chosen = choose_monitors(configuration, Choice(*wanted))
    finally:
        gc.enable()
    LOG.info("%s", chosen.summary)
    if chosen.stored is not None:
        metrics.reference(chosen.stored.id, chosen.stored.sha256, chosen.stored.state)
    return chosen


@dataclass(frozen=True, slots=True)
class Edges:
    """What the flow is joined to."""

    metrics: "Metrics"
    stop: "Stop"
    outbox: "Outbox"
    past: "Sequence[Deviation]" = ()  # emitted before this start


def watch_flow(configuration: "Configuration", chosen: "ChosenMonitors", edges: Edges) -> "Dataflow":
    """The whole flow, Kafka to Kafka, told by the configuration and judged by who was chosen."""
    from connectors.inputs.source import KafkaSource
    from connectors.outputs.sink import KafkaSink
    from flows.deviation import Ends, Taps, build
    from models.alarms.conditions import silence_of
    from ops.running import note

    kafka, metrics = configuration.kafka, edges.metrics
    silences = [tick for deviation in edges.past if (tick := silence_of(deviation)) is not None]
    return build(
        KafkaSource(kafka, configuration.twin, metrics, edges.stop, silences),
        Ends(
            deviations=KafkaSink(kafka, kafka.topics.deviations, edges.outbox, edges.stop),
            scores=KafkaSink(kafka, kafka.topics.scores, edges.outbox, edges.stop),
            dead_letters=KafkaSink(kafka, kafka.topics.dead_letters, edges.outbox, edges.stop),
        ),
        partial(_watch, configuration, chosen, metrics),
        Taps(judged=metrics.judged, emitted=partial(note, metrics)),
    )


def _watch(
    configuration: "Configuration", chosen: "ChosenMonitors", metrics: "Metrics", unit: str, state: bytes | None
) -> "Watch":
    """A unit's watch; after a restart the metrics hear at once of its batch and of the deviations that were open."""
    from models.unit.watch import Watch

    watch = Watch(unit, configuration.twin, chosen.monitors, configuration.sha256, state)
    for deviation in watch.unit.register.open():
        metrics.deviation(deviation, restored=True)
    if watch.unit.running is not None and watch.unit.last_us is not None:
        metrics.score(watch.unit.scores.standing(watch.unit.batch_context, watch.unit.last_us))
    return watch
