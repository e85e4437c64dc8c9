"""What has been seen so far, held against the truth that only the simulated plant knows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from models.records.messages import Deviation, Score
from models.records.times import to_us
from ops.demo.campaign import CampaignBatch
from ops.plant.faults import Fault

ACTIVE = ("UNACK", "ACKED")


@dataclass(slots=True)
class Injected:
    """One injected fault and what became of it."""

    unit: str
    batch_id: str
    fault: Fault
    at_us: int  # event time of its start
    begun_s: float | None = None  # wall clock (seconds of the show) at which its first scan was published
    found: Deviation | None = None  # the first process or sensor deviation of its batch from then on
    found_s: float | None = None  # wall clock

    @property
    def delay_h(self) -> float | None:
        """Batch time from the fault's start to the deviation."""
        return None if self.found is None else (to_us(self.found.raised_at) - self.at_us) / 3.6e9

    @property
    def delay_wall_s(self) -> float | None:
        """Wall clock from the publishing of its first scan to the deviation on the screen."""
        return None if self.found_s is None or self.begun_s is None else self.found_s - self.begun_s

    @property
    def called_rightly(self) -> bool:
        """Whether the deviation says rightly whether it is the process or a sensor, and which sensor."""
        if self.found is None or self.found.category != self.fault.category:
            return False
        return self.fault.category == "process" or self.found.cause == f"sensor:{self.fault.tag}"


@dataclass(slots=True)
class UnitNow:
    """How one unit stands."""

    unit: str
    batch_id: str | None = None
    score: Score | None = None
    done: int = 0  # batches ended


@dataclass(slots=True)
class DemoResults:
    """All that was published and all that came back."""

    units: dict[str, UnitNow]
    injected: list[Injected] = field(default_factory=list)
    deviations: dict[str, Deviation] = field(default_factory=dict)  # newest revision by id, oldest first
    raised_s: dict[str, float] = field(default_factory=dict)  # deviation_id -> wall clock
    last_s: float = 0.0  # wall clock at which something last came
    scans: int = 0  # published
    batches: int = 0  # ended

    def expect(self, batches: Iterable[CampaignBatch]) -> None:
        """Learn what is going to go wrong."""
        for campaign_batches in batches:
            for fault in campaign_batches.faults:
                at_us = campaign_batches.run.started_us + int(fault.start_s * 1e6)
                self.injected.append(Injected(campaign_batches.run.unit, campaign_batches.batch_id, fault, at_us))

    def published(self, unit: str, at_us: int, now_s: float) -> list[Injected]:
        """A scan of a unit is out; the faults that begin with it."""
        self.scans += 1
        begun = [
            each
            for each in self.injected
            if each.begun_s is None
            and each.unit == unit
            and each.at_us <= at_us
            and self.units[unit].batch_id == each.batch_id
        ]
        for each in begun:
            each.begun_s = now_s
        return begun

    def take(self, record: Deviation | Score, now_s: float) -> bool:
        """A record has come back; whether it is a deviation that is new or has changed."""
        self.last_s = now_s
        if isinstance(record, Score):
            if record.unit in self.units:
                self.units[record.unit].score = record
            return False
        before = self.deviations.get(record.deviation_id)
        if before is not None and before.revision >= record.revision:
            return False
        self.deviations[record.deviation_id] = record
        self.raised_s.setdefault(record.deviation_id, now_s)
        match = self.match(record)
        if match is not None and match.found is None and record.grade == "approved":
            match.found, match.found_s = record, now_s
        return True

    def match(self, deviation: Deviation) -> Injected | None:
        """The injected fault a deviation can be about: one that had begun in its batch; context has none."""
        if deviation.category == "context":
            return None
        raised_us = to_us(deviation.raised_at)
        where = (deviation.unit, deviation.batch_id)
        fits = (e for e in self.injected if (e.unit, e.batch_id) == where and e.at_us <= raised_us)
        return next(fits, None)

    def acting(self, unit: UnitNow) -> Injected | None:
        """The fault that acts on a unit now."""
        fits = (
            e for e in self.injected if e.begun_s is not None and (e.unit, e.batch_id) == (unit.unit, unit.batch_id)
        )
        return next(fits, None)

    @property
    def begun(self) -> list[Injected]:
        """The faults that were really injected so far."""
        return [each for each in self.injected if each.begun_s is not None]

    @property
    def false_alarms(self) -> list[Deviation]:
        """Process and sensor deviations of approved grade that no injected fault explains."""
        return [d for d in self._unexplained() if d.grade == "approved"]

    @property
    def false_notes(self) -> list[Deviation]:
        """Advisory ones: what only the learner that runs beside the reference saw."""
        return [d for d in self._unexplained() if d.grade == "advisory"]

    def open(self) -> Sequence[Deviation]:
        """Deviations whose condition is there now, the newest first."""
        return [d for d in reversed(self.deviations.values()) if d.state in ACTIVE]

    def _unexplained(self) -> list[Deviation]:
        return [d for d in self.deviations.values() if d.category != "context" and self.match(d) is None]
