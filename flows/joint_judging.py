"""Feeds of several units judged in one go: logics hand them in, and the next step takes what was emitted.

Bytewax gives each unit's logic its feeds one by one. All that one poll brought has been handed in when the step behind
asks for the first of it; then everything is judged side by side (``models.unit.coroutines``). A snapshot settles first
what is outstanding, so that a state and what has been emitted always belong together.
"""

from collections.abc import Callable
from dataclasses import dataclass

import bytewax.operators as op
from bytewax.operators import KeyedStream

from models.records.block import Feed
from models.records.messages import Outbound
from models.unit.coroutines import UnitCoroutine, run_coroutines


@dataclass(eq=False, slots=True)
class Pending:
    """A feed that was handed in."""

    feed: Feed
    coroutine: UnitCoroutine
    emitted: list[Outbound] | None = None  # None: not judged yet


class JointJudging:
    """What the units have handed in. ``patrol run`` has one worker thread a process, and no lock is held here.

    Parameters
    ----------
    judged
        Called with every feed once it has been judged.
    """

    def __init__(self, judged: Callable[[Feed], None]) -> None:
        self._judged = judged
        self._open: list[Pending] = []

    def submit(self, feed: Feed, coroutine: UnitCoroutine) -> Pending:
        """A unit's feed; nothing else of the unit may be outstanding."""
        pending = Pending(feed, coroutine)
        self._open.append(pending)
        return pending

    def judge_pending(self) -> None:
        """Judge all that is outstanding; where that fails, nothing of it counts as emitted."""
        outstanding, self._open = self._open, []
        for pending, emitted in zip(outstanding, run_coroutines([each.coroutine for each in outstanding]), strict=True):
            pending.emitted = emitted
            self._judged(pending.feed)

    def emitted(self, pending: Pending) -> list[Outbound]:
        """What the unit emits for a feed.

        Raises
        ------
        RuntimeError
            It was handed in together with one that could not be judged.
        """
        if pending.emitted is None:
            self.judge_pending()
        if pending.emitted is None:
            raise RuntimeError(f"unit {pending.feed.unit}: its feed was not judged, for one beside it failed")
        return pending.emitted


def all_emitted(pending: KeyedStream[Pending], joint_judging: JointJudging) -> KeyedStream[Outbound]:
    """What the units emit, keyed by unit; the first one taken has all judged that was handed in."""

    def emitted(batch: list[tuple[str, Pending]]) -> list[tuple[str, Outbound]]:
        return [(unit, record) for unit, each in batch for record in joint_judging.emitted(each)]

    return op.flat_map_batch("emitted", pending, emitted)
