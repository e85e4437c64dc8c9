"""``patrol run``: watch units live."""

import logging
from functools import partial
from typing import TYPE_CHECKING

from ops.commands import command_app
from ops.commands.arguments import RecoveryFolder, Standby, Store, TwinFile, Unapproved, Version

if TYPE_CHECKING:
    from bytewax.dataflow import Dataflow

    from connectors.kafka.stop import Stop
    from connectors.prometheus.metrics import Metrics
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
    from connectors.kafka.past_deviations import past_deviations
    from connectors.kafka.stop import Stop
    from connectors.prometheus.metrics import Metrics
    from ops import logs
    from ops.config import load
    from ops.holding import guarded, held
    from ops.monitors import Choice, choose_monitors
    from ops.running import Place, execute, exposed, recovery_folder

    configuration = load(twin)
    logs.configure()
    own = configuration.twin
    stop, metrics = Stop(), Metrics(tags=own.tag_names, alarms=own.alarms)
    stop.install()
    chosen = choose_monitors(configuration, Choice(store, reference, unapproved))
    LOG.info("%s", chosen.summary)
    if chosen.stored is not None:
        metrics.reference(chosen.stored.id, chosen.stored.sha256, chosen.stored.state)
    flow = watch_flow(configuration, chosen, metrics, stop)
    place = Place("deviation", recovery_folder(configuration, "deviation", recovery), configuration.recovery.epoch_s)
    kept = held(place.recovery, stop, standby)
    if kept is None:
        return
    metrics.recovery(place.flow, place.recovery)
    with guarded(kept, stop, configuration.kafka.drain_s), exposed(metrics, configuration, stop):
        for deviation in past_deviations(configuration.kafka, stop):
            metrics.remember(deviation)
        execute(flow, place, configuration, chosen.stored)


def watch_flow(
    configuration: "Configuration", chosen: "ChosenMonitors", metrics: "Metrics", stop: "Stop"
) -> "Dataflow":
    """The whole flow, Kafka to Kafka, told by the configuration and judged by who was chosen."""
    from connectors.kafka.sink import KafkaSink
    from connectors.kafka.source import KafkaSource
    from flows.deviation import Ends, Taps, build
    from ops.running import note

    kafka = configuration.kafka
    return build(
        KafkaSource(kafka, configuration.twin, metrics, stop),
        Ends(
            deviations=KafkaSink(kafka, kafka.topics.deviations, metrics, stop),
            scores=KafkaSink(kafka, kafka.topics.scores, metrics, stop),
            dead_letters=KafkaSink(kafka, kafka.topics.dead_letters, metrics, stop),
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
        metrics.score(watch.unit.running.score(watch.unit.last_us))
    return watch
