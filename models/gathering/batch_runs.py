"""The batches of one unit as the plant's events tell of them, whatever order the events come in."""

from collections.abc import Iterator

import msgspec

from models.records.messages import BatchEvent
from models.records.times import to_us


class Run(msgspec.Struct, kw_only=True):
    """One batch on the unit: what is known of it so far, in the plant's time."""

    batch_id: str
    product: str | None = None
    started_us: int | None = None
    ended_us: int | None = None
    next_us: int | None = None  # the first start of another batch after this one's
    phases: list[tuple[str, int]] = []
    lost: str = ""  # why it can be no whole batch


class BatchRuns:
    """The batches that are not gathered yet.

    Parameters
    ----------
    runs
        What a snapshot kept.
    """

    def __init__(self, runs: dict[str, Run]) -> None:
        self.known = runs

    def take(self, event: BatchEvent) -> None:
        """One start, phase or end; of one that is told twice with other times the earlier stands."""
        at_us = to_us(event.at)
        run = self.known.setdefault(event.batch_id, Run(batch_id=event.batch_id))
        if event.event == "started":
            run.product = event.product or run.product
            run.started_us = at_us if run.started_us is None else min(at_us, run.started_us)
            self._order(run)
        elif event.event == "ended":
            run.ended_us = at_us if run.ended_us is None else min(at_us, run.ended_us)
        elif (phase := (event.phase or "", at_us)) not in run.phases:
            run.phases.append(phase)

    def due(self, reached_us: int) -> list[Run]:
        """The batches that ended by then, in order of their ends."""
        ended = [run for run in self.known.values() if run.ended_us is not None and run.ended_us <= reached_us]
        return sorted(ended, key=lambda run: run.ended_us or 0)

    def before(self, run: Run) -> Iterator[Run]:
        """The batches without an end that began before a whole one did."""
        for other in list(self.known.values()):
            began_us = _began(other)
            if other.ended_us is None and began_us is not None and began_us < (run.started_us or 0):
                yield other

    def oldest(self) -> Run | None:
        """The batch whose scans have to be kept longest; None: no batch has begun."""
        begun = [run for run in self.known.values() if run.started_us is not None and not run.lost]
        return min(begun, key=lambda run: run.started_us or 0, default=None)

    # -- inside --------------------------------------------------------------------------------------------------

    def _order(self, run: Run) -> None:
        """Which batch comes after which: scans are of the one that started last."""
        for other in self.known.values():
            for first, second in ((run, other), (other, run)):
                if first.started_us is None or second.started_us is None or second.started_us <= first.started_us:
                    continue
                first.next_us = second.started_us if first.next_us is None else min(first.next_us, second.started_us)


def _began(run: Run) -> int | None:
    return min([at_us for _, at_us in run.phases], default=None) if run.started_us is None else run.started_us
