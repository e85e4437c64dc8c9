"""A twin: one operational question about one product on some units, as the models see it.

``ops.config`` reads it from TOML, together with what only the edges need (Kafka, metrics, files).
Ranges and defaults live here and nowhere else.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from models.records.messages import Priority

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]


_LEAST_QUIET_S = 30.0


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all configuration: immutable, and a typo is an error."""


class Tag(Section, frozen=True, kw_only=True):
    """``[tags.NAME]``: one PAT tag."""

    unit_of_measure: str  # "" for dimensionless
    low: float | None = None  # physically possible range; outside it the sensor is at fault
    high: float | None = None
    role: Literal["measured", "manipulated"] = (
        "measured"  # manipulated: an actuator; it moves when the process is moved
    )
    max_age_s: Positive | None = None  # readings only: how old a last good value may be; default 3 cadences
    description: str = ""


class Alignment(Section, frozen=True, kw_only=True):
    """``[alignment]``: how maturity (0 to 1) follows from a running batch's scans."""

    by: Literal["age", "phase", "indicator"] = "age"
    indicator: str | None = None  # a monotone tag, e.g. total base added
    duration_h: Positive | None = None  # age: maturity 1; default: the longest released batch


class Alarms(Section, frozen=True, kw_only=True):
    """``[alarms]``: when a statistic over its limit becomes a deviation (all times are event time)."""

    budget: Annotated[float, Meta(gt=0, le=1)] = 0.05  # false deviations a good batch, all detectors together
    on_delay_s: NotNegative = 0.0  # over its limit this long before it is raised
    off_delay_s: NotNegative = 3600.0  # back within its limit this long before it is cleared
    deadband: Annotated[float, Meta(ge=0, lt=1)] = 0.05  # below its limit by this share before it counts as back
    rejoin_s: NotNegative = 3600.0  # raised again this soon: the same deviation; a sensor's: all batch long
    process_priority: Priority = "high"
    sensor_priority: Priority = "medium"
    context_priority: Priority = "low"
    advisory_priority: Literal["off", "low", "medium", "high"] = "low"  # what only the learner sees

    def priority(self, category: str, grade: str) -> Priority:
        """The priority of a category ("process", "sensor", "context") and grade ("approved", "advisory")."""
        if category == "context":
            return self.context_priority
        if grade == "advisory" and self.advisory_priority != "off":
            return self.advisory_priority
        return self.sensor_priority if category == "sensor" else self.process_priority


class Context(Section, frozen=True, kw_only=True):
    """``[context]``: what is expected of the batch context."""

    lateness_s: NotNegative = 0.0  # hold scans this long (event time) for stragglers; adds as much delay
    no_batch_after_s: NotNegative = 3600.0  # scans without a batch this long: a context deviation; 0: never
    overdue_factor: Annotated[float, Meta(gt=1)] = 1.25  # older than this x the longest released batch: overdue
    quiet_after_s: NotNegative = 0.0  # wall clock; no scan this long: a context deviation; 0: 5 cadences, at least 30 s
    clock_reset_scans: Annotated[int, Meta(ge=2)] = 20  # so many scans in order, out of time: the clock was set
    repeat_scans: Annotated[int, Meta(ge=100, le=100_000)] = (
        1000  # so many scans are known again when they are repeated
    )


class ColdStart(Section, frozen=True, kw_only=True):
    """``[cold_start]``: judging without a reference, from the unit's own first in-control scans."""

    learn_scans: Annotated[int, Meta(ge=20)] = 400  # scans learnt before the first verdict
    budget_scans: Positive = 100_000.0  # one false deviation in so many scans


class Twin(Section, frozen=True, kw_only=True):
    """One question, one product, some units."""

    name: Annotated[str, Meta(min_length=1, pattern=r"^[a-z0-9][a-z0-9._-]*$")]
    question: str = "Is this batch leaving its trajectory?"
    product: str
    mode: Literal["batch", "continuous"] = "batch"
    units: tuple[str, ...] = ()  # empty: every unit seen, up to
    units_max: Annotated[int, Meta(ge=1)] = 128  # a sender that makes up units must not cost without end
    cadence_s: Positive  # time between two scans
    score_interval_s: Positive | None = None  # event time between two scores; default: every 10 cadences
    tags: Annotated[dict[str, Tag], Meta(min_length=1)]
    alignment: Alignment = Alignment()
    alarms: Alarms = Alarms()
    context: Context = Context()
    cold_start: ColdStart = ColdStart()

    @property
    def tag_names(self) -> tuple[str, ...]:
        """The tags in the order every array uses."""
        return tuple(self.tags)

    @property
    def quiet_s(self) -> float:
        """Without a usable scan for so long a unit is quiet, in seconds."""
        return self.context.quiet_after_s or max(5 * self.cadence_s, _LEAST_QUIET_S)
