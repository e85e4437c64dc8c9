"""Whether this process has stood still: stopped by a signal, or its machine by another.

Afterwards its clients' threads run again in any order, and scans may be there ahead of the context that was sent before
them. A busy flow is no standstill: the clients' threads go on beside it.
"""

import time
from threading import Event, Thread

_EVERY_S = 0.1
_STILL_S = 0.6


class Pulse:
    """A thread that beats."""

    def __init__(self) -> None:
        self._beat_s = time.monotonic()
        self._ended = Event()
        Thread(target=self._beat, name="pulse", daemon=True).start()

    def stood_still(self) -> bool:
        """Whether no beat has come for long; said once of each standstill."""
        still = time.monotonic() - self._beat_s > _STILL_S
        self._beat_s = time.monotonic() if still else self._beat_s
        return still

    def close(self) -> None:
        """End the thread."""
        self._ended.set()

    def _beat(self) -> None:
        while not self._ended.wait(_EVERY_S):
            self._beat_s = time.monotonic()
