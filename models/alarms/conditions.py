"""Deviations of the context: what is wrong with the batch record rather than with the batch.

Each condition is raised once, in event time, and cleared by what ends it.
"""

from collections.abc import Iterator
from typing import Any

from models.alarms.deviations import DeviationRegister
from models.alarms.occurrence import Occurrence
from models.records.block import Block
from models.records.messages import Deviation, Evidence, Loss, Tick
from models.records.subject import BatchContext, Subject
from models.records.times import to_time, to_us

_NO_SCAN = "no scan"

LOST = "lost-messages"  # the cause of a loss


class Conditions:
    """The context conditions of one unit, raised and cleared in its register."""

    def __init__(self, subject: Subject, register: DeviationRegister) -> None:
        self._subject, self._register = subject, register
        self.unwatched_us: int | None = None  # first scan of those without a batch

    def quiet(
        self, batch_context: BatchContext, newest_us: int, still_s: float, why: str = _NO_SCAN
    ) -> Iterator[Deviation]:
        """No scan that can be used has come for ``still_s`` seconds."""
        text = f"{why} for {still_s:g} s: the unit is not watched"
        yield from self._raise("quiet", text, batch_context, (newest_us, newest_us + int(still_s * 1e6)))

    def scans_resumed(self, batch_context: BatchContext, at_us: int) -> Iterator[Deviation]:
        """A scan has come."""
        yield from self._clear("quiet", batch_context, at_us)

    def unwatched(self, batch_context: BatchContext, scans: Block) -> Iterator[Deviation]:
        """Scans come from a unit on which no batch is known to run."""
        if self.unwatched_us is None:
            self.unwatched_us = int(scans.observed_us[0])
        after_s = self._subject.twin.context.no_batch_after_s
        due_us = self.unwatched_us + int(after_s * 1e6)
        row = int(scans.observed_us.searchsorted(due_us))
        if after_s > 0 and row < len(scans) and self._register.active("no-batch") is None:
            text = "scans come but no batch is known to run: they are not judged"
            yield from self._raise("no-batch", text, batch_context, (self.unwatched_us, int(scans.observed_us[row])))

    def watched_again(self, batch_context: BatchContext, at_us: int) -> Iterator[Deviation]:
        """A batch starts."""
        self.unwatched_us = None
        yield from self._clear("no-batch", batch_context, at_us)

    def overlap(self, batch_context: BatchContext, at_us: int, before: str | None) -> Iterator[Deviation]:
        """A batch was started while another was running."""
        text = f"started while {before} had not ended; {before} is taken to have ended"
        yield from self._raise("overlap", text, batch_context, (at_us, at_us))

    def overlap_over(self, batch_context: BatchContext, at_us: int) -> Iterator[Deviation]:
        """The end of the batch before has been reported after all."""
        yield from self._clear("overlap", batch_context, at_us)

    def unknown_product(self, batch_context: BatchContext, at_us: int) -> Iterator[Deviation]:
        """Nothing is known of the batch's product."""
        text = f"no reference for product {batch_context.product}: the batch is not judged"
        yield from self._raise("unknown-product", text, batch_context, (at_us, at_us))

    def clock_set(self, batch_context: BatchContext, at_us: int, before_us: int) -> Iterator[Deviation]:
        """The unit's clock was set; a moment, so it clears at once and waits for acknowledgement."""
        way = "back" if at_us < before_us else "forward"
        text = f"clock set {way} from {to_time(before_us):%Y-%m-%d %H:%M:%S} UTC; ages go on from there"
        yield from self._raise("clock", text, batch_context, (at_us, at_us))
        yield from self._clear("clock", batch_context, at_us)

    def lost(self, batch_context: BatchContext, at_us: int, loss: Loss) -> Iterator[Deviation]:
        """Messages were removed before they were read: a moment, and each loss is a deviation of its own."""
        count, place = (f"{loss.count} message(s)", f"{loss.topic}/{loss.partition}")
        if not loss.count:
            count, place = "messages, how many is not known,", loss.topic
        known = (("after", loss.since_us), ("before", loss.until_us))
        sent = " and ".join(f"{when} {to_time(us):%Y-%m-%d %H:%M:%S} UTC" for when, us in known if us)
        text = f"{count} of {place}{f' (sent {sent})' if sent else ''} were removed before they were read: not judged"
        evidence = None
        if loss.count and loss.partition is not None:
            evidence = Evidence(
                topic=loss.topic,
                partition=loss.partition,
                first_offset=loss.first_offset,
                last_offset=loss.last_offset,
            )
        yield from self._raise(LOST, text, batch_context, (at_us, at_us), joins=False, evidence=evidence)
        yield from self._clear(LOST, batch_context, at_us)

    def overdue(
        self, batch_context: BatchContext, scans: Block, expected_s: float | None
    ) -> Iterator[tuple[int, Deviation]]:
        """The batch is far older than any released batch became: from which of the scans on."""
        if expected_s is None or batch_context.started_us is None:
            return
        limit_s = expected_s * self._subject.twin.context.overdue_factor
        due_us = batch_context.started_us + int(limit_s * 1e6)
        if scans.observed_us[-1] > due_us and self._register.active("overdue") is None:
            row = int(scans.observed_us.searchsorted(due_us, side="right"))
            text = f"older than {limit_s / 3600:.1f} h, and no end has been said"
            at_us = int(scans.observed_us[row])
            yield from ((row, revision) for revision in self._raise("overdue", text, batch_context, (at_us, at_us)))

    # -- inside -----------------------------------------------------------------------------------------------

    def _raise(
        self, cause: str, text: str, batch_context: BatchContext, since_at_us: tuple[int, int], **more: Any
    ) -> Iterator[Deviation]:
        since_us, at_us = since_at_us
        occurrence = Occurrence(
            cause=cause,
            finding=cause,
            category="context",
            grade="approved",
            since_us=since_us,
            at_us=at_us,
            text=text,
            **more,
        )
        revision = self._register.raise_(occurrence, batch_context)
        if revision is not None:
            yield revision

    def _clear(self, cause: str, batch_context: BatchContext, at_us: int) -> Iterator[Deviation]:
        revision = self._register.clear(cause, at_us, batch_context)
        if revision is not None:
            yield revision


def silence_of(revision: Deviation) -> Tick | None:
    """The tick that raised a ``quiet`` deviation, to be met again after a restart; None: it was raised by no tick.

    A tick follows from the wall clock, so scans judged again do not bring it back; what was emitted does.
    """
    by_tick = revision.cause == "quiet" and f"{_NO_SCAN} for " in revision.message
    if not by_tick or revision.by is not None or revision.cleared_at is not None:
        return None
    still_us = to_us(revision.raised_at) - to_us(revision.since_at)
    since_us = to_us(revision.changed_at) - still_us
    return Tick(unit=revision.unit, kind="quiet", still_s=still_us / 1e6, since_us=since_us)
