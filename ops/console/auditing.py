"""The alarm system's own figures (``models.alarms.audit``), for the page: a month's, or one batch's."""

import threading
from typing import Any

import msgspec

from models.alarms.audit import AlarmAudit, report
from models.records.messages import Deviation, Score
from models.records.twin import Alarms


class Auditing:
    """Fed by one thread, asked by others.

    Parameters
    ----------
    alarms
        The twin's alarm rules.
    """

    def __init__(self, alarms: Alarms) -> None:
        self._audit, self._lock = AlarmAudit(alarms), threading.Lock()

    def take(self, record: Deviation | Score) -> None:
        """Note what PATrol has said."""
        with self._lock:
            self._audit.take(record)

    def content(self, batch_id: str | None) -> dict[str, Any] | None:
        """The figures of a batch, or of all that is kept, beside what ISA-18.2 recommends; None: nothing is known."""
        with self._lock:
            found = self._audit.figures() if batch_id is None else self._audit.of_batch(batch_id)
            batches = self._audit.batches[::-1]
        if found is None:
            return None
        return {"lines": report(found), "figures": msgspec.to_builtins(found), "batches": batches}
