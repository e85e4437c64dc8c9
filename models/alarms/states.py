"""Alarm states as ISA-18.2 has them: a table and a function.

References
----------
ANSI/ISA-18.2-2016, figure 3 (alarm state transition diagram); IEC 62682.
"""

from enum import StrEnum

from models.records.messages import State


class AlarmEvent(StrEnum):
    """What can happen to an alarm."""

    RAISE = "raise"  # the condition is there (its on-delay has passed)
    CLEAR = "clear"  # the condition is gone (its off-delay has passed)
    ACKNOWLEDGE = "acknowledge"
    SHELVE = "shelve"
    UNSHELVE_ACTIVE = "unshelve_active"  # shelving ends while the condition is there
    UNSHELVE_CLEAR = "unshelve_clear"  # shelving ends and the condition is gone


_NEXT: dict[tuple[State, AlarmEvent], State] = {
    ("NORM", AlarmEvent.RAISE): "UNACK",
    ("UNACK", AlarmEvent.CLEAR): "RTNUN",
    ("UNACK", AlarmEvent.ACKNOWLEDGE): "ACKED",
    ("UNACK", AlarmEvent.SHELVE): "SHLVD",
    ("ACKED", AlarmEvent.CLEAR): "NORM",
    ("ACKED", AlarmEvent.SHELVE): "SHLVD",
    ("RTNUN", AlarmEvent.RAISE): "UNACK",
    ("RTNUN", AlarmEvent.ACKNOWLEDGE): "NORM",
    ("RTNUN", AlarmEvent.SHELVE): "SHLVD",
    ("SHLVD", AlarmEvent.UNSHELVE_ACTIVE): "UNACK",
    ("SHLVD", AlarmEvent.UNSHELVE_CLEAR): "NORM",
}


def advance(state: State, event: AlarmEvent) -> State:
    """The state after ``event``; the same state where the event changes nothing.

    Examples
    --------
    >>> advance("UNACK", AlarmEvent.ACKNOWLEDGE)
    'ACKED'
    >>> advance("SHLVD", AlarmEvent.RAISE)  # a shelved alarm stays out of sight
    'SHLVD'
    """
    return _NEXT.get((state, event), state)
