"""What raises a deviation: from the delays of statistics, or from a condition of the context."""

import msgspec

from models.records.messages import Category, Contributor, Evidence, Grade, Statistic


class Occurrence(msgspec.Struct, frozen=True, kw_only=True):
    """What raises a deviation: all but the unit and its batch context."""

    cause: str  # "process", "process:TAG", "sensor:TAG", or a context condition
    finding: str  # name of the statistic or condition
    category: Category
    grade: Grade
    since_us: int
    at_us: int
    statistic: Statistic | None = None
    contributors: tuple[Contributor, ...] = ()
    evidence: Evidence | None = None
    joins: bool = True  # the deviation that is open for the cause, or was a moment ago; else each is one of its own
    text: str = ""  # the message of a context condition; "": made from the rest
