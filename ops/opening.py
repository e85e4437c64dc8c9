"""Becoming a twin's one writer, in a thread: Kafka takes a moment to answer, and the models as long to be imported."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from connectors.kafka.stop import Stop
from connectors.outputs.lease import Lease
from connectors.outputs.outbox import Outbox
from connectors.outputs.past_deviations import past_deviations
from connectors.prometheus.metrics import Metrics
from models.records.messages import Deviation
from ops.config import Configuration
from ops.holding import leading, writing


@dataclass(frozen=True, slots=True)
class Opened:
    """What a writer begins with."""

    outbox: Outbox
    past: tuple[Deviation, ...]  # emitted before this start


@contextmanager
def opening(
    configuration: Configuration, folder: Path, metrics: Metrics, stop: Stop, *, standby: bool
) -> Iterator["Future[Opened | None]"]:
    """Claim the writing, shut out whoever wrote before and read what has been emitted; closed at the end.

    The future gives None where it was stopped before that, and raises what ``writing`` and ``Outbox.open`` raise.

    Parameters
    ----------
    configuration
        The twin, and its broker.
    folder
        The recovery folder, held by this process.
    metrics
        Gets the past deviations.
    stop
        Ends the waiting.
    standby
        Whether to wait for the end of a run that writes.
    """
    kafka, twin = configuration.kafka, configuration.twin.name
    pool = ThreadPoolExecutor(1, thread_name_prefix="opening")
    with ExitStack() as opened:

        def begin() -> Opened | None:
            lease = Lease(kafka, twin, folder)
            if not writing(lease, stop, standby):
                return None
            opened.enter_context(leading(lease))
            outbox = opened.enter_context(closing(Outbox(kafka, twin, metrics, stop)))
            outbox.open()
            past = tuple(past_deviations(kafka, stop))
            for deviation in past:
                metrics.remember(deviation)
            return Opened(outbox, past)

        try:
            yield pool.submit(begin)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
