"""The thin Bytewax logic around ``models.watch``: it keeps a unit's watch, snapshots it and feeds it."""

from collections.abc import Callable, Iterable

from bytewax.operators import StatefulLogic

from models.block import Feed
from models.records import Outbound
from models.watch import Watch

Watches = Callable[[str, bytes | None], Watch]  # unit, state to go on from -> its watch


class WatchLogic(StatefulLogic[Feed, Outbound, bytes]):
    """Keeps one unit's watch.

    Parameters
    ----------
    watches
        Makes a unit's watch.
    judged
        Told of every feed once it has been judged (for the metrics).
    state
        A snapshot to go on from; None: a new unit.
    """

    def __init__(self, watches: Watches, judged: Callable[[Feed], None], state: bytes | None) -> None:
        self._watches, self._judged, self._state = watches, judged, state
        self._watch: Watch | None = None  # made by the first feed, which names the unit

    def on_item(self, value: Feed) -> tuple[Iterable[Outbound], bool]:
        """Judge what one poll brought for the unit."""
        if self._watch is None:
            self._watch = self._watches(value.unit, self._state)
        said = self._watch.step(value)
        self._judged(value)
        return said, StatefulLogic.RETAIN

    def snapshot(self) -> bytes:
        """The unit's state as bytes."""
        if self._watch is None:
            return self._state or b""
        return self._watch.snapshot()
