"""Rate limits: so many a minute for each address or person, with a burst."""

import time
from collections import OrderedDict
from collections.abc import Callable

_MOST_KEYS = 10_000  # beyond that the one unused longest is forgotten


class RateLimit:
    """Token buckets by key.

    Parameters
    ----------
    a_minute
        So many on average.
    burst
        So many at once.
    clock
        Seconds, monotonic.

    Examples
    --------
    >>> limit = RateLimit(60, 2, clock=lambda: 0.0)
    >>> [limit.wait_s("10.0.0.1") for _ in range(3)]
    [0.0, 0.0, 1.0]
    """

    def __init__(self, a_minute: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._clock = a_minute / 60, burst, clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> tokens left, when that was

    def wait_s(self, key: str) -> float:
        """0: go on, one has been taken; else how long to wait (s)."""
        now = self._clock()
        left, since = self._left.get(key, (float(self._burst), now))
        left = min(self._burst, left + (now - since) * self._rate)
        wait_s = 0.0 if left >= 1 else (1 - left) / self._rate
        self._left[key] = (left - 1 if wait_s == 0 else left, now)
        self._left.move_to_end(key)
        if len(self._left) > _MOST_KEYS:
            self._left.popitem(last=False)
        return wait_s
