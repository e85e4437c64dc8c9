"""Partitions of a backlog side by side: nothing of one is given out before the others have been read as far.

A unit may be in several partitions: producers without a key, two gateways, partitions that were added. Live, its
messages come in the order in which they were sent; in a backlog each partition is fetched at its own pace. So what has
been fetched waits until every partition that is not read to its end has come to the same time (the broker's, of the
messages). A partition that gives nothing is not waited for without an end.
"""

import logging
import time
from collections import deque
from collections.abc import Iterator, Set
from heapq import heapify, heappop, heappush

from connectors.inputs.positions import Partition

LOG = logging.getLogger("patrol")
_MOST = 20_000  # messages of one partition that wait: it is not fetched from for so long
_NO_LIMIT = 2**63
_PATIENCE_S = 5.0  # wall clock without a message given out

Fetched = tuple[int, int, bytes | None, bytes]  # the broker's time, offset, value and key; no value: the end


class Merging:
    """What has been fetched and not given out yet."""

    def __init__(self) -> None:
        self._held: dict[Partition, deque[Fetched]] = {}
        self._reached: dict[Partition, int] = {}  # the newest time fetched
        self._given_s = time.monotonic()

    def __bool__(self) -> bool:
        """Whether anything waits."""
        return any(self._held.values())

    @property
    def full(self) -> set[Partition]:
        """Partitions of which enough waits."""
        return {place for place, held in self._held.items() if len(held) >= _MOST}

    def add(self, place: Partition, fetched: Fetched) -> None:
        """A message, or the end of a partition."""
        held = self._held.get(place)
        if held is None:
            held = self._held[place] = deque()
        held.append(fetched)
        self._reached[place] = max(self._reached.get(place, 0), fetched[0])

    def given(self, unfinished: Set[Partition], count: int) -> Iterator[tuple[Partition, Fetched]]:
        """At most so many, by time and each partition's in order, up to where all ``unfinished`` ones have come."""
        now_s = time.monotonic()
        if not self:
            self._given_s = now_s
            return
        limit_us = min((self._reached.get(place, -1) for place in unfinished), default=_NO_LIMIT)
        if limit_us < _NO_LIMIT and now_s - self._given_s > _PATIENCE_S:
            behind = min(unfinished, key=lambda place: self._reached.get(place, -1))
            LOG.warning("%s/%d gives nothing: the other partitions are not kept waiting for it", *behind)
            limit_us = _NO_LIMIT
        heads = [(held[0][0], place) for place, held in self._held.items() if held and held[0][0] <= limit_us]
        heapify(heads)
        while heads and count > 0:
            _, place = heappop(heads)
            held, bound_us = self._held[place], heads[0][0] if heads else limit_us
            self._given_s = now_s
            while held and count > 0 and held[0][0] <= bound_us:
                yield place, held.popleft()
                count -= 1
            if held and held[0][0] <= limit_us:
                heappush(heads, (held[0][0], place))

    def drop(self, places: Set[Partition] | None = None) -> None:
        """Forget what waits, of some partitions or of all: it is fetched again."""
        for place in set(self._held) if places is None else places:
            self._held.pop(place, None)
            self._reached.pop(place, None)
