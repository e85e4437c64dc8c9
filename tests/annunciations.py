"""What the tests of the alarm audit stand on: revisions of deviations, and the figures an audit makes of them."""

from collections.abc import Iterable

from models.alarms.audit import AlarmAudit
from models.alarms.figures import Figures
from models.records.messages import Deviation, Score
from tests.conftest import START, minute


def revision(number: int, state: str, m: float, name: str = "d1", **facts: object) -> Deviation:
    """One revision of a deviation raised at the shift's start unless said otherwise."""
    said = {"category": "process", "grade": "approved", "priority": "high", "unit": "BR-101", "cause": "process"}
    raised = facts.pop("raised", m if number == 1 else 0.0)
    return Deviation(
        deviation_id=name, revision=number, state=state, twin="small", message="", since_at=minute(raised),
        raised_at=minute(raised), changed_at=minute(m), **{**said, **facts},
    )  # fmt: skip


def once(m: float, name: str, **facts: object) -> Deviation:
    """A deviation raised at a minute, of a cause of its own."""
    return revision(1, "UNACK", m, name, cause=name, **facts)


def audited(records: Iterable[Deviation | Score], **rules: object) -> AlarmAudit:
    """An audit that has been told these."""
    audit = AlarmAudit(**rules)
    for record in records:
        audit.take(record)
    return audit


def over(records: Iterable[Deviation | Score], until: float, **rules: object) -> Figures:
    """The figures from the shift's start to a minute."""
    found = audited(records, **rules).figures(START, minute(until))
    assert found is not None
    return found
