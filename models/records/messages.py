"""What travels: the records PATrol reads from and writes to its topics.

Every record is immutable and says its type and version in ``type`` (``scan/1``). Wire records tolerate fields
they do not know (newer producers); a new field gets a default, a changed meaning gets a new tag.
Times are UTC with a zone; a naive time is refused. Numbers are finite.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

UtcTime = Annotated[datetime, Meta(tz=True)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]
Label = Annotated[str, Meta(max_length=256)]
Text = Annotated[str, Meta(max_length=4000)]  # what a person writes
DeviationId = Annotated[str, Meta(min_length=1, max_length=2048)]  # of a unit, a batch and a cause of 256 each, escaped
Share = Annotated[float, Meta(ge=0, le=1)]

Quality = Literal["good", "uncertain", "bad"]
Category = Literal["process", "sensor", "context"]
Grade = Literal["approved", "advisory"]
Priority = Literal["low", "medium", "high"]
State = Literal["NORM", "UNACK", "ACKED", "RTNUN", "SHLVD"]


class Record(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The base of all records: immutable, keywords only, defaults left off the wire."""


class Scan(Record, tag="scan/1", frozen=True, kw_only=True):
    """One simultaneous set of a unit's tag values (wide form).

    A tag of quality ``bad``, or whose value is null, has no reading in this scan.
    """

    unit: Name  # ISA-88 unit, e.g. "BR-101"
    observed_at: UtcTime  # at the sensor, not on arrival
    values: dict[str, float | None]  # tag -> reading, in the unit of measure the twin gives
    quality: dict[str, Quality] = {}
    batch_id: Name | None = None  # none: the batch running on the unit
    phase: Label | None = None


class Reading(Record, tag="reading/1", frozen=True, kw_only=True):
    """One tag's value (long form, as historians and OPC UA bridges publish)."""

    unit: Name
    tag: Name
    observed_at: UtcTime
    value: float | None
    quality: Quality = "good"


class BatchEvent(Record, tag="batch-event/1", frozen=True, kw_only=True):
    """What the manufacturing execution system says of a batch; it concerns the scans observed from ``at`` on."""

    event: Literal["started", "phase_started", "ended", "released", "rejected"]
    batch_id: Name
    unit: Name
    at: UtcTime
    product: Label | None = None
    recipe: Label | None = None
    phase: Label | None = None
    material_lots: Annotated[dict[Label, Label], Meta(max_length=1000)] = {}


class LabResult(Record, tag="lab-result/1", frozen=True, kw_only=True):
    """One off-line assay: a delayed label for predictions."""

    batch_id: Name
    unit: Name
    analyte: Name
    value: float
    unit_of_measure: Label
    sampled_at: UtcTime
    reported_at: UtcTime


class OperatorAction(Record, tag="operator-action/1", frozen=True, kw_only=True):
    """What a person does about a deviation: the only way a screen changes anything."""

    action: Literal["acknowledge", "shelve", "unshelve", "comment"]
    deviation_id: DeviationId
    unit: Name
    by: Name
    at: UtcTime
    reason: Text | None = None
    until: UtcTime | None = None  # of a shelving


class Statistic(Record, frozen=True, kw_only=True):
    """The statistic that raised a deviation, and its limit (both dimensionless)."""

    name: str
    value: float
    limit: float


class Contributor(Record, frozen=True, kw_only=True):
    """One tag's part in a deviation, most responsible first."""

    tag: str
    share: Share
    observed: float | None = None  # in unit_of_measure
    expected: float | None = None  # in unit_of_measure
    z: float | None = None  # (observed - expected) / scale, dimensionless
    unit_of_measure: str = ""


class Evidence(Record, frozen=True, kw_only=True):
    """Where the scans lie that raised a deviation."""

    topic: str
    partition: int
    first_offset: int
    last_offset: int


class Deviation(Record, tag="deviation/1", frozen=True, kw_only=True):
    """An alarm with a life; every change of state is a new revision of the same ``deviation_id``."""

    deviation_id: DeviationId
    revision: Annotated[int, Meta(ge=1)]
    state: State
    category: Category
    grade: Grade
    priority: Priority
    unit: Name
    twin: Name
    cause: str  # what raised it, e.g. "process", "sensor:ph", "quiet"
    message: str
    since_at: UtcTime  # first scan of the run over its limit
    raised_at: UtcTime
    changed_at: UtcTime  # when this revision's state began, in event time
    batch_id: str | None = None
    product: str | None = None
    phase: str | None = None
    raised_age_s: float | None = None  # batch age
    cleared_at: UtcTime | None = None
    cleared_age_s: float | None = None
    statistic: Statistic | None = None
    contributors: tuple[Contributor, ...] = ()
    by: str | None = None  # who acted, where a person made this revision
    comment: str | None = None
    shelved_until: UtcTime | None = None
    reference: str | None = None  # "name@version"
    config_sha256: str = ""
    evidence: Evidence | None = None


class Score(Record, tag="score/1", frozen=True, kw_only=True):
    """How one unit stands, once per score interval of event time, and when its batch starts or ends."""

    unit: Name
    at: UtcTime
    twin: Name
    batch_id: str | None = None  # none: no batch is running
    product: str | None = None
    phase: str | None = None
    age_s: float | None = None
    maturity: float | None = None  # 0 to 1
    grade: Grade | None = None
    learning: bool = False  # cold start: not ready to judge
    t2: float | None = None
    t2_limit: float | None = None
    spe: float | None = None
    spe_limit: float | None = None
    worst: tuple[Contributor, ...] = ()
    unfit_sensors: tuple[str, ...] = ()
    disagreement: Share | None = None  # share of late scans in which reference and learner disagreed; none: cold start
    reference: str | None = None
    revision: int = 0  # above 0: the score's time is not later than that of every score before


class Prediction(Record, tag="prediction/1", frozen=True, kw_only=True):
    """A value predicted for a running batch (soft sensors, time to limit, harvest: later)."""

    unit: Name
    batch_id: Name
    at: UtcTime
    quantity: Name
    value: float
    unit_of_measure: str


class Origin(Record, frozen=True, kw_only=True):
    """Where a message came from."""

    topic: str
    partition: int
    offset: int


class Rejected(Record, frozen=True, kw_only=True):
    """A message that could not be used: a dead letter, with the reason and the original bytes."""

    reason: str  # one of models.records.errors.REASONS
    detail: str
    raw: bytes
    origin: Origin
    key: str | None = None


class Remark(Record, frozen=True, kw_only=True):
    """Something counted and logged that is neither a deviation nor a dead letter (a late batch event)."""

    unit: str
    kind: str  # one of models.records.errors.REMARKS
    detail: str  # "": counted, and not logged again
    count: Annotated[int, Meta(ge=1)] = 1


class Tick(Record, frozen=True, kw_only=True):
    """The source's word that it is caught up and a unit has been still for a while (wall clock, at the edge)."""

    unit: str
    kind: Literal["settled", "quiet"]
    still_s: float = 0.0  # how long no scan of the unit has arrived
    now_us: int | None = None  # the edge's and the broker's time, whichever is later: context up to it is due
    since_us: int | None = None  # of a silence that was raised before a restart: the newest scan before it


class Loss(Record, frozen=True, kw_only=True):
    """The source's word that messages were removed from a topic before they were read."""

    topic: str
    partition: int | None = None  # none: of all of them, the topic was made again
    first_offset: int = 0
    last_offset: int = -1  # before the first: how many is not known
    since_us: int = 0  # the broker's time of the last message read before, and of the first one after; 0: not known
    until_us: int = 0

    @property
    def count(self) -> int:
        """How many messages; 0: it is not known."""
        return self.last_offset - self.first_offset + 1


Inbound = Scan | Reading | BatchEvent | LabResult | OperatorAction | Deviation  # a deviation: to the learning flow
Context = BatchEvent | LabResult | OperatorAction | Deviation | Tick | Loss
Outbound = Deviation | Score | Rejected | Remark
