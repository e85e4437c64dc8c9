"""The one flag that drains a flow: set by SIGTERM and SIGINT, read by every source."""

import signal
from threading import Event
from types import FrameType


class Stop:
    """Asked to stop: sources end, what was consumed is processed, snapshots are written, exit 0.

    (Bytewax dies at once of a plain SIGTERM, without closing or snapshotting.)
    """

    def __init__(self) -> None:
        self._event = Event()

    @property
    def requested(self) -> bool:
        """Whether the flow is to drain."""
        return self._event.is_set()

    def request(self) -> None:
        """Drain the flow."""
        self._event.set()

    def wait(self, timeout_s: float) -> bool:
        """Wait at most so long (wall clock) for the request; whether it came."""
        return self._event.wait(timeout_s)

    def install(self) -> None:
        """Drain on SIGTERM and SIGINT; call in the main thread."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._on_signal)

    def _on_signal(self, _signum: int, _frame: FrameType | None) -> None:
        self.request()
