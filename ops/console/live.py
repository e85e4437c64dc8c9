"""Server-sent events: all there is at first, then what changes, and a pulse that says how things stand."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from ops.console.feeding import Feeding

_LOOK_S = 0.1  # between two looks for changes: well below a second, and many changes become one message
_PULSE_S = 2.0  # the page calls itself stale when it misses three
MOST_STREAMS, MOST_OF_ONE = 200, 40  # at once: of all, and of one person, who must not shut out the others


async def events(feeding: Feeding, welcome: Callable[[], bool], ending: Callable[[], bool]) -> AsyncIterator[bytes]:
    """The stream of one page.

    Parameters
    ----------
    feeding
        Knows the plant.
    welcome
        Whether whoever asked may still see it; asked at every pulse.
    ending
        Whether the server is about to stop.
    """
    loop = asyncio.get_running_loop()
    seen, pulse_s = 0, float("-inf")
    while not ending():
        version = feeding.plant.version
        if seen == 0 or version != seen:
            kind = "change" if seen else "all"
            changes = feeding.plant.since(seen)
            seen = changes["version"]
            yield event(kind, changes)
        if loop.time() - pulse_s >= _PULSE_S:
            pulse_s = loop.time()
            if not welcome():
                yield event("goodbye", {})
                return
            yield event("pulse", feeding.plant.pulse() | {"live": feeding.live, "failed": feeding.failed})
        await asyncio.sleep(_LOOK_S)


def event(kind: str, data: dict[str, Any]) -> bytes:
    r"""One event on the wire.

    Examples
    --------
    >>> event("pulse", {"live": True})
    b'event: pulse\ndata: {"live":true}\n\n'
    """
    return b"event: " + kind.encode() + b"\ndata: " + msgspec.json.encode(data) + b"\n\n"
