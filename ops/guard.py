"""A flow that can neither go on nor end ends its process, with a message and an exit code.

Bytewax runs a flow in threads of its own. When its recovery store is gone, or a panic has ended one of them, the others
may go on for ever, deaf to signals.
"""

import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from connectors.kafka.stop import Stop
from connectors.store.recovery import is_there
from models.records.errors import DeliveryError, RecoveryError

LOG = logging.getLogger("patrol")
_LOOK_S = 1.0
_LEAST_DRAIN_S = 30.0  # beside what stopping may wait for deliveries


@contextmanager
def guarded(folder: Path, stop: Stop, drain_s: float) -> Iterator[None]:
    """End the process when the recovery folder goes while a flow runs, or when a flow that is to stop does not.

    Parameters
    ----------
    folder
        The recovery store.
    stop
        Says when the flow is to stop.
    drain_s
        Seconds that stopping may wait for deliveries.
    """
    over = threading.Event()

    def look() -> None:
        asked_s: float | None = None
        while not over.wait(_LOOK_S):
            if not is_there(folder):
                end(RecoveryError.exit_code, f"recovery store {folder} is gone, and nothing can be kept: restore it")
            asked_s = time.monotonic() if stop.requested and asked_s is None else asked_s
            if asked_s is not None and time.monotonic() - asked_s > drain_s + _LEAST_DRAIN_S:
                end(DeliveryError.exit_code, f"the flow did not drain within {drain_s + _LEAST_DRAIN_S:g} s")

    threading.Thread(target=look, name="guard", daemon=True).start()
    try:
        yield
    finally:
        over.set()


def end(code: int, message: str) -> None:
    """End the process at once: whatever threads are left, they hold nothing that is not in the store or on Kafka."""
    LOG.error("%s", message)
    logging.shutdown()
    os._exit(code)
