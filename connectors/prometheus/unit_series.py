"""The units' newest scores as series, made at each scrape: a score then costs the flow one assignment."""

from collections.abc import Callable, Iterable, Sequence

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from models.records.messages import Score

_BATCH = ("unit", "batch_id", "product", "phase")


class UnitSeries(Collector):
    """The series of all units, from each one's newest score; a field the score lacks has no series.

    Parameters
    ----------
    tags
        The twin's tags: each has a sensor series from its unit's first score on. Without them only sensors that were
        ever unfit have one.
    """

    def __init__(self, tags: Sequence[str]) -> None:
        self._tags = tuple(tags)
        self._scores: dict[str, Score] = {}
        self._unfit: dict[str, set[str]] = {}  # unit -> tags that were ever unfit
        self._scans: dict[str, int] = {}

    def scans(self, unit: str, count: int) -> None:
        """Scans that arrived."""
        self._scans[unit] = self._scans.get(unit, 0) + count

    def score(self, score: Score) -> None:
        """How a unit stands."""
        self._scores[score.unit] = score
        if score.unfit_sensors:
            self._unfit.setdefault(score.unit, set()).update(score.unfit_sensors)

    def collect(self) -> Iterable[Metric]:
        """All series as they are now; called from the server's threads."""
        scans = CounterMetricFamily("patrol_scans", "Scans that arrived", labels=("unit",))
        for unit, count in list(self._scans.items()):
            scans.add_metric((unit,), count)
        scores = list(self._scores.values())
        batches = GaugeMetricFamily("patrol_batch_running_info", "1: this batch runs", labels=_BATCH)
        for score in scores:
            if score.batch_id is not None:
                batches.add_metric((score.unit, score.batch_id, score.product or "", score.phase or ""), 1)
        return [scans, batches, *(_gauge(*about, scores) for about in _GAUGES), self._sensors(scores)]

    def _sensors(self, scores: Iterable[Score]) -> Metric:
        sensors = GaugeMetricFamily("patrol_sensor_fit", "1: the reading is fit to judge", labels=("unit", "tag"))
        for score in scores:
            if score.grade is not None:
                for tag in dict.fromkeys([*self._tags, *sorted(self._unfit.get(score.unit, ()))]):
                    sensors.add_metric((score.unit, tag), float(tag not in score.unfit_sensors))
        return sensors


def _gauge(name: str, meaning: str, value: Callable[[Score], float | None], scores: Iterable[Score]) -> Metric:
    gauge = GaugeMetricFamily(name, meaning, labels=("unit",))
    for score in scores:
        sample = value(score)
        if sample is not None:
            gauge.add_metric((score.unit,), sample)
    return gauge


def _ratio(value: float | None, limit: float | None) -> float | None:
    return None if value is None or limit is None or limit <= 0 else value / limit


_GAUGES: tuple[tuple[str, str, Callable[[Score], float | None]], ...] = (
    ("patrol_batch_age_seconds", "Time since batch start", lambda score: score.age_s),
    ("patrol_batch_maturity_ratio", "Progress along the recipe, 0 to 1", lambda score: score.maturity),
    ("patrol_t2_limit_ratio", "T² over its limit", lambda score: _ratio(score.t2, score.t2_limit)),
    ("patrol_spe_limit_ratio", "SPE over its limit", lambda score: _ratio(score.spe, score.spe_limit)),
    ("patrol_learner_disagreement_ratio", "Scans disagreed on, 0 to 1", lambda score: score.disagreement),
    (
        "patrol_learning", "1: a cold start is still learning",
        lambda score: None if score.grade is None else float(score.learning),
    ),
)  # fmt: skip
