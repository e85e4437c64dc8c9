"""The thin Bytewax logic around ``models.unit.watch``: it keeps a unit's watch, snapshots it and feeds it."""

from collections.abc import Callable, Iterable

from bytewax.operators import StatefulLogic

from flows.joint_judging import JointJudging, Pending
from models.records.block import Feed
from models.unit.watch import Watch

Watches = Callable[[str, bytes | None], Watch]  # unit, state to go on from -> its watch


class WatchLogic(StatefulLogic[Feed, Pending, bytes]):
    """Keeps one unit's watch.

    Parameters
    ----------
    watches
        Makes a unit's watch.
    joint_judging
        Judges what the units have handed in.
    state
        A snapshot to go on from; None: a new unit.
    """

    def __init__(self, watches: Watches, joint_judging: JointJudging, state: bytes | None) -> None:
        self._watches, self._joint_judging, self._state = watches, joint_judging, state
        self._watch: Watch | None = None  # made by the first feed, which names the unit
        self._pending: Pending | None = None  # handed in last

    def on_item(self, value: Feed) -> tuple[Iterable[Pending], bool]:
        """Hand in what one poll brought for the unit."""
        if self._watch is None:
            self._watch = self._watches(value.unit, self._state)
        self._judge_outstanding()  # a unit's feeds are judged one after the other
        self._pending = self._joint_judging.submit(value, self._watch.coroutine(value))
        return [self._pending], StatefulLogic.RETAIN

    def snapshot(self) -> bytes:
        """The unit's state as bytes, all that was handed in judged."""
        self._judge_outstanding()
        if self._watch is None:
            return self._state or b""
        return self._watch.snapshot()

    def _judge_outstanding(self) -> None:
        if self._pending is not None:
            self._joint_judging.emitted(self._pending)
            self._pending = None
