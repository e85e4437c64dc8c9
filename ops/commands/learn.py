"""``patrol learn``: released batches into a candidate reference."""

from pathlib import Path

from ops.commands import command_app
from ops.commands.arguments import RecoveryFolder, Store, TwinFile

app = command_app()
_EPOCH_S = 10.0  # the scans of running batches are many; nobody waits for a candidate


@app.command()
def learn(twin: TwinFile, store: Store = None, recovery: RecoveryFolder = None) -> None:
    """Learn released batches into a candidate reference; it watches nothing until somebody approves it.

    Gathers every batch, also those that ran while it was down. On [bold]released[/bold] the batch is learnt, once all
    its process deviations are closed (back to normal and acknowledged); on [bold]rejected[/bold] it is thrown away.
    Runs beside [bold]patrol run[/bold] until SIGTERM or Ctrl-C, which give up a reference that is being fitted: it is
    fitted at the next start. Metrics are on metrics.learn_port.

    [bold]Example[/bold]

    patrol learn my-twin.toml --store refs
    """
    import msgspec

    from connectors.inputs.source import KafkaSource
    from connectors.kafka.stop import Stop
    from connectors.prometheus.metrics import Metrics
    from connectors.store.candidates import CandidateSink
    from connectors.store.fitting_process import FittingProcess
    from flows.learning import build
    from ops import logs
    from ops.config import load
    from ops.holding import guarded, held
    from ops.running import Place, execute, exposed, recovery_folder

    configuration = load(twin)
    logs.configure()
    stop, metrics, kafka = Stop(), Metrics(), configuration.kafka
    stop.install()
    topics = kafka.topics
    seen = msgspec.structs.replace(
        kafka, topics=msgspec.structs.replace(topics, batch_events=(*topics.batch_events, topics.deviations))
    )
    place = Place("learning", recovery_folder(configuration, "learning", recovery), _EPOCH_S)
    kept = held(place.recovery, stop)
    if kept is None:
        return
    metrics.recovery(place.flow, place.recovery)
    own, folder = configuration.twin, store or Path(configuration.references.store)
    with guarded(kept, stop, kafka.drain_s), exposed(metrics, configuration, stop, learns=True):
        fitting = FittingProcess(own, folder)
        try:
            flow = build(KafkaSource(seen, own, metrics, stop), CandidateSink(own, folder, fitting), own)
            execute(flow, place, configuration, None)
        finally:
            fitting.close(abandon=True)  # its batches lie in files, and are learnt at the next start
