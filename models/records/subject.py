"""Who and what a deviation is about: the unit's constant part, and the batch that is running on it."""

import msgspec

from models.records.messages import Priority
from models.records.twin import Twin


class Subject(msgspec.Struct, frozen=True):
    """What is the same in every record of one unit."""

    unit: str
    twin: Twin
    config_sha256: str = ""

    def priority(self, category: str, grade: str) -> Priority:
        """The priority the twin's alarm rules give."""
        return self.twin.alarms.priority(category, grade)


class BatchContext(msgspec.Struct, frozen=True, kw_only=True):
    """What is running on the unit now; all None when nothing is."""

    batch_id: str | None = None
    product: str | None = None
    phase: str | None = None
    started_us: int | None = None  # event time of the batch's start
    reference: str | None = None  # "name@version"

    def age_s(self, at_us: int) -> float | None:
        """Batch age at ``at_us``, in seconds; None without a batch."""
        return None if self.started_us is None else (at_us - self.started_us) / 1e6
