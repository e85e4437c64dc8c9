"""What ``patrol run`` and ``patrol learn`` share: a flow with recovery, metrics and a clean end."""

import gc
import importlib.metadata
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bytewax.dataflow import Dataflow
from bytewax.run import cli_main

from connectors.kafka.stop import Stop
from connectors.prometheus.metrics import Metrics
from connectors.settings import Exposition
from connectors.store.recovery import Owner, engine_error, open_store
from models.records.errors import PatrolError, causes
from models.records.messages import Deviation, Outbound, Rejected, Remark, Score
from ops.config import Configuration

if TYPE_CHECKING:  # imports the models, which takes a second
    from connectors.store.references import StoredVersion

LOG = logging.getLogger("patrol")
_COLLECT_AFTER = 50_000  # new objects: a poll's messages and records, which hold no cycles, are gone by then
_STUCK_S = 60.0  # wall clock without a poll: the flow hangs


@dataclass(frozen=True, slots=True)
class Place:
    """Where one flow runs: what it may overrule of the twin's file."""

    flow: str  # "deviation", "learning"
    recovery: Path
    epoch_s: float


def execute(flow: Dataflow, place: Place, configuration: Configuration, stored: "StoredVersion | None") -> None:
    """Run a flow until it ends or is stopped, from where its recovery store left it.

    Raises
    ------
    PatrolError
        What a source, step or sink raised, unwrapped.
    """
    gc.freeze()  # what is there now stays: the collector need not look at hundreds of thousands of objects again
    gc.set_threshold(_COLLECT_AFTER, 20, 20)
    recovery = open_store(place.recovery, owner(place.flow, configuration, stored), _forms(place.flow))
    since = f"snapshots since {recovery.owner.created_at:%Y-%m-%d %H:%M} UTC"
    LOG.info("%s flow: %s in %s", place.flow, f"resumes from {since}" if recovery.resumed else "new", place.recovery)
    if os.environ.get("PATROL_DEBUG") != "1":
        os.environ["RUST_BACKTRACE"] = "0"
    try:
        cli_main(  # type: ignore[no-untyped-call]
            flow, epoch_interval=timedelta(seconds=place.epoch_s), recovery_config=recovery.config
        )
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as exc:  # the engine's panics are no Exceptions
        known = next((cause for cause in causes(exc) if isinstance(cause, PatrolError)), None)
        known = known or engine_error(place.recovery, exc)
        if known is None:
            raise
        raise known from exc
    LOG.info("%s flow: drained and stopped", place.flow)


def _forms(flow: str) -> tuple[int, ...]:
    """The forms in which the states that a flow keeps by unit can be read, as far as it has any."""
    from models.unit.state import READABLE

    return READABLE if flow == "deviation" else ()


@contextmanager
def exposed(metrics: Metrics, configuration: Configuration, stop: Stop, *, learns: bool = False) -> Iterator[None]:
    """Serve the metrics for as long as the flow runs; one that ``learns`` has a port of its own."""
    metrics.build(importlib.metadata.version("patrol-pat"), configuration.sha256)
    at = configuration.metrics
    served = metrics.serve(
        Exposition(address=at.address, port=at.learn_port if learns else at.port),
        ready=lambda: metrics.is_caught_up and not stop.requested,
        live=lambda: time.monotonic() - metrics.polled_s < _STUCK_S,
        key="metrics.learn_port" if learns else "metrics.port",
    )
    LOG.info("metrics on http://%s:%d/metrics", configuration.metrics.address, served.port)
    try:
        yield
    finally:
        served.close()


def note(metrics: Metrics, record: Outbound) -> None:
    """Count one record the flow has said."""
    if isinstance(record, Score):
        metrics.score(record)
    elif isinstance(record, Deviation):
        metrics.deviation(record)
        LOG.info("%s r%d %s: %s", record.deviation_id, record.revision, record.state, record.message)
    elif isinstance(record, Rejected):
        metrics.dead_letter(record.reason)
    elif isinstance(record, Remark):
        metrics.remark(record.kind, record.count)
        if record.detail:
            LOG.info("%s: %s: %s", record.unit, record.kind, record.detail)


def owner(flow: str, configuration: Configuration, stored: "StoredVersion | None") -> Owner:
    """Whose a recovery store made now would be."""
    return Owner(
        flow=flow,
        twin=configuration.twin.name,
        config_sha256=configuration.sha256,
        reference="" if stored is None else f"{stored.id} {stored.sha256}",
        created_at=datetime.now(UTC),
    )


def recovery_folder(configuration: Configuration, flow: str, folder: Path | None) -> Path:
    """The folder asked for, or the twin's; one below it for each twin and flow."""
    return (folder or Path(configuration.recovery.folder)) / f"{configuration.twin.name}-{flow}"
