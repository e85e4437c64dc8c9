"""Loops over scans that do not depend on one another: cut in pieces, which two threads take in turn.

Machine code (``models.arrays.compiled``) holds no lock, so that both run at once. Which thread does a scan changes no
bit.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

PIECE = 128  # scans
_LEAST_SCANS = 4 * PIECE  # below, waking the other thread costs more than it saves
_OTHER = ThreadPoolExecutor(max_workers=1, thread_name_prefix="pieces")


def in_pieces(loop: Callable[[slice], object], scans: int) -> None:
    """Run a loop over all scans; called with a slice, it fills those rows of its output.

    The other thread helps as far as a core is free for it; nothing waits for more than the piece it is at.
    """
    if scans < _LEAST_SCANS:
        loop(slice(0, scans))
        return
    pieces = iter([slice(start, start + PIECE) for start in range(0, scans, PIECE)])

    def work() -> None:
        for piece in pieces:
            loop(piece)

    other = _OTHER.submit(work)
    work()
    if not other.cancel():
        other.result()
