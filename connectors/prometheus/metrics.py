"""Every Prometheus series PATrol exposes, declared once; docs/metrics.md says what each is good for.

Names have the prefix ``patrol_`` and end in their base unit; labels come from short lists. ``batch_id`` is a label of
one series only, the info series of the batches running now, which goes when its batch ends.
"""

import platform
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)

from connectors.prometheus.alarm_series import AlarmSeries
from connectors.prometheus.exposition import Served, serve
from connectors.prometheus.unit_series import UnitSeries
from connectors.settings import Exposition
from connectors.store.recovery import snapshots
from models.records.block import Feed
from models.records.errors import REASONS, REMARKS
from models.records.messages import Deviation, Score
from models.records.twin import Alarms

# Event time to verdict, seconds: a block within milliseconds, a catch-up within minutes.
LATENCY_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900)


class Metrics:
    """The series, and what happens as calls.

    Parameters
    ----------
    registry
        Where the series are registered; a registry of its own by default, so that several can live in one process.
    tags
        The twin's tags: each has a sensor series from its unit's first score on. Without them only sensors that were
        ever unfit have one.
    alarms
        The twin's alarm rules, for the audit of the alarm system.
    clock
        Seconds since 1970; latency is measured on it.
    """

    def __init__(
        self,
        registry: CollectorRegistry | None = None,
        *,
        tags: Sequence[str] = (),
        alarms: Alarms | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # `_created` beside every counter: noise
        self.registry = registry or CollectorRegistry()
        self._units, self._clock = UnitSeries(tags), clock
        self.is_caught_up, self.polled_s = False, time.monotonic()
        self.registry.register(self._units)
        self._declare_traffic()
        self._declare_setup()
        self._alarms = AlarmSeries(self.registry, alarms)
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)

    # -- traffic ----------------------------------------------------------------------------------------------

    def scans(self, unit: str, count: int) -> None:
        """Scans that arrived."""
        self._units.scans(unit, count)

    def readings(self, unit: str, count: int) -> None:
        """Readings (long form) that arrived."""
        self._readings.labels(unit).inc(count)

    def blocks(self, count: int) -> None:
        """Blocks that arrived."""
        self._blocks.inc(count)

    def dead_letter(self, reason: str) -> None:
        """A message that could not be used; ``reason`` is one of ``models.records.errors.REASONS``."""
        self._dead_letters.labels(reason).inc()

    def remark(self, kind: str, count: int = 1) -> None:
        """Something worth a note; ``kind`` is one of ``models.records.errors.REMARKS``."""
        self._remarks.labels(kind).inc(count)

    def unknown_tag_values(self, count: int) -> None:
        """Values of tags the twin does not know, in scans whose other tags are judged."""
        self._unknown_tag_values.inc(count)

    def left_out(self, why: str, units: int) -> None:
        """A message of a unit that is not watched: "unlisted" or "too-many"; how many units are too many by now."""
        self._left_out.labels(why).inc()
        self._units_left_out.set(units)

    def lag(self, topic: str, partition: int, messages: int) -> None:
        """Messages of a partition not read yet."""
        self._lag.labels(topic, str(partition)).set(messages)

    def lost(self, topic: str, partition: int, messages: int) -> None:
        """Messages that retention removed before they were read: nobody judges them."""
        self._lost.labels(topic, str(partition)).inc(messages)

    def broker(self, up: bool) -> None:
        """Whether the broker answers."""
        self._broker_up.set(up)

    def broker_error(self, kind: str) -> None:
        """An error the Kafka client reported; ``kind`` is librdkafka's name for it (``_TRANSPORT``)."""
        self._broker_errors.labels(kind).inc()

    def caught_up(self, caught_up: bool) -> None:
        """Whether all there was to read has been read; set at every poll, so it is the flow's pulse too."""
        self.is_caught_up, self.polled_s = caught_up, time.monotonic()
        self._caught_up.set(caught_up)
        self._polled.set(self._clock())

    def verdict(self, observed_us: int) -> None:
        """A verdict on a scan observed at ``observed_us`` (microseconds since 1970-01-01 UTC) is ready now.

        A scan from the future (its clock is ahead of ours) counts as 0 s.
        """
        self._latency.observe(max(0.0, self._clock() - observed_us / 1e6))

    def judged(self, feed: Feed) -> None:
        """A feed has been judged: its newest scan's verdict is ready now."""
        for block in feed.blocks:
            if len(block):
                self.verdict(int(block.observed_us[-1]))

    # -- units ------------------------------------------------------------------------------------------------

    def score(self, score: Score) -> None:
        """A unit's newest score; a field the score lacks has no series."""
        self._units.score(score)
        self._alarms.observe(score)

    def deviation(self, deviation: Deviation, restored: bool = False) -> None:
        """A revision of a deviation; revisions that are known already or older change nothing.

        After a restart, pass the open deviations of the restored watches (``restored``: they are not raised anew), or
        they are missing until they change.
        """
        self._alarms.take(deviation, restored)

    def remember(self, deviation: Deviation) -> None:
        """A revision from before this process began, for the audit of the alarm system alone."""
        self._alarms.remember(deviation)

    # -- set-up -----------------------------------------------------------------------------------------------

    def build(self, version: str, config_sha256: str) -> None:
        """What is running: PATrol's version and the configuration's hash."""
        self._build.clear()
        self._build.labels(version, platform.python_version(), config_sha256).set(1)

    def reference(self, reference_id: str, sha256: str, state: str) -> None:
        """The reference batches are judged against: ``name@version``, its checksum and its state."""
        name, _, version = reference_id.rpartition("@")
        self._reference.clear()
        self._reference.labels(name, version, sha256, state).set(1)

    def recovery(self, flow: str, folder: Path) -> None:
        """Where the flow's snapshots lie: each scrape looks when the newest was written; 0: there is none."""
        self._snapshot.labels(flow).set_function(lambda: snapshots(folder)[0])
        self._store_bytes.labels(flow).set_function(lambda: snapshots(folder)[1])

    def serve(
        self, exposition: Exposition, ready: Callable[[], bool], live: Callable[[], bool], key: str = "metrics.port"
    ) -> Served:
        """Serve /metrics, /livez and /readyz: see ``connectors.prometheus.exposition.serve``."""
        return serve(self.registry, exposition, ready=ready, live=live, key=key)

    # -- inside -----------------------------------------------------------------------------------------------

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)

    def _declare_traffic(self) -> None:
        self._readings = self._counter("patrol_readings", "Readings that arrived", "unit")
        self._blocks = self._counter("patrol_blocks", "Blocks of scans or readings that arrived")
        self._dead_letters = self._counter("patrol_dead_letters", "Messages not used", "reason")
        self._remarks = self._counter("patrol_remarks", "Things worth a note", "kind")
        self._unknown_tag_values = self._counter("patrol_unknown_tag_values", "Values of unknown tags")
        self._left_out = self._counter("patrol_left_out_messages", "Messages of units that are not watched", "why")
        self._units_left_out = self._gauge("patrol_units_left_out", "Units beyond the twin's units_max")
        self._lag = self._gauge("patrol_lag_messages", "Messages not read yet", "topic", "partition")
        self._lost = self._counter(
            "patrol_lost_messages", "Messages removed before they were read", "topic", "partition"
        )
        self._broker_up = self._gauge("patrol_broker_up", "1: the broker answers")
        self._broker_errors = self._counter("patrol_broker_errors", "Errors of the Kafka client", "kind")
        self._caught_up = self._gauge("patrol_caught_up", "1: all there was to read has been read")
        self._polled = self._gauge("patrol_last_poll_timestamp_seconds", "When the flow last polled")
        latency, meaning = "patrol_verdict_latency_seconds", "From a scan's event time to its verdict"
        self._latency = Histogram(latency, meaning, buckets=LATENCY_BUCKETS, registry=self.registry)
        for reason in REASONS:  # from 0, so that the first one is an increase
            self._dead_letters.labels(reason)
        for kind in REMARKS:
            self._remarks.labels(kind)
        for why in ("unlisted", "too-many"):
            self._left_out.labels(why)

    def _declare_setup(self) -> None:
        self._build = self._gauge("patrol_build_info", "What runs", "version", "python", "config_sha256")
        labels = ("name", "version", "sha256", "state")
        self._reference = self._gauge("patrol_reference_info", "What is judged against", *labels)
        self._snapshot = self._gauge("patrol_snapshot_timestamp_seconds", "When a snapshot was last written", "flow")
        self._store_bytes = self._gauge("patrol_recovery_store_bytes", "Size of the recovery store", "flow")
