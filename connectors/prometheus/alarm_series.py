"""The series of deviations, and of the load they put on the operators (ISA-18.2, EEMUA 191, OPC UA's AlarmMetrics)."""

from collections.abc import Callable, Iterator
from itertools import product
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector

from models.alarms.audit import AlarmAudit
from models.alarms.figures import Figures
from models.records.messages import Deviation, Grade, Score, State
from models.records.twin import Alarms

_KIND = ("unit", "category", "priority", "grade")
_GRADES: tuple[Grade, ...] = ("approved", "advisory")
_THERE: tuple[State, ...] = ("UNACK", "ACKED", "SHLVD")  # the condition is there

# Series, meaning, and its value: of annunciations within the last 30 days of event time, since the process started.
_FIGURES: tuple[tuple[str, str, Callable[[Figures], float]], ...] = (
    ("patrol_alarm_start_timestamp_seconds", "Begin of what is audited", lambda f: f.since.timestamp()),
    ("patrol_current_alarm_rate", "Annunciations in the last ten minutes", lambda f: f.rate.now),
    ("patrol_maximum_alarm_rate", "Most annunciations in any ten minutes", lambda f: f.rate.peak),
    ("patrol_average_alarm_rate", "Annunciations per ten minutes", lambda f: f.rate.average),
    ("patrol_maximum_active_state_seconds", "Longest time active", lambda f: f.standing.longest_active_s),
    ("patrol_maximum_unack_seconds", "Longest unacknowledged", lambda f: f.standing.longest_unacknowledged_s),
    ("patrol_maximum_realarms", "Most repeats of one deviation", lambda f: f.frequent.most_repeats),
    ("patrol_alarm_flood", "1: more alarms than one can follow", lambda f: f.flooding.now),
    ("patrol_alarm_floods", "Floods", lambda f: f.flooding.floods),
    ("patrol_alarm_flood_seconds", "Time in flood", lambda f: f.flooding.seconds),
    ("patrol_chattering_alarms", "Sources that come and go", lambda f: len(f.frequent.chattering)),
    ("patrol_stale_alarms", "Standing for over 24 h", lambda f: len(f.standing.stale_now)),
    ("patrol_shelved_alarms", "Shelved now", lambda f: f.suppression.shelved_now),
)


class AlarmSeries(Collector):
    """Deviations as they stand, and the audit's figures, reckoned at each scrape.

    Parameters
    ----------
    registry
        Where the series are registered.
    alarms
        The twin's alarm rules: for the audit, and to show a unit's series from 0 on, so that its first deviation is
        an increase.
    """

    def __init__(self, registry: CollectorRegistry, alarms: Alarms | None = None) -> None:
        self._open: dict[str, Deviation] = {}  # deviation_id -> its newest revision, unless back to NORM
        self._units: set[str] = set()
        self._alarms = alarms
        self._audit, self._lock = AlarmAudit(alarms), Lock()  # a scrape runs in a thread of its own

        def gauge(name: str, meaning: str, *labels: str) -> Gauge:
            return Gauge(name, meaning, labels, registry=registry)

        self._active = gauge("patrol_active_deviations", "Deviations whose condition is there", *_KIND)
        self._unacknowledged = gauge("patrol_unacknowledged_deviations", "There, and nobody has said so", *_KIND)
        self._returned = gauge("patrol_returned_deviations", "Deviations over, not acknowledged", *_KIND)
        self._quiet = gauge("patrol_unit_quiet", "1: a batch runs and no scan comes", "unit")
        self._raised = Counter("patrol_deviations_raised", "Deviations raised", _KIND, registry=registry)
        self._annunciated = Counter(
            "patrol_annunciations", "Times a deviation was annunciated", _KIND, registry=registry
        )
        registry.register(self)

    def take(self, deviation: Deviation, restored: bool = False) -> None:
        """A revision; those that are known already or older change nothing. ``restored``: raised before the restart."""
        before = self._open.get(deviation.deviation_id)
        if before is not None and before.revision >= deviation.revision:
            return
        with self._lock:
            self._audit.take(deviation)
        was, now = (None if before is None else before.state), deviation.state
        self._raised.labels(*_kind(deviation)).inc(deviation.revision == 1 and not restored)
        self._annunciated.labels(*_kind(deviation)).inc(now == "UNACK" != was and not restored)
        self._count(before, -1)
        self._count(deviation, 1)
        if deviation.cause == "quiet":
            self._quiet.labels(deviation.unit).set(now in ("UNACK", "ACKED"))  # shelved: it would hush the unit's pages
        if now == "NORM":
            self._open.pop(deviation.deviation_id, None)
        else:
            self._open[deviation.deviation_id] = deviation

    def remember(self, deviation: Deviation) -> None:
        """A revision from before this process began: for the audit alone; the deviation may be open no more."""
        with self._lock:
            self._audit.take(deviation)

    def observe(self, score: Score) -> None:
        """Event time has passed; the unit is watched."""
        if score.unit not in self._units:
            self._units.add(score.unit)
            self._begin(score.unit)
        with self._lock:
            self._audit.take(score)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The audit's figures; without any event yet no samples."""
        with self._lock:
            found = self._audit.figures()
        for name, meaning, value in _FIGURES:
            family = GaugeMetricFamily(name, meaning)
            if found is not None:
                family.add_metric([], value(found))
            yield family
        frequent = GaugeMetricFamily(
            "patrol_frequent_alarms", "Annunciations of the ten most frequent", labels=["source"]
        )
        shares = GaugeMetricFamily("patrol_alarm_priority_ratio", "Share of annunciations", labels=["priority"])
        if found is not None:
            for source in found.frequent.sources:
                frequent.add_metric([source.source], source.annunciated)
            for priority, share in found.priority_shares.items():
                shares.add_metric([priority], share)
        yield from (frequent, shares)

    def _begin(self, unit: str) -> None:
        self._quiet.labels(unit).inc(0)
        if self._alarms is None:
            return
        for category, grade in product(("process", "sensor", "context"), _GRADES):
            kind = unit, category, self._alarms.priority(category, grade), grade
            for gauge in (self._active, self._unacknowledged, self._returned):
                gauge.labels(*kind).inc(0)
            for counter in (self._raised, self._annunciated):
                counter.labels(*kind).inc(0)

    def _count(self, deviation: Deviation | None, by: int) -> None:
        if deviation is None:
            return
        labels = _kind(deviation)
        if deviation.state in _THERE:
            self._active.labels(*labels).inc(by)
        elif deviation.state == "RTNUN":
            self._returned.labels(*labels).inc(by)
        if deviation.state == "UNACK":
            self._unacknowledged.labels(*labels).inc(by)


def _kind(deviation: Deviation) -> tuple[str, str, str, str]:
    return deviation.unit, deviation.category, deviation.priority, deviation.grade
